//! The README's picture and table are what the program says today. `TERRACE_ACCEPT=1` draws the picture anew.

mod run;

use std::fmt::Write;

use run::{data, terrace};

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
    let drawn = draw(&measured);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/translation-cost.svg");
    if std::env::var_os("TERRACE_ACCEPT").is_some() {
        std::fs::write(path, &drawn).unwrap();
    }
    assert_eq!(drawn, std::fs::read_to_string(path).unwrap());
}

/// The block of output in the README is that of the command above it.
#[test]
fn the_readmes_table_is_current() {
    let readme = include_str!("../../../README.md");
    let output = terrace(&["replay", &data("gups.drmemtrace.zip")]).success();
    for line in output.lines().map(str::trim_end) {
        assert!(readme.lines().any(|other| other.trim_end() == line), "the README lacks:\n{line}");
    }
    for command in ["cargo run --release -- replay tests/data/gups.drmemtrace.zip", "cargo test --workspace"]
    {
        assert!(readme.contains(command), "{command}");
    }
}
