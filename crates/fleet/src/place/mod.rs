//! Which server a VM gets.
//!
//! A policy is a list of steps, of which the first that finds a server decides. Whether a server is chosen never depends
//! on anything but its number, its free cores, its free memory and its largest free extent, so each step is a question to
//! an index, and none is a scan.

mod index;

pub(crate) use index::Index;

/// Which server a VM gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerPolicy {
    /// The running server with the most free memory; a further one is switched on if none has room.
    Spread,
    /// The running server with the least free memory that has room; a further one is switched on if none has.
    Stack,
    /// The first running server with a free extent that holds the VM; else a further server is switched on; else the
    /// first with room. (The rule of Yuhala's thesis, 2018, for `(No)Compromis`.)
    Contiguity,
    /// As `Contiguity`, but the last running server with room goes before a further one. (What the code published with
    /// the thesis does.)
    ContiguityCode,
    /// The running server with the fewest free cores among those with a free extent that holds the VM; else a further
    /// server is switched on; else the one with the most free memory. (Terrace's own.)
    Snug,
    /// The running server whose largest free extent is the smallest that holds the VM; else a further server is switched
    /// on; else the one with the most free memory. (Terrace's own.)
    Tight,
}

/// A step of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// A running server.
    Running(By),
    /// A server that is still off.
    SwitchOn,
}

/// How a running server is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// Of those with room, the one with the most free memory.
    MostMemory,
    /// Of those with room, the one with the least.
    LeastMemory,
    /// Of those with room, the first.
    FirstRoom,
    /// Of those with room, the last.
    LastRoom,
    /// Of those with a free extent that holds the VM, the first.
    FirstRun,
    /// Of those, the one whose largest free extent is the smallest.
    TightestRun,
    /// Of those, the one with the fewest free cores.
    FewestCores,
}

impl ServerPolicy {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Spread, Self::Stack, Self::Contiguity, Self::ContiguityCode, Self::Snug, Self::Tight];

    /// The name on the command line and in results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Spread => "spread",
            Self::Stack => "stack",
            Self::Contiguity => "contiguity",
            Self::ContiguityCode => "contiguity-code",
            Self::Snug => "snug",
            Self::Tight => "tight",
        }
    }

    pub(crate) const fn steps(self) -> &'static [Step] {
        use By::{FewestCores, FirstRoom, FirstRun, LastRoom, LeastMemory, MostMemory, TightestRun};
        use Step::{Running, SwitchOn};
        match self {
            Self::Spread => &[Running(MostMemory), SwitchOn],
            Self::Stack => &[Running(LeastMemory), SwitchOn],
            Self::Contiguity => &[Running(FirstRun), SwitchOn, Running(FirstRoom)],
            Self::ContiguityCode => &[Running(FirstRun), Running(LastRoom), SwitchOn],
            Self::Snug => &[Running(FewestCores), SwitchOn, Running(MostMemory)],
            Self::Tight => &[Running(TightestRun), SwitchOn, Running(MostMemory)],
        }
    }
}
