//! The layers of a scenario, with their memory in the state in which a run finds it.

use std::collections::BTreeMap;

use terrace_addr::{Addr, Bytes, Ghpa, Gpa, Gva, Hpa, Hva, Space};
use terrace_frames::fragment::Fragmenter;
use terrace_frames::{Mobility, NodeSpec};
use terrace_kernel::{Kernel, KernelCosts, KernelError, Settings, Shadow, Vm};
use terrace_machine::Machine;
use terrace_machine::quantity::Size;
use terrace_mmu::Layout;
use terrace_policy::{Layer, Policy, Role, Values};
use terrace_scenario as scenario;
use terrace_scenario::Scenario;
use terrace_table::{Ept, Levels};

use super::RunError;
use super::layer::LayerState;
use super::layers::Layers;
use super::registry::{MODES, Registry, system_value};
use super::resize::Sizes;
use super::stage::{End, Extended, Ground, Nested, Shadowed, Stage};

/// A virtual machine whose memory does not suffice to begin, and what ended it.
#[derive(Debug, Clone)]
pub(crate) struct Short(pub(crate) String, pub(crate) End);

/// Makes the layers of all virtual machines: kernels with what fragments their memory, and what was in use backed. No
/// program is there yet, and nothing here depends on any.
pub(crate) fn prepare(
    scenario: &Scenario,
    machine: &Machine,
    registry: &Registry,
) -> Result<Result<Layers, Short>, RunError> {
    let maker = Maker {
        scenario,
        machine,
        registry,
        costs: KernelCosts::new(machine.cost.as_ref()),
        levels: levels(machine.paging.levels),
        ept_levels: levels(machine.paging.ept_levels),
    };
    let mut layers = Layers { ground: maker.ground()?, stages: Vec::new(), happened: Vec::new() };
    for (number, vm) in scenario.vm.iter().enumerate() {
        let short = |end| Ok(Err(Short(vm.name.clone(), end)));
        match maker.stage(vm, &mut layers.ground)? {
            Ok(stage) => layers.stages.push(stage),
            Err(end) => return short(end),
        }
        if let Err(end) = layers.place_memory(number) {
            return short(end);
        }
        let hypervisor =
            scenario.hypervisor.used.then_some((Role::Hypervisor, (0, vm.hypervisor_memory.get())));
        let used = Sizes::new(vm).spans(Bytes::ZERO, vm.memory);
        let guest = used.iter().map(|span| (Role::Guest, (span.start.get(), span.start.get() + span.bytes)));
        for (layer, span) in hypervisor.into_iter().chain(guest.filter(|_| scenario.guest.used)) {
            if let Err(end) = layers.use_memory(number, layer, span) {
                return short(end);
            }
        }
    }
    Ok(Ok(layers))
}

/// What all kernels of a run are made of.
struct Maker<'a> {
    scenario: &'a Scenario,
    machine: &'a Machine,
    registry: &'a Registry,
    costs: KernelCosts,
    levels: Levels,
    ept_levels: Levels,
}

/// Below which address programs' areas end (`TASK_SIZE` less the gap for the stack, arch/x86/mm/mmap.c); where exactly is
/// random there.
const AREAS_END: u64 = 0x7fff_f800_0000;

/// Bits of a random offset in pages: 28 (`mmap_rnd_bits`, arch/x86/mm/mmap.c).
const RANDOM_PAGES: u64 = (1 << 28) - 1;

const fn levels(count: u32) -> Levels {
    if count == 5 { Levels::Five } else { Levels::Four }
}

impl Maker<'_> {
    /// The machine's memory, and its kernel.
    fn ground(&self) -> Result<Ground, RunError> {
        let (nodes, _) = memory(self.scenario, self.machine)?;
        if self.scenario.vm.iter().all(|vm| vm.mode == MODES[0]) {
            let mut kernel = self.kernel(Role::Guest, &nodes)?;
            kernel.set_near(1);
            Ok(Ground::Native(Box::new(self.layer(Role::Guest, kernel)?)))
        } else {
            let mut kernel = self.kernel(Role::Host, &nodes)?;
            kernel.set_near(1);
            Ok(Ground::Host(Box::new(self.layer(Role::Host, kernel)?)))
        }
    }

    fn settings(&self, role: Role) -> Settings {
        let offset = match role {
            Role::Guest => self.random("areas") & RANDOM_PAGES,
            Role::Hypervisor | Role::Host => 0,
        };
        Settings { role, levels: self.levels, costs: self.costs, areas_end: AREAS_END - offset * 4096 }
    }

    fn random(&self, what: &str) -> u64 {
        terrace_machine::array_seed(self.scenario.seed, 0, what)
    }

    fn kernel<U: Space, L: Space>(
        &self,
        role: Role,
        nodes: &[NodeSpec<L>],
    ) -> Result<Kernel<U, L>, RunError> {
        let failed = |error| RunError::Kernel { layer: role.name(), error };
        let mut kernel = Kernel::new(self.settings(role), nodes).map_err(failed)?;
        if self.scenario.record.events {
            kernel.record_decisions();
        }
        // Composed tables have no place for what the guest's registers translate.
        if role == Role::Guest && self.scenario.vm.iter().all(|vm| vm.mode != "shadow") {
            kernel.allow_direct_segments();
        }
        let (_, wish, _) = self.of(role);
        let mobility = if self.moves_fragments(role) { Mobility::Movable } else { Mobility::Unmovable };
        let nodes: Vec<_> = kernel.memory().node_ids().collect();
        for node in nodes {
            let seed = self.random(role.name());
            let fragmenter = Fragmenter { node, wish, seed, mobility };
            // They stay held for the whole run.
            let _held = fragmenter.drive(kernel.memory_mut());
        }
        Ok(kernel)
    }

    /// The system, the fragmentation and the parameters of a layer.
    fn of(&self, role: Role) -> (&str, f64, &scenario::Parameters) {
        let scenario = self.scenario;
        match role {
            Role::Guest => (&scenario.guest.system, scenario.guest.fragmentation, &scenario.guest.parameters),
            Role::Hypervisor => {
                let hypervisor = &scenario.hypervisor;
                (&hypervisor.system, hypervisor.fragmentation, &hypervisor.parameters)
            }
            Role::Host => (&scenario.host.system, scenario.host.fragmentation, &scenario.host.parameters),
        }
    }

    /// Whether what fragments a layer's memory can be moved.
    const fn moves_fragments(&self, role: Role) -> bool {
        match role {
            Role::Guest => self.scenario.guest.fragments_movable,
            Role::Hypervisor => self.scenario.hypervisor.fragments_movable,
            Role::Host => self.scenario.host.fragments_movable,
        }
    }

    fn policy(&self, role: Role) -> Result<Box<dyn Policy>, RunError> {
        let (name, _, parameters) = self.of(role);
        let layer = role.name();
        let Some(system) = self.registry.system(name) else {
            return Err(RunError::System { layer, found: name.into() });
        };
        let failed = |error| RunError::Parameter { layer, error };
        let mut values = Values::defaults(system.parameters);
        for parameter in system.parameters {
            if let Some(value) =
                parameters.get(parameter.name).and_then(|value| system_value(parameter, value))
            {
                values.set(system.parameters, parameter.name, value).map_err(failed)?;
            }
        }
        (system.build)(role, &values).map_err(failed)
    }

    fn layer<U: Space, L: Space>(
        &self,
        role: Role,
        kernel: Kernel<U, L>,
    ) -> Result<LayerState<U, L>, RunError> {
        let policy = self.policy(role)?;
        let missing = policy.requires() - kernel.abilities();
        if !missing.is_empty() {
            let system = self.of(role).0.to_owned();
            return Err(RunError::Abilities { layer: role.name(), system, missing });
        }
        Ok(LayerState::new(kernel, policy))
    }

    /// A virtual machine's layers; what ended it, if the host has no memory for its first tables.
    fn stage(&self, vm: &scenario::Vm, ground: &mut Ground) -> Result<Result<Stage, End>, RunError> {
        let sizes = Sizes::new(vm);
        let guest = || -> Result<LayerState<Gva, Gpa>, RunError> {
            let mut kernel = self.kernel(Role::Guest, &sizes.nodes())?;
            for node in sizes.unplugged() {
                kernel.unplug(node);
            }
            self.layer(Role::Guest, kernel)
        };
        let ended = |error: KernelError| Ok(Err(End::Kernel(Role::Host, error)));
        match vm.mode.as_str() {
            "native" => Ok(Ok(Stage::Native)),
            "2d" => {
                let guest = guest()?;
                let host = &mut ground.host().kernel;
                let (end, hole) = (sizes.end(), sizes.hole());
                let switch_level = self.machine.scheme.as_ref().and_then(|scheme| scheme.switch_level);
                match Vm::with_hole(host, end, hole, vm.slot_offset, self.ept_levels) {
                    Ok(vm) => {
                        host.allow_segments(vm.space());
                        Ok(Ok(Stage::Extended(Box::new(Extended {
                            guest,
                            vm,
                            segments: None,
                            switch_level,
                        }))))
                    }
                    Err(error) => ended(error),
                }
            }
            "shadow" => {
                let guest = guest()?;
                let host = &mut ground.host().kernel;
                let shadows = BTreeMap::new();
                match Vm::new(host, vm.memory, vm.slot_offset, self.ept_levels) {
                    Ok(vm) => {
                        let levels = self.levels;
                        Ok(Ok(Stage::Shadow(Box::new(Shadowed { guest, vm, shadows, levels }))))
                    }
                    Err(error) => ended(error),
                }
            }
            "nested" => {
                let guest = guest()?;
                let memory = [NodeSpec { start: Addr::ZERO, bytes: vm.hypervisor_memory }];
                let kernel: Kernel<Hva, Ghpa> = self.kernel(Role::Hypervisor, &memory)?;
                let mut hypervisor = self.layer(Role::Hypervisor, kernel)?;
                let inner = Vm::new(&mut hypervisor.kernel, vm.memory, Bytes::ZERO, self.ept_levels);
                let LayerState { kernel: host, policy, .. } = ground.host();
                let outer = Vm::new(host, vm.hypervisor_memory, vm.slot_offset, self.ept_levels);
                let shadow = Shadow::new(host, Ept::new(self.ept_levels));
                match (inner, outer, shadow) {
                    (Ok(inner), Ok(outer), Ok(mut shadow)) => {
                        shadow.serve(policy.requires());
                        let stage = Nested { guest, hypervisor, inner, outer, shadow };
                        Ok(Ok(Stage::Nested(Box::new(stage))))
                    }
                    (Err(error), ..) => Ok(Err(End::Kernel(Role::Hypervisor, error))),
                    (_, Err(error), _) | (.., Err(error)) => ended(error),
                }
            }
            found => Err(RunError::Mode { vm: vm.name.clone(), found: found.into() }),
        }
    }
}

/// The host's memory: its nodes, one behind the other, and which of the machine's they are.
pub(super) fn memory(
    scenario: &Scenario,
    machine: &Machine,
) -> Result<(Vec<NodeSpec<Hpa>>, Layout), RunError> {
    let all = machine.nodes();
    let host = &scenario.host;
    let names: Vec<&str> = match &host.nodes[..] {
        [] => all.first().map(|&(name, _)| name).into_iter().collect(),
        names => names.iter().map(String::as_str).collect(),
    };
    let list = |names: &[&str]| names.join(", ");
    let every = || list(&all.iter().map(|&(name, _)| name).collect::<Vec<_>>());
    let mut left = host.memory.map_or(u64::MAX, Bytes::get);
    let (mut specs, mut parts, mut start) = (Vec::new(), Vec::new(), 0);
    for &name in &names {
        let Some(place) = all.iter().position(|&(other, _)| other == name) else {
            return Err(RunError::Node { found: name.into(), expected: every() });
        };
        let bytes = all[place].1.size.bytes().get().min(left) & !0xfff;
        left -= bytes;
        if bytes > 0 {
            specs.push(NodeSpec { start: Addr::truncate(start), bytes: Bytes::new(bytes) });
            start += bytes;
            parts.push((Addr::truncate(start), place));
        }
    }
    if let Some(found) = host.memory.filter(|found| found.get() > start) {
        let (found, most) = (Size::new(found), Size::new(Bytes::new(start)));
        return Err(RunError::HostMemory { found, most, nodes: list(&names), all: every() });
    }
    Ok((specs, Layout::new(parts)))
}
