//! Whether a scenario can be run: what types alone do not say.
//!
//! That its VMs need more memory than the host has is no error here: what comes of it, the simulation finds out.

use std::collections::BTreeSet;

use terrace_addr::{Bytes, Nanos, convert};
use terrace_machine::quantity::Size;

use crate::error::{Problem, Side};
use crate::schema::keys_of;
use crate::{Host, Limits, Program, Scenario, Timing, Vm, units};

const BASE_PAGE: Bytes = Bytes::new(4096);
const HUGE_PAGE: Bytes = Bytes::new(2 << 20);
/// Each may need a node of the guest's own, of which there are at most 256.
const MOST_CHANGES: usize = 100;
/// All that an x86 processor can address (Intel SDM vol. 3, MAXPHYADDR: at most 52).
const MOST_MEMORY: Bytes = Bytes::new(1 << 52);

/// Sums of so many cycles stay finite, as of those in a machine file.
const MOST_CORE_CYCLES: f64 = 4_294_967_296.0;

/// The first problem, in the order of the file's keys.
pub(crate) fn check(scenario: &Scenario, limits: Limits) -> Result<(), Problem> {
    name("name", &scenario.name, &['-', '_', '.'])?;
    if scenario.machine.name.trim().is_empty() {
        return Err(Problem::new("machine", "an empty text", "a machine"));
    }
    scenario.machine.check()?;
    timing(&scenario.time)?;
    for (path, share) in [
        ("guest.fragmentation", scenario.guest.fragmentation),
        ("hypervisor.fragmentation", scenario.hypervisor.fragmentation),
        ("host.fragmentation", scenario.host.fragmentation),
    ] {
        if !(0.0..=1.0).contains(&share) {
            return Err(Problem::new(path, share.to_string(), "a share from 0 to 1"));
        }
    }
    host(&scenario.host)?;
    if scenario.vm.is_empty() {
        return Err(Problem::new("vm", "no VM", "at least one [[vm]]"));
    }
    let mut names = BTreeSet::new();
    for (index, it) in scenario.vm.iter().enumerate() {
        let path = format!("vm.{index}");
        if !names.insert(&it.name) {
            let found = format!("a second VM {:?}", it.name);
            return Err(Problem::new(&format!("{path}.name"), found, "a name that no other VM has"));
        }
        vm(&path, it, limits)?;
    }
    all_memory(&scenario.vm)
}

fn timing(time: &Timing) -> Result<(), Problem> {
    let Timing { warm_up: _, measure, interval, quantum, weight } = time;
    for (key, value) in [("measure", measure), ("interval", interval), ("quantum", quantum)] {
        if *value == Nanos::ZERO {
            return Err(Problem::new(&format!("time.{key}"), "no time", "at least 1 ns"));
        }
    }
    if interval > measure {
        let expected = format!("at most the measured time of {}", units::text_of_nanos(*measure));
        return Err(Problem::new("time.interval", units::text_of_nanos(*interval), expected));
    }
    if *weight == 0 {
        return Err(Problem::new("time.weight", "0", "at least 1"));
    }
    Ok(())
}

fn host(host: &Host) -> Result<(), Problem> {
    let mut nodes = BTreeSet::new();
    for (index, node) in host.nodes.iter().enumerate() {
        if !nodes.insert(node) {
            let path = format!("host.nodes.{index}");
            return Err(Problem::new(&path, format!("the node {node:?} twice"), "nodes that differ"));
        }
    }
    host.memory.map_or(Ok(()), |memory| pages("host.memory", memory))
}

fn vm(path: &str, vm: &Vm, limits: Limits) -> Result<(), Problem> {
    let name_path = format!("{path}.name");
    name(&name_path, &vm.name, &['-', '_'])?;
    if vm.name.parse::<u64>().is_ok() || keys_of("vm").contains(&vm.name) {
        let expected = "a name that is no number and no key of a VM: paths name VMs by it";
        return Err(Problem::new(&name_path, format!("{:?}", vm.name), expected));
    }
    if vm.vcpus == 0 {
        return Err(Problem::new(&format!("{path}.vcpus"), "0 vCPUs", "at least 1"));
    }
    pinning(path, vm)?;
    if vm.mode != Vm::NATIVE {
        pages(&format!("{path}.memory"), vm.memory)?;
    }
    if vm.mode == Vm::NESTED {
        let path = format!("{path}.hypervisor_memory");
        pages(&path, vm.hypervisor_memory)?;
        if vm.hypervisor_memory < vm.memory {
            let expected = format!("at least the {} of its guest", size(vm.memory));
            return Err(Problem::new(&path, size(vm.hypervisor_memory), expected));
        }
    }
    if vm.slot_offset >= HUGE_PAGE || !vm.slot_offset.get().is_multiple_of(BASE_PAGE.get()) {
        let expected = "a multiple of 4 KiB below 2 MiB";
        return Err(Problem::new(&format!("{path}.slot_offset"), size(vm.slot_offset), expected));
    }
    hole(path, vm)?;
    resizes(path, vm)?;
    nodes(path, vm, limits.node)?;
    if vm.program.is_empty() {
        return Err(
            Problem::new(path, "no program", "at least one [[vm.program]]").below("program", Side::Value)
        );
    }
    let mut programs = vm.program.iter().enumerate();
    programs.try_for_each(|(index, it)| {
        let path = format!("{path}.program.{index}");
        program(&path, it, limits.threads)?;
        if it.follows { ends(&path, index.checked_sub(1).map(|before| &vm.program[before])) } else { Ok(()) }
    })
}

/// Whether the program that another follows ever ends.
fn ends(path: &str, before: Option<&Program>) -> Result<(), Problem> {
    let path = format!("{path}.follows");
    let Some(before) = before else {
        let expected = "a program before it in the list, or no `follows`";
        return Err(Problem::new(&path, "true for a VM's first program", expected));
    };
    if before.workload == "trace" || before.parameters.count("operations").is_some_and(|count| count > 0) {
        return Ok(());
    }
    let found = format!("true after {}, which never ends", before.workload);
    Err(Problem::new(&path, found, "`operations` among that one's parameters, or no `follows`"))
}

/// That a hole has whole blocks, and memory on both sides from the beginning.
fn hole(path: &str, vm: &Vm) -> Result<(), Problem> {
    if vm.hole == Bytes::ZERO {
        return Ok(());
    }
    for (key, bytes) in [("hole", vm.hole), ("hole_at", vm.hole_at)] {
        if bytes == Bytes::ZERO || !bytes.get().is_multiple_of(HUGE_PAGE.get()) || bytes > MOST_MEMORY {
            let expected = "a multiple of 2 MiB, and not none";
            return Err(Problem::new(&format!("{path}.{key}"), size(bytes), expected));
        }
    }
    let most = vm.resize.iter().map(|resize| resize.memory).max().unwrap_or(Bytes::ZERO);
    if vm.memory <= vm.hole_at && most > vm.hole_at {
        let found = format!("{}, which grows beyond the hole at {}", size(vm.memory), size(vm.hole_at));
        let expected = "memory behind the hole from the beginning, or never";
        return Err(Problem::new(&format!("{path}.memory"), found, expected));
    }
    Ok(())
}

/// That changes of memory come one after the other, in a machine that has memory of its own to change.
fn resizes(path: &str, vm: &Vm) -> Result<(), Problem> {
    if !vm.resize.is_empty() && vm.mode != Vm::EXTENDED {
        let found = format!("a change of memory in mode {}", vm.mode);
        let expected = "mode 2d, where a hypervisor changes it";
        return Err(Problem::new(path, found, expected).below("resize", Side::Key));
    }
    if vm.resize.len() > MOST_CHANGES {
        let found = format!("{} changes of memory", vm.resize.len());
        let expected = format!("at most {MOST_CHANGES}");
        return Err(Problem::new(path, found, expected).below("resize", Side::Key));
    }
    let mut before = Nanos::ZERO;
    for (index, resize) in vm.resize.iter().enumerate() {
        let path = format!("{path}.resize.{index}");
        pages(&format!("{path}.memory"), resize.memory)?;
        if resize.at < before {
            let expected =
                format!("{} or later: changes are in the order of their times", units::text_of_nanos(before));
            return Err(Problem::new(&format!("{path}.at"), units::text_of_nanos(resize.at), expected));
        }
        before = resize.at;
    }
    Ok(())
}

/// That no node of its kernels has more memory than a node can have. Holes and changes divide a guest's memory into
/// nodes.
fn nodes(path: &str, vm: &Vm, most: Bytes) -> Result<(), Problem> {
    if vm.mode == Vm::NATIVE {
        return Ok(());
    }
    let expected = format!("at most {} of one piece, as much as a kernel can manage", size(most));
    if vm.mode == Vm::NESTED && vm.hypervisor_memory > most {
        let path = format!("{path}.hypervisor_memory");
        return Err(Problem::new(&path, size(vm.hypervisor_memory), expected));
    }
    let changes = vm.resize.iter().enumerate();
    let changes = changes.map(|(index, resize)| (resize.memory, format!("resize.{index}.memory")));
    let mut ends: Vec<_> = changes.chain([(vm.memory, "memory".to_owned())]).collect();
    if vm.hole > Bytes::ZERO && ends.iter().any(|(end, _)| *end > vm.hole_at) {
        ends.push((vm.hole_at, "hole_at".to_owned()));
    }
    ends.sort();
    let mut start = Bytes::ZERO;
    for (end, key) in ends {
        if end - start > most {
            return Err(Problem::new(&format!("{path}.{key}"), size(end - start), expected));
        }
        start = end;
    }
    Ok(())
}

fn pinning(path: &str, vm: &Vm) -> Result<(), Problem> {
    let path = format!("{path}.cpus");
    let mut cpus = BTreeSet::new();
    for (index, cpu) in vm.cpus.iter().enumerate() {
        if !cpus.insert(cpu) {
            return Err(Problem::new(
                &format!("{path}.{index}"),
                format!("the CPU {cpu} twice"),
                "CPUs that differ",
            ));
        }
    }
    if !vm.cpus.is_empty() && vm.cpus.len() != convert::index32(vm.vcpus) {
        let expected = format!("one for each of the {} vCPUs", vm.vcpus);
        return Err(Problem::new(&path, format!("{} CPUs", vm.cpus.len()), expected));
    }
    Ok(())
}

fn program(path: &str, program: &Program, most_threads: u32) -> Result<(), Problem> {
    if !(1..=most_threads).contains(&program.threads) {
        let (path, found) = (format!("{path}.threads"), format!("{} threads", program.threads));
        return Err(Problem::new(&path, found, format!("1 to {most_threads}")));
    }
    let Program { rate, core_cycles, parallelism, .. } = program;
    let finite = |value: f64| value.is_finite();
    for (key, value, fits, expected) in [
        ("rate", rate, rate.is_none_or(|it| finite(it) && it > 0.0), "more than 0 requests a second"),
        (
            "core_cycles",
            core_cycles,
            core_cycles.is_none_or(|it| (0.0..=MOST_CORE_CYCLES).contains(&it)),
            "a number of cycles from 0 to 4294967296",
        ),
        ("parallelism", parallelism, parallelism.is_none_or(|it| finite(it) && it >= 1.0), "at least 1 miss"),
    ] {
        if let Some(value) = value.filter(|_| !fits) {
            return Err(Problem::new(&format!("{path}.{key}"), value.to_string(), expected));
        }
    }
    Ok(())
}

/// The memory that all VMs take of their host together.
fn all_memory(vms: &[Vm]) -> Result<(), Problem> {
    let mut sum = Bytes::ZERO;
    for (index, vm) in vms.iter().enumerate() {
        let (key, memory) = match vm.mode.as_str() {
            Vm::NATIVE => continue,
            Vm::NESTED => ("hypervisor_memory", vm.hypervisor_memory),
            _ => ("memory", vm.memory),
        };
        // Each is at most 2^52 bytes, as `pages` holds, and so is the sum before it: no overflow.
        sum += memory;
        if sum > MOST_MEMORY {
            let found = format!("{} of all VMs up to this one", size(sum));
            let expected = format!("at most {}, all that can be addressed", size(MOST_MEMORY));
            return Err(Problem::new(&format!("vm.{index}.{key}"), found, expected));
        }
    }
    Ok(())
}

/// That an amount of memory is whole pages, some, and addressable.
fn pages(path: &str, memory: Bytes) -> Result<(), Problem> {
    if memory > MOST_MEMORY {
        let expected = format!("at most {}, all that can be addressed", size(MOST_MEMORY));
        return Err(Problem::new(path, size(memory), expected));
    }
    if memory == Bytes::ZERO || !memory.get().is_multiple_of(BASE_PAGE.get()) {
        return Err(Problem::new(path, size(memory), "a multiple of 4 KiB, and not none"));
    }
    Ok(())
}

fn name(path: &str, name: &str, others: &[char]) -> Result<(), Problem> {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || others.contains(&letter);
    if name.is_empty() || !name.chars().all(allowed) {
        let others: Vec<String> = others.iter().map(char::to_string).collect();
        let expected = format!("letters, digits and {}", others.join(" "));
        return Err(Problem::new(path, format!("{name:?}"), expected));
    }
    Ok(())
}

fn size(bytes: Bytes) -> String {
    Size::new(bytes).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Changes and a hole part a guest's memory; the largest piece is told with the key at whose end it is.
    #[test]
    fn each_piece_of_memory_is_within_what_a_node_can_have() {
        let problem = |more: &str| {
            let vm: Vm = toml::from_str(&format!("memory = \"3 GiB\"\n{more}")).unwrap();
            let problem = nodes("vm.0", &vm, Bytes::new(2 << 30)).err()?;
            Some((problem.path.join("."), problem.found))
        };
        let told = |path: &str, found: &str| Some((path.to_owned(), found.to_owned()));
        let resized = |memory: &str| format!("resize = [{{ at = \"1 ms\", memory = \"{memory}\" }}]");
        assert_eq!(problem(""), told("vm.0.memory", "3 GiB"));
        assert_eq!(problem("mode = \"native\""), None);
        assert_eq!(problem(&resized("1 GiB")), None);
        assert_eq!(problem("hole = \"1 GiB\"\nhole_at = \"1 GiB\""), None);
        assert_eq!(problem("hole = \"1 GiB\""), told("vm.0.memory", "3 GiB"));
        let grown = format!("hole = \"1 GiB\"\nhole_at = \"1 GiB\"\n{}", resized("6 GiB"));
        assert_eq!(problem(&grown), told("vm.0.resize.0.memory", "3 GiB"));
        assert_eq!(
            problem("mode = \"nested\"\nhypervisor_memory = \"5 GiB\""),
            told("vm.0.hypervisor_memory", "5 GiB")
        );
    }
}
