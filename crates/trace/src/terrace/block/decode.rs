//! The loop that turns runs into accesses.

use terrace_addr::{Access, convert};

use super::Stretch;
use super::operand::{History, Operand};
use crate::Batch;
use crate::terrace::bytes::unfolded;
use crate::terrace::layout::LITERAL;

/// A run.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Run {
    /// Where its steps begin, and how many there are.
    pub(super) first_step: u32,
    pub(super) steps: u32,
    /// Where its operands begin, and how many there are.
    pub(super) first_operand: u32,
    pub(super) operands: u32,
    pub(super) loads: u32,
}

/// References that were decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::terrace) struct Counts {
    pub(in crate::terrace) fetches: usize,
    pub(in crate::terrace) loads: usize,
    pub(in crate::terrace) stores: usize,
}

impl Counts {
    pub(in crate::terrace) const fn references(self) -> usize {
        self.fetches + self.loads + self.stores
    }
}

/// A block that is being decoded. Its parts fit each other: [`Loader`](super::Loader) checks that before it hands the
/// block out, so that what follows cannot fail.
#[derive(Debug, Default)]
pub(in crate::terrace) struct Block {
    /// The references of the stream before the next one.
    pub(super) next_reference: u64,
    /// The steps of all runs; the address of a data step is replaced at each execution.
    pub(super) steps: Vec<Access>,
    pub(super) runs: Vec<Run>,
    pub(super) operands: Vec<Operand>,
    /// The runs in the order in which they are executed.
    pub(super) executions: Vec<u32>,
    pub(super) next_execution: usize,
    pub(super) stretches: Vec<Stretch>,
    pub(super) next_stretch: usize,
    pub(super) codes: Vec<u8>,
    pub(super) literals: Vec<u64>,
    pub(super) history: History,
}

impl Block {
    /// Replaces what `batch` holds by the next accesses of one thread. None at the end of the block.
    pub(in crate::terrace) fn fill(&mut self, batch: &mut Batch) -> Counts {
        let Some(stretch) = self.stretches.get(self.next_stretch).copied() else {
            batch.clear();
            return Counts::default();
        };
        batch.start(stretch.thread, stretch.thread_id, self.next_reference);
        let counts = self.execute(stretch.end, batch.room());
        batch.wrote(counts.references(), convert::count(counts.fetches));
        self.next_reference += convert::count(counts.references());
        self.next_stretch += usize::from(self.next_execution == stretch.end);
        counts
    }

    /// Executes runs up to the one numbered `end`, as long as the next one fits into what is left of `room`.
    fn execute(&mut self, end: usize, room: &mut [Access]) -> Counts {
        let Self { steps, runs, operands, executions, next_execution, codes, literals, history, .. } = self;
        let (mut written, mut loads, mut data) = (0, 0, 0);
        for &execution in &executions[*next_execution..end] {
            let run = runs[convert::index32(execution)];
            let length = convert::index32(run.steps);
            let Some(slots) = room.get_mut(written..written + length) else { break };
            let first = convert::index32(run.first_step);
            slots.copy_from_slice(&steps[first..first + length]);
            let first = convert::index32(run.first_operand);
            let count = convert::index32(run.operands);
            for operand in &mut operands[first..first + count] {
                let code = codes[convert::index32(operand.code)];
                operand.code += 1;
                let folded = if code < LITERAL {
                    u64::from(code)
                } else {
                    let literal = literals[convert::index32(operand.literal)];
                    operand.literal += 1;
                    literal
                };
                slots[usize::from(operand.place)].addr = operand.next(unfolded(folded), history);
            }
            written += length;
            loads += convert::index32(run.loads);
            data += count;
            *next_execution += 1;
        }
        Counts { fetches: written - data, loads, stores: data - loads }
    }
}
