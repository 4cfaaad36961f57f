//! What tags translations (MODEL.md, "Arrays").

/// A context: the address space whose translations are looked up and inserted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag {
    /// Process-context identifier: the address space in its (virtual) machine.
    pub pcid: u16,
    /// Virtual-processor identifier; 0 on bare metal.
    pub vpid: u16,
    /// A number for the EPT root; 0 on bare metal.
    pub root: u16,
}
