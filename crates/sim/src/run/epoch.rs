//! Epochs of a run: how long references wait for each memory node, from what was done in the last one.

use terrace_addr::{Bytes, Nanos, convert};

use super::simulation::Simulation;
use crate::time::share;

/// How often the load of the memory nodes is looked at: it is constant in between. `assumed`: short against intervals
/// of series, long against a quantum.
const EPOCH: Nanos = Nanos::new(1_000_000);

/// Where accesses stand for several, an epoch lasts as long as so many chunks at least: else it sees few of the
/// virtual CPUs that share the nodes, and takes the others for idle. `assumed`: the chunk more or less that a virtual
/// CPU has in an epoch is then a quarter of what it does.
const CHUNKS_IN_EPOCH: f64 = 4.0;

/// Parts that an epoch is divided into where those of virtual CPUs are made equally long.
const PARTS: u64 = 1024;

impl Simulation {
    /// At the end of an epoch: how loaded the memory nodes were, which is how long references wait in the next one.
    pub(crate) fn end_epoch(&mut self, now: Nanos) {
        if now < self.epoch_ends {
            return;
        }
        self.epoch_ends = Nanos::new(now.get() + EPOCH.get());
        let mut sharers = Vec::new();
        let mut lengths = Vec::new();
        for (vcpu, state) in self.vcpus.iter_mut().enumerate() {
            let mut interval = std::mem::take(&mut state.epoch);
            let clock = self.order.clock(vcpu);
            let began = std::mem::replace(&mut state.epoch_began, clock);
            let length = clock - began;
            let copied = state.background.copied_in(began, clock);
            if copied > Bytes::ZERO {
                // It took all of its time for that, or waited for more to do.
                interval.serial = length;
                interval.copied.push(copied);
            }
            let program = match state.threads.get(state.current) {
                Some(&(process, _)) => self.vms[state.vm].processes[process].timing,
                None => crate::time::Program::NONE,
            };
            if interval.accesses > 0 || interval.copied.iter().any(|&bytes| bytes > Bytes::ZERO) {
                sharers.push(crate::time::Vcpu { cpu: state.cpu, program, interval });
                lengths.push(length.get().max(1));
            }
        }
        let Some(&longest) = lengths.iter().max() else { return };
        // Clocks differ by what was run last, so that some did a chunk more than others: all as if they had gone on for
        // as long as the longest of them.
        for (sharer, length) in sharers.iter_mut().zip(lengths) {
            sharer.interval = sharer.interval.repeated(PARTS * longest / length);
        }
        let shared = share(&self.machine, &sharers);
        if self.sampled && self.weight > 1 {
            let chunk = convert::ratio(convert::count(self.chunk()) * self.weight, 1);
            let run = shared.vcpus.iter().zip(&sharers).filter(|(_, sharer)| sharer.interval.accesses > 0);
            let cycles = run.map(|(time, sharer)| {
                time.modelled.total() / convert::ratio(sharer.interval.accesses, 1) * chunk
            });
            let longest = self.nanos(cycles.fold(0.0, f64::max) * CHUNKS_IN_EPOCH);
            self.epoch_ends = Nanos::new(now.get() + convert::floor(longest).max(EPOCH.get()));
        }
        let nodes = self.machine.nodes();
        for (socket, waits) in self.waits.iter_mut().enumerate() {
            for ((wait, (_, node)), load) in waits.iter_mut().zip(&nodes).zip(&shared.nodes) {
                let idle = convert::ratio(self.machine.node_latency(node, convert::narrow(socket)).get(), 1);
                let latency = load.latency.get(socket).copied().unwrap_or(idle);
                // A node that copies alone saturate has no finite latency; references that do come wait no longer
                // than an epoch.
                *wait = (latency - idle).clamp(0.0, 1e6);
            }
        }
    }
}
