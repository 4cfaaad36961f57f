//! What differs by nature from one run of the same input to the next: `run.json` of a result folder.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;
use terrace_addr::convert;

use crate::bench::processor;

/// When, where and how long something ran.
pub(crate) struct Circumstances {
    pub(crate) started: SystemTime,
    pub(crate) took: Duration,
    pub(crate) threads: usize,
    /// Accesses that were simulated, where that is what was simulated.
    pub(crate) accesses: Option<u64>,
}

impl Circumstances {
    /// As `run.json` has it.
    pub(crate) fn text(&self) -> String {
        let started = self.started.duration_since(UNIX_EPOCH).unwrap_or_default();
        let command: Vec<_> =
            std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect();
        let cpus = std::thread::available_parallelism().map_or(1, |cpus| convert::count(cpus.get()));
        let mut document = json!({
            "command": command,
            "started_unix_seconds": started.as_secs(),
            "wall_seconds": self.took.as_secs_f64(),
            "threads": convert::count(self.threads),
            "host": {
                "processor": processor(),
                "cpus": cpus,
                "system": std::env::consts::OS,
                "architecture": std::env::consts::ARCH,
            },
        });
        if let Some(accesses) = self.accesses {
            document["simulated_accesses"] = accesses.into();
        }
        format!("{document:#}\n")
    }
}
