//! From accesses to a block.

use std::io;

use terrace_addr::{Access, AccessKind, convert};

use super::Stretch;
use super::columns::Columns;
use super::head::Head;
use super::operand::Trail;
use super::runs::Runs;
use super::units::Units;
use crate::terrace::bytes::{Put, folded};
use crate::terrace::column::Packer;
use crate::terrace::layout::{LITERAL, step};

/// The body of a section with these accesses. The stretches' ends are in references, and the last is the number of
/// accesses.
pub(in crate::terrace) fn encode(
    first_reference: u64,
    accesses: &[Access],
    stretches: &[Stretch],
    packer: &mut Packer,
) -> io::Result<Vec<u8>> {
    let mut units = Units::default();
    let (mut sequence, mut ends) = (Vec::new(), Vec::new());
    let mut start = 0;
    for stretch in stretches {
        units.cut(&accesses[start..stretch.end], &mut sequence);
        ends.push(sequence.len());
        start = stretch.end;
    }
    let runs = Runs::new(&units, &sequence, &ends);
    let mut columns = Columns::default();
    put_stretches(stretches, &runs.stretches, &mut columns.stretches);
    let program = Program::new(&units, &runs, &mut columns);
    put_executions(&runs, &mut columns);
    program.put_data(accesses, &runs.executions, &mut columns);
    let count = |kind| convert::narrow(accesses.iter().filter(|access| access.kind == kind).count());
    let head = Head {
        first_reference,
        references: convert::narrow(accesses.len()),
        fetches: count(AccessKind::Fetch),
        loads: count(AccessKind::Load),
        steps: convert::narrow(columns.kinds.len()),
        runs: convert::narrow(runs.ends.len()),
        executions: convert::narrow(runs.executions.len()),
        stretches: convert::narrow(stretches.len()),
    };
    columns.pack(&head, packer)
}

fn put_stretches(stretches: &[Stretch], ends: &[usize], column: &mut Vec<u8>) {
    let mut start = 0;
    for (stretch, &end) in stretches.iter().zip(ends) {
        column.put_varint(u64::from(stretch.thread.get()));
        column.put_varint(stretch.thread_id);
        column.put_varint(convert::count(end - start));
        start = end;
    }
}

fn put_executions(runs: &Runs, columns: &mut Columns) {
    let bytes =
        runs.ends.len().saturating_sub(1).checked_ilog2().map_or(1, |bits| convert::index32(bits) / 8 + 1);
    for (plane, column) in columns.runs.iter_mut().enumerate().take(bytes) {
        column.extend(runs.executions.iter().map(|run| run.to_le_bytes()[plane]));
    }
}

/// What is static in a block.
struct Program {
    /// For each run, its steps and its operands.
    runs: Vec<RunSteps>,
    operands: usize,
}

struct RunSteps {
    length: usize,
    /// The places of its data steps.
    data: Vec<usize>,
    first_operand: usize,
}

impl Program {
    /// Gathers the steps of all runs and puts them into their columns.
    fn new(units: &Units, runs: &Runs, columns: &mut Columns) -> Self {
        let mut program = Self { runs: Vec::with_capacity(runs.ends.len()), operands: 0 };
        let (mut start, mut fetch_end) = (0, 0);
        for &end in &runs.ends {
            let steps = runs.units[start..end].iter().flat_map(|&unit| units.steps(unit));
            let mut run = RunSteps { length: 0, data: Vec::new(), first_operand: program.operands };
            for access in steps {
                let kind = match access.kind {
                    AccessKind::Load => step::LOAD,
                    AccessKind::Store => step::STORE,
                    AccessKind::Fetch if access.addr.get() == fetch_end => step::NEXT,
                    AccessKind::Fetch => {
                        columns.jumps.put_varint(folded(access.addr.get().wrapping_sub(fetch_end)));
                        step::JUMP
                    }
                };
                match access.kind {
                    AccessKind::Fetch => fetch_end = access.addr.offset_by(convert::wide(access.size)).get(),
                    _ => run.data.push(run.length),
                }
                columns.kinds.push(kind);
                columns.sizes.put_varint(u64::from(access.size));
                run.length += 1;
            }
            columns.lengths.push(convert::low8(convert::count(run.length)));
            program.operands += run.data.len();
            program.runs.push(run);
            start = end;
        }
        program
    }

    /// Puts the data accesses, operand by operand, into the columns of modes, codes and literals.
    fn put_data(&self, accesses: &[Access], executions: &[u32], columns: &mut Columns) {
        let executed = || executions.iter().map(|&run| &self.runs[convert::index32(run)]);
        // Where the places of each operand end, once they are sorted by operand.
        let mut ends = vec![0_usize; self.operands + 1];
        for run in executed() {
            for operand in 0..run.data.len() {
                ends[run.first_operand + operand + 1] += 1;
            }
        }
        for operand in 0..self.operands {
            ends[operand + 1] += ends[operand];
        }
        let mut places = vec![0_u32; ends[self.operands]];
        let mut trail = Vec::with_capacity(places.len());
        let mut start = 0;
        for run in executed() {
            for (operand, place) in run.data.iter().enumerate() {
                let next = &mut ends[run.first_operand + operand];
                places[*next] = convert::narrow(trail.len());
                *next += 1;
                trail.push(accesses[start + place].addr.get());
            }
            start += run.length;
        }
        // What was each operand's start is its end now.
        let trail = Trail(&trail);
        let mut start = 0;
        for &end in &ends[..self.operands] {
            let places = &places[start..end];
            let mode = trail.best_mode(places);
            columns.modes.push(mode);
            trail.differences(mode, places, |folded| put_difference(folded, columns));
            start = end;
        }
    }
}

fn put_difference(folded: u64, columns: &mut Columns) {
    if folded < u64::from(LITERAL) {
        columns.codes.push(convert::low8(folded));
        return;
    }
    let bytes = folded.ilog2() / 8;
    columns.codes.push(LITERAL + convert::low8(u64::from(bytes)));
    for (plane, byte) in
        columns.literals.iter_mut().zip(folded.to_le_bytes()).take(convert::index32(bytes) + 1)
    {
        plane.push(byte);
    }
}
