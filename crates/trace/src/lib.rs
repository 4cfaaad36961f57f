//! Readers of trace formats, one module a format; one stream of [`Access`](terrace_addr::Access)es out.
//!
//! [`open`] looks at what a path holds, not at what it is called, and returns a [`Source`]:
//!
//! ```
//! use terrace_trace::{Batch, Source as _};
//! # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/gups.drmemtrace.zip");
//! let mut source = terrace_trace::open(path)?;
//! let mut batch = Batch::new();
//! let mut stores = 0;
//! while source.next_batch(&mut batch)? {
//!     stores += batch.accesses().iter().filter(|access| access.kind == terrace_addr::AccessKind::Store).count();
//! }
//! assert_eq!(stores, 71_468);
//! # Ok::<(), terrace_trace::TraceError>(())
//! ```
//!
//! | format | what it is | read by |
//! | --- | --- | --- |
//! | `drmemtrace` | records of 12 bytes of one thread or several; or a directory of a file a thread, merged by timestamp | `drmemtrace` |
//! | `champsim` | `ChampSim`'s records of 64 bytes | `champsim` |
//! | `cloudsuite` | `ChampSim`'s records of 96 bytes | `champsim` |
//! | `lackey` | text of Valgrind's lackey (`--trace-mem=yes`), a line per access | `lackey` |
//! | `perf-script` | text of `perf script` with data addresses, a line per sample | `perf_script` |
//! | `terrace` | Terrace's own: compressed columns, an index, events; plain files only | `terrace` |
//! | `text` | text or CSV, a line per access: `address,size,kind,thread` | `text` |
//!
//! Each may be plain, or packed in gzip, xz, bzip2, lz4, snappy, zstd or zip (a member per chunk); it is read from a
//! path, or, but for zip and directories, from any reader ([`Options::open_stream`]). Page frames recorded beside a
//! drmemtrace are read by [`page_frames`].
//!
//! Rules that all formats keep:
//! - A batch holds accesses of one thread, in that thread's order.
//! - The stream is a function of the input's bytes: it does not depend on the number of threads that inflate.
//! - Inflating and decoding run ahead of the caller by a bounded amount of memory. Nothing is reserved because a
//!   header declares a size.
//! - An input that is damaged, cut short or of another format ends in one [`TraceError`] that says where, what was
//!   found, what was expected and what to do; never in a panic, and never in a silently shorter stream.
#![forbid(unsafe_code)]

mod ahead;
mod batch;
mod champsim;
mod container;
mod content;
mod drmemtrace;
mod error;
mod format;
mod lackey;
mod lines;
mod open;
mod perf_script;
#[cfg(test)]
mod piecewise;
mod profile;
mod records;
mod source;
mod terrace;
mod text;
mod thread_ids;
mod write;

pub use batch::{Batch, ThreadIndex};
pub use drmemtrace::{PageFrames, page_frames};
pub use error::{Facts, Place, TraceError, TraceErrorKind};
pub use format::{Format, UnknownFormat};
pub use open::{Options, open, open_as};
pub use profile::{Profile, Profiler, Reuse};
pub use source::{Progress, Source, Statistics};
pub use terrace::{
    Advice, Event, EventKind, Provenance, Summary, TerraceFile, TerraceWriter, ThreadTotals, TraceDigest,
};
pub use write::{ChampSimWriter, TextWriter, TraceWriter, WriteError, remove_unfinished};
