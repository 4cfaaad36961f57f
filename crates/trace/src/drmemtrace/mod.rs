//! The offline traces of `DynamoRIO`'s drmemtrace: one file a thread, records of 12 bytes.
//!
//! Source: `clients/drcachesim/common/trace_entry.h` of `DynamoRIO` (record and marker types), and the counts that
//! its own simulator gives for recorded programs (`tests/data/README.md`).
//!
//! The rules:
//! - Instruction fetches, loads and stores are references; nothing else is. An instruction that is executed again
//!   without being fetched is none (its loads and stores are records of their own).
//! - A file starts with a header record, names its thread before the first reference, and ends with a footer
//!   record: one that does not was cut short.
//! - In a directory, the accesses of a thread up to its next timestamp belong to the timestamp before them, and
//!   all threads' are ordered by (timestamp, thread id).
//! - What lies beside the thread files of a directory is known by its name and not read as a trace: schedules, lists
//!   of modules, functions and encodings, Google's branch traces and statistics, and `v2p.textproto`, which
//!   [`page_frames`] reads.
//! - A recording that a cache filtered says so in its file type; that becomes a [note](crate::Source::notes).

mod decoder;
mod directory;
mod file;
mod file_type;
mod merge;
mod record;
mod v2p;
mod v2p_words;

pub(crate) use directory::thread_files;
pub(crate) use file::{Threads, TraceFile};
pub(crate) use merge::Merged;
pub(crate) use record::starts_like_a_trace;
pub use v2p::{PageFrames, page_frames};
