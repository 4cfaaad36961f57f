//! What is said beside the result, on standard error.

use core::fmt;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use clap::Args;
use terrace_addr::convert;
use terrace_trace::Source;

/// How much is said beside the result.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Said {
    /// Say nothing beside the result and errors: no progress, no notes
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    quiet: bool,

    /// Say what was read and passed over, how long it took, and of scenarios which system ran at which layer
    #[arg(long, short, global = true)]
    verbose: bool,
}

impl Said {
    #[cfg(test)]
    pub(crate) const QUIET: Self = Self { quiet: true, verbose: false };

    /// Whether progress is shown: on a terminal.
    pub(crate) fn shows_progress(self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    /// Whether what a user may want to know is said too.
    pub(crate) fn is_verbose(self) -> bool {
        self.verbose
    }

    /// Says something that a user should know.
    pub(crate) fn note(self, what: impl fmt::Display) {
        if !self.quiet {
            say(what);
        }
    }

    /// Says something that a user may want to know.
    pub(crate) fn detail(self, what: impl fmt::Display) {
        if self.verbose {
            say(what);
        }
    }

    /// Says what was read from a trace in the time that it took.
    pub(crate) fn read(self, name: &str, source: &dyn Source, took: Duration) {
        for note in source.notes() {
            self.note(format_args!("{name}: {note}"));
        }
        let statistics = source.statistics();
        let seconds = took.as_secs_f64();
        let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
        let speed = convert::ratio(statistics.references(), microseconds);
        self.detail(format_args!(
            "{name}: {}, {} references in {seconds:.2} s, {speed:.1} M/s",
            source.format(),
            statistics.references()
        ));
        let passed_over = [
            ("prefetches", statistics.prefetches),
            ("cache flushes", statistics.flushes),
            ("instructions executed again without a fetch", statistics.unfetched),
            ("parts of encodings", statistics.encodings),
            ("markers", statistics.markers),
            ("lines of something else", statistics.foreign_lines),
        ];
        let some: Vec<_> = passed_over
            .into_iter()
            .filter(|&(_, count)| count > 0)
            .map(|(what, count)| format!("{count} {what}"))
            .collect();
        if !some.is_empty() {
            self.detail(format_args!("{name}: passed over {}", some.join(", ")));
        }
    }
}

/// Nothing is left to be done if standard error is closed.
fn say(what: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "{what}");
}
