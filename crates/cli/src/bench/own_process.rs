//! What is measured in a process of its own, because its peak of resident memory is that of all that it ever did.

use std::io;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::BenchArguments;
use crate::interrupt::interrupted;
use crate::said::Said;

/// What this program prints if it is asked for one thing of what the arguments describe; otherwise, why it did not. Where
/// progress is shown it shows its own.
pub(super) fn in_own_process(
    what: &[&str],
    arguments: &BenchArguments,
    said: Said,
) -> Result<String, String> {
    let failed = |reason: &dyn std::fmt::Display| format!("in a process of its own: {reason}");
    let program = std::env::current_exe().map_err(|error| failed(&error))?;
    let mut command = Command::new(program);
    command.arg("bench").args(what).args(["--machine", &arguments.machine]);
    for change in &arguments.set {
        command.args(["--set", change]);
    }
    for (given, name) in [(arguments.quick, "--quick"), (arguments.data_lines, "--data-lines")] {
        if given {
            command.arg(name);
        }
    }
    let errors = if said.shows_progress() { Stdio::inherit() } else { Stdio::piped() };
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors).spawn();
    let output = child.and_then(output_of).map_err(|error| failed(&error))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(failed(&if said.is_empty() { "it said why" } else { said.trim() }));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What a process prints. Its input, of which nothing comes, ends when this process is interrupted, or is no more.
fn output_of(mut child: Child) -> io::Result<Output> {
    const ASKED: Duration = Duration::from_millis(50);
    let input = child.stdin.take();
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let watching = scope.spawn(|| {
            while !interrupted() && !ended.load(Ordering::Relaxed) {
                thread::park_timeout(ASKED);
            }
            drop(input);
        });
        let output = child.wait_with_output();
        ended.store(true, Ordering::Relaxed);
        watching.thread().unpark();
        output
    })
}
