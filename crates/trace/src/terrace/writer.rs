//! Writing a trace.

use std::collections::BTreeMap;
use std::path::Path;

use terrace_addr::{Access, convert};

use super::block::{Stretch, encode};
use super::column::Packer;
use super::digest::TraceDigest;
use super::event::Event;
use super::events;
use super::footer::{Entry, Footer};
use super::layout::{MOST_REFERENCES, REFERENCES};
use super::output::Output;
use super::provenance::Provenance;
use super::section::Kind;
use super::threads::ThreadTotals;
use crate::write::{TraceWriter, WriteError};
use crate::{Batch, ThreadIndex};

/// A file of Terrace's format that is being written. It appears under its name when it is finished.
///
/// A writer that is dropped, or that failed, leaves nothing behind.
pub struct TerraceWriter {
    output: Output,
    packer: Packer,
    provenance: Provenance,
    block_references: usize,
    /// The references of the block to come, and whose they are.
    accesses: Vec<Access>,
    stretches: Vec<Stretch>,
    /// References in the blocks that were written.
    written: u64,
    /// Events that were not written yet.
    events: Vec<Event>,
    event_bytes: usize,
    last_event: u64,
    threads: BTreeMap<ThreadIndex, ThreadTotals>,
    blocks: Vec<Entry>,
    event_sections: Vec<Entry>,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// References in it.
    pub references: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// The digest in its footer.
    pub digest: TraceDigest,
}

impl TerraceWriter {
    /// A new file.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn create(path: impl AsRef<Path>, provenance: Provenance) -> Result<Self, WriteError> {
        let path = path.as_ref();
        Ok(Self {
            output: Output::create(path)?,
            packer: Packer::new().map_err(|error| WriteError::refused(path, error))?,
            provenance,
            block_references: convert::index32(REFERENCES),
            accesses: Vec::new(),
            stretches: Vec::new(),
            written: 0,
            events: Vec::new(),
            event_bytes: 0,
            last_event: 0,
            threads: BTreeMap::new(),
            blocks: Vec::new(),
            event_sections: Vec::new(),
        })
    }

    /// Sets how many references a block has: fewer make seeking finer and the file larger. At least 1 and at most 4 Mi;
    /// 1 Mi unless this is called.
    pub fn block_references(mut self, references: u32) -> Self {
        self.block_references = convert::index32(references.clamp(1, MOST_REFERENCES));
        self
    }

    /// The references that it was given.
    pub fn references(&self) -> u64 {
        self.written + convert::count(self.accesses.len())
    }

    /// Adds accesses.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&mut self, batch: &Batch) -> Result<(), WriteError> {
        let mut accesses = batch.accesses();
        while !accesses.is_empty() {
            let room = self.block_references.saturating_sub(self.accesses.len());
            let (now, later) = accesses.split_at(room.min(accesses.len()));
            self.append(now, batch.thread(), batch.thread_id());
            accesses = later;
            if self.accesses.len() >= self.block_references {
                self.end_block()?;
            }
        }
        Ok(())
    }

    /// Adds an event, before its reference is written and after all earlier events.
    ///
    /// # Errors
    /// If it comes too late, is too long, or the file cannot be written.
    pub fn event(&mut self, event: Event) -> Result<(), WriteError> {
        let earliest = self.references().max(self.last_event);
        if event.reference < earliest {
            let found = format!("an event before reference {}", event.reference);
            let expected = format!("one before reference {earliest} or a later one");
            return Err(self.unfit(
                found,
                expected,
                "Write events in their order, each before its reference.",
            ));
        }
        let payload = event.kind.payload().len();
        if payload > events::MOST_PAYLOAD {
            let expected = format!("at most {}", events::MOST_PAYLOAD);
            return Err(self.unfit(format!("{payload} bytes with an event"), expected, "Shorten its text."));
        }
        if self.event_bytes >= events::FULL {
            self.put_events(self.events.len())?;
        }
        self.last_event = event.reference;
        self.event_bytes += payload + events::ENTRY;
        self.events.push(event);
        Ok(())
    }

    /// Writes what is left and the footer, and puts the file into place.
    ///
    /// # Errors
    /// If an event lies beyond the last reference, or the file cannot be written.
    pub fn finish(mut self) -> Result<Summary, WriteError> {
        self.end_block()?;
        if self.last_event > self.written {
            let found = format!("an event before reference {}", self.last_event);
            let expected = format!("none beyond the {} references of the trace", self.written);
            return Err(self.unfit(found, expected, "Write all references, or leave the event out."));
        }
        self.put_events(self.events.len())?;
        let (references, digest) = (self.written, self.output.digest());
        let footer = Footer {
            references,
            digest,
            threads: self.threads.into_values().collect(),
            blocks: self.blocks,
            events: self.event_sections,
            provenance: self.provenance,
        };
        let bytes = self.output.finish(footer.bytes())?;
        Ok(Summary { references, bytes, digest })
    }

    fn append(&mut self, accesses: &[Access], thread: ThreadIndex, thread_id: u64) {
        self.accesses.extend(accesses);
        let end = self.accesses.len();
        match self.stretches.last_mut() {
            Some(last) if (last.thread, last.thread_id) == (thread, thread_id) => last.end = end,
            _ => self.stretches.push(Stretch { thread, thread_id, end }),
        }
        let totals = self.threads.entry(thread).or_insert_with(|| ThreadTotals::new(thread, thread_id));
        for access in accesses {
            totals.count(access.kind);
        }
    }

    /// Writes the references at hand as a block, and before it the events that lie before its end.
    fn end_block(&mut self) -> Result<(), WriteError> {
        let Some(first) = self.stretches.first().copied() else { return Ok(()) };
        let end = self.references();
        self.put_events(self.events.partition_point(|event| event.reference < end))?;
        let entry = Entry {
            offset: self.output.offset(),
            first_reference: self.written,
            count: convert::narrow(self.accesses.len()),
            thread: first.thread,
        };
        let body = encode(self.written, &self.accesses, &self.stretches, &mut self.packer);
        self.output.section(Kind::BLOCK, body)?;
        self.blocks.push(entry);
        self.written = end;
        self.accesses.clear();
        self.stretches.clear();
        Ok(())
    }

    /// Writes the first `count` events that wait.
    fn put_events(&mut self, count: usize) -> Result<(), WriteError> {
        let later = self.events.split_off(count);
        let now = core::mem::replace(&mut self.events, later);
        self.event_bytes = self.events.iter().map(|event| event.kind.payload().len() + events::ENTRY).sum();
        let Some(first) = now.first() else { return Ok(()) };
        let (first_reference, thread) = (first.reference, first.thread);
        self.event_sections.push(Entry {
            offset: self.output.offset(),
            first_reference,
            count: convert::narrow(count),
            thread,
        });
        self.output.section(Kind::EVENTS, events::pack(&now, &mut self.packer))
    }

    fn unfit(&self, found: String, expected: String, advice: &str) -> WriteError {
        WriteError::Unfit { path: self.output.path().to_owned(), found, expected, advice: advice.to_owned() }
    }
}

impl TraceWriter for TerraceWriter {
    fn write(&mut self, batch: &Batch) -> Result<(), WriteError> {
        Self::write(self, batch)
    }

    fn finish(self: Box<Self>) -> Result<Vec<String>, WriteError> {
        Self::finish(*self)?;
        Ok(Vec::new())
    }

    fn path(&self) -> &Path {
        self.output.path()
    }
}
