//! Lines of text: what [`Format::Text`](crate::Format) reads.

use std::io::Write;
use std::path::Path;

use super::{TraceWriter, Whole, WriteError};
use crate::Batch;
use terrace_addr::AccessKind;

/// A text with a line for each access: `address,size,kind,thread`, the address in hexadecimal.
#[derive(Debug)]
pub struct TextWriter {
    file: Whole,
}

impl TextWriter {
    /// The first line.
    pub const HEADER: &str = "address,size,kind,thread";

    /// A new text.
    ///
    /// # Errors
    /// If the file cannot be made.
    pub fn create(path: &Path) -> Result<Self, WriteError> {
        let mut writer = Self { file: Whole::create(path)? };
        writeln!(writer.file, "{}", Self::HEADER).map_err(|error| WriteError::refused(path, error))?;
        Ok(writer)
    }

    /// Writes lines to anywhere.
    ///
    /// # Errors
    /// If that fails.
    pub fn lines(batch: &Batch, to: &mut impl Write) -> std::io::Result<()> {
        for access in batch.accesses() {
            let kind = match access.kind {
                AccessKind::Fetch => 'x',
                AccessKind::Load => 'r',
                AccessKind::Store => 'w',
            };
            writeln!(to, "{:#x},{},{kind},{}", access.addr.get(), access.size, batch.thread_id())?;
        }
        Ok(())
    }
}

impl TraceWriter for TextWriter {
    fn write(&mut self, batch: &Batch) -> Result<(), WriteError> {
        let Self { file } = self;
        Self::lines(batch, file).map_err(|error| WriteError::refused(file.path(), error))
    }

    fn finish(self: Box<Self>) -> Result<Vec<String>, WriteError> {
        self.file.finish()?;
        Ok(Vec::new())
    }

    fn path(&self) -> &Path {
        self.file.path()
    }
}
