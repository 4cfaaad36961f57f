//! How a run ended.

use core::fmt;

use serde::{Deserialize, Serialize, Serializer};
use terrace_addr::Nanos;

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Outcome {
    /// All of the measured time was simulated.
    Complete,
    /// The user ended it: the metrics are those of the intervals before.
    Interrupted {
        /// When, in simulated time.
        #[serde(rename = "at_ns", with = "super::nanos")]
        at: Nanos,
    },
    /// A kernel had no memory left and could not go on.
    OutOfMemory {
        /// When, in simulated time.
        #[serde(rename = "at_ns", with = "super::nanos")]
        at: Nanos,
        /// Whose kernel: `host`, `vm0/guest`.
        layer: String,
        /// What it wanted, and what there was.
        wanted: String,
    },
    /// A program or a guest did what it may not.
    Failed {
        /// When, in simulated time.
        #[serde(rename = "at_ns", with = "super::nanos")]
        at: Nanos,
        /// The VM.
        vm: String,
        /// What.
        why: String,
    },
}

impl fmt::Display for Outcome {
    /// One sentence.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Complete => f.write_str("All of the measured time was simulated."),
            Self::Interrupted { at } => {
                write!(f, "It was interrupted at {at}: the metrics are those of the intervals before.")
            }
            Self::OutOfMemory { at, layer, wanted } => {
                write!(f, "At {at} the kernel of {layer} had no memory left: it wanted {wanted}.")
            }
            Self::Failed { at, vm, why } => write!(f, "At {at} {vm} failed: {why}."),
        }
    }
}

/// Writes the outcome with its sentence.
pub(super) fn with_sentence<S: Serializer>(outcome: &Outcome, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct WithSentence<'a> {
        #[serde(flatten)]
        outcome: &'a Outcome,
        sentence: String,
    }
    WithSentence { outcome, sentence: outcome.to_string() }.serialize(serializer)
}
