//! Replaying traces.
//!
//! A [`Replay`] is a machine in one or more modes of translation, fed with batches of accesses; every mode sees
//! the same accesses, in the same order, with its own tables and its own MMUs. Thread *t* of the traces runs on
//! virtual CPU *t* modulo the cores of the machine: threads beyond the cores share a core's structures, as a
//! kernel would run them in turn (they are one process, so nothing is flushed between them).

mod error;
mod run;
mod world;

pub use error::{Failure, ReplayError};
pub use run::{Kinds, Replay, UnknownKinds};
