//! Runs of campaigns in reduced form.
//!
//! The rule: machines and programs keep their proportions, and only become smaller and stop earlier. What daemons do in a
//! period stays what it is, so that they come about as far in memory that is as much smaller.

use terrace_addr::{Bytes, Nanos};
use terrace_scenario::{Run, Value};

/// All memory, of machines and of programs, is so much smaller. Of a 32nd the caches for base pages' translations hold
/// too much of the small programs: there is nothing to gain for them.
const SIZES: u64 = 16;
/// The warm-up is so much shorter, and so is what is measured. In a 16th daemons are still at work on what they find at
/// the beginning.
const TIMES: u64 = 4;
/// Memory is whole huge pages.
const HUGE: u64 = 2 << 20;

/// Reduces a run. What has less than a huge page keeps it.
pub(super) fn reduce(run: &mut Run) {
    let scenario = &mut run.scenario;
    scenario.host.memory = scenario.host.memory.map(smaller);
    for vm in &mut scenario.vm {
        vm.memory = smaller(vm.memory);
        vm.hypervisor_memory = smaller(vm.hypervisor_memory);
        for program in &mut vm.program {
            if let Some(bytes) = program.parameters.bytes("bytes") {
                program.parameters.set("bytes", Value::Bytes(smaller(bytes)));
            }
        }
    }
    let time = &mut scenario.time;
    let shorter = |time: Nanos| Nanos::new(time.get() / TIMES);
    (time.warm_up, time.measure) = (shorter(time.warm_up), shorter(time.measure));
    time.interval = time.interval.min(time.measure);
    run.labels.push(("size".to_owned(), format!("one in {SIZES}")));
}

fn smaller(bytes: Bytes) -> Bytes {
    if bytes.get() < HUGE { bytes } else { Bytes::new((bytes.get() / SIZES).next_multiple_of(HUGE)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_keep_their_proportions_and_what_is_small_stays() {
        for (before, after) in
            [(32 << 30, 2 << 30), (1700 << 20, 108 << 20), (HUGE, HUGE), (4096, 4096), (0, 0)]
        {
            assert_eq!(smaller(Bytes::new(before)), Bytes::new(after));
        }
    }
}
