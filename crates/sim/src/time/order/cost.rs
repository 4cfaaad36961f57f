//! What an invalidation costs whoever executes it.

use terrace_addr::Cycles;
use terrace_machine::Costs;
use terrace_mmu::InvalidationKind;

/// The cycles of an invalidation for the CPU that executes it, without the misses that follow; `None` on a machine
/// without `[cost]`, or one whose vendor does not have the instruction.
///
/// All types of INVPCID, INVVPID and INVEPT cost what the machine file gives for the instruction, and a MOV to CR3
/// costs the same with the no-flush bit. What a VM entry or exit flushes by itself (without VPID, or by `TLB_CONTROL` on
/// AMD) is part of that exit's cost, and a reset is no work of a program: 0 here.
pub const fn flush_cycles(costs: Option<&Costs>, kind: InvalidationKind) -> Option<Cycles> {
    use InvalidationKind as Kind;
    let Some(Costs { flush, .. }) = costs else { return None };
    let cycles = match kind {
        Kind::Invlpg => Some(flush.invlpg),
        Kind::InvpcidAddress | Kind::InvpcidContext | Kind::InvpcidAll | Kind::InvpcidAllButGlobal => {
            Some(flush.invpcid)
        }
        Kind::MovCr3 | Kind::MovCr3Keep => Some(flush.mov_cr3),
        Kind::MovCr4 => Some(flush.mov_cr4),
        Kind::InvvpidAddress | Kind::InvvpidContext | Kind::InvvpidAll | Kind::InvvpidContextButGlobal => {
            flush.invvpid
        }
        Kind::InveptContext | Kind::InveptAll => flush.invept,
        Kind::Invlpga => flush.invlpga,
        Kind::Invlpgb => flush.invlpgb,
        Kind::Tlbsync => flush.tlbsync,
        Kind::VmTransition
        | Kind::FlushAll
        | Kind::FlushAsid
        | Kind::FlushAsidButGlobal
        | Kind::Everything => Some(0),
    };
    match cycles {
        Some(cycles) => Some(Cycles::new(cycles)),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use terrace_machine::{Machine, builtin};

    use super::*;

    fn machine(name: &str) -> Machine {
        builtin(name, &[]).unwrap()
    }

    /// Every instruction of the vendor has a cost, that of its key in the machine file, and no other has one.
    #[test]
    fn each_kind_costs_what_the_machine_file_gives_for_its_instruction() {
        for name in ["broadwell-e5-2620v4", "zen4-9554"] {
            let machine = machine(name);
            let costs = machine.cost.as_ref().unwrap();
            let table = costs.flush.cycles();
            for &kind in InvalidationKind::ALL {
                let key = table
                    .iter()
                    .find(|(key, _)| kind.name() == *key || kind.name().starts_with(&format!("{key}_")));
                let expected = key.map_or(Some(0), |(_, cycles)| *cycles).map(Cycles::new);
                assert_eq!(flush_cycles(Some(costs), kind), expected, "{name}, {}", kind.name());
            }
        }
        let intel = machine("broadwell-e5-2620v4");
        let invept = flush_cycles(intel.cost.as_ref(), InvalidationKind::InveptContext);
        assert_eq!(invept, Some(Cycles::new(789)));
        assert_eq!(flush_cycles(intel.cost.as_ref(), InvalidationKind::Invlpgb), None);
    }

    #[test]
    fn a_machine_without_costs_has_none() {
        assert_eq!(machine("champsim").cost, None);
        for &kind in InvalidationKind::ALL {
            assert_eq!(flush_cycles(None, kind), None);
        }
    }
}
