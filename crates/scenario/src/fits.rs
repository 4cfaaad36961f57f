//! Whether a machine has what a scenario names of it.

use std::collections::BTreeSet;

use terrace_addr::Bytes;
use terrace_machine::Machine;
use terrace_machine::quantity::Size;

use crate::error::{Problem, unknown};
use crate::{Scenario, Vm};

impl Scenario {
    /// The first of the memory nodes and the CPUs that the scenario names and `machine` does not have: the scenario's own
    /// machine is known by its name only when a file is read.
    pub(crate) fn misfit(&self, machine: &Machine) -> Option<Problem> {
        self.node(machine)
            .or_else(|| self.host_memory(machine))
            .or_else(|| self.modes())
            .or_else(|| self.vcpus(machine))
            .or_else(|| self.pinned(machine))
    }

    fn node(&self, machine: &Machine) -> Option<Problem> {
        let names = machine.nodes().into_iter().map(|(name, _)| name);
        let mut nodes = self.host.nodes.iter().enumerate();
        let (index, node) = nodes.find(|(_, node)| !machine.memory.contains_key(node.as_str()))?;
        Some(unknown(&format!("host.nodes.{index}"), node, names))
    }

    fn host_memory(&self, machine: &Machine) -> Option<Problem> {
        let found = self.host.memory?;
        let all = machine.nodes();
        let is_used = |name: &str| match self.host.nodes.as_slice() {
            [] => all.first().is_some_and(|(first, _)| *first == name),
            names => names.iter().any(|node| node == name),
        };
        let used: Vec<_> = all.iter().filter(|(name, _)| is_used(name)).collect();
        let most: u64 = used.iter().map(|(_, node)| node.size.bytes().get()).sum();
        if found.get() <= most {
            return None;
        }
        let list = |names: Vec<&str>| names.join(", ");
        let used = list(used.iter().map(|(name, _)| *name).collect());
        let all = list(all.iter().map(|(name, _)| *name).collect());
        let size = |bytes| Size::new(bytes).to_string();
        let expected = format!("at most {}, what {used} has", size(Bytes::new(most)));
        let help = format!(
            "name more nodes in host.nodes (the machine has {all}), or make machine.memory.NODE.size larger"
        );
        Some(Problem::new("host.memory", size(found), expected).helped(Some(help)))
    }

    /// Programs on the host itself and virtual machines are not of one run.
    fn modes(&self) -> Option<Problem> {
        let is_native = |vm: &Vm| vm.mode == Vm::NATIVE;
        let first = is_native(self.vm.first()?);
        let (index, vm) = self.vm.iter().enumerate().find(|(_, vm)| is_native(vm) != first)?;
        let found = format!("{} beside {}", vm.mode, self.vm[0].mode);
        Some(Problem::new(&format!("vm.{index}.mode"), found, "all of a run native, or none"))
    }

    fn vcpus(&self, machine: &Machine) -> Option<Problem> {
        let cpus = cpus(machine);
        let mut sum = 0;
        let (index, vm) = self.vm.iter().enumerate().find(|(_, vm)| {
            sum += u64::from(vm.vcpus);
            sum > cpus
        })?;
        let found = if sum == u64::from(vm.vcpus) {
            format!("{sum} vCPUs")
        } else {
            format!("{sum} vCPUs of all VMs up to this one")
        };
        let expected = format!("at most the {cpus} CPUs of {}", machine.name);
        Some(Problem::new(&format!("vm.{index}.vcpus"), found, expected))
    }

    fn pinned(&self, machine: &Machine) -> Option<Problem> {
        let cpus = cpus(machine);
        let mut taken = BTreeSet::new();
        self.vm.iter().enumerate().find_map(|(index, vm)| {
            vm.cpus.iter().enumerate().find_map(|(number, cpu)| {
                let path = format!("vm.{index}.cpus.{number}");
                if u64::from(*cpu) >= cpus {
                    let expected = format!("one of the {cpus} CPUs of {}, from 0", machine.name);
                    return Some(Problem::new(&path, format!("the CPU {cpu}"), expected));
                }
                let found = format!("the CPU {cpu}, which another VM has");
                (!taken.insert(cpu)).then(|| Problem::new(&path, found, "a CPU that is free"))
            })
        })
    }
}

fn cpus(machine: &Machine) -> u64 {
    let topology = &machine.topology;
    u64::from(topology.sockets) * u64::from(topology.cores) * u64::from(topology.threads)
}
