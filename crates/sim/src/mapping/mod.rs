//! Which pages and frames stand behind the addresses of a trace.
//!
//! A trace holds virtual addresses and nothing else. A replay maps a page when the trace first touches it, by a
//! stated [`Rule`]: the page size of each layer ([`PageRule`]), and where frames lie ([`Placement`]). The pages
//! count as populated before the program ran: entries are accessed and dirty, and no fault is counted.
//!
//! Every lower space is laid out in four parts of equal length, its *memory*: table pages, 4K frames, 2M frames,
//! 1G frames (table pages use the first 256th of their part: kernels keep them together too). Frames of each size are handed out in the order of first touch, contiguously or in the order of a
//! seeded permutation of the part. The host's memory is four times the guest's, so that it can back all of it.

mod file;
mod frames;
mod mapper;
mod rule;

pub use file::{MappingError, MappingFile};
pub use frames::{Frames, MemoryFull, Placement};
pub use mapper::{MapError, MapGuest, Mapper};
pub use rule::{InvalidRule, PageRule, PageRules, Rule};
