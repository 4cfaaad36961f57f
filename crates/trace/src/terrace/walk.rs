//! From section to section.

use sha2::{Digest, Sha256};
use terrace_addr::convert;

use super::block::{Block, Loader};
use super::digest::TraceDigest;
use super::event::Event;
use super::events;
use super::fault::Fault;
use super::footer::{Entry, Footer};
use super::layout::{HEADER, header};
use super::section::Kind;
use super::sections::Sections;
use crate::TraceError;

/// A place between two sections. Each section that is passed must be the next one of the index.
pub(super) struct Walk {
    /// Where the next section begins.
    pub(super) offset: u64,
    /// Entries of the index that lie before it.
    blocks: usize,
    events: usize,
    /// What was read, if that was all from the start on: the file is then checked as a whole.
    hash: Option<Sha256>,
}

impl Walk {
    /// Before the first section.
    pub(super) fn new() -> Self {
        let mut hash = Sha256::new();
        hash.update(header());
        Self { offset: convert::count(HEADER), blocks: 0, events: 0, hash: Some(hash) }
    }

    /// Before the block in this place of the index.
    pub(super) fn before(block: usize, footer: &Footer) -> Self {
        let offset = footer.blocks[block].offset;
        let events = footer.events.partition_point(|entry| entry.offset < offset);
        Self { offset, blocks: block, events, hash: None }
    }

    /// Reads sections up to the next block and loads it. `false` at the footer.
    pub(super) fn next_block(
        &mut self,
        sections: &mut Sections,
        footer: &Footer,
        loader: &mut Loader,
        block: &mut Block,
    ) -> Result<bool, TraceError> {
        while self.offset < sections.end() {
            let offset = self.offset;
            let (kind, next) = sections.read(offset)?;
            self.offset = next;
            let (head, body) = sections.section();
            if let Some(hash) = &mut self.hash {
                hash.update(head);
                hash.update(body);
            }
            let read = match kind {
                Kind::BLOCK => self.block(offset, body, footer, loader, block),
                Kind::EVENTS => self.events(offset, body, footer, loader),
                _ if kind.may_be_skipped() => Ok(()),
                _ => Err(unexpected(kind, "blocks and events")),
            };
            read.map_err(|fault| sections.fault(fault, offset))?;
            if kind == Kind::BLOCK {
                return Ok(true);
            }
        }
        self.check_end(footer).map_err(|fault| sections.fault(fault, sections.end()))?;
        Ok(false)
    }

    fn block(
        &mut self,
        offset: u64,
        body: &[u8],
        footer: &Footer,
        loader: &mut Loader,
        block: &mut Block,
    ) -> Result<(), Fault> {
        let entry = next_entry(&footer.blocks, &mut self.blocks, offset)?;
        let (first, count) = loader.load(body, block)?;
        Fault::unless_equal("references before a block", first, entry.first_reference)?;
        Fault::unless_equal("references in a block", u64::from(count), u64::from(entry.count))
    }

    fn events(
        &mut self,
        offset: u64,
        body: &[u8],
        footer: &Footer,
        loader: &mut Loader,
    ) -> Result<(), Fault> {
        let entry = next_entry(&footer.events, &mut self.events, offset)?;
        read_events(entry, body, loader, &mut Vec::new())
    }

    /// Checks that all was there that the footer names.
    fn check_end(&mut self, footer: &Footer) -> Result<(), Fault> {
        let [blocks, events] = [footer.blocks.len(), footer.events.len()].map(convert::count);
        Fault::unless_equal("blocks", convert::count(self.blocks), blocks)?;
        Fault::unless_equal("sections of events", convert::count(self.events), events)?;
        let digest = self.hash.take().map_or(footer.digest, TraceDigest::of);
        if digest == footer.digest {
            return Ok(());
        }
        Err(Fault::damaged(format!("the digest {digest}"), format!("{}, as in the footer", footer.digest)))
    }
}

/// Appends the events of a section with this body.
pub(super) fn read_events(
    entry: Entry,
    body: &[u8],
    loader: &mut Loader,
    to: &mut Vec<Event>,
) -> Result<(), Fault> {
    let before = to.len();
    events::unpack(body, loader.unpacker(), to)?;
    Fault::unless_equal("events in a section", convert::count(to.len() - before), u64::from(entry.count))
}

/// A section of a kind that does not belong where it is.
pub(super) fn unexpected(kind: Kind, expected: &str) -> Fault {
    Fault::damaged(format!("a section {}", kind.shown()), expected)
}

/// The next entry of an index, which must be for the section at `offset`.
fn next_entry(index: &[Entry], next: &mut usize, offset: u64) -> Result<Entry, Fault> {
    let entry = index.get(*next).filter(|entry| entry.offset == offset);
    *next += 1;
    entry
        .copied()
        .ok_or_else(|| Fault::damaged("a section that is not in the index", "the next one of the index"))
}
