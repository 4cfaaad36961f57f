//! Random histories: what L1, its guests and the host do, in turn.

use proptest::prelude::*;
use terrace_addr::AccessKind;
use terrace_table::LeafFlags;

use crate::places::Places;
use crate::policy::{BLOCKS, Deed, Habit, Mood};
use crate::world::BLOCK;
use crate::world::change::{Change, Into, change, placement};

/// Base pages of each guest.
pub(crate) const PAGES: u64 = 2 * BLOCK;
/// Pages of L1's memory that each guest may be given.
pub(crate) const POOL: u64 = 3 * BLOCK;
/// Pages of L1's memory: what its guests may be given, and its tables.
pub(crate) const MEMORY: u64 = 2 * POOL + BLOCK;

/// Which pages of L1's memory a guest is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Those of the one guest lie behind those of the other.
    Apart,
    /// They take turns.
    Mixed,
}

impl Layout {
    /// The page of L1's memory that is this one of those for a guest.
    pub(crate) fn middle(self, guest: usize, place: u64) -> u64 {
        let guest = terrace_addr::convert::count(guest);
        match self {
            Self::Apart => guest * POOL + place,
            Self::Mixed => 2 * place + guest,
        }
    }
}

/// In which order pages are taken from a block: a multiple of an odd number behind a first one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Order {
    pub(crate) odd: u64,
    pub(crate) first: u64,
}

impl Order {
    /// As they lie.
    pub(crate) const RISING: Self = Self { odd: 1, first: 0 };

    /// Where the page goes that comes after so many others.
    pub(crate) const fn place(self, number: u64) -> u64 {
        (number * self.odd + self.first) % BLOCK
    }
}

/// Which page of L1's memory a page of a guest is mapped to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    /// One of those for the guest.
    Own(u64),
    /// One that a guest has already: L1 merges the two, or has them share it.
    Shared { guest: usize, page: u64 },
    /// What is no memory.
    Outside,
}

/// How a block of 512 entries is filled.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fill {
    /// Which block of those for the guest.
    pub(crate) from: u64,
    pub(crate) order: Order,
    pub(crate) flags: LeafFlags,
}

#[derive(Debug, Clone)]
pub(crate) enum Operation {
    /// L1 writes an entry, whatever was there.
    Map { guest: usize, page: u64, target: Target, flags: LeafFlags },
    /// It writes all entries of a block, one by one.
    Fill { guest: usize, block: u64, fill: Fill, mood: Mood },
    /// It makes a table of 512 entries where nobody looks, and puts it behind a block with one write.
    Swing { guest: usize, block: u64, fill: Fill },
    /// It maps a block by one leaf, with one write.
    Large { guest: usize, block: u64, fill: Fill },
    /// It makes one leaf of 512 entries, which it writes first so that it may.
    Merge { guest: usize, block: u64, fill: Fill },
    /// It makes 512 entries of a leaf.
    Split { guest: usize, block: u64 },
    /// It clears the entry that holds a page.
    Unmap { guest: usize, page: u64 },
    /// It clears the entry that leads to a block.
    UnmapBlock { guest: usize, block: u64 },
    /// It changes the permissions of so many pages.
    Protect { guest: usize, page: u64, count: u64, flags: LeafFlags },
    /// It clears bits of use of so many pages.
    ClearUsed { guest: usize, page: u64, count: u64, which: LeafFlags },
    /// It invalidates all that is translated for a guest (INVEPT).
    Invalidate { guest: usize },
    /// It invalidates a page of a guest.
    InvalidatePage { guest: usize, page: u64 },
    /// L1 itself reads or writes its memory.
    Own { page: u64, kind: AccessKind },
    /// It gives back pages of its memory (a balloon).
    GiveBack { from: u64, count: u64 },
    /// A guest accesses a page; L1 maps it if it has to. By a cached translation, if there is one.
    Access { guest: usize, page: u64, kind: AccessKind, cached: Option<usize>, given: Target, mood: Mood },
    /// A guest accesses all that is mapped of a block, in this order.
    Sweep { guest: usize, block: u64, order: Order, kind: AccessKind, mood: Mood },
    /// L1 fills a block, with pages that it clears itself or that nobody has touched; its guest uses all of it, and the
    /// host puts each page to its place: what a pseudo huge page needs.
    Establish { guest: usize, block: u64, fill: Fill, order: Order, kind: AccessKind, clears: bool },
    /// L1 has a guest share all that another (or the same) has in a block, and both use it.
    Share { guest: usize, block: u64, from: (usize, u64), kind: AccessKind },
    /// The host changes its mappings.
    Host(Change),
    /// It puts a page into each block of memory, so that none is free, and collapses a block, for which it has to compact.
    Spread { place: u64 },
    /// It brings the pages of a block together, as NEMA's background does; to where they have been brought before, or
    /// anew elsewhere. It may ask for the pseudo huge page.
    Gather { guest: usize, block: u64, anew: bool },
    /// It is asked for a pseudo huge page.
    Join { block: u64 },
    /// A guest's composed table is thrown away.
    Clear { guest: usize },
}

/// Frames of the host: more than L1's memory, so that blocks are free for NEMA, and few enough that frames are used
/// again.
pub(crate) const FRAMES: u64 = 12 * BLOCK;

/// So few that the host runs out of memory now and then.
const FEW_FRAMES: u64 = 2 * BLOCK;

/// A history, and what holds for all of it.
#[derive(Debug, Clone)]
pub(crate) struct History {
    pub(crate) layout: Layout,
    /// Where the blocks of guests lie.
    pub(crate) places: Places,
    /// Frames of the host.
    pub(crate) frames: u64,
    /// Whether every write to a table of L1 that is shadowed traps.
    pub(crate) trap_tables: bool,
    /// Whether the host compares what it composed before it removes it.
    pub(crate) compares: bool,
    /// Whether the host is asked for every pseudo huge page after every operation.
    pub(crate) eager: bool,
    pub(crate) operations: Vec<Operation>,
}

fn guest() -> impl Strategy<Value = usize> {
    0_usize..2
}

fn block() -> impl Strategy<Value = u64> {
    prop_oneof![3 => Just(0), 1 => Just(1_u64)]
}

/// Few pages of each block, so that they meet again, and the last ones, too.
fn page() -> impl Strategy<Value = u64> {
    let place = prop_oneof![3 => 0_u64..4, 1 => BLOCK - 2..BLOCK, 2 => 0..BLOCK];
    (block(), place).prop_map(|(block, place)| block * BLOCK + place)
}

/// A page, some, or a whole block.
fn some_pages() -> impl Strategy<Value = (u64, u64)> {
    prop_oneof![
        3 => page().prop_map(|page| (page, 1)),
        1 => (page(), 1..BLOCK),
        1 => block().prop_map(|block| (block * BLOCK, BLOCK)),
    ]
}

fn kind() -> impl Strategy<Value = AccessKind> {
    prop_oneof![3 => Just(AccessKind::Load), 4 => Just(AccessKind::Store), 1 => Just(AccessKind::Fetch)]
}

/// Permissions, and now and then bits of use that were never earned.
fn flags() -> impl Strategy<Value = LeafFlags> {
    let permissions = prop_oneof![
        6 => Just(LeafFlags::everything()),
        2 => Just(LeafFlags::all_data()),
        2 => Just(LeafFlags::everything() - LeafFlags::WRITE),
        1 => Just(LeafFlags::READ | LeafFlags::USER),
    ];
    let used = prop_oneof![
        8 => Just(LeafFlags::empty()),
        1 => Just(LeafFlags::ACCESSED),
        1 => Just(LeafFlags::ACCESSED | LeafFlags::DIRTY),
    ];
    (permissions, used).prop_map(|(permissions, used)| permissions | used)
}

fn which() -> impl Strategy<Value = LeafFlags> {
    let both = LeafFlags::ACCESSED | LeafFlags::DIRTY;
    prop_oneof![Just(LeafFlags::ACCESSED), Just(LeafFlags::DIRTY), Just(both)]
}

fn order() -> impl Strategy<Value = Order> {
    prop_oneof![
        Just(Order::RISING),
        (0_u64..256, 0..BLOCK).prop_map(|(half, first)| Order { odd: 2 * half + 1, first }),
    ]
}

fn fill() -> impl Strategy<Value = Fill> {
    (0..POOL / BLOCK, order(), flags()).prop_map(|(from, order, flags)| Fill { from, order, flags })
}

fn target() -> impl Strategy<Value = Target> {
    prop_oneof![
        8 => (0..POOL).prop_map(Target::Own),
        2 => (guest(), page()).prop_map(|(guest, page)| Target::Shared { guest, page }),
        1 => Just(Target::Outside),
    ]
}

fn deed() -> impl Strategy<Value = Deed> {
    let into = prop_oneof![
        2 => Just(Into::InPlace),
        2 => Just(Into::Any),
        1 => (0_u64..10).prop_map(Into::At),
    ];
    prop_oneof![
        2 => Just(Deed::Nothing),
        3 => Just(Deed::Place),
        2 => Just(Deed::Move(None)),
        2 => (0..10 * BLOCK).prop_map(|frame| Deed::Move(Some(frame))),
        2 => (1..BLOCK).prop_map(Deed::Exchange),
        1 => into.prop_map(Deed::Collapse),
        2 => Just(Deed::Split),
        1 => (0_u64..3).prop_map(Deed::Join),
        2 => (0..BLOCKS).prop_map(Deed::TakeCleared),
        1 => (0..BLOCKS).prop_map(Deed::GiveCleared),
    ]
}

fn mood() -> impl Strategy<Value = Mood> {
    let habit = prop_oneof![Just(Habit::Stock), Just(Habit::Nema)];
    (habit, placement(), prop::collection::vec(deed(), 0..3), any::<bool>())
        .prop_map(|(habit, fault, deeds, insists)| Mood { habit, fault, deeds, insists })
}

fn establish() -> impl Strategy<Value = Operation> {
    // Mostly so that a pseudo huge page comes of it: stores, where stores are allowed.
    let fill = (fill(), any::<bool>()).prop_map(|(fill, stores)| Fill {
        flags: if stores { LeafFlags::everything() } else { fill.flags },
        ..fill
    });
    let kind = prop_oneof![3 => Just(AccessKind::Store), 1 => kind()];
    (guest(), block(), fill, order(), kind, any::<bool>()).prop_map(
        |(guest, block, fill, order, kind, clears)| Operation::Establish {
            guest,
            block,
            fill,
            order,
            kind,
            clears,
        },
    )
}

fn by_l1() -> impl Strategy<Value = Operation> {
    prop_oneof![
        6 => (guest(), page(), target(), flags())
            .prop_map(|(guest, page, target, flags)| Operation::Map { guest, page, target, flags }),
        1 => (guest(), block(), fill(), mood())
            .prop_map(|(guest, block, fill, mood)| Operation::Fill { guest, block, fill, mood }),
        1 => (guest(), block(), fill()).prop_map(|(guest, block, fill)| Operation::Swing { guest, block, fill }),
        1 => (guest(), block(), fill()).prop_map(|(guest, block, fill)| Operation::Large { guest, block, fill }),
        1 => (guest(), block(), fill()).prop_map(|(guest, block, fill)| Operation::Merge { guest, block, fill }),
        1 => (guest(), block()).prop_map(|(guest, block)| Operation::Split { guest, block }),
        3 => (guest(), page()).prop_map(|(guest, page)| Operation::Unmap { guest, page }),
        1 => (guest(), block()).prop_map(|(guest, block)| Operation::UnmapBlock { guest, block }),
        5 => (guest(), some_pages(), flags())
            .prop_map(|(guest, (page, count), flags)| Operation::Protect { guest, page, count, flags }),
        3 => (guest(), some_pages(), which())
            .prop_map(|(guest, (page, count), which)| Operation::ClearUsed { guest, page, count, which }),
        5 => guest().prop_map(|guest| Operation::Invalidate { guest }),
        2 => (guest(), page()).prop_map(|(guest, page)| Operation::InvalidatePage { guest, page }),
        4 => (0..2 * POOL, kind()).prop_map(|(page, kind)| Operation::Own { page, kind }),
        1 => (0..2 * POOL, prop_oneof![1_u64..8, 1..BLOCK])
            .prop_map(|(from, count)| Operation::GiveBack { from, count }),
    ]
}

fn by_guests() -> impl Strategy<Value = Operation> {
    let cached = prop_oneof![Just(None), any::<usize>().prop_map(Some)];
    prop_oneof![
        8 => (guest(), page(), kind(), cached, target(), mood()).prop_map(
            |(guest, page, kind, cached, given, mood)| Operation::Access { guest, page, kind, cached, given, mood }
        ),
        2 => (guest(), block(), (guest(), block()), prop_oneof![Just(AccessKind::Store), kind()])
            .prop_map(|(guest, block, from, kind)| Operation::Share { guest, block, from, kind }),
        1 => (guest(), block(), order(), kind(), mood()).prop_map(
            |(guest, block, order, kind, mood)| Operation::Sweep { guest, block, order, kind, mood }
        ),
    ]
}

fn by_the_host() -> impl Strategy<Value = Operation> {
    prop_oneof![
        6 => change().prop_map(Operation::Host),
        1 => (0..BLOCK).prop_map(|place| Operation::Spread { place }),
        2 => (guest(), block(), any::<bool>())
            .prop_map(|(guest, block, anew)| Operation::Gather { guest, block, anew }),
        3 => block().prop_map(|block| Operation::Join { block }),
        1 => guest().prop_map(|guest| Operation::Clear { guest }),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        1 => establish(),
        12 => by_l1(),
        12 => by_guests(),
        5 => by_the_host(),
    ]
}

pub(crate) fn history() -> impl Strategy<Value = History> {
    let layout = prop_oneof![Just(Layout::Apart), Just(Layout::Mixed)];
    let first = prop::collection::vec(establish(), 0..3);
    let operations = (first, prop::collection::vec(operation(), 1..40))
        .prop_map(|(first, others)| first.into_iter().chain(others).collect());
    let places = prop_oneof![Just(Places::NEAR), Just(Places::FAR)];
    let frames = prop_oneof![4 => Just(FRAMES), 1 => Just(FEW_FRAMES)];
    (layout, places, frames, any::<[bool; 3]>(), operations).prop_map(
        |(layout, places, frames, [trap_tables, compares, eager], operations)| History {
            layout,
            places,
            frames,
            trap_tables,
            compares,
            eager,
            operations,
        },
    )
}
