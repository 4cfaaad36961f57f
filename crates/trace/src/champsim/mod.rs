//! `ChampSim`'s traces: a record of 64 bytes for each instruction.
//!
//! Source: `inc/trace_instruction.h` of `ChampSim` (`input_instr`). A record has the instruction's address, whether
//! it is a branch and was taken, registers, the addresses of up to 2 stores and up to 4 loads; an address of 0 is
//! none.
//!
//! The rules:
//! - A record gives a fetch at the instruction's address, then its loads in the order of their fields, then its
//!   stores.
//! - The format has no lengths, neither of instructions nor of operands: each reference is 1 byte long, so none
//!   crosses a page.
//! - There is one thread, and its id is 0.
//! - Nothing in a file says that it is one: it is taken for one if its first records could be.

mod decoder;
mod file;
mod record;

pub(crate) use file::TraceFile;
pub(crate) use record::{SIZE, implausible};
