//! Why a run cannot be made.

use terrace_kernel::KernelError;
use terrace_machine::MachineError;
use terrace_machine::quantity::Size;
use terrace_mmu::BuildError;
use terrace_policy::{Abilities, ParameterError};
use terrace_scenario::{Misfit, Scenario};
use terrace_workload::WorkloadError;
use thiserror::Error;

use crate::time::{InvalidProgram, OrderError};

/// Why a run cannot be made. That memory runs out while it runs is no error: it is an outcome.
#[derive(Debug, Error)]
pub enum RunError {
    /// The machine cannot be used.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// The MMUs cannot be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A workload cannot be made.
    #[error("vm.{vm}.program.{program}: {error}")]
    Workload {
        /// The virtual machine.
        vm: String,
        /// The place of the program among those of the machine.
        program: usize,
        /// Why.
        error: WorkloadError,
    },
    /// A program cannot be like that.
    #[error("vm.{vm}.program.{program}: {error}")]
    Program {
        /// The virtual machine.
        vm: String,
        /// The place of the program among those of the machine.
        program: usize,
        /// Why.
        error: InvalidProgram,
    },
    /// Requests are to come to a program that serves none.
    #[error(
        "vm.{vm}.program.{program}.rate: found a rate of {workload}, which serves no requests; leave it out"
    )]
    NoRequests {
        /// The virtual machine.
        vm: String,
        /// The place of the program among those of the machine.
        program: usize,
        /// The workload.
        workload: String,
    },
    /// The trace that comes with the program cannot be put where it can be read.
    #[error(
        "builtin:gups: found no room for a temporary file ({0}); set TMPDIR to a folder that can be written"
    )]
    BuiltinTrace(std::io::Error),
    /// There is no such system.
    #[error("{layer}.system: found {found}; expected a name of `terrace list systems`")]
    System {
        /// The layer.
        layer: &'static str,
        /// The name.
        found: String,
    },
    /// A system cannot have such a parameter.
    #[error("{layer}.parameters: {error}")]
    Parameter {
        /// The layer.
        layer: &'static str,
        /// Why.
        error: ParameterError,
    },
    /// A system needs what a layer cannot do.
    #[error("{layer}.system: {system} needs what the layer cannot do: {missing}")]
    Abilities {
        /// The layer.
        layer: &'static str,
        /// The system.
        system: String,
        /// What is missing.
        missing: Abilities,
    },
    /// The machine has no such memory node.
    #[error("host.nodes: found {found}; expected nodes of the machine: {expected}")]
    Node {
        /// The name.
        found: String,
        /// Those that it has.
        expected: String,
    },
    /// The host's nodes have less memory than it is to have.
    #[error(
        "host.memory: found {found}; expected at most {most}, what {nodes} has; name more nodes in host.nodes (the \
         machine has {all}), or make machine.memory.NODE.size larger"
    )]
    HostMemory {
        /// What it is to have.
        found: Size,
        /// What the nodes have.
        most: Size,
        /// Their names.
        nodes: String,
        /// The names of all nodes.
        all: String,
    },
    /// There is no such mode, or runs do not have it.
    #[error("vm.{vm}.mode: found {found}; expected native, 2d, shadow or nested")]
    Mode {
        /// The virtual machine.
        vm: String,
        /// The mode.
        found: String,
    },
    /// Programs on the host itself and virtual machines in one run.
    #[error("vm.{vm}.mode: found {found} beside mode native; expected all of a run native, or none")]
    Mixed {
        /// The virtual machine.
        vm: String,
        /// Its mode.
        found: String,
    },
    /// There are more virtual CPUs than CPUs.
    #[error("vm: found {vcpus} vCPUs in all; expected at most the {cpus} CPUs of {machine}")]
    Cpus {
        /// How many there are.
        vcpus: usize,
        /// How many CPUs the machine has.
        cpus: usize,
        /// The machine.
        machine: String,
    },
    /// A CPU is wanted that the machine does not have, or twice.
    #[error("vm.{vm}.cpus: found CPU {cpu} {why}; expected CPUs 0 to {last}, each once")]
    Cpu {
        /// The virtual machine.
        vm: String,
        /// The CPU.
        cpu: u32,
        /// What is wrong with it.
        why: &'static str,
        /// The machine's last CPU.
        last: usize,
    },
    /// A kernel cannot be set up.
    #[error("{layer}: {error}")]
    Kernel {
        /// The layer.
        layer: &'static str,
        /// Why.
        error: KernelError,
    },
    /// What the order of things does not allow.
    #[error(transparent)]
    Order(#[from] OrderError),
}

impl RunError {
    /// The value of the scenario with which the run cannot be made, if it is one.
    pub fn misfit(&self, scenario: &Scenario) -> Option<Misfit> {
        let number = |vm: &str| scenario.vm.iter().position(|it| it.name == vm);
        Some(match self {
            Self::Workload {
                vm,
                program,
                error: WorkloadError::Value { parameter, found, expected, .. },
            } => {
                let number = number(vm)?;
                // With its unit.
                let given = scenario.vm[number].program.get(*program)?.parameters.get(parameter);
                Misfit {
                    path: format!("vm.{number}.program.{program}.parameters.{parameter}"),
                    found: given.map_or_else(|| found.clone(), ToString::to_string),
                    expected: expected.clone(),
                }
            }
            Self::NoRequests { vm, program, workload } => Misfit {
                path: format!("vm.{}.program.{program}.rate", number(vm)?),
                found: format!("a rate of {workload}, which serves no requests"),
                expected: "no `rate`".into(),
            },
            Self::Parameter { layer, error: ParameterError::Value { name, found, expected } } => Misfit {
                path: format!("{layer}.parameters.{name}"),
                found: found.clone(),
                expected: expected.clone(),
            },
            Self::Abilities { layer, system, missing } => Misfit {
                path: format!("{layer}.system"),
                found: format!("{system}, which needs what this layer cannot do: {missing}"),
                expected: "another system or, if that is what it lacks, another mode".into(),
            },
            _ => return None,
        })
    }
}
