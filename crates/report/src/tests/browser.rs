//! A page in a real browser: everything is drawn, nothing is fetched, nothing is complained about.
//!
//! Without Chromium the tests say that they were skipped; `TERRACE_CHROMIUM` names one that is not found by itself.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::html;
use super::made::{with_requests, with_series};
use crate::html::script_source;

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
    let page = html(&[with_requests()]);
    for arguments in [&["--window-size=1280,900"], &["--blink-settings=preferredColorScheme=0"]] {
        let seen = opened(&chromium, folder.path(), &page, arguments);
        assert_eq!(seen.console, [""; 0], "the console is silent");
        assert_eq!(seen.requests, [""; 0], "nothing is fetched");
        assert!(seen.dom.contains("data-drawn=\"all\""), "everything was drawn");
        for id in PICTURES {
            let figure =
                seen.dom.split(&format!("<figure id=\"{id}\">")).nth(1).unwrap_or_else(|| panic!("{id}"));
            let figure = figure.split("</figure>").next().unwrap();
            assert!(figure.contains("<svg") && figure.contains("role-mark"), "{id} is drawn");
            assert!(figure.contains("Save as PNG") && figure.contains("Save as SVG"), "{id} can be saved");
            assert!(!figure.contains("editor"), "{id} leads nowhere else");
        }
    }
    // There are no requests with latencies, so there is no such picture.
    let seen = opened(&chromium, folder.path(), &html(&[with_series()]), &[]);
    assert!(seen.dom.contains("<figure id=\"latency\" hidden"));
}

const PICTURES: [&str; 8] =
    ["throughput", "programs", "misses", "cycles", "ends", "alignment", "fmfi", "latency"];

/// In a page that is drawn: asks for what is saved of each picture, and tells the window around it that, and how wide the
/// page is.
const PROBE: &str = r##"
const root = document.documentElement;
const links = () => [...document.querySelectorAll("figure:not([hidden]) .vega-actions a")];
const tell = () => {
  if (links().some((link) => link.href.endsWith("#"))) return setTimeout(tell, 50);
  const rights = [...document.querySelectorAll("figure svg")].map((svg) => svg.getBoundingClientRect().right);
  const saved = links().map((link) => [link.closest("figure").id, link.download, link.href.slice(0, 18)].join(" "));
  parent.postMessage([root.clientWidth, Math.max(root.scrollWidth, ...rights), ...saved].join("|"), "*");
};
const ask = () => {
  if (root.dataset.drawn !== "all") return setTimeout(ask, 50);
  links().forEach((link) => link.dispatchEvent(new MouseEvent("mousedown")));
  tell();
};
ask();
"##;

/// A browser's window is no narrower than 500 pixels, a frame in it is.
#[test]
fn a_page_fits_400_pixels_and_its_pictures_are_saved() {
    let Some(chromium) = chromium() else {
        println!("skipped: no Chromium was found");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let page = html(&[with_requests()]);
    let end = page.rfind("</body>").unwrap();
    // The page's policy stays, and allows this script beside the page's own.
    let page = format!("{}<script>{PROBE}</script>{}", &page[..end], &page[end..]);
    let page = page.replacen("script-src ", &format!("script-src {} ", script_source(PROBE)), 1);
    std::fs::write(folder.path().join("framed.html"), page).unwrap();
    let frame = "<iframe src=\"framed.html\" width=\"400\" height=\"900\" style=\"border: 0\"></iframe><script>\
                 addEventListener('message', (told) => { document.body.textContent = `told:${told.data}`; });\
                 </script>";
    let seen = opened(&chromium, folder.path(), frame, &[]);
    assert_eq!(seen.console, [""; 0], "the console is silent");
    let told = seen.dom.split("told:").nth(1).expect("the page was drawn and its pictures saved");
    let told: Vec<_> = told.split('|').collect();
    let [width, widest, saved @ ..] = told.as_slice() else { panic!("{told:?}") };
    assert!(width.parse::<f64>().unwrap() <= 400.0, "{width}");
    assert!(widest.parse::<f64>().unwrap() <= width.parse().unwrap(), "{widest} in {width}");
    for id in PICTURES {
        for (ending, begins) in [("svg", "blob:"), ("png", "data:image/png")] {
            let link = format!("{id} small-{id}.{ending} {begins}");
            let found = saved.iter().any(|saved| saved.starts_with(&link));
            assert!(found, "{id}.{ending} in {saved:?}");
        }
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
