//! The result of watching one translation.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use crate::{MachineUsed, Mapping};

/// The name of the schema.
pub const WALK_SCHEMA: &str = "terrace.walk";
/// Its version: it rises when a field changes its meaning or disappears. New fields may be added without.
pub const WALK_SCHEMA_VERSION: u32 = 1;

/// Every step of one translation in some modes, with everything that it depends on.
///
/// Addresses are texts, in hexadecimal: numbers of JSON are not exact beyond 53 bits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WalkResult {
    /// [`WALK_SCHEMA`].
    pub schema: &'static str,
    /// [`WALK_SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The version of Terrace.
    pub terrace_version: &'static str,
    /// [`MODEL_VERSION`](crate::MODEL_VERSION).
    pub model_version: u32,
    /// The machine.
    pub machine: MachineUsed,
    /// How pages are mapped.
    pub mapping: Mapping,
    /// The seed of everything random.
    pub seed: u64,
    /// The guest-virtual address that is translated.
    pub address: String,
    /// What the access does: `load`, `store` or `fetch`.
    pub kind: &'static str,
    /// The address that was accessed before, on a machine with all its structures. If there was none, the machine
    /// had no TLBs, no paging-structure caches and no caches.
    pub after: Option<String>,
    /// The translation in each mode, in the order in which they were asked for.
    pub modes: Vec<ModeWalk>,
}

/// The translation in one mode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModeWalk {
    /// The mode's name.
    pub mode: String,
    /// Table entries read.
    pub walk_references: u64,
    /// Cycles of all steps.
    pub cycles: u64,
    /// The host-physical address that the access went to.
    pub hpa: String,
    /// The size of the entry that served it: `4K`, `2M` or `1G`.
    pub page: &'static str,
    /// What was done, in order.
    pub steps: Vec<WalkStep>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WalkStep {
    /// The address that is being translated.
    pub translates: Place,
    /// What lies there: `data`, or the name of an entry of the first table, such as `PML4E`.
    pub held: &'static str,
    /// The layers whose table, or whose structure, was used: several where it is composed of theirs. None for the
    /// TLB, which holds what all of them say together, and for a segment.
    pub layers: Vec<&'static str>,
    /// What was done: the fields of the action, `action` among them, are those of the step.
    #[serde(flatten)]
    pub action: WalkAction,
    /// Cycles of this step.
    pub latency: u64,
    /// Cycles of all steps up to this one.
    pub cycles: u64,
}

/// An address with its space.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// `GVA`, `GPA`, `GHPA` or `HPA`.
    pub space: &'static str,
    /// The address.
    pub address: String,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum WalkAction {
    /// A structure was looked up.
    Lookup {
        /// `l1_tlb`, `stlb`, `walk_cache`, `nested_tlb` or `nested_walk_cache`.
        structure: &'static str,
        /// The page size or the name of the entry that it held; nothing if it missed.
        hit: Option<&'static str>,
    },
    /// An entry was read.
    Read {
        /// 1 for the table that translates guest-virtual addresses, 2 for the one below it.
        dimension: u32,
        /// Its level.
        level: u32,
        /// Its name, such as `PDE`, or `EPT PDE` in dimension 2.
        entry: String,
        /// Its number in its table.
        index: u16,
        /// Its address in each space that has one.
        at: BTreeMap<&'static str, String>,
        /// Its bits.
        bits: String,
        /// `table` or `page`.
        finds: &'static str,
        /// Where that is.
        found: Place,
        /// The size of a page that it refers to.
        page: Option<&'static str>,
        /// The cache that served it, by its name in the machine file, or `memory`.
        served_by: String,
    },
    /// A segment relocated the address.
    Relocation {
        /// The segment's first host-physical address.
        base: String,
        /// Its length: the addresses of the guest are below.
        limit: String,
        /// The host-physical address: base and address, added.
        hpa: String,
    },
}

impl WalkResult {
    /// Writes the result as one JSON document.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write_json(&self, mut to: impl Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut to, self)?;
        writeln!(to)
    }
}
