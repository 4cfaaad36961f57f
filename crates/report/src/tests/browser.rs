//! A page in a real browser: everything is drawn, nothing is fetched, nothing is complained about.
//!
//! Without Chromium the tests say that they were skipped; `TERRACE_CHROMIUM` names one that is not found by itself.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::html;
use super::made::with_series;

fn chromium() -> Option<OsString> {
    let named = std::env::var_os("TERRACE_CHROMIUM");
    let known = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"].map(OsString::from);
    named.into_iter().chain(known).find(|name| {
        let version =
            Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        version.is_ok_and(|status| status.success())
    })
}

/// What a browser made of a page.
struct Seen {
    dom: String,
    /// What the page and its policy said on the console.
    console: Vec<String>,
    /// What the page asked the network for. The browser asks for things of its own, too.
    requests: Vec<String>,
}

/// Opens a page, where there is no network.
fn opened(chromium: &OsString, folder: &Path, html: &str, arguments: &[&str]) -> Seen {
    let (file, log) = (folder.join("page.html"), folder.join("network.json"));
    std::fs::write(&file, html).unwrap();
    let output = Command::new(chromium)
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--virtual-time-budget=20000", "--enable-logging=stderr", "--dump-dom"])
        // Nobody listens there.
        .arg("--proxy-server=http://127.0.0.1:9")
        .arg(format!("--log-net-log={}", log.display()))
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .args(arguments)
        .arg(format!("file://{}", file.display()))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    Seen {
        dom: String::from_utf8_lossy(&output.stdout).into_owned(),
        console: said.lines().filter(|line| line.contains(":CONSOLE")).map(str::to_owned).collect(),
        requests: requests(&std::fs::read(log).unwrap()),
    }
}

/// The addresses that a page asked for, by the browser's log: what the browser asks for by itself has no origin.
fn requests(log: &[u8]) -> Vec<String> {
    let log: Value = serde_json::from_slice(log).unwrap();
    let events = log["events"].as_array().unwrap().iter();
    let of_page = events.filter(|event| {
        event["params"]["initiator"].as_str().is_some_and(|initiator| initiator != "not an origin")
    });
    let addresses = of_page.filter_map(|event| event["params"]["url"].as_str());
    let fetched =
        addresses.filter(|it| !["file:", "data:", "blob:"].iter().any(|begin| it.starts_with(begin)));
    fetched.map(str::to_owned).collect()
}

#[test]
fn pictures_are_drawn_and_nothing_is_fetched() {
    let Some(chromium) = chromium() else {
        println!("skipped: no Chromium was found");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let page = html(&[with_series()]);
    for arguments in [&["--window-size=1280,900"], &["--blink-settings=preferredColorScheme=0"]] {
        let seen = opened(&chromium, folder.path(), &page, arguments);
        assert_eq!(seen.console, [""; 0], "the console is silent");
        assert_eq!(seen.requests, [""; 0], "nothing is fetched");
        assert!(seen.dom.contains("data-drawn=\"all\""), "everything was drawn");
        for id in ["throughput", "programs", "misses", "cycles", "ends", "alignment"] {
            let figure =
                seen.dom.split(&format!("<figure id=\"{id}\">")).nth(1).unwrap_or_else(|| panic!("{id}"));
            let figure = figure.split("</figure>").next().unwrap();
            assert!(figure.contains("<svg") && figure.contains("role-mark"), "{id} is drawn");
            assert!(figure.contains("Save as PNG") && figure.contains("Save as SVG"), "{id} can be saved");
            assert!(!figure.contains("editor"), "{id} leads nowhere else");
        }
        // There are no requests with latencies, so there is no such picture.
        assert!(seen.dom.contains("<figure id=\"latency\" hidden"));
    }
}

/// The test above can fail: what a page fetches and says is seen, and the page's policy forbids it.
#[test]
fn a_page_that_fetches_is_found_out() {
    let Some(chromium) = chromium() else {
        println!("skipped: no Chromium was found");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let fetching = "<img src=\"http://example.invalid/picture.png\"><script>console.error('said')</script>";
    let seen = opened(&chromium, folder.path(), fetching, &[]);
    assert!(seen.requests.iter().any(|request| request.contains("picture.png")), "{:?}", seen.requests);
    assert!(seen.console.iter().any(|line| line.contains("said")), "{:?}", seen.console);
    let page = html(&[with_series()]);
    let end = page.rfind("</body>").unwrap();
    let tampered = format!("{}{fetching}{}", &page[..end], &page[end..]);
    let seen = opened(&chromium, folder.path(), &tampered, &[]);
    assert_eq!(seen.requests, [""; 0], "the policy forbids it");
    assert!(seen.console.iter().any(|line| line.contains("Content Security Policy")), "{:?}", seen.console);
    assert!(!seen.console.iter().any(|line| line.contains("\"said\"")), "{:?}", seen.console);
}
