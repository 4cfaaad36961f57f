//! `ChampSim`'s traces: a record of 64 bytes for each instruction, or of 96 bytes in those of `CloudSuite`.
//!
//! Source: `inc/trace_instruction.h` of `ChampSim` (`input_instr` and `cloudsuite_instr`). A record has the
//! instruction's address, whether it is a branch and was taken, registers, the addresses of stores and loads; an
//! address of 0 is none. All is little-endian, and laid out as C compilers for x86-64 do:
//!
//! | bytes of `input_instr` | of `cloudsuite_instr` | field |
//! | --- | --- | --- |
//! | 0–7 | 0–7 | address of the instruction |
//! | 8, 9 | 8, 9 | is a branch, was taken: 0 or 1 |
//! | 10–11 | 10–13 | registers written: 2 or 4 |
//! | 12–15 | 14–17 | 4 registers read |
//! | | 18–23 | padding |
//! | 16–31 | 24–55 | addresses of stores: 2 or 4 |
//! | 32–63 | 56–87 | addresses of 4 loads |
//! | | 88–89 | address-space id |
//! | | 90–95 | padding |
//!
//! The rules:
//! - A record gives a fetch at the instruction's address, then its loads in the order of their fields, then its
//!   stores.
//! - The format has no lengths, neither of instructions nor of operands: each reference is 1 byte long, so none
//!   crosses a page.
//! - There is one thread, and its id is 0.
//! - The address-space id of `CloudSuite`'s is not looked at: in one trace it is that of one program.
//! - Nothing in a file says that it is one: it is taken for one if its first records could be; for `CloudSuite`'s if
//!   they could not be `ChampSim`'s own.

mod decoder;
mod file;
mod record;

pub(crate) use file::{ChampSimFile, CloudSuiteFile};
pub(crate) use record::{CLOUDSUITE_SIZE, SIZE, implausible, implausible_cloudsuite};
