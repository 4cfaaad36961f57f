//! Ctrl-C, and what else asks a process to end early.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{io, thread};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
static INSTALLED: OnceLock<()> = OnceLock::new();

/// From now on Ctrl-C, or a request to end, is noted instead of ending the process; a second one ends it.
pub(crate) fn note_interrupts() {
    handle(|| {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            end();
        }
    });
}

/// From now on the end of the standard input is noted, too: of a process that another began, and that is of no use
/// without it.
pub(crate) fn note_end_of_input() {
    thread::spawn(|| {
        // An input that cannot be read is at its end.
        let _read = io::copy(&mut io::stdin(), &mut io::sink());
        INTERRUPTED.store(true, Ordering::Relaxed);
    });
}

/// From now on Ctrl-C, or a request to end, ends the process without leaving parts of files behind: for work of which
/// nothing is of use before its end.
pub(crate) fn end_at_interrupts() {
    handle(|| {
        eprintln!("interrupted: nothing was written");
        end();
    });
}

fn handle(handler: fn()) {
    // Where no handler can be installed Ctrl-C ends the process at once, as without this.
    INSTALLED.get_or_init(|| drop(ctrlc::set_handler(handler)));
}

fn end() {
    terrace_trace::remove_unfinished();
    std::process::exit(130);
}

/// Whether Ctrl-C was pressed, or what else is noted has come.
pub(crate) fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}
