//! `terrace report`, as a user makes a page of results.

use crate::run;

use std::fs;
use std::path::Path;

use run::terrace;

const SCENARIO: &str = r#"
name = "small"
description = "Updates at random <of> a few pages."
machine = "broadwell-e5-2620v4"
time = { measure = "2 ms", interval = "1 ms" }
record = { events = true }
host = { memory = "64 MiB" }

[[vm]]
mode = "2d"
memory = "32 MiB"

[[vm.program]]
workload = "gups"
parameters = { bytes = "8 MiB" }

[[sweep]]
name = "pages"
value = [
    { name = "thp", set = { guest.system = "linux", host.system = "linux" } },
    { name = "base", set = { guest.system = "base-pages", host.system = "base-pages" } },
]
"#;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        let scenario = folder.path("small.toml");
        fs::write(&scenario, SCENARIO).unwrap();
        terrace(&["run", &scenario, "--quiet", "--out", &folder.path("small")]).success();
        folder
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    /// What is there, without the result itself.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.retain(|name| !name.starts_with("small"));
        names.sort();
        names
    }
}

#[test]
fn a_result_becomes_a_page_that_says_the_answer_first() {
    let folder = Folder::new();
    let (result, page) = (folder.path("small"), folder.path("page.html"));
    let (printed, said) = terrace(&["report", &result, "--out", &page]).ended(0);
    assert!(printed.is_empty() && said.contains("page.html: a page"), "{printed}{said}");
    let html = fs::read_to_string(&page).unwrap();
    let answer = html.find("class=\"answer\"").unwrap();
    assert!(
        answer < html.find("<figure").unwrap() && html.contains("throughput than <em>base</em>"),
        "base pages compare"
    );
    assert!(html.contains("Updates at random &lt;of&gt; a few pages."), "what is read is escaped");
    assert!(html.contains("How often, and why") && html.contains("model version"), "events, provenance");
    // An older page is replaced, by the same bytes.
    terrace(&["report", &result, "--out", &page, "--quiet"]).success();
    assert_eq!(fs::read_to_string(&page).unwrap(), html);
    assert_eq!(terrace(&["report", &result, "--out", "-"]).success(), html);
    assert_eq!(folder.names(), ["page.html"]);
}

#[test]
fn several_results_stand_side_by_side() {
    let folder = Folder::new();
    let result = folder.path("small");
    let json = format!("{result}/result.json");
    let other = folder.path("small-again.json");
    fs::copy(json, &other).unwrap();
    let html = terrace(&["report", &result, &other, "--out", "-"]).success();
    assert!(html.contains("small-again.json"), "the name of the second");
    assert!(
        html.contains("No difference in throughput was found")
            || html.contains("no difference in throughput")
    );
    let by =
        terrace(&["report", &result, &other, "--by", "pages", "--baseline", "thp", "--out", "-"]).success();
    assert!(by.contains("than <em>thp</em>") || by.contains("<em>thp</em> and"), "another baseline");
}

#[test]
fn what_cannot_be_a_page_is_refused_and_nothing_is_written() {
    let folder = Folder::new();
    let result = folder.path("small");
    let refused = |arguments: &[&str], parts: &[&str]| {
        let all: Vec<&str> = ["report"].iter().chain(arguments).copied().collect();
        let error = terrace(&all).failure(1);
        for part in parts.iter().chain(&["found", "expected"]) {
            assert!(error.contains(part), "`{part}` in\n{error}");
        }
    };
    let page = folder.path("page.html");
    let out = ["--out", page.as_str()];
    refused(&[&result, "--by", "memory", out[0], out[1]], &["--by", "memory", "one of pages"]);
    refused(&[&result, "--baseline", "none", out[0], out[1]], &["--baseline", "one of thp, base"]);
    let toml = folder.path("small/config-0.toml");
    terrace(&["report", &toml, out[0], out[1]]).failure(1);
    let none = terrace(&["report", &folder.path("nothing"), out[0], out[1]]).failure(1);
    assert!(none.contains("nothing"), "{none}");
    let text = fs::read_to_string(folder.path("small/result.json")).unwrap();
    fs::write(folder.path("small.json"), text.replacen("\"run\"", "\"replay\"", 1)).unwrap();
    refused(&[&folder.path("small.json"), out[0], out[1]], &["small.json", "\"replay\""]);
    fs::write(folder.path("small/series.parquet"), "no Parquet").unwrap();
    refused(&[&result, out[0], out[1]], &["series.parquet"]);
    fs::remove_file(folder.path("small/series.parquet")).unwrap();
    fs::write(folder.path("small/run.json"), "{").unwrap();
    refused(&[&result, out[0], out[1]], &["run.json"]);
    assert!(folder.names().is_empty());
}

#[test]
fn nothing_but_an_older_page_is_replaced() {
    let folder = Folder::new();
    let (result, mine) = (folder.path("small"), folder.path("mine.html"));
    for text in ["<!doctype html>\n<p>my own page, which is longer than the mark", "", "x"] {
        fs::write(&mine, text).unwrap();
        let error = terrace(&["report", &result, "--out", &mine]).failure(1);
        assert!(
            error.contains("mine.html: found a file that is no page") && error.contains("--force"),
            "{error}"
        );
        assert_eq!(fs::read_to_string(&mine).unwrap(), text);
    }
    let error = terrace(&["report", &result, "--out", &result]).failure(1);
    assert!(error.contains("found a folder"), "{error}");
    terrace(&["report", &result, "--out", &mine, "--force", "--quiet"]).success();
    assert!(fs::read_to_string(&mine).unwrap().contains("Terrace"));
    let nowhere = Path::new(&folder.path("no")).join("page.html");
    let error = terrace(&["report", &result, "--out", nowhere.to_str().unwrap()]).failure(1);
    assert!(error.contains("page.html"), "{error}");
    assert_eq!(folder.names(), ["mine.html"]);
}
