//! The columns of a block: which there are, and how they are packed.

use std::io;

use terrace_addr::convert;

use super::head::Head;
use crate::terrace::bytes::Bytes;
use crate::terrace::column::{Packer, Unpacker};
use crate::terrace::fault::Fault;

/// The planes of a number of a run: its bytes, the lowest first.
pub(super) const RUN_PLANES: usize = 3;

/// The planes of a literal.
pub(super) const LITERAL_PLANES: usize = 8;

/// Columns of a block.
const COLUMNS: usize = 7 + RUN_PLANES + LITERAL_PLANES;

/// The columns, unpacked.
#[derive(Debug, Default)]
pub(super) struct Columns {
    /// For each stretch, three varints: the number of its thread, the thread's id, and executions.
    pub(super) stretches: Vec<u8>,
    /// For each run, its number of steps.
    pub(super) lengths: Vec<u8>,
    /// For each step, what it is.
    pub(super) kinds: Vec<u8>,
    /// For each step, its size as a varint.
    pub(super) sizes: Vec<u8>,
    /// For each step that is a fetch elsewhere, the folded difference from the end of the fetch before, as a varint.
    pub(super) jumps: Vec<u8>,
    /// For each operand, how it is predicted.
    pub(super) modes: Vec<u8>,
    /// For each execution, a byte of its run's number. Planes of bytes that would all be 0 are empty.
    pub(super) runs: [Vec<u8>; RUN_PLANES],
    /// For each data access, operand by operand: a code.
    pub(super) codes: Vec<u8>,
    /// For each literal, in the order of the codes: a byte of it, if it has as many.
    pub(super) literals: [Vec<u8>; LITERAL_PLANES],
}

/// A column and the fewest and most bytes that it can have.
type Bounded<'a> = (&'a mut Vec<u8>, usize, usize);

impl Columns {
    /// All columns in the order of the file, with what is known of their lengths.
    fn all(&mut self, head: &Head) -> [Bounded<'_>; COLUMNS] {
        let [references, steps, runs, executions, stretches] =
            [head.references, head.steps, head.runs, head.executions, head.stretches].map(convert::index32);
        let data = head.data();
        let [low, middle, high] = &mut self.runs;
        let plane = |needed: bool| if needed { executions } else { 0 };
        let (second, third) = (plane(runs > 1 << 8), plane(runs > 1 << 16));
        let [one, two, three, four, five, six, seven, eight] = &mut self.literals;
        debug_assert!(steps <= references);
        [
            (&mut self.stretches, 3 * stretches, 20 * stretches),
            (&mut self.lengths, runs, runs),
            (&mut self.kinds, steps, steps),
            (&mut self.sizes, steps, 3 * steps),
            (&mut self.jumps, 0, 10 * steps),
            (&mut self.modes, 0, steps),
            (low, executions, executions),
            (middle, second, second),
            (high, third, third),
            (&mut self.codes, data, data),
            (one, 0, data),
            (two, 0, data),
            (three, 0, data),
            (four, 0, data),
            (five, 0, data),
            (six, 0, data),
            (seven, 0, data),
            (eight, 0, data),
        ]
    }

    /// The body of a section with these columns: the head, the lengths of all columns (unpacked and stored), and the
    /// columns.
    pub(super) fn pack(&mut self, head: &Head, packer: &mut Packer) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        head.put(&mut body);
        let directory = body.len();
        body.resize(directory + 8 * COLUMNS, 0);
        for (index, (column, fewest, most)) in self.all(head).into_iter().enumerate() {
            debug_assert!((fewest..=most).contains(&column.len()), "column {index}");
            let stored = packer.pack(column, &mut body)?;
            let entry = directory + 8 * index;
            body[entry..entry + 4].copy_from_slice(&convert::narrow(column.len()).to_le_bytes());
            body[entry + 4..entry + 8].copy_from_slice(&convert::narrow(stored).to_le_bytes());
        }
        Ok(body)
    }

    /// Replaces the columns by those of a section with this body.
    pub(super) fn unpack(&mut self, body: &[u8], unpacker: &mut Unpacker) -> Result<Head, Fault> {
        let early = || Fault::senseless("a block that ends too early", "all of its columns");
        let mut bytes = Bytes::new(body);
        let head = Head::read(&mut bytes)?;
        let mut directory = Bytes::new(bytes.take(8 * COLUMNS).ok_or_else(early)?);
        for (index, (column, fewest, most)) in self.all(&head).into_iter().enumerate() {
            let (length, stored) = directory.u32().zip(directory.u32()).ok_or_else(early)?;
            let length = convert::index32(length);
            if !(fewest..=most).contains(&length) {
                let found = format!("{length} bytes in column {index}");
                return Err(Fault::senseless(found, format!("{fewest} to {most}")));
            }
            let stored = bytes.take(convert::index32(stored)).ok_or_else(early)?;
            unpacker
                .unpack(stored, length, column)
                .map_err(|found| Fault::senseless(found, format!("{length} bytes in column {index}")))?;
        }
        if !bytes.is_empty() {
            return Err(Fault::senseless("bytes after the last column", "nothing"));
        }
        Ok(head)
    }
}
