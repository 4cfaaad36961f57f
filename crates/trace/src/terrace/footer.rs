//! The footer: totals, an index of the sections, a digest and where the trace came from.

use terrace_addr::convert;

use super::bytes::{Bytes, Put};
use super::digest::TraceDigest;
use super::fault::Fault;
use super::layout::MOST_REFERENCES;
use super::provenance::Provenance;
use super::section;
use super::threads::ThreadTotals;
use crate::ThreadIndex;

/// A section in the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// Where the section begins in the file.
    pub(super) offset: u64,
    /// The reference that its first one is, or that its first event lies before.
    pub(super) first_reference: u64,
    /// References or events in it.
    pub(super) count: u32,
    /// The thread of the first one.
    pub(super) thread: ThreadIndex,
}

/// Everything in a footer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Footer {
    pub(super) references: u64,
    pub(super) digest: TraceDigest,
    pub(super) threads: Vec<ThreadTotals>,
    pub(super) blocks: Vec<Entry>,
    pub(super) events: Vec<Entry>,
    pub(super) provenance: Provenance,
}

impl Footer {
    /// The body of the footer's section.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut body = Vec::new();
        body.extend(self.references.to_le_bytes());
        body.extend(self.digest.bytes());
        put_count(&mut body, self.threads.len());
        for totals in &self.threads {
            body.extend(totals.thread.get().to_le_bytes());
            for number in [totals.thread_id, totals.fetches, totals.loads, totals.stores] {
                body.extend(number.to_le_bytes());
            }
        }
        for index in [&self.blocks, &self.events] {
            put_count(&mut body, index.len());
            for entry in index {
                body.extend(entry.offset.to_le_bytes());
                body.extend(entry.first_reference.to_le_bytes());
                body.extend(entry.count.to_le_bytes());
                body.extend(entry.thread.get().to_le_bytes());
            }
        }
        put_count(&mut body, self.provenance.iter().len());
        for (name, text) in self.provenance.iter() {
            body.put_text(name);
            body.put_text(text);
        }
        body
    }

    /// Reads the body of a footer that begins at `offset` in its file.
    pub(super) fn read(body: &[u8], offset: u64) -> Result<Self, Fault> {
        let mut bytes = Bytes::new(body);
        let footer = Self::fields(&mut bytes)
            .ok_or_else(|| Fault::senseless("a footer that ends too early", "all of it"))?;
        // What a later version of the same number adds comes after, and is passed over.
        footer.check(offset)?;
        Ok(footer)
    }

    fn fields(bytes: &mut Bytes<'_>) -> Option<Self> {
        let references = bytes.u64()?;
        let digest = TraceDigest::new(bytes.array()?);
        let mut threads = Vec::new();
        for _ in 0..bytes.u32()? {
            threads.push(ThreadTotals {
                thread: ThreadIndex::new(bytes.u32()?),
                thread_id: bytes.u64()?,
                fetches: bytes.u64()?,
                loads: bytes.u64()?,
                stores: bytes.u64()?,
            });
        }
        let (blocks, events) = (entries(bytes)?, entries(bytes)?);
        let mut provenance = Provenance::new();
        for _ in 0..bytes.u32()? {
            provenance = provenance.with(bytes.text()?, bytes.text()?);
        }
        Some(Self { references, digest, threads, blocks, events, provenance })
    }

    /// Checks that blocks follow on each other, that the sections lie between header and footer, and that totals agree.
    fn check(&self, offset: u64) -> Result<(), Fault> {
        let mut references = 0_u64;
        for entry in &self.blocks {
            Fault::unless_equal("references before a block of the index", entry.first_reference, references)?;
            if !(1..=MOST_REFERENCES).contains(&entry.count) {
                let expected = format!("1 to {MOST_REFERENCES}");
                return Err(Fault::senseless(format!("a block of {} references", entry.count), expected));
            }
            references = references.saturating_add(u64::from(entry.count));
        }
        Fault::unless_equal("references in the index", references, self.references)?;
        let threads = self.threads.iter().fold(0_u64, |sum, thread| sum.saturating_add(thread.references()));
        Fault::unless_equal("references of all threads", threads, self.references)?;
        for index in [&self.blocks, &self.events] {
            let ordered = index.is_sorted_by(|one, next| {
                one.offset < next.offset && one.first_reference <= next.first_reference
            });
            let head = convert::count(section::HEAD);
            let inside = |entry: &Entry| entry.offset.checked_add(head).is_some_and(|end| end <= offset);
            if !ordered || !index.iter().all(inside) {
                return Err(Fault::senseless("an index in disorder", "sections in order, before the footer"));
            }
        }
        Ok(())
    }
}

fn put_count(body: &mut Vec<u8>, count: usize) {
    body.extend(convert::narrow(count).to_le_bytes());
}

fn entries(bytes: &mut Bytes<'_>) -> Option<Vec<Entry>> {
    let mut entries = Vec::new();
    for _ in 0..bytes.u32()? {
        entries.push(Entry {
            offset: bytes.u64()?,
            first_reference: bytes.u64()?,
            count: bytes.u32()?,
            thread: ThreadIndex::new(bytes.u32()?),
        });
    }
    Some(entries)
}
