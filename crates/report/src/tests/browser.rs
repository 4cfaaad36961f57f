//! A page in a real browser: everything is drawn, nothing is fetched, nothing is complained about.
//!
//! Without Chromium the tests say that they were skipped; `TERRACE_CHROMIUM` names one that is not found by itself.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::html;
use super::made::with_series;

fn chromium() -> Option<OsString> {
    let named = std::env::var_os("TERRACE_CHROMIUM");
    let known = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"].map(OsString::from);
    named.into_iter().chain(known).find(|name| {
        let version = Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        version.is_ok_and(|status| status.success())
    })
}

/// What a browser made of a page.
struct Seen {
    dom: String,
    /// What the page and its policy said on the console.
    console: Vec<String>,
    /// The first line of each request that was sent.
    requests: Vec<String>,
}

/// Opens a page; every request for anything but files goes to a proxy, which writes down what it is asked for.
fn opened(chromium: &OsString, folder: &Path, html: &str, arguments: &[&str]) -> Seen {
    let file = folder.join("page.html");
    std::fs::write(&file, html).unwrap();
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = proxy.local_addr().unwrap();
    let (sender, requests) = mpsc::channel();
    thread::spawn(move || {
        for stream in proxy.incoming().flatten() {
            let sender = sender.clone();
            thread::spawn(move || {
                let mut stream = stream;
                let mut begin = [0; 512];
                let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
                let length = stream.read(&mut begin).unwrap_or(0);
                let text = String::from_utf8_lossy(&begin[..length]).into_owned();
                let _ = sender.send(text.lines().next().unwrap_or_default().to_owned());
                let _ = stream.write_all(b"HTTP/1.1 404 None\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            });
        }
    });
    let output = Command::new(chromium)
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--virtual-time-budget=20000", "--enable-logging=stderr", "--dump-dom"])
        .arg(format!("--proxy-server=http://{address}"))
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .args(arguments)
        .arg(format!("file://{}", file.display()))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    Seen {
        dom: String::from_utf8_lossy(&output.stdout).into_owned(),
        console: log.lines().filter(|line| line.contains(":CONSOLE")).map(str::to_owned).collect(),
        requests: requests.try_iter().collect(),
    }
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
            let figure = seen.dom.split(&format!("<figure id=\"{id}\">")).nth(1).unwrap_or_else(|| panic!("{id}"));
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
    let tampered = page.replace("</body>", &format!("{fetching}</body>"));
    let seen = opened(&chromium, folder.path(), &tampered, &[]);
    assert_eq!(seen.requests, [""; 0], "the policy forbids it");
    assert!(seen.console.iter().any(|line| line.contains("Content Security Policy")), "{:?}", seen.console);
    assert!(!seen.console.iter().any(|line| line.contains("\"said\"")), "{:?}", seen.console);
}
