//! `terrace list`.

use clap::{Args, ValueEnum};
use comfy_table::ContentArrangement;
use terrace_machine::{BUILTIN, builtin};
use terrace_result::Metric;
use terrace_sim::Mode;
use terrace_trace::Format;

use crate::{CliError, Ended, print, style};

/// Arguments of `terrace list`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  terrace list machines")]
pub(crate) struct ListArguments {
    /// What to list
    what: What,
}

/// What can be chosen by name.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum What {
    /// Built-in machines, for --machine
    Machines,
    /// Modes of translation, for --mode
    Modes,
    /// What a replay counts
    Metrics,
    /// Formats of traces, for --input-format
    Formats,
}

/// Prints a registry.
pub(crate) fn list(arguments: &ListArguments) -> Result<Ended, CliError> {
    let mut table = style::table();
    table.set_content_arrangement(ContentArrangement::Dynamic);
    match arguments.what {
        What::Machines => {
            table.set_header(["machine", "what it is", "CPUs", "clock", "memory"]);
            for entry in BUILTIN {
                let machine = builtin(entry.name, &[])?;
                let topology = &machine.topology;
                let cpus = topology.sockets * topology.cores * topology.threads;
                let nodes: Vec<_> =
                    machine.nodes().iter().map(|(name, node)| format!("{name} {}", node.size)).collect();
                table.add_row([
                    machine.name.clone(),
                    machine.description.clone(),
                    cpus.to_string(),
                    machine.clock.frequency.to_string(),
                    nodes.join(", "),
                ]);
            }
        }
        What::Modes => {
            table.set_header(["mode", "what a TLB miss walks"]);
            for mode in Mode::ALL {
                table.add_row([mode.name(), mode.meaning()]);
            }
        }
        What::Formats => {
            table.set_header(["format", "what it is"]);
            for format in Format::ALL {
                table.add_row([format.name(), format.meaning()]);
            }
        }
        What::Metrics => {
            table.set_header(["metric", "unit", "meaning"]);
            for metric in Metric::ALL {
                table.add_row([metric.name, &metric.unit.to_string(), metric.meaning]);
            }
        }
    }
    print(format!("{table}\n").as_bytes())?;
    Ok(Ended::Complete)
}
