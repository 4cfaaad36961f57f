//! A kernel and the policy that rules it.

use terrace_addr::{Cycles, Nanos, Space};
use terrace_kernel::{Kernel, KernelError};
use terrace_policy::{Budget, Event, NextWake, Policy, SpaceId};

/// A kernel and the policy that rules it.
#[derive(Debug)]
pub(crate) struct LayerState<U: Space, L: Space> {
    pub(crate) kernel: Kernel<U, L>,
    pub(crate) policy: Box<dyn Policy>,
    /// When the policy wants to work again.
    wake: Option<Nanos>,
}

/// What background work may take at a time, in cycles: 100 ms at 2 GHz. A scan that is cut off there goes on later.
/// `assumed`: long enough for any scan at Linux's budgets; a policy that scans all of memory at once is spread.
const TICK: Cycles = Cycles::new(200_000_000);

impl<U: Space, L: Space> LayerState<U, L> {
    pub(crate) fn new(kernel: Kernel<U, L>, policy: Box<dyn Policy>) -> Self {
        Self { kernel, policy, wake: Some(Nanos::ZERO) }
    }

    /// Background work, if it is time: whether there was any.
    pub(crate) fn tick(&mut self, now: Nanos) -> bool {
        if self.wake.is_none_or(|wake| now < wake) {
            return false;
        }
        self.kernel.set_now(now);
        self.tell();
        let mut budget = Budget::new(TICK);
        self.wake = match self.policy.tick(&mut self.kernel, &mut budget) {
            NextWake::Never => None,
            // Never at once again: time has to pass.
            NextWake::At(at) => Some(at.max(Nanos::new(now.get() + 1))),
        };
        self.kernel.compact_in_background();
        true
    }

    /// Tells the policy what happened.
    pub(crate) fn tell(&mut self) {
        self.kernel.expire_reservations();
        let events: Vec<Event> = self.kernel.take_events();
        if !events.is_empty() {
            self.policy.on_events(&mut self.kernel, &events);
        }
    }

    pub(crate) fn begin_space(&mut self) -> Result<SpaceId, KernelError> {
        let space = self.kernel.begin_space()?;
        self.tell();
        Ok(space)
    }
}
