//! A kernel and the policy that rules it.

use terrace_addr::{Cycles, Hva, Nanos, Space};
use terrace_kernel::{Hypervisor, Kernel, KernelError, SecondaryTable};
use terrace_policy::{Budget, Event, Layer, NextWake, Policy, SpaceId};

/// A kernel and the policy that rules it.
#[derive(Debug, Clone)]
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
    pub(crate) fn new(mut kernel: Kernel<U, L>, policy: Box<dyn Policy>) -> Self {
        kernel.prepare(policy.requires());
        Self { kernel, policy, wake: Some(Nanos::ZERO) }
    }

    /// Background work, if it is time: whether there was any.
    pub(crate) fn tick(&mut self, now: Nanos) -> bool {
        if self.policy_is_due(now) {
            let events = self.events(now);
            self.wake = work(self.policy.as_mut(), &mut self.kernel, now, &events);
        } else if !self.kernel.wants_compaction() {
            return false;
        }
        self.kernel.compact_in_background();
        true
    }

    /// Whether it is time for background work: of the policy, or because a fault has woken kcompactd, which waits for
    /// nothing.
    pub(crate) fn is_due(&self, now: Nanos) -> bool {
        self.policy_is_due(now) || self.kernel.wants_compaction()
    }

    fn policy_is_due(&self, now: Nanos) -> bool {
        self.wake.is_some_and(|wake| now >= wake)
    }

    /// What its policy has to be told now.
    fn events(&mut self, now: Nanos) -> Vec<Event> {
        self.kernel.set_now(now);
        self.kernel.expire_reservations();
        self.kernel.take_events()
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

impl<L: Space> LayerState<Hva, L> {
    /// [`tick`](Self::tick) of a hypervisor, which sees in the tables of its machines what they use.
    pub(crate) fn tick_over(
        &mut self,
        now: Nanos,
        tables: Vec<Box<dyn SecondaryTable<Hva, L> + '_>>,
    ) -> bool {
        if self.policy_is_due(now) {
            let events = self.events(now);
            let mut layer = Hypervisor { kernel: &mut self.kernel, tables };
            self.wake = work(self.policy.as_mut(), &mut layer, now, &events);
        } else if !self.kernel.wants_compaction() {
            return false;
        }
        self.kernel.compact_in_background();
        true
    }
}

/// Background work of a policy, which is told what happened first. When it wants to work again.
fn work(policy: &mut dyn Policy, layer: &mut dyn Layer, now: Nanos, events: &[Event]) -> Option<Nanos> {
    if !events.is_empty() {
        policy.on_events(layer, events);
    }
    match policy.tick(layer, &mut Budget::new(TICK)) {
        NextWake::Never => None,
        // Never at once again: time has to pass.
        NextWake::At(at) => Some(at.max(Nanos::new(now.get() + 1))),
    }
}
