//! The loop that turns lines into accesses.

use terrace_addr::{Access, AccessKind};

use super::line::{Line, Operation, starts_like_an_access};
use crate::lines::length;

/// The most accesses that a line gives.
pub(super) const ROOM: usize = 2;

/// Lines decoded in one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Run {
    /// Characters of all lines.
    pub(super) bytes: usize,
    /// Lines that are accesses.
    pub(super) records: usize,
    /// Lines that are none and were passed over.
    pub(super) foreign: usize,
    pub(super) references: usize,
    /// How many of the references are fetches.
    pub(super) fetches: usize,
    /// How many of the references are stores.
    pub(super) stores: usize,
}

/// Decodes from the start of `lines`, which are whole, into `room`: up to the end of `lines`, until a line might not
/// fit, or up to a line that starts like an access and is none.
#[inline]
pub(super) fn decode(lines: &[u8], room: &mut [Access]) -> Run {
    let mut run = Run::default();
    while let Some(slots) = room[run.references..].first_chunk_mut::<ROOM>() {
        let rest = &lines[run.bytes..];
        let Some(line) = Line::first_of(rest) else {
            if rest.is_empty() || starts_like_an_access(rest) {
                break;
            }
            run.bytes += length(rest);
            run.foreign += 1;
            continue;
        };
        let access = |kind| Access { addr: line.addr, size: line.size, kind };
        slots[0] = access(match line.operation {
            Operation::Fetch => AccessKind::Fetch,
            Operation::Load | Operation::Modify => AccessKind::Load,
            Operation::Store => AccessKind::Store,
        });
        slots[1] = access(AccessKind::Store);
        run.bytes += line.length;
        run.records += 1;
        run.references += 1 + usize::from(line.operation == Operation::Modify);
        run.fetches += usize::from(line.operation == Operation::Fetch);
        run.stores += usize::from(matches!(line.operation, Operation::Store | Operation::Modify));
    }
    run
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Batch;

    #[test]
    fn a_modification_is_a_load_and_a_store() {
        let lines = b"==1== words\nI  10,3\n M 20,8\n\n S 30,4\n";
        let mut batch = Batch::new();
        let run = decode(lines, batch.room());
        let expected =
            Run { bytes: lines.len(), records: 3, foreign: 2, references: 4, fetches: 1, stores: 2 };
        assert_eq!(run, expected);
        let got: Vec<_> = batch.room()[..4].iter().map(|a| (a.kind, a.addr.get(), a.size)).collect();
        let expected = [
            (AccessKind::Fetch, 0x10, 3),
            (AccessKind::Load, 0x20, 8),
            (AccessKind::Store, 0x20, 8),
            (AccessKind::Store, 0x30, 4),
        ];
        assert_eq!(got, expected);
    }

    #[test]
    fn a_run_ends_where_a_modification_might_not_fit_and_before_a_faulty_line() {
        let mut batch = Batch::new();
        let run = decode(b" L 10,1\n L 20,1\n L 30,1\n", &mut batch.room()[..3]);
        assert_eq!((run.records, run.bytes), (2, 16));
        let run = decode(b" L 10,1\n L what\n L 30,1\n", batch.room());
        assert_eq!((run.records, run.bytes), (1, 8));
    }
}
