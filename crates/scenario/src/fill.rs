//! The defaults that depend on more than their own key.

use terrace_addr::Bytes;
use toml::de::DeTable;

use crate::error::{Problem, Side, unknown};
use crate::{Parameters, Scenario, Timing, Vm, Vocabulary, Word, parameters, tree};

/// Assumed: the least room for a guest hypervisor's own tables and kernel.
const LEAST_FOR_HYPERVISOR: u64 = 256 << 20;
const BASE_PAGE: u64 = 4096;

/// Adds to a scenario, read from `tree`, what it leaves out, and reads its parameters.
pub(crate) fn complete(
    scenario: &mut Scenario,
    tree: &DeTable<'_>,
    vocabulary: &Vocabulary<'_>,
) -> Result<(), Problem> {
    let is_given = |path: &str| {
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        tree::get(tree, &path).is_some()
    };
    if !is_given("time.interval") {
        scenario.time.interval = Timing::default().interval.min(scenario.time.measure);
    }
    let guest = &mut scenario.guest;
    system(&mut guest.parameters, "guest", &guest.system, vocabulary)?;
    let hypervisor = &mut scenario.hypervisor;
    system(&mut hypervisor.parameters, "hypervisor", &hypervisor.system, vocabulary)?;
    let host = &mut scenario.host;
    system(&mut host.parameters, "host", &host.system, vocabulary)?;
    for (index, vm) in scenario.vm.iter_mut().enumerate() {
        let path = format!("vm.{index}");
        if !is_given(&format!("{path}.name")) {
            vm.name = tree::default_name(index);
        }
        if !vocabulary.modes.contains(&vm.mode.as_str()) {
            return Err(unknown(&format!("{path}.mode"), &vm.mode, vocabulary.modes.iter().copied()));
        }
        if vm.mode != Vm::NATIVE && !is_given(&format!("{path}.memory")) {
            return Err(Problem::new(&path, "no key `memory`", "`memory` in this table"));
        }
        if !is_given(&format!("{path}.hypervisor_memory")) {
            vm.hypervisor_memory = with_room(vm.memory);
        }
        for (number, program) in vm.program.iter_mut().enumerate() {
            let path = format!("{path}.program.{number}");
            let word = word(&format!("{path}.workload"), &program.workload, vocabulary.workloads)?;
            if program.rate.is_some() && !word.requests {
                let found = format!("a rate of {}, which serves no requests", word.name);
                return Err(Problem::new(&path, found, "no `rate`").below("rate", Side::Key));
            }
            parameters::complete(&mut program.parameters, &format!("{path}.parameters"), word)?;
        }
    }
    Ok(())
}

fn system(
    given: &mut Parameters,
    layer: &str,
    name: &str,
    vocabulary: &Vocabulary<'_>,
) -> Result<(), Problem> {
    let word = word(&format!("{layer}.system"), name, vocabulary.systems)?;
    parameters::complete(given, &format!("{layer}.parameters"), word)
}

fn word<'w>(path: &str, name: &str, words: &'w [Word]) -> Result<&'w Word, Problem> {
    let found = words.iter().find(|word| word.name == name);
    found.ok_or_else(|| unknown(path, name, words.iter().map(|word| word.name.as_str())))
}

/// Memory for a guest hypervisor whose guest has `memory`: whole pages.
fn with_room(memory: Bytes) -> Bytes {
    let room = (memory.get() / 8).max(LEAST_FOR_HYPERVISOR);
    Bytes::new(memory.get().saturating_add(room).div_ceil(BASE_PAGE).saturating_mul(BASE_PAGE))
}
