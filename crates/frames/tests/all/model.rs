//! Random histories of a memory, held against a plain list of what each frame is.

use crate::common;

use std::collections::BTreeMap;

use common::{blocks, frame, memory, naive_blocks, number};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use terrace_addr::{Bytes, Gpa, Nanos};
use terrace_frames::{
    FrameState, Memory, Mobility, NodeId, Order, Owner, Pageblock, ReservationId, Tag, Taken, Watermarks,
};

/// Two nodes with a hole between them, neither aligned to the largest block.
const NODES: [(u64, u64); 2] = [(3, 3_000), (5_000, 2_123)];

#[derive(Debug, Clone)]
enum Operation {
    Allocate {
        node: u8,
        order: Order,
        mobility: Mobility,
    },
    AllocateAt {
        frame: u64,
        order: Order,
        mobility: Mobility,
    },
    /// Gives back the largest used block of at most this order around the used frame with this number.
    Free {
        used: usize,
        order: Order,
    },
    Reserve {
        frame: u64,
        order: Order,
        until: u64,
    },
    AllocateReserved {
        reservation: usize,
        offset: u64,
        order: Order,
        mobility: Mobility,
    },
    Release {
        reservation: usize,
    },
    Expire {
        now: u64,
    },
}

fn orders() -> impl Strategy<Value = Order> {
    // Mostly small, as in a kernel, but every order.
    prop_oneof![4 => 0_u8..3, 2 => 3_u8..9, 3 => 9_u8..11].prop_map(|order| Order::new(order).unwrap())
}

fn operations() -> impl Strategy<Value = Operation> {
    let mobility = || prop::sample::select(Mobility::ALL.to_vec());
    let frames = || 0_u64..7_300;
    prop_oneof![
        6 => (0_u8..2, orders(), mobility())
            .prop_map(|(node, order, mobility)| Operation::Allocate { node, order, mobility }),
        3 => (frames(), orders(), mobility())
            .prop_map(|(frame, order, mobility)| Operation::AllocateAt { frame, order, mobility }),
        8 => (any::<usize>(), orders()).prop_map(|(used, order)| Operation::Free { used, order }),
        2 => (frames(), orders(), 0_u64..100)
            .prop_map(|(frame, order, until)| Operation::Reserve { frame, order, until }),
        4 => (any::<usize>(), any::<u64>(), orders(), mobility()).prop_map(
            |(reservation, offset, order, mobility)| {
                Operation::AllocateReserved { reservation, offset, order, mobility }
            }
        ),
        1 => any::<usize>().prop_map(|reservation| Operation::Release { reservation }),
        1 => (0_u64..100).prop_map(|now| Operation::Expire { now }),
    ]
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Naive {
    Free,
    Used { mobility: Mobility, tag: Option<Tag> },
    Reserved(ReservationId),
}

/// What each existing frame is, and the frames and end of each reservation.
struct Model {
    frames: BTreeMap<u64, Naive>,
    reservations: BTreeMap<ReservationId, (std::ops::Range<u64>, u64)>,
    next_tag: u64,
    /// Whether hybrid pageblocks are tracked.
    tracked: bool,
}

impl Model {
    /// What the pageblock of each free aligned block of a node is for.
    fn kinds_with_room(&self, memory: &Memory<Gpa>, node: u8, order: Order) -> BTreeMap<u64, Pageblock> {
        if !self.tracked {
            return BTreeMap::new();
        }
        let (start, frames) = NODES[usize::from(node)];
        let places = (start.next_multiple_of(order.frames())..start + frames).step_by(1 << order.get());
        let free = places.filter(|&at| self.taken(at, order, Naive::Free).is_none());
        free.map(|at| (at, memory.pageblock(frame(at)).unwrap())).collect()
    }

    /// What pageblocks are for, from what is in them.
    fn compare_pageblocks(&self, memory: &Memory<Gpa>) -> Result<(), TestCaseError> {
        let mut hybrids = BTreeMap::new();
        let mut holds: BTreeMap<(usize, u64), (u64, bool)> = BTreeMap::new();
        for (&at, naive) in &self.frames {
            let node = usize::from(at >= NODES[1].0);
            let (unmovable, movable) = holds.entry((node, at / 512)).or_default();
            match naive {
                Naive::Used { mobility: Mobility::Unmovable, .. } => *unmovable += 1,
                Naive::Used { mobility: Mobility::Movable, .. } => *movable = true,
                Naive::Free | Naive::Reserved(_) => {}
            }
        }
        for ((node, block), (unmovable, movable)) in holds {
            let inside = (block * 512).max(NODES[node].0);
            let kind = memory.pageblock(frame(inside)).unwrap();
            match kind {
                Pageblock::Hybrid => prop_assert!(self.tracked && 0 < unmovable && unmovable < 512),
                Pageblock::Movable => prop_assert!(!self.tracked || unmovable == 0),
                Pageblock::Unmovable => prop_assert!(!self.tracked || !movable),
            }
            *hybrids.entry(node).or_insert(0) += u64::from(kind == Pageblock::Hybrid);
        }
        for node in memory.node_ids() {
            prop_assert_eq!(memory.hybrids(node), hybrids[&usize::from(node.get())]);
        }
        Ok(())
    }

    fn new() -> Self {
        let frames = NODES.iter().flat_map(|&(start, frames)| start..start + frames);
        Self {
            frames: frames.map(|at| (at, Naive::Free)).collect(),
            reservations: BTreeMap::new(),
            next_tag: 0,
            tracked: false,
        }
    }

    fn all(&self, block: std::ops::Range<u64>, what: impl Fn(Naive) -> bool) -> bool {
        block.into_iter().all(|at| self.frames.get(&at).is_some_and(|&naive| what(naive)))
    }

    /// Why the block cannot be had, from its first frame that is not `wanted`.
    fn taken(&self, at: u64, order: Order, wanted: Naive) -> Option<Taken<Gpa>> {
        if !at.is_multiple_of(order.frames()) {
            return Some(Taken::Misaligned { at: frame(at), order });
        }
        let block = at..at + order.frames();
        if let Some(absent) = block.clone().find(|at| !self.frames.contains_key(at)) {
            return Some(Taken::Absent(frame(absent)));
        }
        let other = block.into_iter().find(|at| self.frames[at] != wanted)?;
        Some(match self.frames[&other] {
            Naive::Used { .. } => Taken::Used(frame(other)),
            Naive::Reserved(id) => Taken::Reserved(id),
            Naive::Free => Taken::NotReserved(frame(other)),
        })
    }

    fn set(&mut self, at: u64, order: Order, naive: Naive) {
        for at in at..at + order.frames() {
            self.frames.insert(at, naive);
        }
    }

    /// Marks a block as used, and tags each frame of it.
    fn take(&mut self, memory: &mut Memory<Gpa>, at: u64, order: Order, mobility: Mobility) {
        for at in at..at + order.frames() {
            assert_eq!(memory.tag(frame(at)), None, "a frame that was just taken has no tag");
            let tag = at.is_multiple_of(3).then(|| Tag::new(self.next_tag));
            self.next_tag += 1;
            if let Some(tag) = tag {
                memory.set_tag(frame(at), tag);
            }
            self.frames.insert(at, Naive::Used { mobility, tag });
        }
    }

    fn end_reservation(&mut self, id: ReservationId) -> u64 {
        let Some((block, _)) = self.reservations.remove(&id) else { return 0 };
        let mut freed = 0;
        for at in block {
            if self.frames[&at] == Naive::Reserved(id) {
                self.frames.insert(at, Naive::Free);
                freed += 1;
            }
        }
        freed
    }

    fn pick(&self, reservation: usize) -> Option<ReservationId> {
        let count = self.reservations.len().max(1);
        self.reservations.keys().nth(reservation % count).copied()
    }

    fn apply(&mut self, memory: &mut Memory<Gpa>, operation: &Operation) -> Result<(), TestCaseError> {
        match *operation {
            Operation::Allocate { node, order, mobility } => {
                let (start, frames) = NODES[usize::from(node)];
                let kinds = self.kinds_with_room(memory, node, order);
                if let Some(at) = memory.allocate(NodeId::new(node), order, mobility) {
                    prop_assert_eq!(self.taken(number(at), order, Naive::Free), None);
                    prop_assert!((start..start + frames).contains(&number(at)));
                    if self.tracked && mobility == Mobility::Unmovable {
                        // Movable memory is the last to give a block, and hybrid pageblocks give before it.
                        let room = |kind| kinds.values().any(|&found| found == kind);
                        prop_assert_eq!(
                            kinds[&number(at)],
                            if room(Pageblock::Unmovable) {
                                Pageblock::Unmovable
                            } else if room(Pageblock::Hybrid) {
                                Pageblock::Hybrid
                            } else {
                                Pageblock::Movable
                            }
                        );
                    }
                    self.take(memory, number(at), order, mobility);
                } else {
                    let first = start.next_multiple_of(order.frames());
                    let mut places = (first..start + frames).step_by(1 << order.get());
                    prop_assert!(places.all(|at| self.taken(at, order, Naive::Free).is_some()));
                }
            }
            Operation::AllocateAt { frame: at, order, mobility } => {
                // Half of them aligned.
                let at = if at.is_multiple_of(2) { at / order.frames() * order.frames() } else { at };
                match memory.allocate_at(frame(at), order, mobility) {
                    Ok(()) => {
                        prop_assert_eq!(self.taken(at, order, Naive::Free), None);
                        self.take(memory, at, order, mobility);
                    }
                    Err(taken) => prop_assert_eq!(self.taken(at, order, Naive::Free), Some(taken)),
                }
            }
            Operation::Free { used, order } => self.free(memory, used, order),
            Operation::Reserve { frame: at, order, until } => {
                let at = at / order.frames() * order.frames();
                match memory.reserve(frame(at), order, Owner::new(1), Nanos::new(until)) {
                    Ok(id) => {
                        prop_assert_eq!(self.taken(at, order, Naive::Free), None);
                        self.set(at, order, Naive::Reserved(id));
                        self.reservations.insert(id, (at..at + order.frames(), until));
                    }
                    Err(taken) => prop_assert_eq!(self.taken(at, order, Naive::Free), Some(taken)),
                }
            }
            Operation::AllocateReserved { reservation, offset, order, mobility } => {
                let Some(id) = self.pick(reservation) else { return Ok(()) };
                let block = self.reservations[&id].0.clone();
                let at = block.start + offset % (block.end - block.start);
                let at = at / order.frames() * order.frames();
                match memory.allocate_reserved(id, frame(at), order, mobility) {
                    Ok(()) => {
                        prop_assert_eq!(self.taken(at, order, Naive::Reserved(id)), None);
                        self.take(memory, at, order, mobility);
                    }
                    Err(taken) => prop_assert_eq!(self.taken(at, order, Naive::Reserved(id)), Some(taken)),
                }
            }
            Operation::Release { reservation } => {
                let Some(id) = self.pick(reservation) else { return Ok(()) };
                prop_assert_eq!(memory.release(id), Bytes::new(self.end_reservation(id) << 12));
                prop_assert_eq!(memory.release(id), Bytes::ZERO);
            }
            Operation::Expire { now } => {
                let ended: Vec<_> =
                    self.reservations.iter().filter(|(_, (_, until))| *until <= now).collect();
                let ended: Vec<_> = ended.into_iter().map(|(&id, (block, _))| (id, block.clone())).collect();
                let found = memory.expire(Nanos::new(now));
                prop_assert_eq!(found.len(), ended.len());
                for ((id, block), (found, owner, extent)) in ended.into_iter().zip(found) {
                    prop_assert_eq!((id, Owner::new(1), frame(block.start)), (found, owner, extent.start));
                    prop_assert_eq!(extent.bytes.get() >> 12, block.end - block.start);
                    self.end_reservation(id);
                }
            }
        }
        Ok(())
    }

    fn free(&mut self, memory: &mut Memory<Gpa>, used: usize, order: Order) {
        let is_used = |naive: Naive| matches!(naive, Naive::Used { .. });
        let all: Vec<_> =
            self.frames.iter().filter(|(_, naive)| is_used(**naive)).map(|(&at, _)| at).collect();
        let Some(&at) = all.get(used % all.len().max(1)) else { return };
        let around = |order: Order| at / order.frames() * order.frames();
        let fits = |&found: &Order| {
            found <= order && self.all(around(found)..around(found) + found.frames(), is_used)
        };
        let order = Order::all().rev().find(fits).unwrap();
        memory.free(frame(around(order)), order);
        for at in around(order)..around(order) + order.frames() {
            let lender = self.reservations.iter().find(|(_, (block, _))| block.contains(&at));
            let naive = lender.map_or(Naive::Free, |(&id, _)| Naive::Reserved(id));
            self.frames.insert(at, naive);
        }
    }

    /// Compares every frame.
    fn compare(&self, memory: &Memory<Gpa>) -> Result<(), TestCaseError> {
        for at in 0..7_300 {
            let found = memory.state(frame(at).offset_by(at % 4096));
            let (state, used) = match self.frames.get(&at) {
                None => (FrameState::Absent, None),
                Some(Naive::Free) => (FrameState::Free, None),
                Some(&Naive::Reserved(id)) => (FrameState::Reserved(id), None),
                Some(&Naive::Used { mobility, tag }) => (FrameState::Used, Some((mobility, tag))),
            };
            prop_assert_eq!(found, state, "frame {}", at);
            prop_assert_eq!(memory.mobility(frame(at)), used.map(|(mobility, _)| mobility));
            prop_assert_eq!(memory.tag(frame(at)), used.and_then(|(_, tag)| tag));
        }
        for node in memory.node_ids() {
            let (start, frames) = NODES[usize::from(node.get())];
            let is_free = |at: &u64| self.frames.get(at) == Some(&Naive::Free);
            let free = (start..start + frames).filter(is_free).count();
            prop_assert_eq!(memory.free_bytes(node).get() >> 12, u64::try_from(free).unwrap());
            prop_assert_eq!(memory.total(node).get() >> 12, frames);
            prop_assert_eq!(blocks(memory, node), naive_blocks(memory, start..start + frames));
        }
        self.compare_pageblocks(memory)?;
        let reservations = memory.reservations().map(|reservation| {
            let start = number(reservation.start);
            (reservation.id, (start..start + reservation.order.frames(), reservation.until.get()))
        });
        prop_assert!(reservations.eq(self.reservations.iter().map(|(&id, of)| (id, of.clone()))));
        Ok(())
    }

    /// Compares what is found of runs with a scan of every frame.
    fn compare_runs(
        &self,
        memory: &Memory<Gpa>,
        from: u64,
        length: u64,
        alignment: Order,
    ) -> Result<(), TestCaseError> {
        for node in memory.node_ids() {
            let (start, frames) = NODES[usize::from(node.get())];
            let is_free = |at: u64| (start..start + frames).contains(&at) && self.frames[&at] == Naive::Free;
            let mut runs: Vec<(u64, u64)> = Vec::new();
            for at in (start..start + frames).filter(|&at| is_free(at)) {
                match runs.last_mut() {
                    Some((start, length)) if *start + *length == at => *length += 1,
                    _ => runs.push((at, 1)),
                }
            }
            let found: Vec<_> = memory.extents(node, Bytes::new(length << 12)).collect();
            let found: Vec<_> = found.iter().map(|run| (number(run.start), run.bytes.get() >> 12)).collect();
            let long: Vec<_> = runs.iter().copied().filter(|&(_, found)| found >= length).collect();
            prop_assert_eq!(found, long);
            let largest = memory.largest_extent(node).map(|run| (number(run.start), run.bytes.get() >> 12));
            prop_assert_eq!(largest, runs.iter().copied().rev().max_by_key(|&(_, length)| length));

            let fits = |at: &u64| at.is_multiple_of(alignment.frames()) && (*at..at + length).all(is_free);
            let fit = (from.max(start)..start + frames).find(fits).or_else(|| (start..from).find(fits));
            let found = memory.next_fit(node, frame(from), Bytes::new(length << 12), alignment);
            prop_assert_eq!(found, fit.map(frame));
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 150,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_frame_is_lost_or_has_two_owners(
        history in prop::collection::vec(operations(), 1..150),
        asked in prop::collection::vec((0_u64..7_300, 1_u64..1_200, orders()), 4),
        tracked_from in prop::option::of(0_usize..40),
    ) {
        let mut memory = memory(&NODES);
        let mut model = Model::new();
        for (step, operation) in history.iter().enumerate() {
            if tracked_from == Some(step) {
                memory.track_hybrids();
                model.tracked = true;
            }
            model.apply(&mut memory, operation)?;
            if step % 16 == 0 {
                model.compare(&memory)?;
            }
        }
        model.compare(&memory)?;
        for (from, length, alignment) in asked {
            model.compare_runs(&memory, from, length, alignment)?;
            model.compare_runs(&memory, from, length % 8 + 1, Order::BASE)?;
        }
        // When everything is given back, the memory is as it was.
        memory.expire(Nanos::new(u64::MAX));
        for (&at, naive) in &model.frames {
            if matches!(naive, Naive::Used { .. }) {
                memory.free(frame(at), Order::BASE);
            }
        }
        for (node, (start, frames)) in memory.node_ids().zip(NODES) {
            prop_assert_eq!(memory.free_bytes(node), memory.total(node));
            prop_assert_eq!(blocks(&memory, node), blocks(&common::memory(&NODES), node));
            prop_assert_eq!(memory.largest_extent(node).unwrap().start, frame(start));
            prop_assert_eq!(memory.largest_extent(node).unwrap().bytes.get() >> 12, frames);
        }
    }

    #[test]
    fn programs_leave_the_lowest_watermark(order in orders(), min in 0_u64..2_048) {
        let mut memory = memory(&[(0, 4_096)]);
        let node = NodeId::new(0);
        let min = Bytes::new(min << 12);
        memory.set_watermarks(node, Watermarks { min, low: min, high: min });
        while memory.allocate(node, order, Mobility::Movable).is_some() {}
        let free = memory.free_bytes(node);
        prop_assert!(min <= free && free < min + order.bytes());
        while memory.allocate(node, order, Mobility::Unmovable).is_some() {}
        prop_assert!(memory.free_bytes(node) < order.bytes());
    }
}
