//! Arguments of `terrace walk`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use terrace_addr::{AccessKind, Addr, Gva};
use terrace_sim::Mode;
use terrace_sim::mapping::{MappingFile, PageRules, Placement, Rule};

use crate::CliError;
use crate::replay::Memory;

const EXAMPLES: &str = "Examples:
  terrace walk 0x7f1234567abc --mode 2d
  terrace walk 0x7f1234567abc --mode native,nested --pages guest=2M,hypervisor=4K,host=2M
  terrace walk 0x7f1234567abc --mode segment --kind store --format json
  terrace walk 0x7f1234567abc --mode 2d --warm

The page is mapped as `terrace replay` maps it. TLBs, paging-structure caches and caches are off, so that every entry \
                        is read, from memory; --warm keeps them and runs the access once before.";

/// Arguments of `terrace walk`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct WalkArguments {
    /// The virtual address, hexadecimal
    #[arg(value_name = "ADDRESS", value_parser = address)]
    pub(crate) address: Addr<Gva>,

    /// Modes of translation, separated by commas (`terrace list modes`)
    #[arg(long = "mode", value_name = "MODE", value_delimiter = ',', default_value = "2d")]
    pub(crate) modes: Vec<Mode>,

    /// What the access is: fetch, load or store
    #[arg(long, value_name = "KIND", default_value = "load")]
    pub(crate) kind: AccessKind,

    /// Keep TLBs and caches, and run the access once before it is watched
    #[arg(long)]
    pub(crate) warm: bool,

    /// The machine: a built-in name (`terrace list machines`) or a machine file
    #[arg(long, value_name = "MACHINE", default_value = "sapphire-rapids-8480")]
    pub(crate) machine: String,

    /// Page size of each layer (guest, hypervisor, host): 4K, 2M, 1G, or 2M:SHARE; one rule without a layer is for all
    #[arg(long, value_name = "RULES", default_value = "4K")]
    pub(crate) pages: PageRules,

    /// Where frames lie: scattered (by the seed) or contiguous
    #[arg(long, value_name = "PLACEMENT", default_value = "scattered")]
    pub(crate) frames: Placement,

    /// Memory for the frames of each page size, a power of two
    #[arg(long, value_name = "SIZE", default_value = "64 GiB")]
    pub(crate) memory: Memory,

    /// A file with the page sizes, and perhaps frames, of ranges
    #[arg(long, value_name = "FILE")]
    pub(crate) mapping: Option<PathBuf>,

    /// Override a value of the machine, as in paging.levels=5; may be given several times
    #[arg(long, value_name = "PATH=VALUE")]
    pub(crate) set: Vec<String>,

    /// Decides everything random
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(crate) seed: u64,

    /// How to print the steps
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = OutputFormat::Table)]
    pub(crate) format: OutputFormat,
}

/// How steps are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// For people
    Table,
    /// For programs
    Json,
}

impl WalkArguments {
    /// The mapping rule.
    pub(super) fn rule(&self) -> Result<Rule, CliError> {
        let file = match &self.mapping {
            None => None,
            Some(path) => {
                let text =
                    std::fs::read(path).map_err(|error| CliError::Read { path: path.clone(), error })?;
                let parsed = MappingFile::parse(&text);
                Some(parsed.map_err(|error| CliError::Mapping { path: path.clone(), error })?)
            }
        };
        let Self { pages, frames, memory, seed, .. } = *self;
        Ok(Rule { pages, placement: frames, memory: memory.0, seed, file })
    }
}

/// A hexadecimal virtual address.
fn address(text: &str) -> Result<Addr<Gva>, String> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    let raw = u64::from_str_radix(digits, 16)
        .map_err(|_| "expected a hexadecimal address of at most 64 bits, as in 0x7f1234567abc".to_owned())?;
    Addr::try_new(raw).map_err(|error| error.to_string())
}
