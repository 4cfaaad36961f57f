//! Who runs next.

use std::num::NonZeroU64;

use terrace_addr::Cycles;
use terrace_machine::{Costs, Machine};
use terrace_mmu::{Context, Invalidation, Mmu, Origin};
use thiserror::Error;

mod cost;
mod shoot_down;

pub use cost::flush_cycles;
pub use shoot_down::{Charge, ShootDown};

/// The order in which virtual CPUs of one simulation take turns, and their clocks.
///
/// # The rule
/// - The running virtual CPU with the smallest (clock, id) has the turn. It keeps it until its clock has advanced by a
///   quantum, it executes a shoot-down, or it stops running.
/// - A turn is a point in the order, and not a call: [`next_turn`](Self::next_turn) gives the same turn until it is over, however
///   many advances it is made of. A caller that ends a batch at the access that reaches [`Turn::until`] gets the same
///   order for every size of its batches.
/// - An invalidation takes effect when [`shoot_down`](Self::shoot_down) is called, at its initiator's point in the
///   order: what others did in earlier turns they did before it, whatever their clocks say. Clocks of virtual CPUs that
///   run differ by a quantum and what one advance or shoot-down adds.
/// - No clock ever runs backwards.
///
/// A virtual CPU stands for anything that runs on a CPU and has a clock: a kernel thread of the host is one too. Ids
/// are given in the order in which they are added, from 0 on.
///
/// # Panics
/// Every method that takes the id of a virtual CPU panics if there is none with it.
#[derive(Debug, Clone)]
pub struct Order {
    quantum: NonZeroU64,
    costs: Option<Costs>,
    vcpus: Vec<State>,
    turn: Option<Turn>,
}

/// A virtual CPU.
#[derive(Debug, Clone)]
struct State {
    clock: Cycles,
    place: Place,
    /// The CPU that it ran on last, if it ever ran.
    last: Option<usize>,
    /// What drops all its entries on a CPU that it comes to from another.
    when_moved: Vec<Invalidation>,
}

/// Where a virtual CPU is.
#[derive(Debug, Clone)]
enum Place {
    /// It runs.
    On {
        /// The CPU.
        cpu: usize,
    },
    /// It does not run.
    Off {
        /// What its CPU translates in when it runs next.
        context: Context,
        /// What was to be invalidated since it stopped, oldest first, each once.
        pending: Vec<Invalidation>,
    },
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// The virtual CPU.
    pub vcpu: usize,
    /// The CPU that it runs on.
    pub cpu: usize,
    /// Its turn is over when its clock reaches this.
    pub until: Cycles,
}

/// What the order of things does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OrderError {
    /// It is to run on a CPU where another runs.
    #[error("CPU {cpu}: found virtual CPU {by} running there; stop it before virtual CPU {vcpu} runs there")]
    Occupied {
        /// The CPU.
        cpu: usize,
        /// Who runs there.
        by: usize,
        /// Who was to run there.
        vcpu: usize,
    },
    /// It is to run, and runs already.
    #[error("virtual CPU {vcpu}: found it running on CPU {cpu}; stop it before it runs elsewhere")]
    Running {
        /// The virtual CPU.
        vcpu: usize,
        /// Where it runs.
        cpu: usize,
    },
    /// It is to do what only a running one does.
    #[error("virtual CPU {vcpu}: found it not running; let it run on a CPU first")]
    NotRunning {
        /// The virtual CPU.
        vcpu: usize,
    },
}

impl Order {
    /// An order without virtual CPUs, whose turns last `quantum` cycles. The machine gives the costs of invalidations;
    /// without `[cost]` they are counted and take no time.
    pub fn new(machine: &Machine, quantum: NonZeroU64) -> Self {
        Self { quantum, costs: machine.cost.clone(), vcpus: Vec::new(), turn: None }
    }

    /// Adds a virtual CPU that does not run yet, with its clock at 0, and returns its id. Its CPU will translate in
    /// `context` when it runs first.
    ///
    /// `when_moved` is what drops all its entries: it is executed whenever it comes to another CPU than its last, since
    /// it may have been there before, and no shoot-down reaches what it left behind. (KVM flushes a virtual CPU that is
    /// loaded on another CPU for this reason: `vmx_vcpu_load_vmcs` in arch/x86/kvm/vmx/vmx.c.)
    pub fn add(&mut self, context: Context, when_moved: Vec<Invalidation>) -> usize {
        let place = Place::Off { context, pending: Vec::new() };
        self.vcpus.push(State { clock: Cycles::ZERO, place, last: None, when_moved });
        self.vcpus.len() - 1
    }

    /// How many virtual CPUs there are.
    pub const fn len(&self) -> usize {
        self.vcpus.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.vcpus.is_empty()
    }

    /// Its clock.
    pub fn clock(&self, vcpu: usize) -> Cycles {
        self.vcpus[vcpu].clock
    }

    /// The CPU that it runs on; `None` if it does not run.
    pub fn cpu(&self, vcpu: usize) -> Option<usize> {
        self.vcpus[vcpu].cpu()
    }

    /// What it will invalidate before its next access, because it was asked for while it did not run.
    pub fn pending(&self, vcpu: usize) -> &[Invalidation] {
        match &self.vcpus[vcpu].place {
            Place::On { .. } => &[],
            Place::Off { pending, .. } => pending,
        }
    }

    /// Whose turn it is; `None` if nobody runs. Until that turn is over the answer stays the same.
    pub fn next_turn(&mut self) -> Option<Turn> {
        if let Some(turn) = self.turn
            && self.clock(turn.vcpu) < turn.until
        {
            return Some(turn);
        }
        let running = self.vcpus.iter().enumerate().filter_map(|(vcpu, state)| {
            let cpu = state.cpu()?;
            Some((state.clock, vcpu, cpu))
        });
        let first = running.min();
        self.turn = first.map(|(clock, vcpu, cpu)| Turn {
            vcpu,
            cpu,
            until: clock + Cycles::new(self.quantum.get()),
        });
        self.turn
    }

    /// So many cycles of it have passed: what it executed, or work that was charged to it.
    pub fn advance(&mut self, vcpu: usize, cycles: Cycles) {
        self.vcpus[vcpu].clock += cycles;
    }

    /// Lets it run on `cpu` from the time `at` on, or from its own clock if that is later: usually the clock of whom it
    /// takes over from.
    ///
    /// What is pending is executed before it has made any access, in its own context, then what drops its entries if it
    /// comes from another CPU. It pays for both; the CPU goes on in its context.
    ///
    /// # Errors
    /// If it runs already, or another runs there. Nothing has changed then.
    ///
    /// # Panics
    /// If the machine has no such CPU, or its vendor does not have an instruction that is to be executed.
    pub fn run(&mut self, mmu: &mut Mmu, vcpu: usize, cpu: usize, at: Cycles) -> Result<Charge, OrderError> {
        if let Some(cpu) = self.cpu(vcpu) {
            return Err(OrderError::Running { vcpu, cpu });
        }
        if let Some(by) = self.vcpus.iter().position(|state| state.cpu() == Some(cpu)) {
            return Err(OrderError::Occupied { cpu, by, vcpu });
        }
        let state = &mut self.vcpus[vcpu];
        let Place::Off { context, pending } = core::mem::replace(&mut state.place, Place::On { cpu }) else {
            unreachable!("it was asked above whether it runs")
        };
        mmu.set_context(cpu, context);
        let moved = state.last.is_some_and(|last| last != cpu);
        let mut charge = Charge::new(vcpu);
        let late = pending.iter().map(|&flush| (Origin::Remote, flush));
        let own = state.when_moved.iter().filter(|_| moved).map(|&flush| (Origin::Local, flush));
        for (origin, flush) in late.chain(own) {
            charge.execute(mmu, cpu, origin, flush, self.costs.as_ref());
        }
        state.last = Some(cpu);
        state.clock = state.clock.max(at) + charge.total();
        Ok(charge)
    }

    /// Lets it run no longer: its CPU is free, its clock stands still, and what its CPU translates in is kept.
    ///
    /// # Errors
    /// If it does not run.
    pub fn stop(&mut self, mmu: &Mmu, vcpu: usize) -> Result<(), OrderError> {
        let Some(cpu) = self.cpu(vcpu) else { return Err(OrderError::NotRunning { vcpu }) };
        self.vcpus[vcpu].place = Place::Off { context: mmu.context(cpu), pending: Vec::new() };
        self.turn = self.turn.filter(|turn| turn.vcpu != vcpu);
        Ok(())
    }
}

impl State {
    const fn cpu(&self) -> Option<usize> {
        match self.place {
            Place::On { cpu } => Some(cpu),
            Place::Off { .. } => None,
        }
    }
}
