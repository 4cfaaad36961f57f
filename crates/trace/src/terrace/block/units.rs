//! Accesses as units: a fetch and the data accesses after it.

use std::collections::HashMap;

use terrace_addr::{Access, AccessKind, Addr, convert};

/// The most accesses of a unit that begins with a fetch: more than an instruction makes, unless it repeats itself.
const MOST: usize = 17;

/// The most accesses of a unit that does not: what a repetition does again and again, a load and a store.
const MOST_REPEATED: usize = 2;

/// The units of a block. Two are the same if they differ in nothing but data addresses.
#[derive(Debug, Default)]
pub(super) struct Units {
    /// The steps of all units. A data step is an access to address 0.
    steps: Vec<Access>,
    /// Where the steps of each unit end.
    ends: Vec<usize>,
    /// For each unit, another one with the same hash, found before it.
    before: Vec<Option<u32>>,
    /// The last unit with a hash.
    known: HashMap<u64, u32>,
    /// For each unit, the one that came after it the last time: mostly the one that comes again.
    after: Vec<u32>,
}

impl Units {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The steps of a unit.
    pub(super) fn steps(&self, unit: u32) -> &[Access] {
        let unit = convert::index32(unit);
        let start = unit.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.steps[start..self.ends[unit]]
    }

    /// Appends the accesses of a stretch to `sequence`, as numbers of units.
    pub(super) fn cut(&mut self, mut accesses: &[Access], sequence: &mut Vec<u32>) {
        while let Some((first, rest)) = accesses.split_first() {
            let most = if first.kind == AccessKind::Fetch { MOST } else { MOST_REPEATED };
            let data =
                rest.iter().take(most - 1).take_while(|access| access.kind != AccessKind::Fetch).count();
            let (unit, rest) = accesses.split_at(1 + data);
            let last = sequence.last().map(|&last| convert::index32(last));
            let guess = last.map(|last| self.after[last]).filter(|&guess| self.is(guess, unit));
            let number = guess.unwrap_or_else(|| self.number(unit));
            if let Some(last) = last {
                self.after[last] = number;
            }
            sequence.push(number);
            accesses = rest;
        }
    }

    /// The number of the unit with these accesses.
    fn number(&mut self, accesses: &[Access]) -> u32 {
        let hash = accesses.iter().fold(0, |hash, access| mixed(hash, step(*access)));
        let first = self.known.get(&hash).copied();
        let mut candidate = first;
        while let Some(unit) = candidate {
            if self.is(unit, accesses) {
                return unit;
            }
            candidate = self.before[convert::index32(unit)];
        }
        let unit = convert::narrow(self.ends.len());
        self.steps.extend(accesses.iter().map(|access| step(*access)));
        self.ends.push(self.steps.len());
        self.before.push(first);
        self.known.insert(hash, unit);
        self.after.push(unit);
        unit
    }

    /// Whether the unit is the one with these accesses.
    fn is(&self, unit: u32, accesses: &[Access]) -> bool {
        let steps = self.steps(unit);
        steps.len() == accesses.len()
            && steps.iter().zip(accesses).all(|(known, access)| *known == step(*access))
    }
}

/// What of an access is the same at each execution.
fn step(access: Access) -> Access {
    if access.kind == AccessKind::Fetch { access } else { Access { addr: Addr::ZERO, ..access } }
}

fn mixed(hash: u64, step: Access) -> u64 {
    let word = step.addr.get() ^ u64::from(step.size) << 40 ^ convert::count(step.kind.index()) << 57;
    (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
}
