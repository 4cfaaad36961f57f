//! What happened besides accesses, and what it cost.

use terrace_addr::{Cycles, Gva};
use terrace_kernel::{Pending, Stale, Work};
use terrace_machine::ExitCosts;
use terrace_policy::Role;

use super::happened::Happened;

macro_rules! causes {
    ($($(#[$doc:meta])* $cause:ident = $metric:literal,)*) => {
        /// What cycles are spent on. Every cycle of a virtual CPU that is not idle has one cause.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Cause { $($(#[$doc])* $cause,)* }

        impl Cause {
            /// All of them.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$cause,)*];

            /// The metric that holds them.
            pub(crate) const fn metric(self) -> &'static str {
                match self { $(Self::$cause => $metric,)* }
            }

            /// Its place in [`ALL`](Self::ALL).
            pub(crate) fn index(self) -> usize {
                Self::ALL.iter().position(|&other| other == self).unwrap_or(0)
            }
        }
    };
}

causes! {
    /// The program's own instructions.
    Core = "core_cycles",
    /// Waiting for data.
    Data = "data_cycles",
    /// Waiting for the second level of the TLB, and a third one.
    Stlb = "stlb_cycles",
    /// Waiting for walks, for entries of the first dimension.
    WalkGuest = "walk_guest_cycles",
    /// Waiting for walks, for entries of the second.
    WalkNested = "walk_nested_cycles",
    /// Faults in the guest's kernel.
    FaultGuest = "fault_guest_cycles",
    /// Faults in the guest hypervisor.
    FaultHypervisor = "fault_hypervisor_cycles",
    /// Faults in the host's kernel.
    FaultHost = "fault_host_cycles",
    /// Exits.
    Exit = "exit_cycles",
    /// Invalidations.
    Flush = "flush_cycles",
    /// Interrupts that ask for invalidations.
    Interrupt = "interrupt_cycles",
    /// Copies.
    Copy = "copy_cycles",
    /// Clearing.
    Clear = "clear_cycles",
    /// Background work.
    Daemon = "daemon_cycles",
}

impl Cause {
    /// Those whose cycles come with the accesses, and are as many times as many as each of these stands for.
    pub(crate) const OF_ACCESSES: [Self; 5] =
        [Self::Core, Self::Data, Self::Stlb, Self::WalkGuest, Self::WalkNested];
}

/// How many causes there are.
pub(crate) const CAUSES: usize = Cause::ALL.len();

/// When software works: what is charged to none of a program's accesses is charged to one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Occasion {
    /// A program asks for it: it maps, grows or gives up memory, or another one takes its turn.
    #[default]
    Allocation,
    /// An access finds no translation that allows it.
    FirstTouch,
    /// Nobody waits for it.
    Background,
}

impl Occasion {
    pub(crate) const ALL: [(Self, &'static str); 3] = [
        (Self::Allocation, "allocation_cycles"),
        (Self::FirstTouch, "first_touch_cycles"),
        (Self::Background, "background_cycles"),
    ];

    pub(crate) fn index(self) -> usize {
        Self::ALL.iter().position(|&(other, _)| other == self).unwrap_or(0)
    }
}

/// How many there are.
pub(crate) const OCCASIONS: usize = Occasion::ALL.len();

/// How many reasons there are to leave a guest.
pub(crate) const EXITS: usize = 9;

/// Why a guest was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    EptViolation,
    /// A page fault under shadow paging.
    PageFault,
    CrAccess,
    Invlpg,
    /// An exit that the guest hypervisor handled.
    Nested,
    /// The guest hypervisor told the processor to forget translations.
    Invept,
    /// A write to a protected table.
    WriteProtect,
    ExternalInterrupt,
    /// A guest reached beyond its segments.
    SegmentViolation,
}

impl Exit {
    /// All of them, with the metrics of how many there were and of their cycles.
    pub(crate) const ALL: [(Self, &'static str, &'static str); EXITS] = [
        (Self::EptViolation, "exits_ept_violation", "exit_ept_violation_cycles"),
        (Self::PageFault, "exits_page_fault", "exit_page_fault_cycles"),
        (Self::CrAccess, "exits_cr_access", "exit_cr_access_cycles"),
        (Self::Invlpg, "exits_invlpg", "exit_invlpg_cycles"),
        (Self::Nested, "exits_nested", "exit_nested_cycles"),
        (Self::Invept, "exits_invept", "exit_invept_cycles"),
        (Self::WriteProtect, "exits_write_protect", "exit_write_protect_cycles"),
        (Self::ExternalInterrupt, "exits_external_interrupt", "exit_external_interrupt_cycles"),
        (Self::SegmentViolation, "exits_segment_violation", "exit_segment_violation_cycles"),
    ];

    pub(crate) fn index(self) -> usize {
        Self::ALL.iter().position(|&(other, ..)| other == self).unwrap_or(0)
    }

    /// What it costs. A write to a protected table ends as a violation does: with a look at the table that was written.
    /// INVEPT of a guest hypervisor is a call of the host like any other, a violation of a segment is one of EPT
    /// (`assumed`).
    const fn cost(self, costs: &ExitCosts) -> u64 {
        match self {
            Self::EptViolation | Self::WriteProtect | Self::SegmentViolation => costs.ept_violation,
            Self::PageFault => costs.page_fault,
            Self::CrAccess => costs.cr_access,
            Self::Invlpg => costs.invlpg,
            Self::Nested => costs.nested,
            Self::Invept => costs.hypercall,
            Self::ExternalInterrupt => costs.external_interrupt,
        }
    }
}

/// Translations that have to go before anything else runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flush {
    /// Of an address space of a virtual machine, or of a program on the host.
    Space { vm: usize, stale: Stale<Gva> },
    /// Everything that was translated through the extended page table of a virtual machine.
    Extended { vm: usize },
    /// Everything that is cached for the addresses of a virtual machine, which is translated in another way from now on.
    Guest { vm: usize },
}

/// What happened besides accesses since it was settled last.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bill {
    pub(crate) cycles: [u64; CAUSES],
    /// What it is that software works for now.
    pub(crate) occasion: Occasion,
    pub(crate) occasions: [u64; OCCASIONS],
    pub(crate) exits: [u64; EXITS],
    exit_cycles: [u64; EXITS],
    pub(crate) flushes: Vec<Flush>,
    /// Bytes that copies and clears moved: read, written.
    pub(crate) copied: [u64; 2],
    /// Decisions about pages, where they are recorded.
    pub(crate) happened: Vec<Happened>,
    costs: Option<ExitCosts>,
}

impl Bill {
    pub(crate) fn new(costs: Option<ExitCosts>) -> Self {
        Self { costs, ..Self::default() }
    }

    /// All cycles.
    pub(crate) fn total(&self) -> u64 {
        self.cycles.iter().sum()
    }

    pub(crate) fn charge(&mut self, cause: Cause, cycles: Cycles) {
        self.cycles[cause.index()] += cycles.get();
        self.occasions[self.occasion.index()] += cycles.get();
    }

    pub(crate) fn exit(&mut self, exit: Exit) {
        self.exits[exit.index()] += 1;
        let cost = self.costs.as_ref().map_or(0, |costs| exit.cost(costs));
        self.exit_cycles[exit.index()] += cost;
        self.charge(Cause::Exit, Cycles::new(cost));
    }

    /// The same where another virtual CPU is the reason, for what that works for.
    pub(crate) fn exit_for(&mut self, occasion: Occasion, exit: Exit) {
        let own = std::mem::replace(&mut self.occasion, occasion);
        self.exit(exit);
        self.occasion = own;
    }

    /// The work of a kernel.
    pub(crate) fn work<U: terrace_addr::Space, L: terrace_addr::Space>(
        &mut self,
        role: Role,
        pending: &Pending<U, L>,
    ) {
        for (work, cycles) in pending.work.by_cause() {
            let cause = match (work, role) {
                (Work::Fault, Role::Guest) => Cause::FaultGuest,
                (Work::Fault, Role::Hypervisor) => Cause::FaultHypervisor,
                (Work::Fault, Role::Host) => Cause::FaultHost,
                (Work::Clear, _) => Cause::Clear,
                (Work::Copy, _) => Cause::Copy,
                (Work::Daemon, _) => Cause::Daemon,
            };
            self.charge(cause, cycles);
        }
        self.copied[0] += pending.copied.read.get();
        self.copied[1] += pending.copied.written.get();
    }

    /// Empties it; what was in it is returned, without the flushes, which are left for who executes them.
    pub(crate) fn settle(&mut self) -> Settled {
        Settled {
            cycles: std::mem::take(&mut self.cycles),
            occasions: std::mem::take(&mut self.occasions),
            exits: std::mem::take(&mut self.exits),
            exit_cycles: std::mem::take(&mut self.exit_cycles),
            copied: std::mem::take(&mut self.copied),
        }
    }
}

/// What was in a bill.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Settled {
    pub(crate) cycles: [u64; CAUSES],
    pub(crate) occasions: [u64; OCCASIONS],
    pub(crate) exits: [u64; EXITS],
    pub(crate) exit_cycles: [u64; EXITS],
    pub(crate) copied: [u64; 2],
}
