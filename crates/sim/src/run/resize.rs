//! Virtual machines whose memory changes while they run: hot-plug, and balloons.
//!
//! The rule: the guest gives memory up first, then the host's system hears of it, then the host frees it, and only what
//! no segment holds; what the guest gets is backed, or may be, before it is told.

use std::collections::VecDeque;

use terrace_addr::{Addr, Bytes, Gpa, Nanos, Span, Upper, convert};
use terrace_frames::{NodeId, NodeSpec};
use terrace_policy::{Balloon, Role};
use terrace_scenario as scenario;

use super::happened::Happened;
use super::layer::LayerState;
use super::simulation::Simulation;
use super::stage::{End, Extended, Stage, at};

/// How much memory a machine has, where that lies in guest-physical memory, and how it changes.
///
/// What is plugged in later, and what may be given up at the end, is memory of nodes of its own: kernels keep what cannot
/// be moved out of such memory (`ZONE_MOVABLE`, Documentation/admin-guide/mm/memory-hotplug.rst), and ours takes table
/// pages from the first node that has any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// Where memory ends and begins again, in amounts of memory: one node for each part.
    bounds: Vec<u64>,
    /// So much of it is plugged in.
    plugged: u64,
    /// So much of that was given up, at its end.
    retired: u64,
    /// The hole, if it has one.
    hole: Option<Span<Gpa>>,
    due: VecDeque<(Nanos, Bytes)>,
}

impl Sizes {
    pub(super) fn new(vm: &scenario::Vm) -> Self {
        let mut bounds = vec![0, vm.memory.get()];
        bounds.extend(vm.resize.iter().map(|resize| resize.memory.get()));
        let most = bounds.iter().copied().max().unwrap_or(0);
        let hole = (vm.hole > Bytes::ZERO && most > vm.hole_at.get()).then(|| {
            bounds.push(vm.hole_at.get());
            Span { start: Addr::truncate(vm.hole_at.get()), bytes: vm.hole.get() }
        });
        bounds.sort_unstable();
        bounds.dedup();
        let due = vm.resize.iter().map(|resize| (resize.at, resize.memory)).collect();
        Self { bounds, plugged: vm.memory.get(), retired: 0, hole, due }
    }

    /// Where an amount of memory begins in guest-physical memory.
    fn place(&self, amount: u64) -> u64 {
        match self.hole {
            Some(hole) if amount >= hole.start.get() => amount + hole.bytes,
            _ => amount,
        }
    }

    /// Where a part of memory lies, from one amount to another.
    pub(super) fn spans(&self, from: Bytes, to: Bytes) -> Vec<Span<Gpa>> {
        let (from, to) = (from.get(), to.get());
        let split = self.hole.map(|hole| hole.start.get()).filter(|&split| from < split && split < to);
        let parts = [(from, split.unwrap_or(to)), (split.unwrap_or(to), to)];
        let parts = parts.into_iter().filter(|(from, to)| from < to);
        parts.map(|(from, to)| Span { start: Addr::truncate(self.place(from)), bytes: to - from }).collect()
    }

    /// The first address behind what is plugged in.
    pub(super) fn end(&self) -> Bytes {
        Bytes::new(self.place(self.plugged - 1) + 1)
    }

    pub(super) const fn hole(&self) -> Option<Span<Gpa>> {
        self.hole
    }

    /// The guest's nodes.
    pub(super) fn nodes(&self) -> Vec<NodeSpec<Gpa>> {
        let parts = self.bounds.windows(2);
        let node = |part: &[u64]| NodeSpec {
            start: Addr::truncate(self.place(part[0])),
            bytes: Bytes::new(part[1] - part[0]),
        };
        parts.map(node).collect()
    }

    /// Those whose memory comes later.
    pub(super) fn unplugged(&self) -> impl Iterator<Item = NodeId> {
        self.between(self.plugged, u64::MAX)
    }

    /// The nodes of a part of memory.
    fn between(&self, from: u64, to: u64) -> impl Iterator<Item = NodeId> {
        let parts = (0..).zip(self.bounds.windows(2));
        let inside = parts.filter(move |(_, part)| part[0] >= from && part[1] <= to);
        inside.map(|(number, _)| NodeId::new(convert::low8(number)))
    }

    /// What the machine is to have now, if that changes by this time.
    fn due(&mut self, now: Nanos) -> Option<Bytes> {
        self.due.pop_front_if(|(at, _)| *at <= now).map(|(_, memory)| memory)
    }
}

/// A part of a machine's memory at the process that holds it.
fn at_host(stage: &Extended, spans: &[Span<Gpa>]) -> Vec<Span<Upper>> {
    let place = |span: &Span<Gpa>| {
        let start = stage.vm.host_virtual(span.start)?;
        Some(Span { start: start.reinterpret(), bytes: span.bytes })
    };
    spans.iter().filter_map(place).collect()
}

impl Simulation {
    /// Changes the memory of a virtual CPU's machine as often as it is time for that.
    pub(super) fn resize_due(&mut self, vcpu: usize, now: Nanos) -> Result<(), End> {
        let vm = self.vcpus[vcpu].vm;
        while let Some(memory) = self.vms[vm].sizes.due(now) {
            let Stage::Extended(stage) = &mut self.layers.stages[vm] else { return Ok(()) };
            stage.guest.kernel.set_now(now);
            let ballooned = stage.guest.kernel.ballooned().get();
            self.layers.ground.host().kernel.set_now(now);
            let has = self.vms[vm].sizes.plugged - ballooned;
            match memory.get().checked_sub(has) {
                Some(0) => {}
                Some(more) => self.grow(vcpu, vm, more)?,
                None => self.shrink(vcpu, vm, has - memory.get())?,
            }
        }
        Ok(())
    }

    /// The machine is asked to give so much memory back.
    fn shrink(&mut self, vcpu: usize, vm: usize, bytes: u64) -> Result<(), End> {
        let Stage::Extended(stage) = &mut self.layers.stages[vm] else { return Ok(()) };
        let LayerState { kernel: host, policy, .. } = self.layers.ground.host();
        let how = policy.on_balloon(host, stage.vm.space(), Bytes::new(bytes));
        let sizes = &mut self.vms[vm].sizes;
        let end = sizes.plugged - sizes.retired;
        let tail = sizes.spans(Bytes::new(end - bytes), Bytes::new(end));
        let Stage::Extended(stage) = &mut self.layers.stages[vm] else { return Ok(()) };
        let guest = &mut stage.guest.kernel;
        let retired = how != Balloon::Anywhere && retire(guest, &tail);
        let given = if retired {
            self.vms[vm].sizes.retired += bytes;
            tail
        } else if how == Balloon::Tail {
            Vec::new()
        } else {
            guest.inflate(Bytes::new(bytes))
        };
        // What it moved is flushed before its old place is anybody else's.
        self.settle(vcpu)?;
        let sum = given.iter().map(|span| span.bytes).sum();
        let reason = match (retired, sum) {
            (true, _) => "the end of its memory",
            (false, 0) => "the guest can give nothing up",
            (false, _) => "pages that are free in the guest",
        };
        self.resized(vm, if sum == 0 { "keep" } else { "shrink" }, sum, reason);
        let Stage::Extended(stage) = &self.layers.stages[vm] else { return Ok(()) };
        let (space, spans) = (stage.vm.space(), at_host(stage, &given));
        let LayerState { kernel: host, policy, .. } = self.layers.ground.host();
        if !spans.is_empty() {
            policy.on_given_up(host, space, &spans);
        }
        // Segments that end earlier are loaded, and what they held is flushed, before it is free.
        self.settle(vcpu)?;
        for span in spans {
            let LayerState { kernel: host, policy, .. } = self.layers.ground.host();
            let own = Span { start: span.start.reinterpret(), bytes: span.bytes };
            if host.discard(policy.as_mut(), space, own).is_err() {
                self.resized(vm, "keep", span.bytes, "the guest can still reach it");
            }
        }
        self.settle(vcpu)
    }

    /// The machine gets so much more: what it gave up, and memory that is plugged in.
    fn grow(&mut self, vcpu: usize, vm: usize, more: u64) -> Result<(), End> {
        let sizes = &mut self.vms[vm].sizes;
        let Stage::Extended(stage) = &mut self.layers.stages[vm] else { return Ok(()) };
        let guest = &mut stage.guest.kernel;
        let mut grown = guest.deflate(Bytes::new(more));
        let mut left = more - grown.iter().map(|span| span.bytes).sum::<u64>();
        let (end, again) = (sizes.plugged - sizes.retired, left.min(sizes.retired));
        let restored = sizes.spans(Bytes::new(end), Bytes::new(end + again));
        for &span in &restored {
            let back = guest.restore(span);
            debug_assert_eq!(back, Ok(()), "what was given up at the end is held there");
        }
        grown.extend(restored);
        sizes.retired -= again;
        left -= again;
        let (before, plugged) = (sizes.plugged, sizes.plugged + left);
        sizes.plugged = plugged;
        grown.extend(sizes.spans(Bytes::new(before), Bytes::new(plugged)));
        let nodes: Vec<_> = sizes.between(before, plugged).collect();
        let host = self.layers.ground.host();
        if left > 0 {
            at(Role::Host, stage.vm.grow(&mut host.kernel, Bytes::new(left)))?;
        }
        let (space, spans) = (stage.vm.space(), at_host(stage, &grown));
        host.policy.on_grown(&mut host.kernel, space, &spans);
        self.settle(vcpu)?;
        let Stage::Extended(stage) = &mut self.layers.stages[vm] else { return Ok(()) };
        for node in nodes {
            stage.guest.kernel.plug(node);
        }
        let reason = if left > 0 { "memory was plugged in" } else { "it has back what it gave up" };
        self.resized(vm, "grow", grown.iter().map(|span| span.bytes).sum(), reason);
        Ok(())
    }

    /// Notes a change, if anybody wants to know.
    fn resized(&mut self, vm: usize, kind: &'static str, bytes: u64, reason: &'static str) {
        if self.layers.ground.host().kernel.records() {
            self.layers.happened.push((vm, Happened::about_machine(kind, Bytes::new(bytes), reason)));
        }
    }
}

/// Has a guest empty parts of its memory; all of them or none.
fn retire(guest: &mut terrace_kernel::Kernel<terrace_addr::Gva, Gpa>, spans: &[Span<Gpa>]) -> bool {
    for (done, &span) in spans.iter().enumerate() {
        if guest.retire(span).is_err() {
            for &span in &spans[..done] {
                let back = guest.restore(span);
                debug_assert_eq!(back, Ok(()), "it was emptied just now");
            }
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    /// 6 MiB that become 9 and then 4, with a hole of 2 MiB behind the first 4.
    fn sizes() -> Sizes {
        let change = |at, memory| (Nanos::new(at), Bytes::new(memory * MIB));
        Sizes {
            bounds: vec![0, 4 * MIB, 6 * MIB, 9 * MIB],
            plugged: 6 * MIB,
            retired: 0,
            hole: Some(Span { start: Addr::new(4 * MIB), bytes: 2 * MIB }),
            due: [change(5, 9), change(7, 4)].into(),
        }
    }

    #[test]
    fn memory_lies_around_the_hole() {
        let sizes = sizes();
        let spans = |from, to| {
            let spans = sizes.spans(Bytes::new(from * MIB), Bytes::new(to * MIB));
            spans.iter().map(|span| (span.start.get() / MIB, span.bytes / MIB)).collect::<Vec<_>>()
        };
        assert_eq!(spans(0, 6), [(0, 4), (6, 2)]);
        assert_eq!(
            (spans(1, 4), spans(4, 9), spans(3, 5)),
            (vec![(1, 3)], vec![(6, 5)], vec![(3, 1), (6, 1)])
        );
        assert_eq!(spans(4, 4), []);
        assert_eq!(sizes.end(), Bytes::new(8 * MIB));
        let nodes: Vec<_> =
            sizes.nodes().iter().map(|node| (node.start.get() / MIB, node.bytes.get() / MIB)).collect();
        assert_eq!(nodes, [(0, 4), (6, 2), (8, 3)]);
        assert_eq!(sizes.unplugged().collect::<Vec<_>>(), [NodeId::new(2)]);
        assert_eq!(sizes.between(4 * MIB, 9 * MIB).collect::<Vec<_>>(), [NodeId::new(1), NodeId::new(2)]);
    }

    #[test]
    fn changes_come_when_it_is_time() {
        let mut sizes = sizes();
        assert_eq!(sizes.due(Nanos::new(4)), None);
        assert_eq!(sizes.due(Nanos::new(9)), Some(Bytes::new(9 * MIB)));
        assert_eq!(sizes.due(Nanos::new(9)), Some(Bytes::new(4 * MIB)));
        assert_eq!(sizes.due(Nanos::new(9)), None);
    }
}
