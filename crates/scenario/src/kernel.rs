//! Kernels: of guests, guest hypervisors and the host.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use terrace_addr::Bytes;

use crate::{Parameters, units};

/// The kernel of a guest or of a guest hypervisor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Kernel {
    /// The system that manages its memory, a name of `terrace list systems`. Default `linux`.
    pub system: String,
    /// The share of its free memory that lies in blocks too small for a 2 MiB page (FMFI: the unusable free space
    /// index at order 9) before anything runs, from 0 to 1. Default 0: nothing was ever used.
    pub fragmentation: f64,
    /// Whether compaction can move the pages that lie scattered in fragmented memory, as it can a program's. Default
    /// false: they are the kernel's own, and stay.
    pub fragments_movable: bool,
    /// Whether all of its memory was in use before anything runs, as after a long time or by what fragmented it: the
    /// layers below have backed it then. Default false: they back what is touched in the run.
    pub used: bool,
    /// Parameters of the system, by the names that it declares: numbers, texts with a unit, or words. Default: for
    /// each what the system declares.
    pub parameters: Parameters,
}

/// The kernel of the host, and which of the machine's memory it has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Host {
    /// The system that manages its memory, a name of `terrace list systems`. Default `linux`.
    pub system: String,
    /// The share of its free memory that lies in blocks too small for a 2 MiB page (FMFI: the unusable free space
    /// index at order 9) before anything runs, from 0 to 1. Default 0: nothing was ever used.
    pub fragmentation: f64,
    /// Whether compaction can move the pages that lie scattered in fragmented memory, as it can a program's. Default
    /// false: they are the kernel's own, and stay.
    pub fragments_movable: bool,
    /// The memory nodes of the machine that it uses, by name. Default, and if the list is empty: those nearest to
    /// socket 0, the first of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<String>,
    /// How much memory of these nodes it uses, `"16 GiB"`, a multiple of 4 KiB, and no more than they have. Default: all.
    #[serde(with = "units::some_bytes", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub memory: Option<Bytes>,
    /// Parameters of the system, by the names that it declares: numbers, texts with a unit, or words. Default: for
    /// each what the system declares.
    pub parameters: Parameters,
}

/// The system of a kernel that names none.
const DEFAULT_SYSTEM: &str = "linux";

impl Default for Kernel {
    fn default() -> Self {
        let (system, parameters) = (DEFAULT_SYSTEM.into(), Parameters::default());
        Self { system, fragmentation: 0.0, fragments_movable: false, used: false, parameters }
    }
}

impl Default for Host {
    fn default() -> Self {
        let Kernel { system, fragmentation, fragments_movable, parameters, .. } = Kernel::default();
        Self { system, fragmentation, fragments_movable, nodes: Vec::new(), memory: None, parameters }
    }
}
