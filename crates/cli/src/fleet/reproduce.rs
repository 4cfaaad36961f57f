//! `terrace reproduce compromis-azure`: the thesis's shares of VMs in one block, simulated beside what was published.

use std::fmt::Write as _;

use comfy_table::CellAlignment;
use terrace_fleet::reproduce::{Extent, Given, Plan, Point, Reading, Reproduced, Share};

use super::progress::Bar;
use crate::interrupt::{interrupted, note_interrupts};
use crate::number::number;
use crate::parallel::in_order;
use crate::reproduce::ReproduceFormat;
use crate::said::Said;
use crate::{CliError, Ended, print, style};

/// Decides everything random.
const SEED: u64 = 0;

/// The published figure about fleets.
pub(crate) const FIGURE: PublishedFigure = PublishedFigure {
    name: "compromis-azure",
    paper: "Yuhala (MEng thesis, 2018), for (No)Compromis (VEE 2021)",
    shows: "virtual machines in one block of memory, and servers used, on 20,000 servers under three placements",
};

/// A figure that `terrace reproduce` lists.
pub(crate) struct PublishedFigure {
    pub(crate) name: &'static str,
    pub(crate) paper: &'static str,
    pub(crate) shows: &'static str,
}

/// Simulates the figure; if reduced, with a twentieth of the VMs and servers.
pub(crate) fn reproduce(
    extent: Extent,
    format: ReproduceFormat,
    threads: usize,
    said: Said,
) -> Result<Ended, CliError> {
    let plan = Plan::new(extent, SEED)?;
    note_interrupts();
    let events = (0..plan.len()).map(|number| plan.events(number)).sum();
    let bar = Bar::new(said, plan.len(), events);
    let work = |number| plan.simulate(number, &mut bar.watcher());
    let points = in_order(plan.len(), threads, interrupted, work);
    drop(bar);
    let mut made = Vec::new();
    for point in points {
        made.extend(point?);
    }
    let result = plan.judge(made);
    let text = match format {
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
