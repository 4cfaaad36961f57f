//! `terrace list`.

mod words;

use clap::{Args, ValueEnum};
use comfy_table::{ContentArrangement, Table};
use terrace_machine::{BUILTIN, builtin};
use terrace_result::{Better, Metric, RunMetric};
use terrace_sim::Mode;
use terrace_sim::published::comparisons;
use terrace_sim::reproduce::FIGURES;
use terrace_sim::run::Registry;
use terrace_sim::scenarios::BUILTIN_SCENARIOS;
use terrace_trace::Format;

use crate::fleet::reproduce::FIGURE as OF_FLEET;
use crate::{CliError, Ended, print, reproduce, style};

/// Arguments of `terrace list`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  terrace list machines
  terrace list workloads zipf-store
  terrace list scenarios quickstart")]
pub(crate) struct ListArguments {
    /// What to list
    what: What,

    /// Of systems and workloads the one whose parameters to list; of scenarios and figures the one whose scenario file to
    /// print
    name: Option<String>,
}

/// What can be chosen by name.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum What {
    /// Built-in machines, for --machine
    Machines,
    /// Modes of translation, for --mode
    Modes,
    /// Systems that manage memory: kernels and their policies, for scenarios
    Systems,
    /// Workloads of programs, for scenarios
    Workloads,
    /// Built-in scenarios, for terrace run
    Scenarios,
    /// Published figures, for terrace reproduce
    Figures,
    /// What replays count and runs measure
    Metrics,
    /// Formats of traces, for --input-format
    Formats,
}

/// Prints a registry, or an entry of it.
pub(crate) fn list(arguments: &ListArguments, registry: &Registry) -> Result<Ended, CliError> {
    let vocabulary = registry.vocabulary();
    let text = match (arguments.what, arguments.name.as_deref()) {
        (What::Systems, None) => words::all("system", vocabulary.systems),
        (What::Systems, Some(name)) => {
            let source = registry.system(name).map(|system| system.source);
            words::one("system", name, vocabulary.systems, source)?
        }
        (What::Workloads, None) => words::all("workload", vocabulary.workloads),
        (What::Workloads, Some(name)) => words::one("workload", name, vocabulary.workloads, None)?,
        (What::Scenarios, None) => table(["scenario", "what it shows"], |table| {
            for scenario in BUILTIN_SCENARIOS {
                table.add_row([scenario.file.name, scenario.summary]);
            }
        }),
        (What::Scenarios, Some(name)) => {
            let found = BUILTIN_SCENARIOS.iter().find(|scenario| scenario.file.name == name);
            let names = BUILTIN_SCENARIOS.iter().map(|scenario| scenario.file.name);
            found.ok_or_else(|| words::unknown("scenario", name, names))?.file.text.to_owned()
        }
        (What::Figures, None) => figures(),
        (What::Figures, Some(name)) => reproduce::scenario_of(name)?.to_owned(),
        (_, Some(name)) => return Err(CliError::NothingOf { name: name.to_owned() }),
        (What::Machines, None) => machines()?,
        (What::Modes, None) => table(["mode", "what a TLB miss walks"], |table| {
            for mode in Mode::ALL {
                table.add_row([mode.name(), mode.meaning()]);
            }
        }),
        (What::Formats, None) => table(["format", "what it is"], |table| {
            for format in Format::ALL {
                table.add_row([format.name(), format.meaning()]);
            }
        }),
        (What::Metrics, None) => metrics(),
    };
    print(text.as_bytes())?;
    Ok(Ended::Complete)
}

/// How wide lists are at most: longer cells are broken into lines.
const WIDTH: u16 = 120;

fn table<const COLUMNS: usize>(header: [&str; COLUMNS], fill: impl FnOnce(&mut Table)) -> String {
    let mut table = style::table();
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(WIDTH);
    table.set_header(header);
    fill(&mut table);
    format!("{table}\n")
}

/// The published figures.
pub(crate) fn figures() -> String {
    table(["figure", "published in", "what it shows"], |table| {
        for figure in FIGURES {
            table.add_row([figure.name, figure.paper, figure.shows]);
        }
        for comparison in comparisons() {
            table.add_row([&comparison.name, &comparison.paper, &comparison.shows]);
        }
        table.add_row([OF_FLEET.name, OF_FLEET.paper, OF_FLEET.shows]);
    })
}

fn machines() -> Result<String, CliError> {
    let machines: Vec<_> = BUILTIN.iter().map(|entry| builtin(entry.name, &[])).collect::<Result<_, _>>()?;
    Ok(table(["machine", "what it is", "CPUs", "clock", "memory"], |table| {
        for machine in machines {
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
    }))
}

fn metrics() -> String {
    let replays = table(["metric", "unit", "meaning"], |table| {
        for metric in Metric::ALL {
            table.add_row([metric.name, &metric.unit.to_string(), metric.meaning]);
        }
    });
    let runs = table(["metric", "unit", "better", "meaning"], |table| {
        for metric in RunMetric::ALL {
            let better = match metric.better {
                Better::Lower => "lower",
                Better::Higher => "higher",
                Better::Neither => "-",
            };
            table.add_row([metric.name, &metric.unit.to_string(), better, metric.meaning]);
        }
    });
    format!(
        "terrace replay counts, for each mode:\n{replays}\nterrace run measures, for each run and its parts:\n{runs}"
    )
}
