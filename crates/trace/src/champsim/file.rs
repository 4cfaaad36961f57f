//! One file, record by record.

use terrace_addr::{Addr, Gva, convert};

use super::decoder::{decode, room};
use super::record::{CLOUDSUITE_SIZE, CLOUDSUITE_STORES, Record, SIZE, STORES};
use crate::records::Records;
use crate::source::Decode;
use crate::{Batch, Progress, Statistics, ThreadIndex, TraceError, TraceErrorKind};

/// A file of `ChampSim`'s own records.
pub(crate) type ChampSimFile = TraceFile<SIZE, STORES, { room(STORES) }>;

/// A file of `CloudSuite` records.
pub(crate) type CloudSuiteFile = TraceFile<CLOUDSUITE_SIZE, CLOUDSUITE_STORES, { room(CLOUDSUITE_STORES) }>;

/// A file that is being decoded.
pub(crate) struct TraceFile<const SIZE: usize, const STORES: usize, const ROOM: usize> {
    records: Records<SIZE>,
    statistics: Statistics,
}

impl<const SIZE: usize, const STORES: usize, const ROOM: usize> TraceFile<SIZE, STORES, ROOM> {
    pub(crate) fn new(records: Records<SIZE>) -> Self {
        Self { records, statistics: Statistics::default() }
    }

    /// Finds the first address at hand that is not canonical.
    fn uncanonical(&self) -> TraceError {
        let (records, _) = self.records.whole().as_chunks::<SIZE>();
        let mut bad = records.iter().map(Record::<STORES>::of).enumerate().filter_map(|(index, record)| {
            let (name, raw) = record.uncanonical()?;
            Some((index, name, Addr::<Gva>::try_new(raw).err()?))
        });
        let (index, name, error) = bad.next().expect("decoding found one");
        let place = self.records.place(index * SIZE);
        TraceError::new(self.records.path(), TraceErrorKind::Record, place)
            .found(format!("the {name} address {:#x}", error.raw))
            .expected(format!("a canonical address ({error})"))
            .advice("The file is damaged, or holds records of another kind.")
    }
}

impl<const SIZE: usize, const STORES: usize, const ROOM: usize> Decode for TraceFile<SIZE, STORES, ROOM> {
    fn decode(&mut self, batch: &mut Batch) -> Result<bool, TraceError> {
        batch.start(ThreadIndex::default(), 0, 0);
        while batch.room().len() >= ROOM {
            if self.records.whole().is_empty() && !self.records.refill()? {
                break;
            }
            let run = decode::<SIZE, STORES, ROOM>(self.records.whole(), batch.room());
            if run.uncanonical != 0 {
                let error = self.uncanonical();
                return Err(self.records.blame(error));
            }
            let instructions = convert::count(run.records);
            batch.wrote(run.references, instructions);
            self.statistics.records += instructions;
            self.statistics.fetches += instructions;
            self.statistics.stores += convert::count(run.stores);
            self.statistics.loads += convert::count(run.references - run.records - run.stores);
            self.records.advance(run.records * SIZE);
        }
        Ok(!batch.is_empty())
    }

    fn progress(&self) -> Progress {
        self.records.progress()
    }

    fn statistics(&self) -> Statistics {
        self.statistics
    }
}
