//! What of a trace is replayed, and how.

use terrace_mmu::Vectors;

use super::Kinds;

/// What of a trace is replayed, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Which accesses.
    pub kinds: Kinds,
    /// Whether data goes through the caches beside the tables' entries. Without it table lines stay cached longer
    /// than on hardware.
    pub data_lines: bool,
    /// Vector instructions to use; the best that the processor has if none. No count depends on them.
    pub vectors: Option<Vectors>,
    /// Threads of the machine that simulates, at least 1. No count depends on it.
    pub threads: usize,
}

impl Default for Settings {
    /// All accesses, with data lines, on one thread.
    fn default() -> Self {
        Self { kinds: Kinds::All, data_lines: true, vectors: None, threads: 1 }
    }
}
