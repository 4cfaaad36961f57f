//! `terrace fleet reproduce`: the thesis's shares of VMs in one block, simulated beside what was published.

use std::fmt::Write as _;
use std::num::NonZeroUsize;

use clap::{Args, ValueEnum};
use comfy_table::CellAlignment;
use terrace_fleet::reproduce::{Extent, Given, Plan, Point, Reading, Reproduced, Share};

use super::progress::Bar;
use crate::interrupt::{interrupted, note_interrupts};
use crate::number::number;
use crate::parallel::in_order;
use crate::replay::threads;
use crate::said::Said;
use crate::{CliError, Ended, print, style};

/// Arguments of `terrace fleet reproduce`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  terrace fleet reproduce
  terrace fleet reproduce compromis-azure --reduced
  terrace fleet reproduce --seed 1 --format csv

What was published is shown beside what the model gives, and is an input of nothing.")]
pub(crate) struct ReproduceArguments {
    /// The figure
    #[arg(value_enum, default_value_t = Figure::CompromisAzure)]
    figure: Figure,

    /// A twentieth of the VMs and servers
    #[arg(long)]
    reduced: bool,

    /// Decides everything random
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    seed: u64,

    /// How to print the result
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = ReproduceFormat::Table)]
    format: ReproduceFormat,

    /// How many simulations to make at the same time; no number depends on it
    #[arg(long, value_name = "NUMBER", default_value_t = threads())]
    threads: NonZeroUsize,
}

/// The figures of fleets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Figure {
    /// VMs in one block on 20,000 servers under three placements (Yuhala's thesis, 2018)
    CompromisAzure,
}

/// How a figure is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ReproduceFormat {
    /// For people
    Table,
    /// Everything, with what it depends on
    Json,
    /// A row for each point
    Csv,
}

/// Simulates the figure.
pub(super) fn reproduce(arguments: &ReproduceArguments, said: Said) -> Result<Ended, CliError> {
    let Figure::CompromisAzure = arguments.figure;
    let extent = if arguments.reduced { Extent::Reduced } else { Extent::Full };
    let plan = Plan::new(extent, arguments.seed)?;
    note_interrupts();
    let events = (0..plan.len()).map(|number| plan.events(number)).sum();
    let bar = Bar::new(said, plan.len(), events);
    let work = |number| plan.simulate(number, &mut bar.watcher());
    let points = in_order(plan.len(), arguments.threads.get(), interrupted, work);
    drop(bar);
    let mut made = Vec::new();
    for point in points {
        made.extend(point?);
    }
    let result = plan.judge(made);
    let text = match arguments.format {
        ReproduceFormat::Table => table(&result),
        ReproduceFormat::Json => format!("{:#}\n", serde_json::json!(result)),
        ReproduceFormat::Csv => csv(&result.points),
    };
    print(text.as_bytes())?;
    if result.complete {
        return Ok(Ended::Complete);
    }
    said.note(format_args!("interrupted: {} of {} simulations were made", result.points.len(), plan.len()));
    Ok(Ended::Interrupted)
}

fn table(result: &Reproduced) -> String {
    let mut text = style::wrap(
        "Yuhala (thesis, 2018, for (No)Compromis): VMs in one block of memory among the \
         first VMs of Azure's trace of 2017, on 20,000 servers",
        "",
    );
    if result.divisor > 1 {
        let _ = writeln!(text, "Simulated with a part of the VMs and servers: one in {}", result.divisor);
    }
    for reading in Reading::ALL {
        let points: Vec<&Point> = result.points.iter().filter(|point| point.reading == reading).collect();
        if points.is_empty() {
            continue;
        }
        let mut table = style::table();
        table.set_header(["VMs", "policy", "one block\n%", "published", "servers\n%", "published", "failed"]);
        for point in points {
            let published = point.published;
            table.add_row([
                number(u64::from(point.vms)),
                point.policy.to_owned(),
                format!("{:.3}", point.one_block_percent),
                published.map_or_else(|| "-".to_owned(), |it| shown(it.one_block)),
                format!("{:.1}", point.servers_percent),
                published
                    .and_then(|it| it.servers_percent)
                    .map_or_else(|| "-".to_owned(), |it| it.to_string()),
                number(point.failed),
            ]);
        }
        for column in table.column_iter_mut() {
            column.set_cell_alignment(CellAlignment::Right);
        }
        let _ =
            write!(text, "\n{}", style::wrap(&format!("{}: {}", reading.name(), reading.meaning()), "  "));
        let _ = writeln!(text, "{table}");
    }
    text.push('\n');
    for finding in &result.findings {
        let given = match finding.given {
            Given::Yes => "the model gives it",
            Given::No => "the model does not give it",
            Given::Unknown => "not simulated",
        };
        let parts = [finding.found.as_str(), finding.why].into_iter().filter(|part| !part.is_empty());
        let parts: Vec<_> = parts.collect();
        let line = format!("- {}: {given}. {}", finding.statement, parts.join(". "));
        text.push_str(&style::wrap(line.trim_end(), "  "));
    }
    text
}

fn shown(share: Share) -> String {
    match share {
        Share::Exactly(percent) => percent.to_string(),
        Share::About(percent) => format!("about {percent}"),
        Share::AtLeast(percent) => format!("at least {percent}"),
    }
}

/// The points, none of whose values needs quotes.
fn csv(points: &[Point]) -> String {
    let mut text = String::from(
        "reading,vms,policy,one_block_percent,published_one_block_percent,servers_percent,published_servers_percent,\
         failed,peak_vms\n",
    );
    for point in points {
        let published = point.published;
        let share = published.map_or_else(String::new, |it| {
            let (Share::Exactly(percent) | Share::About(percent) | Share::AtLeast(percent)) = it.one_block;
            percent.to_string()
        });
        let servers =
            published.and_then(|it| it.servers_percent).map_or_else(String::new, |it| it.to_string());
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{},{},{},{},{share},{},{servers},{},{}",
            point.reading.name(),
            point.vms,
            point.policy,
            point.one_block_percent,
            point.servers_percent,
            point.failed,
            point.peak_vms
        );
    }
    text
}
