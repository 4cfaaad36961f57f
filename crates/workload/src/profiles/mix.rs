//! Several patterns in turn.

use crate::plan::{Body, Requests};
use crate::{Bases, MarkKind, Steps};

/// An operation is a round: of each part a number of operations, one part after the other.
pub(super) struct Mix {
    parts: Vec<(Box<dyn Body>, u64)>,
    requests: Requests,
    /// The part whose turn it is, and how many of its operations are left in this round.
    part: usize,
    left: u64,
}

impl Mix {
    pub(super) fn new(parts: Vec<(Box<dyn Body>, u64)>, requests: Requests) -> Self {
        let left = parts[0].1;
        Self { parts, requests, part: 0, left }
    }
}

impl Body for Mix {
    fn run(&mut self, most: u64, bases: &Bases, out: &mut Steps) -> u64 {
        let mut finished = 0;
        while finished < most {
            self.left -= self.parts[self.part].0.run(self.left, bases, out);
            if self.left > 0 {
                break;
            }
            self.part += 1;
            if self.part == self.parts.len() {
                self.part = 0;
                finished += 1;
                if self.requests == Requests::EachOperation {
                    out.mark(MarkKind::RequestEnds);
                }
            }
            self.left = self.parts[self.part].1;
        }
        finished
    }
}
