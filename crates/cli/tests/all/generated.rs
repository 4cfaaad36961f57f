//! Pages and pictures that come out of the program are what it says today. `TERRACE_ACCEPT=1` writes them anew.

use crate::costs;
use crate::pages;
use crate::run;

use std::fmt::Write;

use pages::{fields, is_current};
use run::{data, terrace};
use terrace_result::{Metric, REPLAY_SCHEMA, REPLAY_SCHEMA_VERSION};

/// (what, mode, pages)
const BARS: [(&str, &str, &str); 6] = [
    ("native, 4K pages", "native", "4K"),
    ("native, 2M pages", "native", "2M"),
    ("virtual, 4K in guest and host", "2d", "4K"),
    ("virtual, 2M in the guest only", "2d", "guest=2M,host=4K"),
    ("virtual, 2M in the host only", "2d", "guest=4K,host=2M"),
    ("virtual, 2M in both, aligned", "2d", "2M"),
];

/// Translation cycles for a thousand loads and stores of the trace, and its STLB misses.
fn measure(mode: &str, pages: &str) -> (u64, u64) {
    let trace = data("gups.drmemtrace.zip");
    let arguments =
        ["replay", &trace, "--mode", mode, "--pages", pages, "--accesses", "data", "--format", "json"];
    let result: serde_json::Value = serde_json::from_str(&terrace(&arguments).success()).unwrap();
    let count = |name: &str| result["modes"][0][name].as_u64().unwrap();
    (1000 * count("cycles") / count("accesses"), count("stlb_misses"))
}

fn draw(measured: &[(u64, u64)]) -> String {
    let mut svg = String::from(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 262" font-family="sans-serif" font-size="14">
<style>
text { fill: #222 } .bar { fill: #b5532d } .good { fill: #3d7a4e }
@media (prefers-color-scheme: dark) { text { fill: #ddd } .bar { fill: #d9774d } .good { fill: #63b27a } }
</style>
<text x="8" y="22" font-size="16">Translation cycles for each load and store: random updates over 256 MiB</text>
"#,
    );
    let most = measured.iter().map(|&(cycles, _)| cycles).max().unwrap_or(1);
    for (row, ((what, _, pages), (cycles, misses))) in BARS.iter().zip(measured).enumerate() {
        let y = 40 + 34 * row;
        let width = 360 * cycles / most + 1;
        let class = if *pages == "2M" { "good" } else { "bar" };
        writeln!(
            svg,
            r#"<text x="8" y="{}">{what}</text><rect class="{class}" x="230" y="{y}" width="{width}" height="24"/><text x="{}" y="{}">{}.{:01} ({misses} walks)</text>"#,
            y + 17,
            230 + width + 6,
            y + 17,
            cycles / 1000,
            cycles % 1000 / 100,
        )
        .unwrap();
    }
    svg.push_str("</svg>\n");
    svg
}

#[test]
fn the_readmes_picture_is_current() {
    let measured: Vec<_> = BARS.iter().map(|(_, mode, pages)| measure(mode, pages)).collect();
    is_current("translation-cost.svg", &draw(&measured));
}

/// The fields of a replay's JSON beside the counts: where, type and unit, meaning.
const FIELDS: [(&str, &str, &str); 36] = [
    ("schema", "text", "always `terrace.replay`"),
    (
        "schema_version",
        "number",
        "rises when a field changes its meaning or disappears; fields may be added without",
    ),
    ("terrace_version", "text", "the version of the program"),
    ("model_version", "number", "rises when counts change for equal input"),
    ("machine.name", "text", "the machine"),
    ("machine.sha256", "text", "the digest of its file"),
    ("machine.overrides", "list of texts", "what `--set` changed, as given"),
    ("inputs[].name", "text", "the trace's file name"),
    ("inputs[].format", "text", "its format, as `terrace list formats` names it"),
    (
        "inputs[].sha256",
        "text",
        "the digest of the file; of a directory, that of the names and digests in it",
    ),
    ("mapping.pages.guest", "text", "the page-size rule of the guest, or of the only table"),
    ("mapping.pages.hypervisor", "text", "that of the guest hypervisor, if a mode has one"),
    ("mapping.pages.host", "text", "that of the host, if a mode has one beside the guest"),
    ("mapping.frames", "text", "`scattered` or `contiguous`"),
    ("mapping.memory", "bytes", "memory of the guest (natively of the host) for each page size"),
    ("mapping.file_sha256", "text or null", "the digest of the mapping file"),
    ("seed", "number", "what decides everything random"),
    ("kinds", "text", "the accesses that were replayed: `all`, `data` or `fetch`"),
    ("data_lines", "true or false", "whether data went through the caches beside the tables' entries"),
    ("window.skip", "number", "if only a part was asked for: references that were passed over"),
    ("window.warmup", "number", "references after those that were replayed and not counted"),
    ("window.limit", "number", "the most that were counted after these, if that was said"),
    (
        "program.core_cycles",
        "cycles",
        "if a time was asked for: the program's own for each access, as declared",
    ),
    ("program.parallelism", "number", "misses that it has in flight at the same time, as declared"),
    ("threads", "number", "threads of the trace"),
    ("instructions", "number", "instructions of the trace, of those references that were counted"),
    ("complete", "true or false", "false if the replay was interrupted: the counts are those of a part"),
    ("modes", "list", "one object for each mode, in the order asked for"),
    ("modes[].mode", "text", "the mode's name"),
    ("modes[].time.duration", "cycles", "if a time was asked for: of all virtual CPUs, by the time model"),
    ("modes[].time.core", "cycles", "the program's own instructions, all virtual CPUs added up"),
    ("modes[].time.data", "cycles", "waiting for data beyond the first level"),
    ("modes[].time.translation", "cycles", "waiting for translations, as far as that is not hidden"),
    ("modes[].time.additive", "cycles", "everything added up, as if nothing were hidden or shared"),
    ("modes[].time.utilisation.dram0", "share", "of each memory node's bandwidth, by its name"),
    ("modes[].time.utilisation.dram1", "share", "the same of the next node"),
];

#[test]
fn the_page_on_results_is_current() {
    let mut page = format!(
        "# The result of `terrace replay`\n\
         `--format json` prints one document of the schema `{REPLAY_SCHEMA}`, version {REPLAY_SCHEMA_VERSION} (of \
         several traces, an array of them); `--format csv` prints the counts, a row for each trace and mode. The same inputs, options and versions give the same \
         bytes.\n\n| field | type | meaning |\n| --- | --- | --- |\n"
    );
    for (field, kind, meaning) in FIELDS {
        writeln!(page, "| `{field}` | {kind} | {meaning} |").unwrap();
    }
    page.push_str(
        "\nEach object in `modes` has these counts:\n\n| count | unit | meaning |\n| --- | --- | --- |\n",
    );
    for metric in Metric::ALL {
        writeln!(page, "| `{}` | {} | {} |", metric.name, metric.unit, metric.meaning).unwrap();
    }
    is_current("replay-result.md", &page);

    // No field of a real result is missing from the page, and none is on it that is not there.
    let trace = data("gups.drmemtrace.zip");
    let mut arguments = vec!["replay", &trace, "--format", "json", "--mode", "native,nested"];
    arguments.extend([
        "--core-cycles",
        "3",
        "--mlp",
        "4",
        "--skip",
        "10",
        "--warmup",
        "10",
        "--limit",
        "1000",
    ]);
    let output = terrace(&arguments).success();
    let mut found = Vec::new();
    fields("", &serde_json::from_str(&output).unwrap(), &mut found);
    found.retain(|field| Metric::ALL.iter().all(|metric| *field != format!("modes[].{}", metric.name)));
    let mut expected: Vec<_> = FIELDS.iter().map(|(field, ..)| (*field).to_owned()).collect();
    expected.retain(|field| field != "modes");
    for fields in [&mut found, &mut expected] {
        fields.sort();
        fields.dedup();
    }
    assert_eq!(found, expected);
}

/// The README's commands are there as they are run by the project's own check, which compares the output that the README
/// shows.
#[test]
fn the_readme_has_the_commands_that_are_checked() {
    let readme = include_str!("../../../../README.md");
    for command in [
        "cargo run --release -- run quickstart",
        "cargo run --release -- replay tests/data/gups.drmemtrace.zip",
        "cargo test --workspace",
    ] {
        assert!(readme.lines().any(|line| line == command), "{command}");
    }
}

/// The table of what each mode costs, between its marks in the README.
#[test]
fn the_readmes_table_of_modes_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let (before, rest) = readme.split_once("<!-- modes: begin -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- modes: end -->").unwrap();
    let expected = format!("{before}<!-- modes: begin -->\n{}<!-- modes: end -->{after}", costs::table());
    if std::env::var_os("TERRACE_ACCEPT").is_some() {
        std::fs::write(path, &expected).unwrap();
    }
    assert!(
        std::fs::read_to_string(path).unwrap() == expected,
        "the README's table of modes is stale; it should be\n{expected}"
    );
}
