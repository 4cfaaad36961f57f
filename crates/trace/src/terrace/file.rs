//! Reading a trace.

use std::path::Path;

use terrace_addr::{AccessKind, convert};

use super::block::{Block, Counts, Loader};
use super::digest::TraceDigest;
use super::event::Event;
use super::footer::Footer;
use super::provenance::Provenance;
use super::section::Kind;
use super::sections::Sections;
use super::threads::ThreadTotals;
use super::walk::{Walk, read_events, unexpected};
use crate::source::Decode;
use crate::{Batch, Place, Progress, Statistics, TraceError, TraceErrorKind};

/// A file of Terrace's format.
///
/// ```
/// use terrace_addr::{Access, AccessKind, Addr};
/// use terrace_trace::{Batch, Provenance, TerraceFile, TerraceWriter};
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("example.trace");
/// let mut writer = TerraceWriter::create(&path, Provenance::new().with(Provenance::TOOL, "an example"))?;
/// let mut batch = Batch::new();
/// batch.push(Access { addr: Addr::new(0x40_1000), size: 4, kind: AccessKind::Fetch });
/// batch.push(Access { addr: Addr::new(0x7fff_0010), size: 8, kind: AccessKind::Store });
/// writer.write(&batch)?;
/// writer.finish()?;
///
/// let mut file = TerraceFile::open(&path)?;
/// assert_eq!(file.references(), 2);
/// assert_eq!(file.provenance().get(Provenance::TOOL), Some("an example"));
/// file.seek(1)?;
/// assert!(file.next_batch(&mut batch)?);
/// assert_eq!(batch.accesses()[0].addr, Addr::new(0x7fff_0010));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TerraceFile {
    sections: Sections,
    footer: Footer,
    walk: Walk,
    loader: Loader,
    block: Block,
    /// References that are decoded and not handed out.
    skip: u64,
    ended: bool,
    statistics: Statistics,
}

impl TerraceFile {
    /// Opens a file at its first reference.
    ///
    /// # Errors
    /// If it cannot be read, is of another format or version, or has no whole footer.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, TraceError> {
        let path = path.as_ref();
        let (sections, footer) = Sections::open(path)?;
        Ok(Self {
            sections,
            footer,
            walk: Walk::new(),
            loader: Loader::new().map_err(|error| TraceError::unreadable(path, error))?,
            block: Block::default(),
            skip: 0,
            ended: false,
            statistics: Statistics::default(),
        })
    }

    /// References in it.
    pub fn references(&self) -> u64 {
        self.footer.references
    }

    /// The threads and what each did.
    pub fn threads(&self) -> &[ThreadTotals] {
        &self.footer.threads
    }

    /// The digest that its writer computed. Reading from the first reference to the last checks it.
    pub fn digest(&self) -> TraceDigest {
        self.footer.digest
    }

    /// Where it came from.
    pub fn provenance(&self) -> &Provenance {
        &self.footer.provenance
    }

    /// Blocks in it: reading may begin at each without decoding what lies before.
    pub fn blocks(&self) -> usize {
        self.footer.blocks.len()
    }

    /// All events.
    ///
    /// # Errors
    /// If they are damaged.
    pub fn events(&mut self) -> Result<Vec<Event>, TraceError> {
        let mut events = Vec::new();
        for index in 0..self.footer.events.len() {
            let entry = self.footer.events[index];
            let (kind, _) = self.sections.read(entry.offset)?;
            let (_, body) = self.sections.section();
            let read = match kind {
                Kind::EVENTS => read_events(entry, body, &mut self.loader, &mut events),
                _ => Err(unexpected(kind, "events")),
            };
            read.map_err(|fault| self.sections.fault(fault, entry.offset))?;
        }
        Ok(events)
    }

    /// Goes to where `reference` references lie before the next one: to its block, of which what lies before is
    /// decoded and dropped. What is read from there on is checked block by block, not as a whole, unless it is the
    /// first.
    ///
    /// # Errors
    /// If there are fewer references.
    pub fn seek(&mut self, reference: u64) -> Result<(), TraceError> {
        if reference > self.references() {
            return Err(TraceError::new(self.sections.path(), TraceErrorKind::Record, Place::Whole)
                .found(format!("{} references", self.references()))
                .expected(format!("at least the {reference} that are to be passed over"))
                .advice("Begin earlier."));
        }
        let blocks = &self.footer.blocks;
        let index = blocks.partition_point(|entry| entry.first_reference <= reference).saturating_sub(1);
        if index == 0 {
            self.walk = Walk::new();
            self.skip = reference;
        } else {
            self.walk = Walk::before(index, &self.footer);
            self.skip = reference - blocks[index].first_reference;
        }
        self.block = Block::default();
        self.statistics = Statistics::default();
        self.ended = false;
        Ok(())
    }

    /// Replaces the content of `batch` by the next accesses, at least one. `false` at the end.
    ///
    /// # Errors
    /// If the file is damaged. Further calls return `false`.
    pub fn next_batch(&mut self, batch: &mut Batch) -> Result<bool, TraceError> {
        batch.clear();
        if self.ended {
            return Ok(false);
        }
        let outcome = self.fill(batch);
        self.ended = !matches!(outcome, Ok(true));
        outcome
    }

    fn fill(&mut self, batch: &mut Batch) -> Result<bool, TraceError> {
        loop {
            let mut counts = self.block.fill(batch);
            let decoded = convert::count(counts.references());
            if decoded == 0 {
                let Self { walk, sections, footer, loader, block, .. } = self;
                if !walk.next_block(sections, footer, loader, block)? {
                    return Ok(false);
                }
            } else if decoded <= self.skip {
                self.skip -= decoded;
            } else {
                if self.skip > 0 {
                    *batch = batch.split_off(convert::index(self.skip));
                    self.skip = 0;
                    let of = |kind| batch.accesses().iter().filter(|access| access.kind == kind).count();
                    let [fetches, loads, stores] = AccessKind::ALL.map(of);
                    counts = Counts { fetches, loads, stores };
                }
                self.statistics.records += convert::count(counts.references());
                self.statistics.fetches += convert::count(counts.fetches);
                self.statistics.loads += convert::count(counts.loads);
                self.statistics.stores += convert::count(counts.stores);
                return Ok(true);
            }
        }
    }
}

impl Decode for TerraceFile {
    fn decode(&mut self, batch: &mut Batch) -> Result<bool, TraceError> {
        self.next_batch(batch)
    }

    fn progress(&self) -> Progress {
        let total = self.sections.total();
        Progress { read: if self.ended { total } else { self.walk.offset }, total }
    }

    fn statistics(&self) -> Statistics {
        self.statistics
    }
}
