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
//! | what | holds | read by |
//! | --- | --- | --- |
//! | a file: plain, gzip, xz, zip (a member per chunk) | drmemtrace records of 12 bytes | `drmemtrace` |
//! | a directory of such files, one a thread | the same, merged by timestamp | `drmemtrace::merge` |
//! | a file: plain, gzip, xz, zip | `ChampSim` records of 64 bytes | `champsim` |
//! | a file: plain, gzip, xz, zip | text of Valgrind's lackey (`--trace-mem=yes`), a line per access | `lackey` |
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
mod open;
mod records;
mod source;

pub use batch::{Batch, ThreadIndex};
pub use error::{Facts, Place, TraceError, TraceErrorKind};
pub use format::{Format, UnknownFormat};
pub use open::{Options, open, open_as};
pub use source::{Progress, Source, Statistics};
