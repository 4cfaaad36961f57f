//! Peaks of resident memory.

use terrace_sim::Mode;

use super::BenchArguments;
use super::own_process::in_own_process;
use crate::said::Said;

/// This process's peak so far, in bytes; none where the system does not tell.
pub(super) fn own() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// The peak of a process that touches the pages of GUPS in this mode and does nothing else: it is that of everything
/// that a process ever did, so each mode needs one of its own. Otherwise, why it is not known.
pub(super) fn of_mode(mode: Mode, arguments: &BenchArguments, said: Said) -> Result<u64, String> {
    let text = in_own_process(&["--peak", mode.name()], arguments, said)?;
    match text.trim().parse() {
        Ok(0) => Err("this system does not tell".to_owned()),
        Ok(bytes) => Ok(bytes),
        Err(_) => Err(format!("found `{}`; expected a number of bytes", text.trim())),
    }
}
