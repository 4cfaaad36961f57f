//! Writers of trace formats.
//!
//! The rule: a file appears under its name when all of it is there. Until [`finish`](TraceWriter::finish) it is a
//! temporary file in the same folder, which goes away with the writer; so whatever ends a conversion, a full disk or
//! Ctrl-C, leaves no part of a trace behind.

mod champsim;
mod error;
mod text;
mod whole;

use std::path::Path;

pub use champsim::ChampSimWriter;
pub use error::WriteError;
pub use text::TextWriter;
pub(crate) use whole::Whole;
pub use whole::remove_unfinished;

use crate::Batch;

/// A trace that is being written.
pub trait TraceWriter {
    /// Adds accesses.
    ///
    /// # Errors
    /// If the format cannot hold them, or the file cannot be written.
    fn write(&mut self, batch: &Batch) -> Result<(), WriteError>;

    /// Puts the file into place. What the format could not say of the accesses is returned, a sentence each.
    ///
    /// # Errors
    /// If the file cannot be written.
    fn finish(self: Box<Self>) -> Result<Vec<String>, WriteError>;

    /// Where the trace will be.
    fn path(&self) -> &Path;
}
