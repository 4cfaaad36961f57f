//! Fine-grained reservations (Margaritov et al., "`PTEMagnet`: Fine-Grained Physical Memory Reservation for Faster Page
//! Walks in Public Clouds", ASPLOS 2021).
//!
//! The rule: the first fault in an aligned group of pages puts as many frames side by side aside, and each page of the
//! group goes to its place among them. So in the layer below the entries of a group lie in one line. What the kernel
//! puts aside are blocks of 2M; groups are cut from one block after the other. When memory is short all of it goes
//! back, and new groups have to wait for new blocks.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use terrace_addr::{Addr, Lower, Nanos, PageSize};
use terrace_policy::{
    Abilities, Count, Event, Fault, Layer, MapRequest, Parameter, Placement, Policy, Range, SpaceId, System,
    Unit, Value, VirtualPlacement,
};

use crate::base;
use crate::blocks::{BASE, BLOCK};

mod counts;

use counts::Counts;

/// Fine-grained reservations.
pub(crate) const SYSTEM: System = System {
    name: "ptemagnet",
    summary: "PTEMagnet: neighbouring base pages get neighbouring frames, so that their entries in the layer below \
              share lines",
    source: "Margaritov et al., ASPLOS 2021",
    parameters: PARAMETERS,
    build: |_, values| {
        Ok(Box::new(PteMagnet {
            pages: base::stock(),
            group: values.word("group").parse().unwrap_or(8) * BASE,
            groups: BTreeMap::new(),
            reserved: Vec::new(),
            open: None,
            counts: Counts::default(),
        }))
    },
};

/// What can be set.
const PARAMETERS: &[Parameter] = &[Parameter {
    name: "group",
    unit: Unit::Word(&["2", "4", "8", "16", "32", "64"]),
    default: Value::Word("8"),
    range: Range::Any,
    meaning: "how many pages are grouped",
    source: "PTEMagnet (ASPLOS 2021): 8, the entries of a line",
}];

#[derive(Debug, Clone)]
struct PteMagnet {
    pages: Box<dyn Policy>,
    /// The bytes of a group.
    group: u64,
    /// The frames of groups that are not full, by the space and the number of the group.
    groups: BTreeMap<(SpaceId, u64), Group>,
    /// The blocks that were put aside and may have frames left.
    reserved: Vec<u64>,
    /// The rest of the block that groups are cut from.
    open: Option<(Addr<Lower>, u64)>,
    counts: Counts,
}

#[derive(Debug, Clone, Copy)]
struct Group {
    frames: Addr<Lower>,
    /// Pages of it that have not been touched.
    left: u64,
}

impl PteMagnet {
    /// The frames of a new group: none if no block can be put aside.
    fn cut(&mut self, layer: &mut dyn Layer) -> Option<Group> {
        if self.open.is_none() {
            let block = layer.next_free(Addr::ZERO, PageSize::Size2M.size()).ok()?.value?.start;
            let number = layer.reserve(block, Nanos::new(u64::MAX)).ok()?.value;
            self.reserved.push(number);
            self.open = Some((block, BLOCK));
        }
        let (frames, left) = self.open?;
        self.open = (left > self.group).then(|| (frames.offset_by(self.group), left - self.group));
        self.counts.groups += 1;
        Some(Group { frames, left: self.group / BASE })
    }

    /// The frame of a page in its group.
    fn place(&mut self, layer: &mut dyn Layer, fault: &Fault) -> Option<Addr<Lower>> {
        let key = (fault.space, fault.addr.get() / self.group);
        let mut group = match self.groups.get(&key) {
            Some(&group) => group,
            None => self.cut(layer)?,
        };
        group.left -= 1;
        if group.left == 0 {
            self.groups.remove(&key);
        } else {
            self.groups.insert(key, group);
        }
        let offset = fault.addr.align_down(PageSize::Size4K).get() % self.group;
        Some(group.frames.offset_by(offset))
    }

    /// Gives back what was put aside and not used.
    fn give_up(&mut self, layer: &mut dyn Layer) {
        for number in self.reserved.drain(..) {
            // One that was used up is gone already.
            let _freed = layer.release(number);
        }
        self.counts.given_up += terrace_addr::convert::count(self.groups.len());
        self.groups.clear();
        self.open = None;
    }
}

impl Policy for PteMagnet {
    fn requires(&self) -> Abilities {
        self.pages.requires() | Abilities::SEE_FREE | Abilities::RESERVE | Abilities::CHOOSE_FRAME
    }

    fn on_map(&mut self, layer: &mut dyn Layer, request: &MapRequest) -> VirtualPlacement {
        self.pages.on_map(layer, request)
    }

    fn on_fault(&mut self, layer: &mut dyn Layer, fault: &Fault) -> Placement {
        if let Some(frame) = self.place(layer, fault) {
            self.counts.grouped += 1;
            return Placement::Frame(frame);
        }
        self.counts.ungrouped += 1;
        self.pages.on_fault(layer, fault)
    }

    fn on_events(&mut self, layer: &mut dyn Layer, events: &[Event]) {
        for event in events {
            match event {
                Event::Pressure(_) => self.give_up(layer),
                Event::SpaceEnds(ended) => self.groups.retain(|(space, _), _| space != ended),
                _ => {}
            }
        }
    }

    fn counts(&self, out: &mut Vec<Count>) {
        self.counts.list(out);
    }
}
