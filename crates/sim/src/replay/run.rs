//! A replay in progress.

use core::fmt;
use core::str::FromStr;

use terrace_addr::{Access, AccessKind};
use terrace_machine::Machine;
use terrace_mmu::Counters;
use terrace_trace::Batch;

use super::ReplayError;
use super::world::{World, build};
use crate::Mode;
use crate::mapping::Rule;

/// Which accesses of a trace are replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kinds {
    /// All.
    #[default]
    All,
    /// Loads and stores.
    Data,
    /// Instruction fetches.
    Fetch,
}

impl Kinds {
    const ALL: [Self; 3] = [Self::All, Self::Data, Self::Fetch];

    /// The name on the command line and in results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Data => "data",
            Self::Fetch => "fetch",
        }
    }

    const fn includes(self, kind: AccessKind) -> bool {
        match self {
            Self::All => true,
            Self::Data => !matches!(kind, AccessKind::Fetch),
            Self::Fetch => matches!(kind, AccessKind::Fetch),
        }
    }
}

impl fmt::Display for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A text that names no kinds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("found `{0}`; expected all, data or fetch")]
pub struct UnknownKinds(String);

impl FromStr for Kinds {
    type Err = UnknownKinds;

    fn from_str(text: &str) -> Result<Self, UnknownKinds> {
        Self::ALL.into_iter().find(|kinds| kinds.name() == text).ok_or_else(|| UnknownKinds(text.to_owned()))
    }
}

/// A machine in some modes, fed with accesses.
pub struct Replay {
    worlds: Vec<(Mode, Box<dyn World>)>,
    kinds: Kinds,
    /// The accesses of a batch that are replayed, where they are not all of them.
    chosen: Vec<Access>,
    instructions: u64,
    threads: usize,
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.worlds.iter().map(|(mode, _)| mode)).finish()
    }
}

impl Replay {
    /// A replay in these modes, with nothing replayed yet.
    ///
    /// # Errors
    /// If the machine cannot be built for the rule's memory.
    pub fn new(machine: &Machine, modes: &[Mode], rule: &Rule, kinds: Kinds) -> Result<Self, ReplayError> {
        let worlds = modes
            .iter()
            .map(|&mode| Ok((mode, build(mode, machine, rule)?)))
            .collect::<Result<_, ReplayError>>()?;
        Ok(Self { worlds, kinds, chosen: Vec::new(), instructions: 0, threads: 0 })
    }

    /// Replays a batch in every mode.
    ///
    /// # Errors
    /// At the first access that cannot be mapped or translated.
    pub fn feed(&mut self, batch: &Batch) -> Result<(), ReplayError> {
        let thread = batch.thread().index();
        self.threads = self.threads.max(thread + 1);
        self.instructions += batch.instructions();
        let accesses = if self.kinds == Kinds::All {
            batch.accesses()
        } else {
            self.chosen.clear();
            self.chosen.extend(batch.accesses().iter().filter(|access| self.kinds.includes(access.kind)));
            &self.chosen
        };
        for (_, world) in &mut self.worlds {
            world.run(thread, accesses).map_err(|(at, failure)| {
                let chosen = batch.accesses().iter().zip(batch.first_reference()..);
                let chosen = chosen.filter(|(access, _)| self.kinds.includes(access.kind)).nth(at);
                let reference = chosen.map_or(batch.first_reference(), |(_, reference)| reference);
                ReplayError::Reference { reference, failure }
            })?;
        }
        Ok(())
    }

    /// The counts so far, of all cores together, for each mode in the order in which they were asked for.
    pub fn counters(&self) -> Vec<(Mode, Counters)> {
        self.worlds.iter().map(|(mode, world)| (*mode, world.counters())).collect()
    }

    /// Instructions fed so far.
    pub const fn instructions(&self) -> u64 {
        self.instructions
    }

    /// Threads seen so far.
    pub const fn threads(&self) -> usize {
        self.threads
    }
}
