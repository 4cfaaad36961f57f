//! Pseudo huge pages after random histories: what is composed is the composition, joined or not.

use crate::world;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use terrace_addr::{AccessKind, Gpa, Hpa, PageSize, Span, convert};
use terrace_kernel::{NotJoined, Trap};
use terrace_policy::{Abilities, Placement};
use terrace_table::{Leaf, LeafFlags};
use world::change::{Change, change, make, placement};
use world::pseudo::{HOST_BLOCKS, Layers, MEMORY, Mover, To, huge, scattered, small};
use world::{BLOCK, base, number};

/// Blocks that the guest hypervisor maps.
const BLOCKS: u64 = 3;

#[derive(Debug, Clone, Copy)]
enum Write {
    Unmap,
    /// To another middle page.
    Remap(u64),
    Toggle(LeafFlags),
    /// What it was, written again.
    Same,
}

#[derive(Debug, Clone)]
enum Operation {
    /// All pages of a block are written, and come to their places in a block of the host.
    Gather {
        block: u64,
        to: u64,
    },
    Join {
        block: u64,
    },
    /// Both: what a policy does that has its way.
    GatherAndJoin {
        block: u64,
        to: u64,
    },
    Access {
        page: u64,
        kind: AccessKind,
        lower: Placement,
        /// The host's policy moves the page when it hears of it.
        to: Option<u64>,
    },
    Write {
        page: u64,
        write: Write,
    },
    /// The guest hypervisor makes one leaf of a block, or base pages of it.
    Huge {
        block: u64,
    },
    Small {
        block: u64,
    },
    /// The host changes something, and tells it in one way or the other.
    Lower {
        change: Change,
        looks: bool,
    },
    Synchronise,
    SynchroniseAddress {
        page: u64,
    },
    TrapTables,
    Clear,
}

fn operation() -> impl Strategy<Value = Operation> {
    let page = || (0..BLOCKS, prop_oneof![0_u64..4, 0..BLOCK]).prop_map(|(block, page)| block * BLOCK + page);
    let flag = prop::sample::select(vec![
        LeafFlags::WRITE,
        LeafFlags::EXECUTE,
        LeafFlags::ACCESSED,
        LeafFlags::DIRTY,
    ]);
    let write = prop_oneof![
        1 => Just(Write::Unmap),
        2 => (0..MEMORY).prop_map(Write::Remap),
        3 => flag.prop_map(Write::Toggle),
        1 => Just(Write::Same),
    ];
    let kind = prop::sample::select(AccessKind::ALL.to_vec());
    let to = prop_oneof![2 => Just(None), 1 => (0..HOST_BLOCKS * BLOCK).prop_map(Some)];
    prop_oneof![
        1 => (0..BLOCKS, 0..HOST_BLOCKS).prop_map(|(block, to)| Operation::Gather { block, to }),
        6 => (0..BLOCKS, 0..HOST_BLOCKS).prop_map(|(block, to)| Operation::GatherAndJoin { block, to }),
        3 => (0..BLOCKS).prop_map(|block| Operation::Join { block }),
        6 => (page(), kind, placement(), to)
            .prop_map(|(page, kind, lower, to)| Operation::Access { page, kind, lower, to }),
        5 => (page(), write).prop_map(|(page, write)| Operation::Write { page, write }),
        1 => (0..BLOCKS).prop_map(|block| Operation::Huge { block }),
        1 => (0..BLOCKS).prop_map(|block| Operation::Small { block }),
        4 => (change(), any::<bool>()).prop_map(|(change, looks)| Operation::Lower { change, looks }),
        2 => Just(Operation::Synchronise),
        2 => page().prop_map(|page| Operation::SynchroniseAddress { page }),
        1 => Just(Operation::TrapTables),
        1 => Just(Operation::Clear),
    ]
}

/// The layers, and what is known of them.
struct History {
    layers: Layers,
    joined: BTreeSet<u64>,
    /// Blocks whose tables were written since they were compared.
    unsync: BTreeSet<u64>,
    traps: bool,
    /// The leaves that were there at the last look.
    leaves: BTreeMap<u64, Leaf<Gpa, Hpa>>,
    /// How many pages were joined, and how many parted.
    counts: (u64, u64),
}

impl History {
    fn new() -> Self {
        let mut layers = Layers::mapped(BLOCKS);
        layers.shadow.serve(Abilities::NESTED);
        let (joined, unsync, leaves) = (BTreeSet::new(), BTreeSet::new(), BTreeMap::new());
        Self { layers, joined, unsync, traps: false, leaves, counts: (0, 0) }
    }

    fn apply(&mut self, operation: &Operation) {
        match *operation {
            Operation::Gather { block, to } => self.gather(block, to),
            Operation::Join { block } => self.join(block),
            Operation::GatherAndJoin { block, to } => {
                self.gather(block, to);
                self.join(block);
            }
            Operation::Access { page, kind, lower, to } => {
                let mut policy = Mover { fault: lower, ..Mover::new(to.map(To::Frame)) };
                // Without memory, and where nothing is mapped above, it comes to nothing.
                let _served = self.layers.serve(&mut policy, page, kind);
                self.lower_changed(to.is_some());
            }
            Operation::Write { page, write } => self.write(page, write),
            Operation::Huge { block } => {
                self.unmap_block(block);
                let trap = self.layers.map(huge(block), block * BLOCK, LeafFlags::everything());
                self.trapped(block * BLOCK, 2, trap);
            }
            Operation::Small { block } => {
                self.unmap_block(block);
                for page in block * BLOCK..(block + 1) * BLOCK {
                    let absent = self.layers.upper.probe(base(page)).unwrap_err();
                    let trap = self.layers.map(small(page), scattered(page), LeafFlags::everything());
                    self.trapped(page, absent, trap);
                }
            }
            Operation::Lower { ref change, looks } => {
                make(&mut self.layers.host, self.layers.vm.space(), change);
                self.lower_changed(looks);
            }
            Operation::Synchronise => {
                assert_eq!(self.layers.synchronise(), convert::count(self.unsync.len()));
                self.unsync.clear();
            }
            Operation::SynchroniseAddress { page } => {
                let Layers { host, vm, shadow, upper, .. } = &mut self.layers;
                shadow.synchronise_address(host, upper, vm, base(page));
                assert!(self.layers.leaf(page).is_none() || self.is_current(page), "page {page} is stale");
            }
            Operation::TrapTables => {
                self.layers.shadow.trap_tables();
                self.traps = true;
            }
            Operation::Clear => {
                let Layers { host, shadow, .. } = &mut self.layers;
                shadow.clear(host);
                self.unsync.clear();
            }
        }
        self.check();
    }

    fn gather(&mut self, block: u64, to: u64) {
        self.layers.gather(block, to);
        self.layers.lower_changed();
        self.heed_parted();
    }

    fn lower_changed(&mut self, looks: bool) {
        if looks {
            self.layers.follow_lower();
        } else {
            self.layers.lower_changed();
        }
    }

    fn write(&mut self, page: u64, write: Write) {
        let Some(leaf) = self.layers.upper.lookup(base(page)) else {
            let absent = self.layers.upper.probe(base(page)).unwrap_err();
            let trap = self.layers.map(small(page), scattered(page), LeafFlags::everything());
            return self.trapped(page, absent, trap);
        };
        let level = leaf.page.size().level();
        let size = leaf.page.size();
        let trap = match write {
            Write::Unmap => self.layers.unmap(leaf.page),
            Write::Remap(to) => {
                let to = to / size.base_pages() * size.base_pages();
                self.layers.replace(page, to, LeafFlags::everything())
            }
            Write::Toggle(flag) => self.layers.reflag(page, |flags| flags ^ flag),
            Write::Same => self.layers.reflag(page, |flags| flags),
        };
        self.trapped(page, level, trap);
    }

    fn unmap_block(&mut self, block: u64) {
        let leaves: Vec<_> = self.layers.upper.leaves(huge(block).into()).map(|leaf| leaf.page).collect();
        for page in leaves {
            let trap = self.layers.unmap(page);
            self.trapped(number(page.start()), page.size().level(), trap);
        }
    }

    /// A write trapped, or not, and what it had to take with it is gone.
    fn trapped(&mut self, page: u64, level: u32, trap: Trap) {
        let block = page / BLOCK;
        if level > 1 {
            assert_ne!(trap, Trap::Unsynced);
            let span = Span { start: huge(block).start(), bytes: PageSize::Size2M.bytes() };
            assert_eq!(
                self.layers.shadow.table.leaves(span).count(),
                0,
                "what block {block} led to is there"
            );
            self.unsync.remove(&block);
            return;
        }
        match trap {
            Trap::Unsynced => {
                assert!(!self.traps && self.unsync.insert(block), "{page:#x} went unsync");
            }
            Trap::Emulated => {
                assert!(self.traps || self.joined.contains(&block), "{page:#x} was emulated");
                assert_eq!(self.layers.leaf(page), None, "{page:#x} is there after its entry was written");
            }
            Trap::None => {
                let span = Span { start: huge(block).start(), bytes: PageSize::Size2M.bytes() };
                let shadowed = self.layers.shadow.table.leaves(span).count() > 0;
                assert!(self.unsync.contains(&block) || !shadowed, "{page:#x} did not trap");
            }
        }
        self.heed_parted();
    }

    /// Whether what is composed for a page is what both layers make of it.
    fn is_current(&self, page: u64) -> bool {
        let leaf = self.layers.shadow.table.lookup(base(page)).unwrap();
        let expected = self.layers.expected(page);
        expected.is_some_and(|(frame, allowed)| {
            frame == number(leaf.translate(base(page)))
                && allowed.contains(leaf.flags & LeafFlags::PERMISSIONS)
        })
    }

    /// Joins, and compares the answer with what a look at each page by itself says.
    fn join(&mut self, block: u64) {
        let expected = if self.joined.contains(&block) { Ok(()) } else { self.may_join(block) };
        let answer = self.layers.join(block);
        assert_eq!(answer, expected);
        if answer.is_ok() {
            self.counts.0 += u64::from(self.joined.insert(block));
            self.unsync.remove(&block);
        }
    }

    fn may_join(&self, block: u64) -> Result<(), NotJoined> {
        let Layers { upper, host, vm, .. } = &self.layers;
        let mut first = None;
        for part in 0..512 {
            let page = block * BLOCK + u64::from(part);
            let Some(leaf) = upper.lookup(base(page)) else { return Err(NotJoined::Absent { part }) };
            if leaf.page.size() != PageSize::Size4K {
                return Err(NotJoined::Ordinary);
            }
            let at = self.layers.process(number(leaf.frame));
            let lower = host.leaf(vm.space(), at).filter(|_| number(leaf.frame) < MEMORY);
            let Some(lower) = lower else { return Err(NotJoined::Unbacked { part }) };
            let frame = number(lower.translate(at));
            let allowed = leaf.flags & lower.flags & LeafFlags::PERMISSIONS;
            let (start, permissions) = *first.get_or_insert((frame, allowed));
            if start % BLOCK != 0 || frame != start + u64::from(part) {
                return Err(NotJoined::Scattered { part });
            }
            if allowed != permissions {
                return Err(NotJoined::Permissions { part });
            }
            if !leaf.flags.contains(LeafFlags::ACCESSED) {
                return Err(NotJoined::NotAccessed { part });
            }
            if allowed.contains(LeafFlags::WRITE) && !leaf.flags.contains(LeafFlags::DIRTY) {
                return Err(NotJoined::NotDirty { part });
            }
        }
        Ok(())
    }

    fn heed_parted(&mut self) {
        for page in self.layers.shadow.take_parted() {
            assert!(
                self.joined.remove(&(number(page.start()) / BLOCK)),
                "{page:?} was parted and not joined"
            );
            self.counts.1 += 1;
        }
    }

    /// What holds at every moment.
    fn check(&mut self) {
        self.heed_parted();
        let counts = self.layers.shadow.counts();
        assert_eq!((counts.joined, counts.parted), self.counts);
        let stale = self.layers.shadow.take_stale();
        let now = self.layers.shadow.table.all_leaves();
        let now: BTreeMap<_, _> = now.map(|leaf| (number(leaf.page.start()), leaf)).collect();
        for (page, old) in &self.leaves {
            let at = old.page.start().get();
            let is_stale = |span: &Span<Gpa>| {
                span.start.get() <= at && at + old.page.size().bytes() <= span.start.get() + span.bytes
            };
            let permissions = |leaf: &Leaf<Gpa, Hpa>| leaf.flags & LeafFlags::PERMISSIONS;
            let same = |new: &Leaf<Gpa, Hpa>| {
                (new.page, new.frame, permissions(new)) == (old.page, old.frame, permissions(old))
            };
            let kept = now.get(page).is_some_and(same);
            assert!(kept || stale.iter().any(is_stale), "{:?} changed and is not stale", old.page);
        }
        for leaf in now.values() {
            let first = number(leaf.page.start());
            let block = first / BLOCK;
            let upper = self.layers.upper.lookup(leaf.page.start());
            if self.joined.contains(&block) {
                assert_eq!(leaf.page, huge(block), "a part of a pseudo huge page");
                assert!(!self.unsync.contains(&block));
                assert_eq!(self.may_join(block), Ok(()), "it is joined, and may not be");
            } else {
                let unsync = self.unsync.contains(&block);
                if unsync {
                    continue;
                }
                let upper = upper.unwrap();
                let lower = self.layers.vm.backing(&self.layers.host, upper.translate(leaf.page.start()));
                let sizes = [Some(upper.page.size()), lower.map(|lower| lower.page.size())];
                let small = sizes.iter().all(|size| size.is_none_or(|size| leaf.page.size() <= size));
                assert!(small, "{:?} is larger than its parts, and not joined", leaf.page);
            }
            let parts = first..first + leaf.page.size().base_pages();
            for page in parts {
                assert!(self.is_current(page), "page {page:#x} under {:?} is stale", leaf.page);
            }
        }
        for &block in &self.joined {
            assert!(now.contains_key(&(block * BLOCK)), "block {block} was joined, and is gone");
        }
        self.leaves = now;
    }
}

#[test]
fn what_is_composed_is_the_composition_joined_or_not() {
    let (histories, joined, parted) = (Cell::new(0), Cell::new(0_u64), Cell::new(0_u64));
    let mut runner = TestRunner::new(Config { source_file: Some(file!()), ..world::config(128) });
    let operations = prop::collection::vec(operation(), 1..40);
    let result = runner.run(&operations, |operations| {
        let mut history = History::new();
        for operation in &operations {
            history.apply(operation);
        }
        history.apply(&Operation::Synchronise);
        histories.set(histories.get() + 1);
        joined.set(joined.get() + u64::from(history.counts.0 > 0));
        parted.set(parted.get() + u64::from(history.counts.1 > 0));
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    let (histories, joined, parted) = (histories.get(), joined.get(), parted.get());
    println!("{joined} of {histories} histories joined pages, {parted} parted some");
    assert!(3 * joined > histories && 3 * parted > histories, "{joined} and {parted} of {histories}");
}
