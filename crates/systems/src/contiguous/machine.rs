//! A virtual machine, as its host's policy knows it.

use alloc::vec::Vec;

use terrace_addr::{Addr, Bytes, Lower, Nanos, Span, Upper, convert};
use terrace_policy::{Layer, Segment, Segments, SpaceId};

use super::plan::Plan;

/// What becomes of a hole in guest-physical memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hole {
    /// A segment on each side.
    TwoSegments,
    /// One segment over all of it.
    Wasted,
}

/// A part of a machine's memory that one segment can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    /// Its first address at the process that holds the machine.
    pub(super) start: u64,
    /// The same address as the guest calls it.
    pub(super) guest: u64,
    pub(super) bytes: u64,
}

impl Piece {
    pub(super) const fn end(&self) -> u64 {
        self.start + self.bytes
    }

    /// The segment that holds it where its first address lies at `base`.
    pub(super) const fn at(&self, base: Addr<Lower>) -> Segment {
        Segment { guest: self.guest, base, bytes: Bytes::new(self.bytes) }
    }
}

/// A virtual machine.
#[derive(Debug, Clone)]
pub(super) struct Machine {
    pub(super) space: SpaceId,
    /// Its memory, as its slots have it.
    slots: Vec<Piece>,
    /// Behind the last address that its guest uses: what it gave up at its end lies there.
    end: u64,
    /// What its guest gave up inside, in bytes: a block would have to take that again.
    pub(super) given_inside: u64,
    pub(super) segments: Option<Segments>,
    /// Its pages are being moved together.
    pub(super) plan: Option<Plan>,
    /// When it was looked at last, and how long it had been busy then.
    counted: Option<(Nanos, Nanos)>,
}

impl Machine {
    /// The machine in a space, if there is one.
    pub(super) fn find(layer: &mut dyn Layer, space: SpaceId) -> Option<Self> {
        let slots = slots(layer, space);
        let end = slots.last()?.end();
        Some(Self { space, slots, end, given_inside: 0, segments: None, plan: None, counted: None })
    }

    /// The parts of its memory that are in use, each for a segment of its own.
    pub(super) fn pieces(&self, hole: Hole) -> Vec<Piece> {
        let used = self.slots.iter().filter(|slot| slot.start < self.end);
        let used = used.map(|slot| Piece { bytes: slot.end().min(self.end) - slot.start, ..*slot });
        let mut pieces: Vec<Piece> = used.collect();
        if hole == Hole::Wasted
            && let (Some(&first), Some(last)) = (pieces.first(), pieces.last())
        {
            pieces = Vec::from([Piece { bytes: last.end() - first.start, ..first }]);
        }
        pieces
    }

    /// The bytes between its slots.
    pub(super) fn hole(&self) -> u64 {
        let used = self.slots.windows(2).filter(|pair| pair[1].start < self.end);
        used.map(|pair| pair[1].start - pair[0].end()).sum()
    }

    /// The guest gave these ranges up; whether they are the end of what it uses, which ends before them now.
    pub(super) fn gives_up(&mut self, spans: &[Span<Upper>]) -> bool {
        let mut end = self.end;
        let mut left: Vec<_> = spans.iter().map(|span| (span.start.get(), span.bytes)).collect();
        left.sort_unstable();
        while let Some(&(start, bytes)) = left.last()
            && start + bytes == end
        {
            left.pop();
            end = self.below_hole(start);
        }
        if !left.is_empty() {
            self.given_inside += spans.iter().map(|span| span.bytes).sum::<u64>();
            return false;
        }
        self.end = end;
        true
    }

    /// An address, or where the slot below ends if one begins there.
    fn below_hole(&self, at: u64) -> u64 {
        let place = self.slots.iter().position(|slot| slot.start == at);
        let below = place.and_then(|place| self.slots.get(place.checked_sub(1)?));
        below.map_or(at, Piece::end)
    }

    /// The guest uses these ranges again, or for the first time.
    pub(super) fn grows(&mut self, layer: &mut dyn Layer, spans: &[Span<Upper>]) {
        self.slots = slots(layer, self.space);
        for span in spans {
            if span.start.get() >= self.end {
                self.end = self.end.max(span.start.get() + span.bytes);
            } else {
                self.given_inside = self.given_inside.saturating_sub(span.bytes);
            }
        }
    }

    /// Whether its CPUs together were busy for less than this share of one CPU since this was asked last. A machine that
    /// was never looked at is not known to be idle.
    pub(super) fn is_idle(&mut self, layer: &mut dyn Layer, most: f64) -> bool {
        let now = layer.now();
        let Ok(counters) = layer.counters_of(self.space) else { return false };
        let busy = counters.value.busy;
        let before = self.counted.replace((now, busy));
        let Some((then, was)) = before.filter(|&(then, _)| then < now) else { return false };
        convert::ratio(busy.get().saturating_sub(was.get()), now.get() - then.get()) < most
    }
}

/// The slots of a machine, by address; none where a space holds no machine.
fn slots(layer: &mut dyn Layer, space: SpaceId) -> Vec<Piece> {
    let mut regions = Vec::new();
    if layer.regions(space, &mut regions).is_err() {
        return Vec::new();
    }
    let backs = regions.iter().filter_map(|region| Some((region.span, region.guest_start?)));
    backs.map(|(span, guest)| Piece { start: span.start.get(), guest, bytes: span.bytes }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 0x7000_0000_0000;

    /// 3 and 2 MiB of memory around a hole of 1 MiB.
    fn machine() -> Machine {
        let slot = |guest: u64, mib: u64| Piece { start: START + guest, guest, bytes: mib << 20 };
        let slots = Vec::from([slot(0, 3), slot(4 << 20, 2)]);
        let (space, end) = (SpaceId(0), START + (6 << 20));
        Machine { space, slots, end, given_inside: 0, segments: None, plan: None, counted: None }
    }

    fn span(from: u64, to: u64) -> Span<Upper> {
        Span { start: Addr::new(START + (from << 20)), bytes: (to - from) << 20 }
    }

    fn lengths(machine: &Machine, hole: Hole) -> Vec<u64> {
        machine.pieces(hole).iter().map(|piece| piece.bytes >> 20).collect()
    }

    #[test]
    fn a_hole_divides_memory_or_is_held() {
        let machine = machine();
        assert_eq!(lengths(&machine, Hole::TwoSegments), [3, 2]);
        assert_eq!(lengths(&machine, Hole::Wasted), [6]);
        assert_eq!(machine.hole(), 1 << 20);
    }

    #[test]
    fn only_the_end_can_be_given_up_without_a_gap() {
        let mut machine = machine();
        assert!(machine.gives_up(&[span(5, 6)]));
        assert_eq!(lengths(&machine, Hole::TwoSegments), [3, 1]);
        // What is left above the hole, and what ends below it.
        assert!(machine.gives_up(&[span(2, 3), span(4, 5)]));
        assert_eq!(lengths(&machine, Hole::TwoSegments), [2]);
        assert_eq!((lengths(&machine, Hole::Wasted), machine.hole()), (Vec::from([2]), 0));
        assert!(!machine.gives_up(&[span(0, 1)]));
        assert_eq!((lengths(&machine, Hole::TwoSegments), machine.given_inside), (Vec::from([2]), 1 << 20));
        assert!(!machine.gives_up(&[span(4, 5)]), "it is not in use");
    }
}
