//! Random histories of a table, held against a plain map from pages to leaves.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use terrace_addr::{Addr, Gpa, Gva, Hpa, Page, PageSize, Space, Span};
use terrace_table::{
    Ept, Format, FrameSource, Leaf, LeafFlags, Levels, SimulatedMemory, Table, TableError, X86,
};

/// Table pages, counted: none is lost or given back twice.
#[derive(Default)]
struct Frames {
    next: u64,
    free: Vec<Addr<Hpa>>,
    out: usize,
    limit: usize,
}

impl FrameSource<Hpa> for Frames {
    fn take(&mut self) -> Option<Addr<Hpa>> {
        if self.out == self.limit {
            return None;
        }
        self.out += 1;
        self.free.pop().or_else(|| {
            self.next += 0x1000;
            Some(Addr::new(self.next))
        })
    }
    fn give_back(&mut self, frame: Addr<Hpa>) {
        assert!(!self.free.contains(&frame), "{frame:?} came back twice");
        self.out -= 1;
        self.free.push(frame);
    }
}

#[derive(Debug, Clone)]
enum Operation {
    Map {
        place: u64,
        size: PageSize,
        frame: u64,
        flags: u8,
    },
    Unmap {
        place: u64,
        size: PageSize,
    },
    Protect {
        place: u64,
        size: PageSize,
        flags: u8,
    },
    Replace {
        place: u64,
        size: PageSize,
        frame: u64,
        flags: u8,
    },
    Split {
        place: u64,
        size: PageSize,
    },
    Merge {
        place: u64,
        size: PageSize,
    },
    Clear {
        place: u64,
        size: PageSize,
        flags: u8,
    },
    Prune {
        place: u64,
    },
    /// Maps each base page of the 2M around a place to its part of an aligned frame, where nothing is mapped there.
    Fill {
        place: u64,
        frame: u64,
    },
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let size = || prop::sample::select(PageSize::ALL.to_vec());
    // A few 4K slots in a few 2M regions in a few 1G regions, in both halves: collisions are frequent. Half of the
    // places are in one region, so that what is remembered of it is used.
    let place = || {
        let all = (0..2_u64, 0..2_u64, 0..3_u64, 0..3_u64)
            .prop_map(|(h, g, m, k)| h << 47 | g << 30 | m << 21 | k << 12);
        prop_oneof![all, (0..3_u64).prop_map(|k| k << 12)]
    };
    let operation = prop_oneof![
        4 => (place(), size(), 0..8_u64, any::<u8>())
            .prop_map(|(place, size, frame, flags)| Operation::Map { place, size, frame, flags }),
        2 => (place(), size()).prop_map(|(place, size)| Operation::Unmap { place, size }),
        1 => (place(), size(), any::<u8>()).prop_map(|(place, size, flags)| Operation::Protect { place, size, flags }),
        1 => (place(), size(), 0..8_u64, any::<u8>())
            .prop_map(|(place, size, frame, flags)| Operation::Replace { place, size, frame, flags }),
        3 => (place(), size()).prop_map(|(place, size)| Operation::Split { place, size }),
        3 => (place(), size()).prop_map(|(place, size)| Operation::Merge { place, size }),
        1 => (place(), size(), any::<u8>()).prop_map(|(place, size, flags)| Operation::Clear { place, size, flags }),
        2 => place().prop_map(|place| Operation::Prune { place }),
        1 => (place(), 0..8_u64).prop_map(|(place, frame)| Operation::Fill { place, frame }),
    ];
    prop::collection::vec(operation, 1..40)
}

type Model<U> = BTreeMap<u64, Leaf<U, Hpa>>;

/// The flags that a leaf of format `F` keeps.
fn kept<F: Format>(flags: u8, size: PageSize) -> LeafFlags {
    F::leaf_flags(F::leaf_entry(Addr::<Hpa>::ZERO, size, LeafFlags::from_bits_truncate(flags)))
}

fn check<U: Space, F: Format>(format: F, history: &[Operation], limit: usize) -> Result<(), TestCaseError> {
    let mut frames = Frames { next: 1 << 40, limit, ..Frames::default() };
    let mut table: Table<U, F, _> =
        Table::new(format, SimulatedMemory::<Hpa>::new(), &mut frames).expect("a frame for the root");
    let mut model: Model<U> = BTreeMap::new();
    for operation in history {
        apply(&mut table, &mut model, &mut frames, operation)?;
        let found: Vec<_> = table.all_leaves().collect();
        let mut expected: Vec<_> = model.values().copied().collect();
        // The upper half of a virtual space comes last, and its addresses are the largest numbers.
        expected.sort_by_key(|leaf| leaf.page.start());
        prop_assert_eq!(&found, &expected, "after {:?}", operation);
        check_spans(&table, &expected)?;
        for leaf in &expected {
            for addr in [leaf.page.start(), leaf.page.start().offset_by(leaf.page.size().bytes() - 1)] {
                prop_assert_eq!(table.lookup(addr), Some(*leaf));
            }
        }
        // Where nothing is mapped nothing is found, wherever was mapped last.
        for place in (0..4_u64).map(|slot| slot << 12) {
            let addr = Addr::<U>::truncate(place);
            let mapped = expected.iter().find(|leaf| leaf.page.contains(addr));
            prop_assert_eq!(table.lookup(addr), mapped.copied());
            prop_assert_eq!(table.maps(addr), mapped.is_some());
            let ends = table.path(addr).last().map(|step| step.level);
            prop_assert_eq!(table.probe(addr).map_err(Some), mapped.copied().ok_or(ends));
        }
        prop_assert_eq!(table.memory().nodes(), frames.out, "every node has a frame, every frame a node");
    }
    Ok(())
}

/// Ranges that begin and end at leaves, within them and beside them: the leaves that they meet, and no other.
fn check_spans<U: Space, F: Format>(
    table: &Table<U, F, SimulatedMemory<Hpa>>,
    all: &[Leaf<U, Hpa>],
) -> Result<(), TestCaseError> {
    let some =
        || all.iter().step_by(all.len() / 4 + 1).map(|leaf| (leaf.page.start().get(), leaf.page.size()));
    let offsets = |size: PageSize| [0, 0x800, size.bytes() - 1, size.bytes(), size.bytes() + 0x3000];
    for ((first, first_size), (last, last_size)) in
        some().flat_map(|one| some().map(move |other| (one, other)))
    {
        for start in offsets(first_size).map(|offset| first + offset) {
            for end in offsets(last_size).map(|offset| last + offset) {
                // A range lies in one half of a virtual space.
                if start >= end || start >> 47 != end >> 47 {
                    continue;
                }
                let span = Span { start: Addr::truncate(start), bytes: end - start };
                let found: Vec<_> = table.leaves(span).collect();
                let meets = |leaf: &&Leaf<U, Hpa>| {
                    let at = leaf.page.start().get();
                    at < end && start <= at + (leaf.page.size().bytes() - 1)
                };
                let expected: Vec<_> = all.iter().filter(meets).copied().collect();
                prop_assert_eq!(found, expected, "{:x} to {:x}", start, end);
            }
        }
    }
    Ok(())
}

fn overlaps<U: Space>(model: &Model<U>, page: Page<U>) -> bool {
    model.values().any(|leaf| leaf.page.contains(page.start()) || page.contains(leaf.page.start()))
}

/// Maps each base page of a block to its part of the frame of 2M with this number, where nothing is mapped.
fn fill<U: Space, F: Format>(
    table: &mut Table<U, F, SimulatedMemory<Hpa>>,
    model: &mut Model<U>,
    frames: &mut Frames,
    block: Page<U>,
    number: u64,
) -> Result<(), TestCaseError> {
    if overlaps(model, block) {
        return Ok(());
    }
    for part in 0..512 {
        let at = part * PageSize::Size4K.bytes();
        let page = Page::containing(block.start().offset_by(at), PageSize::Size4K);
        let frame = Addr::new(number * PageSize::Size2M.bytes() + at);
        if table.map(page, frame, LeafFlags::WRITE, frames).is_err() {
            prop_assert_eq!(frames.out, frames.limit);
            return Ok(());
        }
        let flags = kept::<F>(LeafFlags::WRITE.bits(), PageSize::Size4K);
        model.insert(page.start().get(), Leaf { page, frame, flags });
    }
    Ok(())
}

fn apply<U: Space, F: Format>(
    table: &mut Table<U, F, SimulatedMemory<Hpa>>,
    model: &mut Model<U>,
    frames: &mut Frames,
    operation: &Operation,
) -> Result<(), TestCaseError> {
    let page = |place: u64, size| {
        Page::containing(
            Addr::<U>::truncate(place).canonical_if_virtual(table.format().levels().width()),
            size,
        )
    };
    match *operation {
        Operation::Map { place, size, frame, flags } => {
            let page = page(place, size);
            let frame = Addr::new(frame * size.bytes());
            match table.map(page, frame, LeafFlags::from_bits_truncate(flags), frames) {
                Ok(_) => {
                    prop_assert!(!overlaps(model, page));
                    model.insert(page.start().get(), Leaf { page, frame, flags: kept::<F>(flags, size) });
                }
                Err(TableError::Mapped { .. }) => prop_assert!(overlaps(model, page)),
                Err(TableError::NoFrame) => prop_assert_eq!(frames.out, frames.limit),
                Err(other) => prop_assert!(false, "{other}"),
            }
        }
        Operation::Unmap { place, size } => {
            let page = page(place, size);
            let expected = model.get(&page.start().get()).copied().filter(|leaf| leaf.page == page);
            if let Ok((leaf, effects)) = table.unmap(page) {
                prop_assert_eq!(Some(leaf), expected);
                prop_assert_eq!(effects.stale_spans(), &[page.into()]);
                model.remove(&page.start().get());
            } else {
                prop_assert_eq!(expected, None);
            }
        }
        Operation::Protect { place, size, flags } => {
            let page = page(place, size);
            if table.protect(page, LeafFlags::from_bits_truncate(flags)).is_ok() {
                let leaf = model.get_mut(&page.start().get()).expect("a leaf in the model");
                leaf.flags =
                    (kept::<F>(flags, size) & LeafFlags::PERMISSIONS) | (leaf.flags - LeafFlags::PERMISSIONS);
            }
        }
        Operation::Replace { place, size, frame, flags } => {
            let page = page(place, size);
            let frame = Addr::new(frame * size.bytes());
            if table.replace(page, frame, LeafFlags::from_bits_truncate(flags)).is_ok() {
                let leaf = model.get_mut(&page.start().get()).expect("a leaf in the model");
                (leaf.frame, leaf.flags) = (frame, kept::<F>(flags, size));
            }
        }
        Operation::Split { place, size } => {
            let page = page(place, size);
            if table.split(page, frames).is_ok() {
                let whole = model.remove(&page.start().get()).expect("a leaf in the model");
                let small = size.smaller().expect("a size that splits");
                for part in 0..512 {
                    let at = part * small.bytes();
                    let page = Page::containing(page.start().offset_by(at), small);
                    let leaf = Leaf { page, frame: whole.frame.offset_by(at), flags: whole.flags };
                    model.insert(page.start().get(), leaf);
                }
            }
        }
        Operation::Merge { place, size } => {
            let page = page(place, size);
            let parts: Vec<_> =
                model.values().copied().filter(|leaf| page.contains(leaf.page.start())).collect();
            let permissions = |leaf: &Leaf<U, Hpa>| leaf.flags & LeafFlags::PERMISSIONS;
            let uniform = parts.len() == 512
                && parts[0].frame.is_aligned(size)
                && parts.iter().zip(0..).all(|(leaf, number): (_, u64)| {
                    Some(leaf.page.size()) == size.smaller()
                        && leaf.frame == parts[0].frame.offset_by(number * leaf.page.size().bytes())
                        && permissions(leaf) == permissions(&parts[0])
                });
            prop_assert_eq!(table.merge(page, frames).is_ok(), uniform);
            if uniform {
                model.retain(|_, leaf| !page.contains(leaf.page.start()));
                let flags = parts.iter().fold(LeafFlags::empty(), |flags, leaf| flags | leaf.flags);
                model.insert(page.start().get(), Leaf { page, frame: parts[0].frame, flags });
            }
        }
        Operation::Clear { place, size, flags } => {
            let page = page(place, size);
            let which = LeafFlags::from_bits_truncate(flags) - LeafFlags::PERMISSIONS;
            if let Ok((found, _)) = table.clear_used(page, which) {
                let leaf = model.get_mut(&page.start().get()).expect("a leaf in the model");
                prop_assert_eq!(found, leaf.flags & which);
                leaf.flags -= which;
            }
        }
        Operation::Fill { place, frame } => fill(table, model, frames, page(place, PageSize::Size2M), frame)?,
        Operation::Prune { place } => {
            let _stale = table.prune(page(place, PageSize::Size4K).start(), frames);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn x86_tables_equal_a_plain_map(history in operations(), five: bool, limit in 1..40_usize) {
        let levels = if five { Levels::Five } else { Levels::Four };
        check::<Gva, X86>(X86::new(levels), &history, limit)?;
    }

    #[test]
    fn extended_tables_equal_a_plain_map(history in operations(), five: bool, limit in 1..40_usize) {
        let levels = if five { Levels::Five } else { Levels::Four };
        check::<Gpa, Ept>(Ept::new(levels), &history, limit)?;
    }
}

#[test]
fn an_address_beyond_the_levels_is_refused() {
    let mut frames = Frames { limit: 100, ..Frames::default() };
    let mut table: Table<Gva, X86, _> =
        Table::new(X86::new(Levels::Four), SimulatedMemory::<Hpa>::new(), &mut frames).unwrap();
    let page = Page::containing(Addr::new(1 << 48), PageSize::Size4K);
    assert_eq!(
        table.map(page, Addr::ZERO, LeafFlags::all_data(), &mut frames),
        Err(TableError::OutOfRange { addr: 1 << 48, levels: 4 })
    );
    assert_eq!(table.lookup(page.start()), None);
}

#[test]
fn a_misaligned_frame_is_refused() {
    let mut frames = Frames { limit: 100, ..Frames::default() };
    let mut table: Table<Gva, X86, _> =
        Table::new(X86::new(Levels::Four), SimulatedMemory::<Hpa>::new(), &mut frames).unwrap();
    let page = Page::containing(Addr::new(1 << 30), PageSize::Size2M);
    assert_eq!(
        table.map(page, Addr::new(0x1000), LeafFlags::all_data(), &mut frames),
        Err(TableError::Misaligned { frame: 0x1000, size: PageSize::Size2M })
    );
}
