//! The engine that assembles machines, tables and traces into runs.
//!
//! [`replay`] feeds the accesses of a trace to the MMUs of a machine in one or more
//! modes of translation, side by side. A trace holds virtual addresses only; [`mapping`] says which pages and
//! frames stand behind them. [`time`] says how long what was counted takes, and in which order vCPUs advance.
//! [`run`](mod@run) runs scenarios, in which kernels write the tables. [`walk`] explains one translation, and [`mod@bench`] measures the engine itself.
#![forbid(unsafe_code)]

pub mod bench;
pub mod mapping;
mod mode;
pub mod published;
pub mod replay;
pub mod reproduce;
pub mod run;
pub mod scenarios;
mod svg;
pub mod time;
pub mod walk;

pub use mode::{Mode, UnknownMode};
