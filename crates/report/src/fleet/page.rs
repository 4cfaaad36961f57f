//! The page as a whole.

use core::fmt::Write;

use terrace_addr::{Nanos, convert};
use terrace_fleet::result::FleetRun;
use terrace_result::MetricValue;
use terrace_result::number::{number, percent, short};

use super::picture::{Line, bars, lines};
use super::{LoadedFleet, picture, tables};
use crate::MARK;
use crate::html::escaped;
use crate::page::STYLE;

/// A run, as it stands beside the others.
pub(super) struct Column<'a> {
    pub(super) name: String,
    pub(super) run: &'a FleetRun,
    loaded: &'a LoadedFleet,
    /// Its place in its result.
    place: u32,
}

/// All runs of all results.
pub(super) fn columns(results: &[LoadedFleet]) -> Vec<Column<'_>> {
    let several = results.len() > 1;
    let mut columns = Vec::new();
    for loaded in results {
        for (place, run) in (0..).zip(&loaded.result.runs) {
            let name = if several { format!("{}: {}", loaded.name, run.name()) } else { run.name() };
            columns.push(Column { name, run, loaded, place });
        }
    }
    columns
}

impl Column<'_> {
    fn value(&self, metric: &str) -> f64 {
        self.run.metrics.get(metric).map_or(0.0, MetricValue::as_f64)
    }

    /// A value of the samples over hours.
    fn line(&self, value: impl Fn(&Samples<'_>) -> Option<f64>) -> Line {
        let mut points: Vec<(f64, f64)> = Vec::new();
        let rows = self.loaded.samples.iter().filter(|row| row.run == self.place);
        let rows: Vec<_> = rows.map(|row| (row.end, row.metric, row.value)).collect();
        for sample in rows.chunk_by(|one, other| one.0 == other.0) {
            if let (Some((end, ..)), Some(value)) = (sample.first(), value(&Samples(sample))) {
                points.push((convert::ratio(end.get(), 3_600_000_000_000), value));
            }
        }
        Line { name: self.name.clone(), points }
    }
}

/// The values of one moment, by their names.
struct Samples<'a>(&'a [(Nanos, &'static str, f64)]);

impl Samples<'_> {
    fn get(&self, metric: &str) -> Option<f64> {
        self.0.iter().find(|(_, name, _)| *name == metric).map(|(_, _, value)| *value)
    }
}

/// The answer in a sentence or two.
fn answer(columns: &[Column<'_>]) -> String {
    let better = |one: &&Column<'_>, other: &&Column<'_>| {
        let share = one.value("one_block_share").total_cmp(&other.value("one_block_share"));
        share.then(other.value("servers_used").total_cmp(&one.value("servers_used")))
    };
    let servers = |column: &Column<'_>| short(column.value("servers_used"));
    let share = |column: &Column<'_>| picture::percent(column.value("one_block_share"));
    let Some(best) = columns.iter().max_by(better) else {
        return String::new();
    };
    let placed = best.value("arrivals") - best.value("failed");
    let mut said = format!(
        "<em>{}</em> gives {} of {} virtual machines one block of memory, on {} servers",
        escaped(&best.name),
        share(best),
        short(placed),
        servers(best)
    );
    if best.value("failed") > 0.0 {
        let _ = write!(said, " ({} more found no server)", short(best.value("failed")));
    }
    if let Some(worst) = columns.iter().min_by(better).filter(|worst| worst.name != best.name) {
        let _ = write!(
            said,
            "; least does <em>{}</em>, {} on {}",
            escaped(&worst.name),
            share(worst),
            servers(worst)
        );
    }
    said.push('.');
    if let Some(saved) = best.run.metrics.get("walk_cycles_saved_share") {
        let cycles = format!("{:.2e}", best.value("walk_cycles_saved"));
        let _ = write!(
            said,
            " That saves {} of what walks would cost on EPT: {cycles} cycles.",
            percent(saved.as_f64())
        );
    }
    said.replace(" %", "\u{a0}%")
}

pub(super) fn render(results: &[LoadedFleet], columns: &[Column<'_>]) -> String {
    let names: Vec<&str> = results.iter().map(|loaded| loaded.name.as_str()).collect();
    let title = names.join(", ");
    // Writing to a string cannot fail.
    let mut page = String::from(MARK);
    let _ = write!(
        page,
        "<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri \
         'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>{0}: Terrace</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<header>\n\
         <p class=\"kind\">Terrace report of a fleet</p>\n<h1>{0}</h1>\n<p class=\"answer\">{1}</p>\n",
        escaped(&title),
        answer(columns)
    );
    let cut: Vec<&str> = columns.iter().filter(|it| !it.run.complete).map(|it| it.name.as_str()).collect();
    if !cut.is_empty() {
        let said = format!("Interrupted, with what was counted until then: {}", cut.join(", "));
        let _ = writeln!(page, "<p class=\"warning\">{}</p>", escaped(&said));
    }
    for loaded in results {
        let input = &loaded.result.input;
        let servers: u64 = loaded.result.servers.iter().map(|kind| u64::from(kind.count)).sum();
        let said = format!(
            "{}: {} VMs of {} on {} servers.",
            loaded.name,
            number(input.vms),
            input.name,
            number(servers)
        );
        let _ = writeln!(page, "<p class=\"small\">{}</p>", escaped(&said));
    }
    page.push_str("</header>\n<main>\n");
    pictures(columns, &mut page);
    let mut section = |heading: &str, html: &str| {
        if !html.is_empty() {
            let _ = write!(page, "<section>\n<h2>{heading}</h2>\n{html}</section>\n");
        }
    };
    section("Every count", &tables::metrics(columns));
    section("What walks cost", &tables::kinds(results));
    section("Provenance", &results.iter().map(tables::provenance).collect::<String>());
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

fn pictures(columns: &[Column<'_>], page: &mut String) {
    let mut figure = |heading: &str, caption: &str, svg: &str| {
        if !svg.is_empty() {
            // Writing to a string cannot fail.
            let _ = write!(
                page,
                "<figure>\n<figcaption><h2>{heading}</h2><p>{caption}</p></figcaption>\n{svg}</figure>\n"
            );
        }
    };
    let shares = ["one_block_share", "two_blocks_share", "more_blocks_share"];
    let rows: Vec<(String, Vec<f64>)> = columns
        .iter()
        .map(|column| (column.name.clone(), shares.map(|metric| column.value(metric)).to_vec()))
        .collect();
    figure(
        "Blocks of memory",
        "Of the virtual machines that were placed, the shares that got one block, two, or more when they arrived. The bars \
         begin where all of them are alike: see the scale.",
        &bars(&rows, &["one block", "two", "three or more"]),
    );
    let over_time = |value: fn(&Samples<'_>) -> Option<f64>| -> Vec<Line> {
        columns.iter().map(|column| column.line(value)).collect()
    };
    let contiguous = over_time(|it| {
        let (all, one) = it.get("vms").zip(it.get("contiguous_vms"))?;
        (all > 0.0).then_some(one / all)
    });
    figure(
        "In one block, over time",
        "Of the virtual machines that live at the end of each interval, the share that is in one block.",
        &lines(&contiguous, picture::percent),
    );
    figure(
        "Servers that have a virtual machine",
        "At the end of each interval. Fewer is better.",
        &lines(&over_time(|it| it.get("servers_occupied")), short),
    );
    figure(
        "The largest free extent of a server",
        "In the mean over the servers that were ever used, in GiB.",
        &lines(
            &over_time(|it| it.get("mean_largest_extent_bytes").map(|bytes| bytes / 1_073_741_824.0)),
            short,
        ),
    );
}
