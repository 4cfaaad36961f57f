//! Replaying traces.
//!
//! A [`Replay`] is a machine in one or more modes of translation, fed with batches of accesses; every mode
//! sees the same accesses, in the same order, with its own tables and its own MMUs. So modes share nothing,
//! and may run on threads side by side: the counts, and the first failure, are the same however many threads
//! there are.
//!
//! Thread *t* of the traces runs on virtual CPU *t* modulo the CPUs of the machine: threads beyond them share
//! a CPU, as a kernel would run them in turn (they are one process, so nothing is flushed between them).

mod crew;
mod error;
mod kinds;
mod run;
mod settings;
mod workers;
mod world;

pub(crate) use world::build;

pub use error::{Failure, ReplayError};
pub use kinds::{Kinds, UnknownKinds};
pub use run::Replay;
pub use settings::Settings;
