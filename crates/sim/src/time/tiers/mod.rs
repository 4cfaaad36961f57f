//! Memory nodes as queues that virtual CPUs share.

use terrace_addr::convert;
use terrace_machine::{Machine, Topology};

use super::{CoreModel, CoreTime, Interval, Program};

mod traffic;

use traffic::{Node, traffic};

/// One virtual CPU of an interval: who shares the memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Vcpu {
    /// The CPU that it ran on; it reaches memory from that CPU's socket.
    pub cpu: usize,
    /// What it ran.
    pub program: Program,
    /// What it did.
    pub interval: Interval,
}

/// How an interval went for those who shared the machine's memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Shared {
    /// How long the interval lasted, in cycles: until the longest of the virtual CPUs was done and all traffic had
    /// been moved.
    pub duration: f64,
    /// The time of each virtual CPU, at the latencies that it met.
    pub vcpus: Vec<CoreTime>,
    /// What each memory node moved, in the order of [`Machine::nodes`].
    pub nodes: Vec<NodeLoad>,
}

/// What a memory node moved in an interval.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeLoad {
    /// Bytes: 64 for each reference that it served, and what was copied from and to it.
    pub bytes: u64,
    /// Which part of its bandwidth that is, from 0 to 1.
    pub utilisation: f64,
    /// The latency of a reference from each socket, in cycles: the machine file's, and the wait. Infinite where
    /// copies alone saturate the node, and no reference is there to wait.
    pub latency: Vec<f64>,
}

/// The bisection halves a range of at most a factor of two: after so many steps no number lies between its ends.
const STEPS: u32 = 64;

/// The time of virtual CPUs that run at the same time and share the machine's memory.
///
/// # The model
/// Each node is a queue, M/D/1: a request for a line holds it for 64 bytes ÷ its bandwidth, and waits in front of it
/// service × u ÷ 2(1 − u) at the utilisation u. That wait is added to the latency of the machine file, which is that
/// of an idle node. u is the node's traffic ÷ (bandwidth × duration of the interval): references of tables and data,
/// and copies. Write-backs of changed lines are not modelled.
///
/// *Sockets.* The machine file gives a node's bandwidth to each socket. The node as a whole moves what the nearest
/// socket gets, shared by all; the way to each socket moves at most that socket's figure. A request passes both, and
/// waits for the longer of the two waits: in a row of queues with constant service times the slowest decides the time
/// in all of them (Friedman, "Reduction Methods for Tandem Queuing Systems", Operations Research 13(1), 1965). That
/// this holds with traffic that passes one of them only is `assumed`.
///
/// *Duration.* Times depend on latencies, latencies on the utilisation, and that on the duration: the longest of the
/// times. The longer the interval, the lower the utilisation and the shorter the times, so there is exactly one
/// duration that fits; it is found by bisection. Where references ask for more than a node moves, waits grow until
/// the interval is long enough for the traffic; copies, which wait for nothing, stretch it to where they fit.
///
/// A virtual CPU that is done before the others is idle for the rest: the utilisation is the mean over the duration.
pub fn share(machine: &Machine, vcpus: &[Vcpu]) -> Shared {
    let model = CoreModel::new(machine);
    let nodes = traffic(machine, vcpus);
    let times = |duration: f64| {
        let time = |vcpu: &Vcpu| {
            let socket = socket_of(&machine.topology, vcpu.cpu);
            let wait = |node: usize| nodes.get(node).map_or(0.0, |node| node.wait(socket, duration));
            model.time_with(vcpu.program, &vcpu.interval, wait)
        };
        vcpus.iter().map(time).collect::<Vec<_>>()
    };
    let longest = |times: &[CoreTime]| times.iter().map(|time| time.modelled.total()).fold(0.0, f64::max);
    let fits = |duration: f64| longest(&times(duration)) <= duration;

    let idle: Vec<_> = vcpus.iter().map(|vcpu| model.time(vcpu.program, &vcpu.interval)).collect();
    let least = nodes.iter().map(Node::busy).fold(longest(&idle), f64::max);
    let duration = if fits(least) { least } else { first_that_fits(least, fits) };
    Shared {
        duration,
        vcpus: times(duration),
        nodes: nodes.iter().map(|node| node.load(machine, duration)).collect(),
    }
}

/// The shortest duration above `too_short` that fits, if all longer than one that fits do. `too_short` is positive:
/// without any work it would fit.
fn first_that_fits(mut too_short: f64, fits: impl Fn(f64) -> bool) -> f64 {
    let mut long_enough = too_short * 2.0;
    while !fits(long_enough) {
        too_short = long_enough;
        long_enough *= 2.0;
    }
    for _ in 0..STEPS {
        let middle = too_short + (long_enough - too_short) / 2.0;
        if fits(middle) {
            long_enough = middle;
        } else {
            too_short = middle;
        }
    }
    long_enough
}

/// The socket of a CPU: CPU *c* of a machine with *k* cores in all is on core c mod k, as the MMU numbers them.
pub(crate) fn socket_of(topology: &Topology, cpu: usize) -> usize {
    let in_socket = convert::index32(topology.cores);
    cpu % (in_socket * convert::index32(topology.sockets)) / in_socket
}

#[cfg(test)]
mod tests;
