//! How the addresses of an operand are predicted.
//!
//! A mode says what a prediction starts from, its *base*: the operand's own last address, or the address that some
//! data access before it in the block had, of whatever operand. If the mode has it follow, the difference between
//! address and base of the operand's last execution is added. So an operand that steps through an array, or that lies
//! at a fixed distance from what was accessed shortly before, is predicted right.
//!
//! All arithmetic is modulo 2⁶⁴; the address is the sum, sign-extended from bit 56.

use terrace_addr::{Addr, Gva};

use crate::terrace::bytes::folded;
use crate::terrace::layout::{FOLLOWS, HISTORY, LITERAL, SOURCE};

/// No address: what an operand's own last address is before its first execution. It is not canonical.
pub(super) const NONE: u64 = 1 << 63;

const _: () = assert!(HISTORY.is_power_of_two());

/// The last data addresses of a block. Before the first, they are 0.
#[derive(Debug, Default)]
pub(super) struct History {
    addresses: [u64; HISTORY],
    count: usize,
}

impl History {
    /// The address of the `back`-th data access before, of 1 to [`HISTORY`].
    #[inline(always)]
    pub(super) fn back(&self, back: usize) -> u64 {
        self.addresses[self.count.wrapping_sub(back) % HISTORY]
    }

    #[inline(always)]
    fn push(&mut self, address: u64) {
        self.addresses[self.count % HISTORY] = address;
        self.count = self.count.wrapping_add(1);
    }
}

/// A data step of a run while a block is being decoded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operand {
    /// Where its next code is.
    pub(super) code: u32,
    /// Where its next literal is.
    pub(super) literal: u32,
    last: u64,
    difference: u64,
    /// All ones if the last difference is added, else 0.
    follows: u64,
    /// 0 for its own last address, else how many data accesses back the base is.
    source: u8,
    /// Its place in its run.
    pub(super) place: u8,
}

impl Operand {
    /// An operand that was not executed yet. `None` if there is no such mode.
    pub(super) fn new(mode: u8, place: u8) -> Option<Self> {
        let source = mode & SOURCE;
        if mode & !(SOURCE | FOLLOWS) != 0 || usize::from(source) > HISTORY {
            return None;
        }
        let follows = if mode & FOLLOWS == 0 { 0 } else { u64::MAX };
        Some(Self { code: 0, literal: 0, last: NONE, difference: 0, follows, source, place })
    }

    /// The next address, which differs by `difference` from the prediction.
    #[inline(always)]
    pub(super) fn next(&mut self, difference: u64, history: &mut History) -> Addr<Gva> {
        let own = if self.last == NONE { history.back(1) } else { self.last };
        let base = if self.source == 0 { own } else { history.back(usize::from(self.source)) };
        let addr = Addr::truncate(base.wrapping_add(self.difference).wrapping_add(difference));
        self.difference = addr.get().wrapping_sub(base) & self.follows;
        self.last = addr.get();
        history.push(addr.get());
        addr
    }
}

/// Executions of an operand by which its mode is chosen.
const LOOKED_AT: usize = 1 << 10;

/// The data addresses of a block, in order, for a writer.
pub(super) struct Trail<'a>(pub(super) &'a [u64]);

impl Trail<'_> {
    fn before(&self, at: usize, back: usize) -> u64 {
        at.checked_sub(back).map_or(0, |at| self.0[at])
    }

    /// The mode in which an operand that accesses these places of the trail is told in the fewest bits, as far as the
    /// first of them show.
    pub(super) fn best_mode(&self, places: &[u32]) -> u8 {
        let places = &places[..places.len().min(LOOKED_AT)];
        let modes = (1..=HISTORY).map(|back| terrace_addr::convert::low8(terrace_addr::convert::count(back)));
        let modes = [0, FOLLOWS].into_iter().chain(modes.map(|back| back | FOLLOWS));
        let cost = |mode: u8| {
            let mut sum = 0_u64;
            self.differences(mode, places, |folded| sum += cost(folded));
            sum
        };
        modes.min_by_key(|&mode| cost(mode)).unwrap_or(0)
    }

    /// Hands out the folded differences of an operand that accesses these places of the trail.
    pub(super) fn differences(&self, mode: u8, places: &[u32], mut take: impl FnMut(u64)) {
        let back = usize::from(mode & SOURCE);
        let follows = if mode & FOLLOWS == 0 { 0 } else { u64::MAX };
        let (mut last, mut difference) = (NONE, 0_u64);
        for &place in places {
            let at = terrace_addr::convert::index32(place);
            let base = match back {
                0 if last == NONE => self.before(at, 1),
                0 => last,
                _ => self.before(at, back),
            };
            last = self.0[at];
            take(folded(last.wrapping_sub(base.wrapping_add(difference))));
            difference = last.wrapping_sub(base) & follows;
        }
    }
}

/// About how many bits a difference takes once it is packed.
fn cost(folded: u64) -> u64 {
    match folded {
        0 => 0,
        _ if folded < u64::from(LITERAL) => 10,
        _ => 16 + u64::from(folded.ilog2() & !7),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terrace::bytes::unfolded;
    use proptest::prelude::*;

    #[test]
    fn each_sort_of_operand_has_its_mode() {
        let strided: Vec<u64> = (0..50).map(|step| 0x1000 + 24 * step).collect();
        let alone: Vec<u32> = (0..50).collect();
        assert_eq!(Trail(&strided).best_mode(&alone), FOLLOWS);
        assert_eq!(Trail(&[7; 50]).best_mode(&alone), 0);
        // Every other access is 8 bytes beyond the one before it, which is anywhere.
        let pairs: Vec<u64> = (0..50).flat_map(|step: u64| [step.pow(5), step.pow(5) + 8]).collect();
        let second: Vec<u32> = (0..50).map(|step| 2 * step + 1).collect();
        assert_eq!(Trail(&pairs).best_mode(&second), FOLLOWS | 1);
    }

    #[test]
    fn there_are_34_modes() {
        let valid = (0..=u8::MAX).filter(|&mode| Operand::new(mode, 0).is_some());
        assert_eq!(valid.count(), 34);
    }

    proptest! {
        #[test]
        fn what_is_predicted_is_found_again(
            addresses in prop::collection::vec(any::<u64>().prop_map(|raw| Addr::<Gva>::truncate(raw).get()), 1..60),
            source in 0..=16_u8,
            follows: bool,
        ) {
            let mode = source | if follows { FOLLOWS } else { 0 };
            let places: Vec<u32> = (0..terrace_addr::convert::narrow(addresses.len())).collect();
            let mut differences = Vec::new();
            Trail(&addresses).differences(mode, &places, |folded| differences.push(folded));
            let (mut operand, mut history) = (Operand::new(mode, 0).unwrap(), History::default());
            let decoded: Vec<u64> = differences
                .into_iter()
                .map(|folded| operand.next(unfolded(folded), &mut history).get())
                .collect();
            prop_assert_eq!(decoded, addresses);
        }
    }
}
