//! The engine that assembles machines, tables and traces into runs.
//!
//! So far it replays traces: [`replay`] feeds the accesses of a trace to the MMUs of a machine in one or more
//! modes of translation, side by side. A trace holds virtual addresses only; [`mapping`] says which pages and
//! frames stand behind them.
#![forbid(unsafe_code)]

pub mod mapping;
mod mode;
pub mod replay;

pub use mode::{Mode, UnknownMode};
