//! What a memory node has to move, and how long its users wait for that.

use terrace_addr::convert;
use terrace_machine::quantity::{Bandwidth, Frequency};
use terrace_machine::{Machine, MemoryNode};
use terrace_mmu::NodeReferences;

use super::super::{number, queue};
use super::{NodeLoad, Vcpu, socket_of};

/// The bytes of a line.
const LINE: u64 = 64;

/// Something that moves bytes, and how many it has to.
#[derive(Debug, Clone, Copy, Default)]
struct Queue {
    cycles_per_byte: f64,
    bytes: u64,
}

/// A memory node with its traffic.
#[derive(Debug)]
pub(super) struct Node<'m> {
    /// What the machine file says of it.
    file: &'m MemoryNode,
    /// All of it.
    whole: Queue,
    /// The way to each socket.
    ways: Vec<Queue>,
}

/// The memory nodes of a machine with what `vcpus` ask of them.
pub(super) fn traffic<'m>(machine: &'m Machine, vcpus: &[Vcpu]) -> Vec<Node<'m>> {
    let clock = machine.clock.frequency;
    let mut nodes: Vec<_> = machine
        .nodes()
        .into_iter()
        .map(|(_, node)| {
            let to = |socket| node.bandwidth.of(socket).unwrap_or(Bandwidth::Unlimited);
            let ways: Vec<_> =
                (0..machine.topology.sockets).map(|socket| Queue::new(to(socket), clock)).collect();
            let fastest = (0..machine.topology.sockets).map(to).max().unwrap_or(Bandwidth::Unlimited);
            Node { file: node, whole: Queue::new(fastest, clock), ways }
        })
        .collect();
    for vcpu in vcpus {
        let socket = socket_of(&machine.topology, vcpu.cpu);
        for (place, node) in nodes.iter_mut().enumerate() {
            let NodeReferences { table, data } = vcpu.interval.nodes.get(place).copied().unwrap_or_default();
            let copied = vcpu.interval.copied.get(place).map_or(0, |bytes| bytes.get());
            let bytes = (table + data) * LINE + copied;
            node.whole.bytes += bytes;
            if let Some(way) = node.ways.get_mut(socket) {
                way.bytes += bytes;
            }
        }
    }
    nodes
}

impl Queue {
    fn new(bandwidth: Bandwidth, clock: Frequency) -> Self {
        let cycles_per_byte =
            bandwidth.bytes_per_second().map_or(0.0, |bytes| convert::ratio(clock.hertz(), bytes));
        Self { cycles_per_byte, bytes: 0 }
    }

    /// The cycles that its traffic takes it.
    fn busy(&self) -> f64 {
        number(self.bytes) * self.cycles_per_byte
    }

    /// Which part of `duration` it is busy.
    fn utilisation(&self, duration: f64) -> f64 {
        let busy = self.busy();
        if busy > 0.0 { busy / duration } else { 0.0 }
    }

    fn wait(&self, duration: f64) -> f64 {
        queue::wait(number(LINE) * self.cycles_per_byte, self.utilisation(duration))
    }
}

impl Node<'_> {
    /// The least cycles in which its traffic can be moved.
    pub(super) fn busy(&self) -> f64 {
        self.ways.iter().map(Queue::busy).fold(self.whole.busy(), f64::max)
    }

    /// How long a reference from `socket` waits, if the traffic is moved in `duration` cycles.
    pub(super) fn wait(&self, socket: usize, duration: f64) -> f64 {
        let way = self.ways.get(socket).map_or(0.0, |way| way.wait(duration));
        self.whole.wait(duration).max(way)
    }

    /// What it moved in `duration` cycles.
    pub(super) fn load(&self, machine: &Machine, duration: f64) -> NodeLoad {
        let latency = |socket: u32| {
            let idle = machine.node_latency(self.file, socket).get();
            number(idle) + self.wait(convert::index32(socket), duration)
        };
        NodeLoad {
            bytes: self.whole.bytes,
            utilisation: self.whole.utilisation(duration),
            latency: (0..machine.topology.sockets).map(latency).collect(),
        }
    }
}
