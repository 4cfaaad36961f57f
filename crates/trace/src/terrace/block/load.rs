//! From the body of a section to a block: everything is checked here.

use std::io;

use terrace_addr::{Access, AccessKind, Addr, convert};

use super::Stretch;
use super::columns::Columns;
use super::decode::{Block, Run};
use super::head::Head;
use super::operand::{History, Operand};
use crate::ThreadIndex;
use crate::terrace::bytes::{Bytes, unfolded};
use crate::terrace::column::Unpacker;
use crate::terrace::fault::Fault;
use crate::terrace::layout::{LITERAL, literal_bytes, step};

/// Loads blocks, with memory that is used again.
pub(in crate::terrace) struct Loader {
    unpacker: Unpacker,
    columns: Columns,
}

impl Loader {
    pub(in crate::terrace) fn new() -> io::Result<Self> {
        Ok(Self { unpacker: Unpacker::new()?, columns: Columns::default() })
    }

    pub(in crate::terrace) fn unpacker(&mut self) -> &mut Unpacker {
        &mut self.unpacker
    }

    /// Replaces `block` by the one in the section with this body, and returns the reference that it begins with and
    /// the number of its references.
    pub(in crate::terrace) fn load(&mut self, body: &[u8], block: &mut Block) -> Result<(u64, u32), Fault> {
        let head = self.columns.unpack(body, &mut self.unpacker)?;
        let Columns { stretches, lengths, kinds, sizes, jumps, modes, runs, codes, literals } =
            &mut self.columns;
        load_steps(kinds, sizes, jumps, &mut block.steps)?;
        load_runs(lengths, modes, block)?;
        load_stretches(stretches, &head, &mut block.stretches)?;
        load_executions(runs, &head, block)?;
        core::mem::swap(codes, &mut block.codes);
        load_literals(literals, block)?;
        block.next_reference = head.first_reference;
        block.next_execution = 0;
        block.next_stretch = 0;
        block.history = History::default();
        Ok((head.first_reference, head.references))
    }
}

/// An error of a column that has too few or too many entries.
fn other_number(what: &str) -> Fault {
    Fault::senseless(
        format!("another number of {what} than there should be"),
        "as many as follow from the rest",
    )
}

fn load_steps(kinds: &[u8], sizes: &[u8], jumps: &[u8], steps: &mut Vec<Access>) -> Result<(), Fault> {
    let (mut sizes, mut jumps) = (Bytes::new(sizes), Bytes::new(jumps));
    let mut end = Addr::ZERO;
    steps.clear();
    for &kind in kinds {
        let size =
            sizes.varint().and_then(|size| u16::try_from(size).ok()).ok_or_else(|| other_number("sizes"))?;
        let access = match kind {
            step::LOAD => Access { addr: Addr::ZERO, size, kind: AccessKind::Load },
            step::STORE => Access { addr: Addr::ZERO, size, kind: AccessKind::Store },
            step::NEXT | step::JUMP => {
                if kind == step::JUMP {
                    let jump = jumps.varint().ok_or_else(|| other_number("jumps"))?;
                    end = Addr::truncate(end.get().wrapping_add(unfolded(jump)));
                }
                let access = Access { addr: end, size, kind: AccessKind::Fetch };
                end = end.offset_by(convert::wide(size));
                access
            }
            _ => return Err(Fault::senseless(format!("a step of kind {kind}"), "0 to 3")),
        };
        steps.push(access);
    }
    if sizes.is_empty() && jumps.is_empty() { Ok(()) } else { Err(other_number("sizes or jumps")) }
}

fn load_runs(lengths: &[u8], modes: &[u8], block: &mut Block) -> Result<(), Fault> {
    let Block { steps, runs, operands, .. } = block;
    let mut modes = modes.iter();
    runs.clear();
    operands.clear();
    let mut first = 0;
    for &length in lengths {
        let end = first + usize::from(length);
        let Some(run) = steps.get(first..end).filter(|run| !run.is_empty()) else {
            return Err(other_number("steps"));
        };
        let first_operand = operands.len();
        let mut loads = 0;
        for (place, access) in (0..length).zip(run).filter(|(_, access)| access.kind != AccessKind::Fetch) {
            let mode = *modes.next().ok_or_else(|| other_number("modes"))?;
            let operand = Operand::new(mode, place)
                .ok_or_else(|| Fault::senseless(format!("an operand of mode {mode:#04x}"), "a known mode"))?;
            operands.push(operand);
            loads += u32::from(access.kind == AccessKind::Load);
        }
        runs.push(Run {
            first_step: convert::narrow(first),
            steps: u32::from(length),
            first_operand: convert::narrow(first_operand),
            operands: convert::narrow(operands.len() - first_operand),
            loads,
        });
        first = end;
    }
    if first == steps.len() && modes.next().is_none() { Ok(()) } else { Err(other_number("steps or modes")) }
}

fn load_stretches(column: &[u8], head: &Head, stretches: &mut Vec<Stretch>) -> Result<(), Fault> {
    let mut bytes = Bytes::new(column);
    let mut end = 0_u64;
    stretches.clear();
    for _ in 0..head.stretches {
        let fields = (|| Some((bytes.varint()?, bytes.varint()?, bytes.varint()?)))();
        let (thread, thread_id, executions) = fields.ok_or_else(|| other_number("stretches"))?;
        let thread =
            u32::try_from(thread).map_err(|_| Fault::senseless(format!("thread {thread}"), "32 bits"))?;
        end = end.saturating_add(executions);
        if executions == 0 || end > u64::from(head.executions) {
            return Err(other_number("executions in stretches"));
        }
        stretches.push(Stretch { thread: ThreadIndex::new(thread), thread_id, end: convert::index(end) });
    }
    if bytes.is_empty() && end == u64::from(head.executions) {
        Ok(())
    } else {
        Err(other_number("executions in stretches"))
    }
}

/// Puts the numbers of runs together, and gives each operand the place of its first code.
fn load_executions(planes: &[Vec<u8>; 3], head: &Head, block: &mut Block) -> Result<(), Fault> {
    let Block { runs, executions, operands, .. } = block;
    executions.clear();
    executions.extend(planes[0].iter().map(|&byte| u32::from(byte)));
    for (plane, shift) in planes[1..].iter().zip([8, 16]) {
        for (execution, &byte) in executions.iter_mut().zip(plane) {
            *execution |= u32::from(byte) << shift;
        }
    }
    let mut counts = vec![0_u32; runs.len()];
    for &run in &*executions {
        let Some(count) = counts.get_mut(convert::index32(run)) else {
            return Err(Fault::senseless(format!("run {run}"), format!("one of {}", runs.len())));
        };
        *count += 1;
    }
    let (mut references, mut loads, mut codes) = (0, 0, 0_u64);
    for (run, &count) in runs.iter().zip(&counts) {
        let count = u64::from(count);
        references += count * u64::from(run.steps);
        loads += count * u64::from(run.loads);
        let first = convert::index32(run.first_operand);
        for operand in &mut operands[first..first + convert::index32(run.operands)] {
            operand.code = u32::try_from(codes).map_err(|_| other_number("codes"))?;
            codes += count;
        }
    }
    Fault::unless_equal("references in a block", references, u64::from(head.references))?;
    Fault::unless_equal("loads in a block", loads, u64::from(head.loads))?;
    Fault::unless_equal("data accesses in a block", codes, convert::count(head.data()))
}

/// Puts the literals together, and gives each operand the place of its first one.
fn load_literals(planes: &[Vec<u8>; 8], block: &mut Block) -> Result<(), Fault> {
    let Block { operands, codes, literals, .. } = block;
    let mut next = [0_usize; 8];
    literals.clear();
    for index in 0..operands.len() {
        let end = operands.get(index + 1).map_or(codes.len(), |operand| convert::index32(operand.code));
        let operand = &mut operands[index];
        operand.literal = convert::narrow(literals.len());
        for &code in codes[convert::index32(operand.code)..end].iter().filter(|&&code| code >= LITERAL) {
            let mut literal = [0; 8];
            for plane in 0..usize::from(literal_bytes(code)) {
                literal[plane] = *planes[plane].get(next[plane]).ok_or_else(|| other_number("literals"))?;
                next[plane] += 1;
            }
            literals.push(u64::from_le_bytes(literal));
        }
    }
    let all = planes.iter().zip(next).all(|(plane, next)| plane.len() == next);
    if all { Ok(()) } else { Err(other_number("literals")) }
}
