//! Several patterns in turn.

use crate::plan::{Body, Requests};
use crate::{Bases, MarkKind, Steps};

/// An operation is a round: of each part a number of operations, one part after the other.
///
/// A round that is divided is so many smaller ones, each an operation of its own, which together have the operations of
/// the whole; where they do not divide evenly, some have one more than others.
pub(super) struct Mix {
    parts: Vec<(Box<dyn Body>, u64)>,
    requests: Requests,
    /// Into how many a round is divided, and which of these it is.
    divided: u64,
    round: u64,
    /// The part whose turn it is, and how many of its operations are left in this round.
    part: usize,
    left: u64,
}

impl Mix {
    /// The most that a round is divided into is the operations of its largest part: none is empty.
    pub(super) fn new(parts: Vec<(Box<dyn Body>, u64)>, requests: Requests, divided: u64) -> Self {
        let most = parts.iter().map(|&(_, each)| each).max().unwrap_or(1);
        let mut mix = Self { parts, requests, divided: divided.clamp(1, most), round: 0, part: 0, left: 0 };
        mix.left = mix.turn();
        mix
    }

    /// Operations of the part in this round.
    fn turn(&self) -> u64 {
        let each = u128::from(self.parts[self.part].1);
        let until = |round: u64| each * u128::from(round) / u128::from(self.divided);
        // At most `each`, which has 64 bits.
        u64::try_from(until(self.round + 1) - until(self.round)).unwrap_or(u64::MAX)
    }
}

impl Body for Mix {
    fn run(&mut self, most: u64, bases: &Bases, out: &mut Steps) -> u64 {
        let mut finished = 0;
        while finished < most {
            if self.left > 0 {
                self.left -= self.parts[self.part].0.run(self.left, bases, out);
                if self.left > 0 {
                    break;
                }
            }
            self.part += 1;
            if self.part == self.parts.len() {
                self.part = 0;
                self.round = (self.round + 1) % self.divided;
                finished += 1;
                if self.requests == Requests::EachOperation {
                    out.mark(MarkKind::RequestEnds);
                }
            }
            self.left = self.turn();
        }
        finished
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use terrace_addr::Addr;

    use super::*;

    /// Does one access for each operation, at its own address, at most so many in one call.
    struct Count(u64, u64);

    impl Body for Count {
        fn run(&mut self, most: u64, _: &Bases, out: &mut Steps) -> u64 {
            let done = most.min(self.1);
            for _ in 0..done {
                out.load(Addr::new(self.0));
            }
            done
        }
    }

    /// How often each part's address comes in each request.
    fn requests(each: &[u64], divided: u64, at_once: u64, count: u64) -> Vec<Vec<u64>> {
        let body = |(number, &each): (u64, &u64)| -> (Box<dyn Body>, u64) {
            (Box::new(Count(number * 8, at_once)), each)
        };
        let parts: Vec<_> = (0..).zip(each).map(body).collect();
        let mut mix = Mix::new(parts, Requests::EachOperation, divided);
        let mut steps = Steps::new();
        let mut finished = 0;
        while finished < count {
            finished += mix.run(count - finished, &Bases::default(), &mut steps);
        }
        let mut from = 0;
        let of = |position: usize| {
            let accesses = &steps.accesses()[std::mem::replace(&mut from, position)..position];
            let times = |number: u64| accesses.iter().filter(|it| it.addr.get() == number * 8).count();
            (0..).take(each.len()).map(|number| u64::try_from(times(number)).unwrap()).collect()
        };
        steps.marks().iter().map(|mark| mark.position).map(of).collect()
    }

    proptest! {
        /// However it is divided, and however many operations a part does at a time: a whole round's requests together
        /// do its operations, and none is empty or has more than one more of a part than another.
        #[test]
        fn parts_of_a_request_are_the_request(
            each in prop::collection::vec(1..40_u64, 1..4),
            divided in 1..60_u64,
            at_once in 1..50_u64,
        ) {
            let parts = divided.min(*each.iter().max().unwrap());
            let found = requests(&each, divided, at_once, 2 * parts);
            prop_assert_eq!(u64::try_from(found.len()).unwrap(), 2 * parts);
            for (number, &each) in each.iter().enumerate() {
                let counts: Vec<u64> = found.iter().map(|request| request[number]).collect();
                prop_assert_eq!(counts.iter().sum::<u64>(), 2 * each);
                prop_assert!(counts.iter().all(|&count| count == each / parts || count == each.div_ceil(parts)));
            }
            prop_assert!(found.iter().all(|request| request.iter().sum::<u64>() > 0));
        }
    }
}
