//! What tags entries (MODEL.md, "Processors and contexts").

use terrace_machine::Vendor;

/// A context: what a CPU runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag {
    /// Process-context identifier: the address space in its (virtual) machine.
    pub pcid: u16,
    /// Virtual-processor identifier, or AMD's ASID; 0 on bare metal.
    pub vpid: u16,
    /// A number for the EPT root; 0 without EPT.
    pub root: u16,
}

/// What translations and paging-structure-cache entries are tagged with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Own {
    /// The thread of the core that made the entry.
    pub(crate) thread: usize,
    pub(crate) pcid: u16,
    /// VPID or ASID.
    pub(crate) vpid: u16,
    /// 0 on AMD.
    pub(crate) root: u16,
}

/// What guest-physical entries are tagged with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Guest {
    /// The thread of the core that made the entry.
    pub(crate) thread: usize,
    /// The EPT root; 0 on AMD.
    pub(crate) root: u16,
    /// The ASID; 0 on Intel.
    pub(crate) asid: u16,
}

/// The tags of the current context.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context {
    pub(crate) own: Own,
    pub(crate) guest: Guest,
}

impl Context {
    pub(crate) fn new(vendor: Vendor, thread: usize, tag: Tag) -> Self {
        let Tag { pcid, vpid, root } = tag;
        let (root, asid) = match vendor {
            Vendor::Intel => (root, 0),
            Vendor::Amd => (0, vpid),
        };
        Self { own: Own { thread, pcid, vpid, root }, guest: Guest { thread, root, asid } }
    }
}
