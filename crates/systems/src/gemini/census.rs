//! What a layer holds, block by block: the half of the scanner (MHPS) that looks at its own table.
//!
//! A pass looks at the blocks that changed since the last one, and at nothing else. When changes are no longer known
//! it looks at everything once; the budget spreads it.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;

use terrace_addr::PageSize;
use terrace_policy::{Block, Budget, Charged, Cursor, Layer, Leaf, Refused, SpaceId};

use super::block::{LowerBlock, PAGES, Place, UpperBlock};

/// What a block of an address space holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) form: Form,
    /// Base pages that are present.
    pub(super) present: u16,
    /// The blocks of memory that hold most of its pages, by number.
    blocks: [Option<LowerBlock>; MOST_BLOCKS],
}

/// How the pages of a block lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As a huge page.
    Huge,
    /// As base pages at their places in one block.
    InPlace,
    /// As base pages anywhere.
    Scattered,
}

/// So many blocks of memory are remembered for a block. A scattered one may lie in 512; of those only the first four of
/// the fullest are known to be its, which decides nothing but its priority: `assumed`, so that a block takes tens of bytes.
const MOST_BLOCKS: usize = 4;

impl Held {
    pub(super) fn blocks(&self) -> impl Iterator<Item = LowerBlock> + use<> {
        self.blocks.into_iter().flatten()
    }

    fn one(form: Form, present: u16, block: LowerBlock) -> Self {
        Self { form, present, blocks: [Some(block), None, None, None] }
    }

    /// Base pages at these frames.
    fn scattered(leaves: &[Leaf]) -> Self {
        let mut frames: Vec<LowerBlock> = leaves.iter().map(|leaf| LowerBlock::of(leaf.frame)).collect();
        frames.sort_unstable();
        let mut counted: Vec<(usize, LowerBlock)> =
            frames.chunk_by(|one, next| one == next).map(|run| (run.len(), run[0])).collect();
        counted.sort_unstable_by(|one, next| next.0.cmp(&one.0).then(one.1.cmp(&next.1)));
        let mut blocks = [None; MOST_BLOCKS];
        for (place, (_, block)) in blocks.iter_mut().zip(counted) {
            *place = Some(block);
        }
        let present = terrace_addr::convert::low16(terrace_addr::convert::count(leaves.len()));
        Self { form: Form::Scattered, present, blocks }
    }
}

/// The blocks about which something may have to be decided anew.
#[derive(Debug, Clone, Default)]
pub(super) struct Touched {
    pub(super) uppers: BTreeSet<Place>,
    pub(super) lowers: BTreeSet<LowerBlock>,
}

/// What a layer holds.
#[derive(Debug, Clone, Default)]
pub(super) struct Census {
    held: BTreeMap<Place, Held>,
    /// Which blocks have pages in a block of memory.
    users: BTreeSet<(LowerBlock, Place)>,
    /// The change to ask from.
    since: u64,
    /// Blocks that changed and were not looked at yet.
    queue: VecDeque<Place>,
    /// Spaces of which all leaves are to be looked at, and where to go on in the first.
    sweep: VecDeque<Cursor>,
    /// Blocks that were looked at.
    pub(super) scanned: u64,
    leaves: Vec<Leaf>,
}

/// The value, after its cost is taken from the budget.
pub(super) fn spend<T>(budget: &mut Budget, charged: Charged<T>) -> T {
    budget.spend(charged.cost);
    charged.value
}

pub(super) fn is_left(budget: Budget) -> bool {
    budget.left() > terrace_addr::Cycles::ZERO
}

impl Census {
    pub(super) fn held(&self, place: Place) -> Option<&Held> {
        self.held.get(&place)
    }

    /// The blocks that hold anything, from a place on.
    pub(super) fn from(&self, place: Place) -> impl Iterator<Item = (Place, &Held)> {
        self.held.range(place..).map(|(&place, held)| (place, held))
    }

    /// Which blocks have pages in a block of memory, as far as is known.
    pub(super) fn users(&self, block: LowerBlock) -> impl Iterator<Item = Place> {
        let from = (block, (SpaceId(0), UpperBlock::first_from(0)));
        self.users.range(from..).take_while(move |user| user.0 == block).map(|user| user.1)
    }

    /// Whether a huge page lies in a block of memory.
    pub(super) fn is_huge(&self, block: LowerBlock) -> bool {
        self.users(block).any(|user| self.held.get(&user).is_some_and(|held| held.form == Form::Huge))
    }

    /// Looks at what changed; whether that is done.
    pub(super) fn pass(&mut self, layer: &mut dyn Layer, budget: &mut Budget, touched: &mut Touched) -> bool {
        self.ask(layer, budget);
        while let Some(place) = self.queue.pop_front() {
            self.look(layer, budget, place, touched);
            if !is_left(*budget) {
                return self.queue.is_empty() && self.sweep.is_empty();
            }
        }
        while let Some(cursor) = self.sweep.front_mut() {
            let (space, from) = (cursor.space, UpperBlock::of(cursor.at));
            self.leaves.clear();
            let found = layer.leaves(*cursor, 1, &mut self.leaves);
            let found = found.is_ok_and(|found| {
                budget.spend(found.cost);
                true
            });
            let first = self.leaves.first().filter(|_| found).map(|leaf| {
                // A leaf larger than a block may begin before the cursor.
                UpperBlock::of(leaf.page.start()).max(from)
            });
            match first {
                Some(block) if block.plus(1).start() > cursor.at => {
                    cursor.at = block.plus(1).start();
                    self.look(layer, budget, (space, block), touched);
                }
                _ => {
                    self.sweep.pop_front();
                }
            }
            if !is_left(*budget) {
                return self.sweep.is_empty();
            }
        }
        true
    }

    fn ask(&mut self, layer: &mut dyn Layer, budget: &mut Budget) {
        let mut changed = Vec::new();
        match layer.changes(self.since, &mut changed) {
            Ok(next) => {
                self.since = spend(budget, next);
                self.queue.extend(changed.iter().map(|change| (change.space, UpperBlock::of(change.at))));
            }
            Err(Refused::Gone) => {
                if let Ok(next) = layer.changes(u64::MAX, &mut changed) {
                    self.since = spend(budget, next);
                }
                let mut spaces = Vec::new();
                if let Ok(listed) = layer.spaces(&mut spaces) {
                    budget.spend(listed.cost);
                }
                // What is known may be there no longer.
                self.queue = self.held.keys().copied().collect();
                let start = UpperBlock::first_from(0).start();
                self.sweep = spaces.into_iter().map(|space| Cursor { space, at: start }).collect();
            }
            Err(_) => {}
        }
    }

    fn look(&mut self, layer: &mut dyn Layer, budget: &mut Budget, place: Place, touched: &mut Touched) {
        self.scanned += 1;
        let held = self.see(layer, budget, place);
        self.put(place, held, touched);
    }

    fn see(&mut self, layer: &mut dyn Layer, budget: &mut Budget, place: Place) -> Option<Held> {
        let (space, block) = place;
        let start = block.start();
        let seen = spend(budget, layer.block(space, start).ok()?);
        let (form, present) = match seen {
            Block::Outside | Block::Empty => return None,
            Block::Base { present, in_place: Some(at), .. } => {
                return Some(Held::one(Form::InPlace, present, LowerBlock::of(at)));
            }
            Block::Base { present, .. } => (Form::Scattered, present.min(PAGES)),
            Block::Huge => (Form::Huge, PAGES),
        };
        let most = if form == Form::Huge { 1 } else { usize::from(present) };
        self.leaves.clear();
        let found = layer.leaves(Cursor { space, at: start }, most, &mut self.leaves).ok()?;
        budget.spend(found.cost);
        if form == Form::Scattered {
            let end = block.plus(1).start();
            self.leaves.retain(|leaf| start <= leaf.page.start() && leaf.page.start() < end);
            return (!self.leaves.is_empty()).then(|| Held::scattered(&self.leaves));
        }
        let leaf = self.leaves.first().filter(|leaf| leaf.page.contains(start))?;
        let frame = leaf.frame.offset_by(start.get() - leaf.page.start().get());
        (leaf.size() >= PageSize::Size2M).then(|| Held::one(Form::Huge, PAGES, LowerBlock::of(frame)))
    }

    fn put(&mut self, place: Place, held: Option<Held>, touched: &mut Touched) {
        let before = match held {
            Some(held) => self.held.insert(place, held),
            None => self.held.remove(&place),
        };
        if before == held {
            return;
        }
        touched.uppers.insert(place);
        for block in before.iter().flat_map(Held::blocks) {
            self.users.remove(&(block, place));
            touched.lowers.insert(block);
        }
        for block in held.iter().flat_map(Held::blocks) {
            self.users.insert((block, place));
            touched.lowers.insert(block);
        }
    }

    /// A space ended: nothing of it is held.
    pub(super) fn end_space(&mut self, space: SpaceId, touched: &mut Touched) {
        let from = (space, UpperBlock::first_from(0));
        let gone: Vec<Place> =
            self.from(from).map(|(place, _)| place).take_while(|place| place.0 == space).collect();
        for place in gone {
            self.put(place, None, touched);
        }
        self.sweep.retain(|cursor| cursor.space != space);
    }
}

#[cfg(test)]
mod tests {
    use super::super::test::{self, Upper, kernel};
    use super::*;
    use proptest::prelude::*;
    use terrace_addr::{Cycles, Page};
    use terrace_policy::{Action, CollapseInto, Placement};

    const REGION: u64 = 6;

    fn pass(census: &mut Census, kernel: &mut test::Kernel, budget: u64) -> bool {
        census.pass(kernel, &mut Budget::new(Cycles::new(budget)), &mut Touched::default())
    }

    proptest! {
        /// What passes have gathered bit by bit is what one sees who looks at everything.
        #[test]
        fn passes_see_what_is_there(
            early in any::<bool>(),
            steps in prop::collection::vec((0_u8..7, 0..REGION, 0_u64..512, 0_u64..512), 0..60),
        ) {
            let mut kernel = kernel(24);
            let (space, start) = test::region(&mut kernel, REGION);
            let mut census = Census::default();
            if early {
                assert!(pass(&mut census, &mut kernel, u64::MAX));
            }
            for (step, block, page, frame) in steps {
                let at = start.offset_by((block << 21) + (page << 12));
                let huge = Page::containing(terrace_addr::Addr::<Upper>::new(at.get()), PageSize::Size2M);
                match step {
                    0 => test::fault(&mut kernel, space, at, Placement::Default),
                    1 => test::fault(&mut kernel, space, at, Placement::Frame(test::frame(frame * 16))),
                    2 => {
                        let frames = terrace_addr::Addr::new(((block + 12) << 21) + (page << 12));
                        test::fault(&mut kernel, space, at, Placement::Frame(frames));
                    }
                    3 => test::fault(&mut kernel, space, at, Placement::Huge(terrace_policy::Effort::Light)),
                    4 => {
                        let into = if page % 2 == 0 { CollapseInto::Any } else { CollapseInto::InPlace };
                        let _answer = kernel.apply(&Action::Collapse { space, page: huge, into });
                    }
                    5 => {
                        let _answer = kernel.apply(&Action::Split { space, page: huge });
                    }
                    _ => test::replace(&mut kernel, space, start.offset_by(block << 21)),
                }
                if frame % 3 == 0 {
                    pass(&mut census, &mut kernel, frame);
                }
                if frame % 19 == 0 {
                    // Changes before the first look are known no longer: all is looked at.
                    census.since = 0;
                }
            }
            while !pass(&mut census, &mut kernel, 1) {}
            let mut fresh = Census::default();
            let mut all = Touched::default();
            for block in 0..REGION {
                let place = (space, UpperBlock::of(start.offset_by(block << 21).reinterpret()));
                fresh.look(&mut kernel, &mut Budget::new(Cycles::new(u64::MAX)), place, &mut all);
            }
            prop_assert_eq!(&census.held, &fresh.held);
            prop_assert_eq!(&census.users, &fresh.users);
            let users = fresh.held.iter().flat_map(|(&place, held)| held.blocks().map(move |block| (block, place)));
            prop_assert_eq!(census.users, users.collect::<BTreeSet<_>>());
        }
    }

    #[test]
    fn a_scattered_block_is_known_by_the_blocks_that_hold_most_of_it() {
        let mut kernel = kernel(24);
        let (space, start) = test::region(&mut kernel, 1);
        // So many pages in each of these blocks.
        let mut page = 0;
        for (block, pages) in [(12, 1), (13, 5), (14, 3), (15, 3), (16, 9), (17, 2)] {
            for nth in 0..pages {
                let to = terrace_addr::Addr::new((block << 21) + ((511 - nth) << 12));
                test::fault(&mut kernel, space, start.offset_by(page << 12), Placement::Frame(to));
                page += 1;
            }
        }
        let mut census = Census::default();
        pass(&mut census, &mut kernel, u64::MAX);
        let place = (space, UpperBlock::of(start.reinterpret()));
        let held = census.held(place).unwrap();
        assert_eq!((held.form, u64::from(held.present)), (Form::Scattered, page));
        assert_eq!(held.blocks().map(LowerBlock::number).collect::<Vec<_>>(), [16, 13, 14, 15]);
        assert_eq!(census.scanned, 1);
        let mut touched = Touched::default();
        census.end_space(space, &mut touched);
        assert_eq!((touched.uppers.len(), touched.lowers.len()), (1, 4));
        assert!(census.users.is_empty());
    }
}
