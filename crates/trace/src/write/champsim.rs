//! `ChampSim`'s records.

use std::io::Write;
use std::path::Path;

use terrace_addr::AccessKind;

use super::{TraceWriter, Whole, WriteError};
use crate::champsim::SIZE;
use crate::{Batch, ThreadIndex};

/// A file of `ChampSim` records, an instruction each, with what it loads and stores.
///
/// A record holds two stores and four loads. An instruction with more takes several records at the same address, and
/// so counts several times. Sizes, and the order of an instruction's loads and stores, are not kept; branches and
/// registers are not known.
#[derive(Debug)]
pub struct ChampSimWriter {
    file: Whole,
    thread: Option<(ThreadIndex, u64)>,
    record: Record,
    /// Records that continue an instruction.
    continued: u64,
    /// Accesses before the first fetch, or in a trace without any.
    without_instruction: u64,
    /// Accesses to address 0, which means that there is none.
    dropped: u64,
}

/// The instruction of an access that has none. An address of 0 would not look like a record's.
const NO_INSTRUCTION: u64 = 0x40_0000;

/// The record that is being filled.
#[derive(Debug, Default)]
struct Record {
    instruction: u64,
    stores: [u64; 2],
    loads: [u64; 4],
    stored: usize,
    loaded: usize,
    /// Whether the record is of an instruction or holds an access.
    begun: bool,
    fetched: bool,
}

impl ChampSimWriter {
    /// A new file of records.
    ///
    /// # Errors
    /// If the file cannot be made.
    pub fn create(path: &Path) -> Result<Self, WriteError> {
        Ok(Self {
            file: Whole::create(path)?,
            thread: None,
            record: Record::default(),
            continued: 0,
            without_instruction: 0,
            dropped: 0,
        })
    }

    /// Writes the record, and begins another for the same instruction.
    fn put(&mut self) -> Result<(), WriteError> {
        let Record { instruction, stores, loads, begun, fetched, .. } = core::mem::take(&mut self.record);
        self.record = Record { instruction, fetched, ..Record::default() };
        if !begun {
            return Ok(());
        }
        let mut bytes = [0; SIZE];
        let instruction = if fetched { instruction } else { NO_INSTRUCTION };
        bytes[..8].copy_from_slice(&instruction.to_le_bytes());
        let places = stores.into_iter().chain(loads);
        for (place, to) in places.zip(bytes[16..].chunks_exact_mut(8)) {
            to.copy_from_slice(&place.to_le_bytes());
        }
        self.file.write_all(&bytes).map_err(|error| WriteError::refused(self.file.path(), error))
    }

    fn access(&mut self, kind: AccessKind, addr: u64) -> Result<(), WriteError> {
        if kind == AccessKind::Fetch {
            self.put()?;
            self.record = Record { instruction: addr, begun: true, fetched: true, ..Record::default() };
            return Ok(());
        }
        if addr == 0 {
            self.dropped += 1;
            return Ok(());
        }
        self.without_instruction += u64::from(!self.record.fetched);
        let full = match kind {
            AccessKind::Store => self.record.stored == self.record.stores.len(),
            _ => self.record.loaded == self.record.loads.len(),
        };
        // Without instructions each access has a record of its own: nothing says what belongs together.
        if full || !self.record.fetched && self.record.begun {
            self.continued += u64::from(self.record.fetched);
            self.put()?;
        }
        self.record.begun = true;
        let Record { stores, loads, stored, loaded, .. } = &mut self.record;
        let (places, used): (&mut [u64], _) =
            if kind == AccessKind::Store { (stores, stored) } else { (loads, loaded) };
        places[*used] = addr;
        *used += 1;
        Ok(())
    }
}

impl TraceWriter for ChampSimWriter {
    fn write(&mut self, batch: &Batch) -> Result<(), WriteError> {
        let thread = (batch.thread(), batch.thread_id());
        let first = *self.thread.get_or_insert(thread);
        if first.0 != thread.0 {
            return Err(WriteError::Unfit {
                path: self.file.path().to_owned(),
                found: format!("a second thread (ids {} and {})", first.1, thread.1),
                expected: "one thread, as a ChampSim trace has".to_owned(),
                advice: "Choose one with --thread ID, or convert to Terrace's format.".to_owned(),
            });
        }
        batch.accesses().iter().try_for_each(|access| self.access(access.kind, access.addr.get()))
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<String>, WriteError> {
        self.put()?;
        let said = [
            (
                self.continued,
                "records continue an instruction with more than 4 loads or 2 stores: each counts as one",
            ),
            (self.without_instruction, "accesses belong to no instruction: each is one at 0x400000"),
            (self.dropped, "accesses to address 0 were left out: a record cannot hold them"),
        ];
        self.file.finish()?;
        let said = said.into_iter().filter(|(count, _)| *count > 0);
        Ok(said.map(|(count, what)| format!("{count} {what}")).collect())
    }

    fn path(&self) -> &Path {
        self.file.path()
    }
}

const _: () = assert!(SIZE == 16 + 8 * 6, "two stores and four loads end a record");
