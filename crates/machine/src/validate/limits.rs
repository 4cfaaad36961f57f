//! The tables that are single values.

use alloc::format;
use alloc::string::ToString;

use super::Problem;
use crate::quantity::Frequency;
use crate::{Clock, Paging, Topology};

/// More hardware threads than this are a mistyped number.
const MAX_THREADS: u64 = 1 << 16;
const MAX_FREQUENCY: Frequency = Frequency::from_hertz(100_000_000_000);
/// The most cycles that a hit or an event may cost, so that sums of them stay far below 2⁶⁴.
const MAX_CYCLES: u64 = 1 << 32;

pub(super) fn topology(topology: &Topology) -> Result<(), Problem> {
    let counts = [("sockets", topology.sockets), ("cores", topology.cores), ("threads", topology.threads)];
    let mut product: u64 = 1;
    for (key, count) in counts {
        if count == 0 {
            return Err(Problem::new(&["topology", key], format!("0 {key}"), "at least 1"));
        }
        product = product.saturating_mul(count.into());
        if product > MAX_THREADS {
            let found = format!("{product} hardware threads with {count} {key}");
            return Err(Problem::new(&["topology", key], found, format!("at most {MAX_THREADS} in all")));
        }
    }
    Ok(())
}

pub(super) fn clock(clock: &Clock) -> Result<(), Problem> {
    if clock.frequency.hertz() == 0 || clock.frequency > MAX_FREQUENCY {
        let expected = format!("more than 0 Hz and at most {MAX_FREQUENCY}");
        return Err(Problem::new(&["clock", "frequency"], clock.frequency.to_string(), expected));
    }
    Ok(())
}

pub(super) fn paging(paging: &Paging) -> Result<(), Problem> {
    for (key, levels) in [("levels", paging.levels), ("ept_levels", paging.ept_levels)] {
        if !matches!(levels, 4 | 5) {
            return Err(Problem::new(&["paging", key], format!("{levels} levels"), "4 or 5"));
        }
    }
    Ok(())
}

/// Cycles that are counted at the key `path`.
pub(super) fn cycles(path: &[&str], cycles: u64) -> Result<(), Problem> {
    if cycles > MAX_CYCLES {
        return Err(Problem::new(path, format!("{cycles} cycles"), format!("at most {MAX_CYCLES}")));
    }
    Ok(())
}
