//! Terrace's own trace format: blocks of columns that unpack on their own, events beside accesses, and a footer with
//! an index, a digest and where the trace came from. `docs/trace-format.md` states the layout byte by byte.
//!
//! The rules:
//! - A block stands alone: nothing outside it is needed to decode it, so that reading may begin at any block.
//! - What is static in a program is stored once a block: the *runs* of steps (a fetch with its address and size, or
//!   the kind and size of a data access) that are always executed together. The stream of accesses is then a
//!   sequence of runs, and the addresses of the data, each told as its difference from a prediction.
//! - A data step is predicted in one of a few fixed ways, which the writer chooses for the step by trying all of them. A
//!   reader only follows: it has no tables to search.
//! - Every byte is under a check sum, and the whole under a digest; lengths are checked against each other before
//!   anything is decoded, so that the loop that decodes cannot fail.
//! - The footer comes last. A file without one was not finished, and is refused.

mod advice;
mod block;
mod bytes;
mod column;
mod digest;
mod event;
mod events;
mod fault;
mod file;
mod footer;
mod layout;
mod output;
mod provenance;
mod section;
mod sections;
mod threads;
mod walk;
mod writer;

pub use advice::Advice;
pub use digest::TraceDigest;
pub use event::{Event, EventKind};
pub use file::TerraceFile;
pub use provenance::Provenance;
pub use threads::ThreadTotals;
pub use writer::{Summary, TerraceWriter};

/// What `open` reads such a file with.
pub(crate) use file::TerraceFile as TraceFile;

/// Whether content begins as a file of this format does, of whatever version.
pub(crate) fn starts_like_a_trace(start: &[u8]) -> bool {
    start.starts_with(&layout::MAGIC)
}
