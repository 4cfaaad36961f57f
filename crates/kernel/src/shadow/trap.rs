//! Writes to upper tables: which of them trap, and what they take with them.

use terrace_addr::{Addr, PageSize, Space, Span};
use terrace_table::Format;

use super::Shadow;

/// What a write to an upper table costs its writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trap {
    /// Nothing: the table is not shadowed, or is unsync.
    None,
    /// An exit; the table is unsync afterwards.
    Unsynced,
    /// An exit, and the write was emulated.
    Emulated,
}

/// Whether writes to an upper table trap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Protected,
    Unsync,
    /// Protected, and a pseudo huge page lies over all that it maps: it does not go unsync.
    Joined,
}

/// What an entry of a level maps, in bytes.
pub(super) const fn reach(level: u32) -> u64 {
    1 << (12 + 9 * (level - 1))
}

/// The first address of the table of a level that has the entry for an address.
pub(super) fn node_start<U: Space>(addr: Addr<U>, level: u32) -> u64 {
    addr.get() & !(reach(level + 1) - 1)
}

impl<U: Space, G: Space, F: Format, L: Space> Shadow<U, G, F, L> {
    /// From now on no table of level 1 goes unsync: every write to one that is shadowed traps. Those that are unsync
    /// now are protected when they are compared next.
    pub const fn trap_tables(&mut self) {
        self.traps = true;
    }

    /// The tables that a walk of the upper layer for an address read are write-protected from now on. The state of the
    /// one that has the leaf.
    pub(super) fn protect(&mut self, addr: Addr<U>, leaf: PageSize, levels: u32) -> State {
        for level in leaf.level()..=levels {
            let node = (level, node_start(addr, level));
            if let Some(&state) = self.nodes.get(&node) {
                // Those above it are, too.
                return if level == leaf.level() { state } else { State::Protected };
            }
            self.nodes.insert(node, State::Protected);
        }
        State::Protected
    }

    /// An entry of level `level` for an address was written in an upper table.
    pub fn written(&mut self, addr: Addr<U>, level: u32) -> Trap {
        let start = node_start(addr, level);
        let Some(state) = self.nodes.get_mut(&(level, start)) else { return Trap::None };
        if level == 1 {
            return match *state {
                State::Unsync => Trap::None,
                State::Protected if !self.traps => {
                    *state = State::Unsync;
                    self.unsync.push(start);
                    self.counts.unsynced += 1;
                    Trap::Unsynced
                }
                State::Protected | State::Joined => {
                    self.counts.trapped += 1;
                    self.remove_part(addr);
                    Trap::Emulated
                }
            };
        }
        self.counts.emulated += 1;
        let span = Span { start: Addr::truncate(addr.get() & !(reach(level) - 1)), bytes: reach(level) };
        self.remove(span);
        self.forget(span, level);
        Trap::Emulated
    }

    /// What lies below an entry of a level that was written is shadowed no longer.
    fn forget(&mut self, span: Span<U>, level: u32) {
        let last = span.start.get() + (span.bytes - 1);
        for below in 1..level {
            let gone: Vec<_> =
                self.nodes.range((below, span.start.get())..=(below, last)).map(|(&node, _)| node).collect();
            for node in gone {
                self.nodes.remove(&node);
            }
        }
        self.unsync.retain(|start| !(span.start.get()..=last).contains(start));
    }
}
