//! Costs of events, and which of them a vendor has.

use alloc::format;

use super::{Problem, limits};
use crate::{CoreTiming, Costs, Vendor};

/// More page walkers than this in a core are a mistyped number.
const MAX_WALKERS: u32 = 64;

pub(super) fn core(core: Option<&CoreTiming>) -> Result<(), Problem> {
    let Some(core) = core else { return Ok(()) };
    if !(1..=MAX_WALKERS).contains(&core.walkers) {
        let found = format!("{} walkers", core.walkers);
        return Err(Problem::new(&["core", "walkers"], found, format!("from 1 to {MAX_WALKERS}")));
    }
    limits::cycles(&["core", "window"], core.window)
}

pub(super) fn check(costs: Option<&Costs>, vendor: Vendor) -> Result<(), Problem> {
    let Some(costs) = costs else { return Ok(()) };
    for (key, cycles) in costs.cycles() {
        limits::cycles(&["cost", key], cycles)?;
    }
    for (table, cycles) in [("exit", costs.exit.cycles()), ("flush", costs.flush.cycles())] {
        for (key, cycles) in cycles {
            limits::cycles(&["cost", table, key], cycles.unwrap_or(0))?;
        }
    }
    let (exit, flush) = (&costs.exit, &costs.flush);
    let intel = [
        ("exit", "log_full", exit.log_full),
        ("flush", "invvpid", flush.invvpid),
        ("flush", "invept", flush.invept),
    ];
    let broadcast = [("flush", "invlpgb", flush.invlpgb), ("flush", "tlbsync", flush.tlbsync)];
    match vendor {
        Vendor::Intel => {
            present(&intel, vendor)?;
            absent(&[("flush", "invlpga", flush.invlpga)], vendor)?;
            absent(&broadcast, vendor)
        }
        Vendor::Amd => {
            present(&[("flush", "invlpga", flush.invlpga)], vendor)?;
            absent(&intel, vendor)?;
            // Neither is of use alone: INVLPGB returns before it is done, TLBSYNC waits for it.
            if flush.invlpgb.is_some() || flush.tlbsync.is_some() {
                present(&broadcast, vendor)?;
            }
            Ok(())
        }
    }
}

/// A table of `cost`, a key of it, and the cycles there.
type Event = (&'static str, &'static str, Option<u64>);

fn present(events: &[Event], vendor: Vendor) -> Result<(), Problem> {
    let Some((table, key, _)) = events.iter().find(|(_, _, cycles)| cycles.is_none()) else { return Ok(()) };
    Err(Problem::new(
        &["cost", table],
        format!("no key `{key}`"),
        format!("`{key}` in this table: vendor is {vendor}"),
    ))
}

fn absent(events: &[Event], vendor: Vendor) -> Result<(), Problem> {
    let Some((table, key, Some(cycles))) = events.iter().find(|(_, _, cycles)| cycles.is_some()) else {
        return Ok(());
    };
    let expected = format!("no such key: vendor is {vendor}, which does not have it");
    Err(Problem::new(&["cost", table, key], format!("{cycles} cycles"), expected))
}
