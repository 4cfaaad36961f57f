//! Transparent huge pages as Linux 6 has them (`mm/huge_memory.c`, `mm/khugepaged.c`,
//! Documentation/admin-guide/mm/transhuge.rst).
//!
//! The rule: a fault in a whole block of an area takes a huge page if one may be used there and a block is free, with
//! the effort that `defrag` allows; everything else is left to khugepaged, which looks at `pages_to_scan` pages,
//! sleeps, and goes on where it stopped.

use alloc::boxed::Box;

use terrace_policy::{
    Abilities, Advice, Budget, Effort, Event, Fault, Layer, MapRequest, NextWake, Placement, Policy, System,
    Values, VirtualPlacement,
};

mod khugepaged;
mod parameters;

use khugepaged::Khugepaged;
use parameters::PARAMETERS;

/// Transparent huge pages as Linux has them.
pub(crate) const SYSTEM: System = System {
    name: "linux",
    summary: "transparent huge pages and khugepaged as Linux 6 has them",
    source: "Linux 6: mm/huge_memory.c, mm/khugepaged.c, Documentation/admin-guide/mm/transhuge.rst",
    parameters: PARAMETERS,
    build: |_, values| Ok(Box::new(Linux::new(values))),
};

/// Where huge pages may be used (`transparent_hugepage/enabled`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Enabled {
    Always,
    Madvise,
    Never,
}

/// How hard a fault tries (`transparent_hugepage/defrag`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Defrag {
    Always,
    Defer,
    DeferAndMadvise,
    Madvise,
    Never,
}

#[derive(Debug, Clone)]
struct Linux {
    enabled: Enabled,
    defrag: Defrag,
    placement: VirtualPlacement,
    khugepaged: Option<Khugepaged>,
}

impl Linux {
    fn new(values: &Values) -> Self {
        let enabled = match values.word("thp") {
            "always" => Enabled::Always,
            "madvise" => Enabled::Madvise,
            _ => Enabled::Never,
        };
        let defrag = match values.word("defrag") {
            "always" => Defrag::Always,
            "defer" => Defrag::Defer,
            "defer+madvise" => Defrag::DeferAndMadvise,
            "madvise" => Defrag::Madvise,
            _ => Defrag::Never,
        };
        let placement = match values.word("placement") {
            "aligned" => VirtualPlacement::Aligned,
            _ => VirtualPlacement::Default,
        };
        let runs = enabled != Enabled::Never && values.word("khugepaged") == "on";
        Self { enabled, defrag, placement, khugepaged: runs.then(|| Khugepaged::new(values)) }
    }
}

impl Enabled {
    /// Whether huge pages may be used in an area of which this was said.
    const fn permits(self, advice: Advice) -> bool {
        match (self, advice) {
            (Self::Never, _) | (_, Advice::NoHugePage) | (Self::Madvise, Advice::Default) => false,
            (Self::Always, _) | (Self::Madvise, Advice::HugePage) => true,
        }
    }
}

impl Defrag {
    /// How hard a fault tries in an area of which this was said (`vma_thp_gfp_mask` in `mm/huge_memory.c`).
    const fn effort(self, advice: Advice) -> Effort {
        match (self, advice) {
            (Self::Always, _) | (Self::DeferAndMadvise | Self::Madvise, Advice::HugePage) => Effort::Direct,
            (Self::Defer | Self::DeferAndMadvise, _) => Effort::Wake,
            (Self::Madvise | Self::Never, _) => Effort::Light,
        }
    }
}

impl Policy for Linux {
    fn requires(&self) -> Abilities {
        let daemon = Abilities::SEE_LEAVES | Abilities::ACCESSED_BITS | Abilities::COLLAPSE;
        let fault = if self.enabled == Enabled::Never { Abilities::empty() } else { Abilities::CHOOSE_SIZE };
        if self.khugepaged.is_some() { fault | daemon } else { fault }
    }

    /// Since 6.7 a mapping of at least 2M begins at a multiple of 2M (mm/mmap.c: `get_unmapped_area`, commit
    /// efa7df3e3bb5).
    fn on_map(&mut self, _: &mut dyn Layer, request: &MapRequest) -> VirtualPlacement {
        if request.bytes.get() >= HUGE { self.placement } else { VirtualPlacement::Default }
    }

    fn on_fault(&mut self, _: &mut dyn Layer, fault: &Fault) -> Placement {
        if fault.huge_fits && self.enabled.permits(fault.region.advice) {
            Placement::Huge(self.defrag.effort(fault.region.advice))
        } else {
            Placement::Default
        }
    }

    fn on_events(&mut self, _: &mut dyn Layer, events: &[Event]) {
        for event in events {
            if let (Event::SpaceEnds(space), Some(daemon)) = (event, &mut self.khugepaged) {
                daemon.forget(*space);
            }
        }
    }

    fn tick(&mut self, layer: &mut dyn Layer, budget: &mut Budget) -> NextWake {
        let enabled = self.enabled;
        match &mut self.khugepaged {
            Some(daemon) => daemon.wake(layer, budget, |advice| enabled.permits(advice)),
            None => NextWake::Never,
        }
    }
}

/// The bytes of a huge page.
const HUGE: u64 = 2 << 20;
