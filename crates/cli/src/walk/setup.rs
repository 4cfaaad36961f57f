//! The machine and the mapping that an address is translated on.

use std::path::PathBuf;

use clap::Args;
use terrace_machine::{Found, Machine, Override, find};
use terrace_result::{MachineUsed, Mapping, Sha256};
use terrace_sim::Mode;
use terrace_sim::mapping::{LayerName, MappingFile, PageRules, Placement, Rule};

use crate::CliError;
use crate::replay::Memory;

/// Arguments that say on what an address is translated. Each means what it means to `terrace replay`.
#[derive(Debug, Args)]
pub(super) struct SetupArguments {
    /// The machine: a built-in name (`terrace list machines`) or a machine file
    #[arg(long, value_name = "MACHINE", default_value = "sapphire-rapids-8480")]
    machine: String,

    /// Page size of each layer (guest, hypervisor, host): 4K, 2M, 1G, or 2M:SHARE for a share of 2M regions, as in
    /// guest=2M:0.3,host=4K; one rule without a layer is for all
    #[arg(long, value_name = "RULES", default_value = "4K")]
    pages: PageRules,

    /// Where frames lie: scattered (by the seed) or contiguous
    #[arg(long, value_name = "PLACEMENT", default_value = "scattered")]
    frames: Placement,

    /// Memory for the frames of each page size, a power of two; the layers below a guest have what backs all of it
    #[arg(long, value_name = "SIZE", default_value = "64 GiB")]
    memory: Memory,

    /// A file with the page sizes, and perhaps frames, of ranges: lines of LAYER START END SIZE [LOWER],
    /// LAYER one of guest, hypervisor, host
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,

    /// Override a value of the machine, as in paging.levels=5; may be given several times
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,

    /// Decides everything random
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(super) seed: u64,
}

impl SetupArguments {
    /// The machine, and how the result names it.
    pub(super) fn machine(&self) -> Result<(Machine, MachineUsed), CliError> {
        let overrides: Vec<Override> = self.set.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
        let Found { machine, text } = find(&self.machine, &overrides)?;
        let sha256 = Sha256::of(text.as_bytes());
        let used = MachineUsed { name: machine.name.clone(), sha256, overrides: self.set.clone() };
        Ok((machine, used))
    }

    /// The mapping rule, and how the result of these modes describes it.
    pub(super) fn rule(&self, modes: &[Mode]) -> Result<(Rule, Mapping), CliError> {
        let mut file_sha256 = None;
        let mut file = None;
        if let Some(path) = &self.mapping {
            let text = std::fs::read(path).map_err(|error| CliError::Read { path: path.clone(), error })?;
            let parsed = MappingFile::parse(&text);
            file = Some(parsed.map_err(|error| CliError::Mapping { path: path.clone(), error })?);
            file_sha256 = Some(Sha256::of(&text));
        }
        let Self { pages, frames, memory: Memory(memory), seed, .. } = *self;
        let used =
            LayerName::ALL.into_iter().filter(|layer| modes.iter().any(|mode| mode.layers().contains(layer)));
        let mapping = Mapping {
            pages: used.map(|layer| (layer.to_string(), pages.of(layer).to_string())).collect(),
            frames: frames.name().to_owned(),
            memory: memory.get(),
            file_sha256,
        };
        Ok((Rule { pages, placement: frames, memory, seed, file }, mapping))
    }
}
