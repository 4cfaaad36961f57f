//! The page as a whole.

use core::fmt::Write;

use terrace_result::run_metric;

use crate::answer::Answer;
use crate::cells::View;
use crate::html::{details, escaped, json, script_source};
use crate::{Loaded, MARK, tables};

/// The libraries that draw, in the order in which they need each other.
const LIBRARIES: [&str; 3] = [
    include_str!("../assets/vega/vega.min.js"),
    include_str!("../assets/vega/vega-lite.min.js"),
    include_str!("../assets/vega/vega-embed.min.js"),
];
const LICENCES: &str = include_str!("../assets/vega/LICENCES.txt");
pub(crate) const STYLE: &str = include_str!("../assets/page.css");
/// The page's own script, in parts.
const SCRIPTS: [&str; 3] = [
    include_str!("../assets/look.js"),
    include_str!("../assets/pictures.js"),
    include_str!("../assets/page.js"),
];

/// A picture: how the script finds it, its heading, and what it shows.
struct Picture {
    id: &'static str,
    heading: &'static str,
    caption: String,
}

fn meaning(metric: &str) -> &'static str {
    run_metric(metric).map_or("", |metric| metric.meaning)
}

fn pictures(view: &View<'_>) -> Vec<Picture> {
    let base = view.values().first().cloned().unwrap_or_default();
    let mean = if view.programs.len() > 1 {
        " The mean over programs is that of their ratios, each program’s to itself."
    } else {
        ""
    };
    let of_base = if view.compared.is_some() { format!(", and in % of {base}") } else { String::new() };
    let picture = |id, heading, caption| Picture { id, heading, caption };
    vec![
        picture(
            "throughput",
            "Throughput",
            format!(
                "Operations a second (accesses, where a program counts no operations) beside {base}, the baseline. \
                 Higher is better. Thin lines: how far that may be off.{mean}"
            ),
        ),
        picture(
            "programs",
            "Throughput, program by program",
            format!("Each program’s own throughput beside {base}. Higher is better."),
        ),
        picture(
            "misses",
            "TLB misses",
            format!("For 1,000 accesses{of_base}. Lower is better. Counted are {}.", meaning("walks")),
        ),
        picture(
            "cycles",
            "Where cycles go",
            format!(
                "Cycles of an access by what they were spent on: {} Lower is better.",
                "those of all virtual CPUs that were not idle, as far as they are not hidden behind other work."
            ),
        ),
        picture(
            "ends",
            "Huge pages end to end",
            "How mapped memory is translated at the end. Well aligned: huge in every layer, of one size and at one \
             place, so that one TLB entry holds it. Huge in the guest only, or below it only: that makes walks shorter, and \
             not fewer."
                .to_owned(),
        ),
        picture(
            "alignment",
            "Huge pages in each layer, over time",
            "Measured time. End to end: the share of memory that is well aligned. Of a layer: the share of what it maps \
             in pages of 2 MiB or 1 GiB. Where lines coincide the thinner ones lie on the thicker ones."
                .to_owned(),
        ),
        picture(
            "fmfi",
            "Fragmentation over time",
            format!("FMFI, {}. 1: no huge page can be had without moving others.", meaning("fmfi")),
        ),
        picture(
            "latency",
            "Latency of requests",
            "From the arrival of a request to its end, in simulated time: the time that half, 95 and 99 of 100 requests \
             do not exceed. Hollow: requests arrived faster than they were served, so that their time says how long was \
             measured. Lower is better."
                .to_owned(),
        ),
    ]
}

pub(crate) fn render(view: &View<'_>, results: &[Loaded]) -> String {
    let answer = Answer::new(view);
    let data = json(&crate::json::data(view, results, answer.panel));
    let libraries = LIBRARIES.map(without_source_map);
    let own = format!("(() => {{\n\"use strict\";\n{}}})();\n", SCRIPTS.concat());
    let scripts: Vec<&str> = libraries.into_iter().chain([own.as_str()]).collect();
    let sources: Vec<_> = scripts.iter().map(|script| script_source(script)).collect();
    let title = title(results);
    // Writing to a string cannot fail.
    let mut page = String::with_capacity(2 << 20);
    page.push_str(MARK);
    let _ = write!(
        page,
        "<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src {}; style-src \
         'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>{}: Terrace</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n",
        sources.join(" "),
        escaped(&title)
    );
    head(&answer, results, &title, &mut page);
    page.push_str("<main>\n<form id=\"controls\" aria-label=\"What is shown\" hidden></form>\n");
    page.push_str("<noscript><p>Pictures need JavaScript. All numbers are in the tables.</p></noscript>\n");
    for Picture { id, heading, caption } in pictures(view) {
        let _ = write!(
            page,
            "<figure id=\"{id}\" hidden>\n<figcaption><h2>{}</h2><p>{}</p></figcaption>\n<div class=\"plot\"></div>\n\
             </figure>\n",
            escaped(heading),
            escaped(&caption)
        );
    }
    sections(view, results, &mut page);
    page.push_str("</main>\n");
    let _ = writeln!(page, "<script type=\"application/json\" id=\"data\">{data}</script>");
    for script in scripts {
        let _ = writeln!(page, "<script>{script}</script>");
    }
    page.push_str("</body>\n</html>\n");
    page
}

/// The last line of a library may name a file that a page does not have.
fn without_source_map(library: &'static str) -> &'static str {
    library.rfind("//# sourceMappingURL=").map_or(library, |end| &library[..end])
}

fn title(results: &[Loaded]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for loaded in results {
        if !names.contains(&loaded.result.scenario.name.as_str()) {
            names.push(&loaded.result.scenario.name);
        }
    }
    names.join(", ")
}

/// What is quoted, as emphasis; numbers stay with their unit.
fn emphasised(text: &str) -> String {
    escaped(text).replace('“', "<em>").replace('”', "</em>").replace(" %", "\u{a0}%")
}

/// What a reader sees first.
fn head(answer: &Answer, results: &[Loaded], title: &str, page: &mut String) {
    let _ = write!(
        page,
        "<header>\n<p class=\"kind\">Terrace report</p>\n<h1>{}</h1>\n<p class=\"answer\">{}</p>\n",
        escaped(title),
        emphasised(&answer.sentence)
    );
    if !answer.panels.is_empty() {
        let items = answer
            .panels
            .iter()
            .map(|(place, said)| format!("<li>{}: {}</li>", emphasised(place), emphasised(said)));
        let _ = writeln!(page, "<ul class=\"elsewhere\">{}</ul>", items.collect::<String>());
    }
    if let Some(warning) = &answer.warning {
        let _ = writeln!(page, "<p class=\"warning\">{}</p>", escaped(warning));
    }
    let _ = writeln!(page, "<p class=\"small\">{}</p>", escaped(&answer.notes.join(" ")));
    for loaded in results {
        let description = &loaded.result.scenario.description;
        // One with other values for each of some runs is still the same machine.
        let mut machines: Vec<_> = loaded.result.machines.iter().map(|it| it.name.as_str()).collect();
        machines.dedup();
        let name = if results.len() > 1 { format!("{}: ", loaded.name) } else { String::new() };
        let said = format!(
            "{name}{description} {} on {}.",
            match loaded.result.runs.len() {
                1 => "1 run".to_owned(),
                runs => format!("{runs} runs"),
            },
            machines.join(", ")
        );
        let _ = writeln!(page, "<p class=\"small\">{}</p>", escaped(&said));
    }
    page.push_str("</header>\n");
}

fn sections(view: &View<'_>, results: &[Loaded], page: &mut String) {
    let mut section = |id: &str, heading: &str, html: &str| {
        let _ = write!(page, "<section id=\"{id}\">\n<h2>{heading}</h2>\n{html}</section>\n");
    };
    section("key", "The numbers", &tables::key(view));
    section("matrix", "Which system at which layer", &tables::matrix(view));
    let definitions = "<p class=\"small\">What a metric is stands at its head (point at it, or <code>terrace list \
                       metrics</code>). “all”: the host that all virtual machines share.</p>\n";
    section("metrics", "Every metric", &format!("{definitions}{}", tables::metrics(view)));
    let events = tables::events(view, results);
    let none = "<p class=\"small\">Not recorded. <code>terrace run … --set record.events=true</code> keeps each decision \
                about a page, with its addresses in every layer and the reason.</p>\n";
    section("events", "Decisions about pages", if events.is_empty() { none } else { &events });
    section("provenance", "Provenance", &tables::provenance(view, results));
    let licences = format!("<pre>{}</pre>\n", escaped(LICENCES));
    section(
        "licences",
        "Licences",
        &details("Of the libraries that draw: Vega, Vega-Lite, Vega-Embed", &licences),
    );
}
