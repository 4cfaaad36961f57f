//! Whether a machine has what a scenario names of it.

use terrace_machine::{Fault, Machine, Origin};

use crate::error::{Problem, unknown};
use crate::{Scenario, ScenarioError};

impl Scenario {
    /// Whether `machine` has the memory nodes and the CPUs that the scenario names: the scenario's own machine is
    /// known by its name only when a file is read.
    ///
    /// # Errors
    /// The first node or CPU that the machine does not have.
    pub fn fits(&self, machine: &Machine) -> Result<(), ScenarioError> {
        self.first_misfit(machine).map_or(Ok(()), |Problem { path, found, expected, help, .. }| {
            let origin = Origin::Name(format!("scenario {}", self.name));
            Err(Fault::new(origin, found, expected).on(path).helped(help).into())
        })
    }

    fn first_misfit(&self, machine: &Machine) -> Option<Problem> {
        let names = || machine.nodes().into_iter().map(|(name, _)| name);
        let nodes = self.host.nodes.iter().enumerate();
        let node = nodes
            .filter(|(_, node)| !machine.memory.contains_key(node.as_str()))
            .map(|(index, node)| unknown(&format!("host.nodes.{index}"), node, names()));
        let topology = &machine.topology;
        let cpus = u64::from(topology.sockets) * u64::from(topology.cores) * u64::from(topology.threads);
        let pinned = self.vm.iter().enumerate().flat_map(|(index, vm)| {
            vm.cpus.iter().enumerate().map(move |(number, cpu)| (format!("vm.{index}.cpus.{number}"), *cpu))
        });
        let cpu = pinned.filter(|(_, cpu)| u64::from(*cpu) >= cpus).map(|(path, cpu)| {
            Problem::new(
                &path,
                format!("the CPU {cpu}"),
                format!("one of the {cpus} CPUs of {}, from 0", machine.name),
            )
        });
        node.chain(cpu).next()
    }
}
