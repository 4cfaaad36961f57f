//! The host half: it has pages moved to their places as they are heard of, and pseudo huge pages made of them.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use terrace_addr::{Nanos, PageSize};
use terrace_policy::{
    Abilities, Budget, Count, Effort, Event, Fault, Heard, Layer, Message, NestedUse, NextWake, Placement,
    Policy, Role, SpaceId, Values,
};

use super::counts::Counts;
use super::creator;
use super::machine::{BLOCK, Machine, Machines, block_of, place_of};
use super::placement::{Hold, Homes};
use crate::gemini::{HUGE, NOT_HUGE, Timeout};

/// When pages are moved to their places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moves {
    /// As soon as they are heard of.
    AtFirstUse,
    /// Once the nested guest has a huge page there.
    WhereHuge,
}

/// xGemini at the host.
#[derive(Debug, Clone)]
pub(super) struct Host {
    places: bool,
    moves: Moves,
    hears: Heard,
    creates: bool,
    scan_period: Nanos,
    adjusts: bool,
    /// How hard the daemon looks for free blocks.
    effort: Effort,
    timeout: Timeout,
    wake: Nanos,
    machines: Machines,
    homes: Homes,
    /// What is to be told to the nested guests.
    labels: Vec<(SpaceId, u64, bool)>,
    counts: Counts,
}

impl Host {
    pub(super) fn new(values: &Values) -> Self {
        Self {
            places: values.word("host_placement") == "on",
            moves: if values.word("host_moves") == "huge" { Moves::WhereHuge } else { Moves::AtFirstUse },
            hears: if values.word("host_trigger") == "use" { Heard::Use } else { Heard::Write },
            creates: values.word("pseudo_pages") == "on",
            scan_period: values.time("scan_period"),
            effort: if values.word("host_compaction") == "on" { Effort::Direct } else { Effort::Light },
            adjusts: values.word("adjust_timeout") == "on",
            timeout: Timeout::new(values.time("timeout"), values.time("period")),
            wake: Nanos::ZERO,
            machines: Machines::new(),
            homes: Homes::new(),
            labels: Vec::new(),
            counts: Counts::default(),
        }
    }

    pub(super) fn boxed(values: &Values) -> Box<dyn Policy> {
        Box::new(Self::new(values))
    }

    /// What the nested guest says of its huge pages.
    fn heard(&mut self, layer: &mut dyn Layer, message: &Message) {
        let huge = match message.kind {
            HUGE => true,
            NOT_HUGE => false,
            _ => return,
        };
        let machine = self.machines.entry(message.space);
        let machine = machine.or_insert_with(|| Machine::new(layer, message.space));
        let most = machine.most_blocks();
        for &number in message.words.iter().filter(|&&number| number < most) {
            let nested = number * BLOCK;
            let block = machine.block(nested);
            block.wanted = huge;
            if huge && !block.joined {
                machine.ready.insert(nested);
            }
        }
    }

    fn is_moved(&self, machine: SpaceId, nested: u64) -> bool {
        let wanted = || {
            let machine = self.machines.get(&machine);
            machine
                .and_then(|machine| machine.blocks.get(&block_of(nested)))
                .is_some_and(|block| block.wanted)
        };
        self.places && (self.moves == Moves::AtFirstUse || wanted())
    }
}

impl Policy for Host {
    fn requires(&self) -> Abilities {
        let base = Abilities::SEE_LEAVES
            | Abilities::SEE_FREE
            | Abilities::RESERVE
            | Abilities::CHOOSE_FRAME
            | Abilities::SPLIT
            | Abilities::MIGRATE
            | Abilities::EXCHANGE
            | Abilities::COLLAPSE
            | Abilities::COUNTERS
            | Abilities::MESSAGES
            | Abilities::NESTED;
        if self.hears == Heard::Write { base | Abilities::TRAP_TABLES } else { base }
    }

    fn on_fault(&mut self, layer: &mut dyn Layer, fault: &Fault) -> Placement {
        let Some(nested) = fault.nested.filter(|_| self.places) else { return Placement::Default };
        let hold = Hold { time: self.timeout.effective(), effort: Effort::Light };
        let machine = self.machines.entry(fault.space).or_insert_with(|| Machine::new(layer, fault.space));
        let placement = self.homes.fault(layer, machine, fault, hold, &mut self.counts);
        if machine.block(nested).wanted {
            machine.ready.insert(block_of(nested));
        }
        placement
    }

    fn on_nested_use(&mut self, layer: &mut dyn Layer, used: &NestedUse) {
        let moved = self.is_moved(used.space, used.nested);
        let machine = self.machines.entry(used.space).or_insert_with(|| Machine::new(layer, used.space));
        if used.size != PageSize::Size4K {
            // What the guest hypervisor maps hugely is composed hugely where it is huge here.
            machine.large.insert(used.addr.align_down(PageSize::Size2M));
            return;
        }
        if moved {
            let hold = Hold { time: self.timeout.effective(), effort: Effort::Light };
            self.homes.used(layer, machine, used, hold, &mut self.counts);
        } else if let Some(number) = machine.number(used.addr).filter(|_| self.places) {
            machine.block(used.nested).serve(place_of(used.nested), number);
        }
        let block = machine.block(used.nested);
        if block.wanted && !block.joined {
            machine.ready.insert(block_of(used.nested));
        }
    }

    fn on_events(&mut self, layer: &mut dyn Layer, events: &[Event]) {
        let now = layer.now();
        for event in events {
            match event {
                Event::Message(message) if message.peer == Role::Guest => self.heard(layer, message),
                Event::Pressure(_) => self.homes.give_up(layer, &mut self.machines, &mut self.counts),
                Event::ReservationEnded(reservation) => {
                    self.homes.ended(&mut self.machines, *reservation, &mut self.counts);
                }
                Event::SpaceEnds(space) => {
                    self.machines.remove(space);
                }
                Event::Joined { space, nested, joined } => {
                    let Some(machine) = self.machines.get_mut(space) else { continue };
                    let block = machine.block(*nested);
                    block.joined = *joined;
                    if *joined {
                        self.counts.joined += 1;
                        self.labels.push((*space, *nested, true));
                    } else {
                        self.counts.refused += 1;
                        // A page may have been moved meanwhile.
                        block.forget_places();
                        block.patience.refused(now, self.scan_period);
                        machine.ready.insert(*nested);
                    }
                }
                Event::Parted { space, nested } => {
                    let Some(machine) = self.machines.get_mut(space) else { continue };
                    let block = machine.block(*nested);
                    block.joined = false;
                    block.forget_places();
                    block.patience.refused(now, self.scan_period);
                    machine.ready.insert(*nested);
                    self.counts.parted += 1;
                    self.labels.push((*space, *nested, false));
                }
                Event::Message(_) | Event::SpaceBegins(_) => {}
            }
        }
    }

    fn counts(&self, out: &mut Vec<Count>) {
        self.counts.list(out);
        let (name, meaning) =
            ("timeout_ns", "how long a block that is put aside now is held, in nanoseconds");
        out.push(Count { name, value: self.timeout.effective().get(), meaning });
    }

    fn tick(&mut self, layer: &mut dyn Layer, budget: &mut Budget) -> NextWake {
        let now = layer.now();
        if now < self.wake {
            return NextWake::At(self.wake);
        }
        if self.adjusts
            && let (Ok(counters), Ok(fragmentation)) = (layer.counters(), layer.fragmentation())
        {
            self.timeout.observe(now, counters.value, fragmentation.value.unusable);
        }
        if self.creates {
            let hold = Hold { time: self.timeout.effective(), effort: self.effort };
            let times = (hold, self.scan_period);
            for machine in self.machines.values_mut() {
                creator::pass(layer, budget, machine, &mut self.homes, times, &mut self.counts);
            }
        }
        let told: BTreeSet<SpaceId> = self.labels.iter().map(|&(space, ..)| space).collect();
        for space in told {
            for kind in [NOT_HUGE, HUGE] {
                let own = self.labels.iter().filter(|label| label.0 == space && label.2 == (kind == HUGE));
                let words: Vec<u64> = own.map(|label| label.1 / BLOCK).collect();
                if !words.is_empty() {
                    let _sent = layer.send(Message { peer: Role::Guest, space, kind, words });
                }
            }
        }
        self.labels.clear();
        self.wake = Nanos::new(now.get().saturating_add(self.scan_period.get()));
        NextWake::At(self.wake)
    }
}
