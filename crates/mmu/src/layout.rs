//! Which memory node each host-physical address belongs to.

use terrace_addr::{Addr, Hpa};

/// Which memory node of a machine each host-physical address belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The first address behind each part, and the part's node.
    parts: Vec<(Addr<Hpa>, usize)>,
}

impl Layout {
    /// All memory, up to `end`, in the node that is nearest to socket 0.
    pub fn single(end: Addr<Hpa>) -> Self {
        Self { parts: vec![(end, 0)] }
    }

    /// Parts that follow each other from address 0: the first address behind each, and its node, numbered as in
    /// [`Machine::nodes`](terrace_machine::Machine::nodes). Addresses behind the last part belong to its node.
    ///
    /// # Panics
    /// Without a part, or if the ends do not rise.
    pub fn new(parts: Vec<(Addr<Hpa>, usize)>) -> Self {
        assert!(!parts.is_empty(), "memory has at least one part");
        assert!(parts.is_sorted_by(|one, next| one.0 < next.0), "the ends of parts rise");
        Self { parts }
    }

    /// The first address behind all parts.
    pub fn end(&self) -> Addr<Hpa> {
        self.parts.last().map_or(Addr::ZERO, |&(end, _)| end)
    }

    /// The highest node number.
    pub(crate) fn last_node(&self) -> usize {
        self.parts.iter().map(|&(_, node)| node).max().unwrap_or(0)
    }

    /// The node of `addr`.
    #[inline(always)]
    pub(crate) fn node(&self, addr: Addr<Hpa>) -> usize {
        if let [(_, node)] = self.parts[..] {
            return node;
        }
        let found = self.parts.iter().find(|&&(end, _)| addr < end).or(self.parts.last());
        found.map_or(0, |&(_, node)| node)
    }
}
