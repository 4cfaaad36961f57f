//! What Valgrind's lackey writes with `--trace-mem=yes`: a line of text for each access.
//!
//! Source: `lackey/lk_main.c` of Valgrind (`trace_instr`, `trace_load`, `trace_store`, `trace_modify`), which prints
//! `I  %08lx,%lu`, ` L %08lx,%lu`, ` S %08lx,%lu` and ` M %08lx,%lu`: an address and a length in bytes.
//!
//! The rules:
//! - A line that begins with one of the four prefixes of three characters is an access. If the rest of it is none,
//!   it is an error: passing over it would shorten the stream unnoticed.
//! - Any other line is passed over and counted: Valgrind's messages and what the program printed. Part of a line
//!   that the program left unfinished swallows the access that follows on it: `--log-file` keeps the two apart.
//! - `M` (modify) is a load and then a store of the same bytes. `I` is an instruction and a fetch.
//! - There is one thread, and its id is 0: a log does not say which thread an access is of. Nor does it say which
//!   process, so each process needs a log of its own (`--log-file=NAME.%p`).
//! - The log has no footer: one that ends inside an access line was cut short, and one that was cut between lines
//!   cannot be told from a whole one.

mod decoder;
mod file;
mod line;
mod start;

pub(crate) use file::TraceFile;
pub(crate) use start::starts_like_a_trace;
