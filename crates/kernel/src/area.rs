//! A part of an address space that was mapped at once.

use terrace_addr::{Addr, Bytes, PageSize, Space, Span};
use terrace_policy::{Advice, Region};

/// A virtual memory area: private anonymous memory, or the memory of a virtual machine, in the process that holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area<U: Space> {
    /// The first address, at a multiple of 4 KiB.
    pub start: Addr<U>,
    /// The length, a multiple of 4 KiB.
    pub bytes: Bytes,
    /// How much of it, at its end, was not asked for: it ends at a multiple of its unit.
    pub padding: Bytes,
    /// The unit in which it has memory.
    pub unit: PageSize,
    /// What was said about huge pages.
    pub advice: Advice,
    /// Where it backs a virtual machine: what the guest calls its first address.
    pub guest_start: Option<u64>,
}

impl<U: Space> Area<U> {
    /// The first address behind it.
    pub const fn end(&self) -> u64 {
        self.start.get() + self.bytes.get()
    }

    /// Whether it holds an address.
    pub const fn contains(&self, addr: Addr<U>) -> bool {
        self.start.get() <= addr.get() && addr.get() < self.end()
    }

    /// Whether the whole block of `size` around an address lies in it.
    pub const fn holds_block(&self, addr: Addr<U>, size: PageSize) -> bool {
        let start = addr.align_down(size).get();
        self.start.get() <= start && start + size.bytes() <= self.end()
    }

    /// The first address behind what was asked for.
    pub(crate) const fn asked_end(&self) -> u64 {
        self.end() - self.padding.get()
    }

    /// As a policy sees it.
    pub(crate) const fn region(&self) -> Region {
        Region {
            span: Span { start: self.start.reinterpret(), bytes: self.bytes.get() },
            advice: self.advice,
            guest_start: self.guest_start,
        }
    }

    /// All of it.
    pub const fn span(&self) -> Span<U> {
        Span { start: self.start, bytes: self.bytes.get() }
    }
}
