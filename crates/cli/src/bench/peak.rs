//! Peaks of resident memory.

use std::process::{Command, Stdio};

use terrace_sim::Mode;

use super::BenchArguments;

/// This process's peak so far, in bytes; none where the system does not tell.
pub(super) fn own() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// The peak of a process that touches the pages of GUPS in this mode and does nothing else.
pub(super) fn of_mode(mode: Mode, arguments: &BenchArguments) -> Option<u64> {
    let mut command = Command::new(std::env::current_exe().ok()?);
    command.args(["bench", "--peak", mode.name(), "--machine", &arguments.machine]);
    for change in &arguments.set {
        command.args(["--set", change]);
    }
    if arguments.quick {
        command.arg("--quick");
    }
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let bytes: u64 = core::str::from_utf8(&output.stdout).ok()?.trim().parse().ok()?;
    (output.status.success() && bytes > 0).then_some(bytes)
}
