//! Direct segments (Basu et al., "Efficient Virtual Memory for Big Memory Servers", ISCA 2013; in guests Gandhi et al.,
//! "Efficient Memory Virtualization", MICRO 2014).
//!
//! The rule: the largest region of an address space is its primary region. When it is touched for the first time, all of
//! it gets one run of free memory, and a direct segment translates it from then on. Where there is no such run it is
//! paged like everything else: in base pages.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use terrace_addr::{Addr, Bytes, Page, PageSize};
use terrace_policy::{
    Abilities, Action, Count, DirectSegment, Event, Fault, Layer, MapRequest, Parameter, Placement, Policy,
    Range, Refused, Region, SpaceId, System, Unit, Value, VirtualPlacement,
};

use crate::base;
use crate::blocks::{BLOCK, end_of};

mod counts;

use counts::Counts;

/// Direct segments.
pub(crate) const SYSTEM: System = System {
    name: "direct-segment",
    summary: "direct segments: the largest region lies in one run of memory and is translated by registers, the rest \
              in base pages",
    source: "Basu et al., ISCA 2013; in guests Gandhi et al., MICRO 2014",
    parameters: PARAMETERS,
    build: |_, values| {
        Ok(Box::new(DirectSegments {
            pages: base::stock(),
            smallest: values.bytes("smallest_region"),
            tried: BTreeSet::new(),
            counts: Counts::default(),
        }))
    },
};

/// What can be set.
const PARAMETERS: &[Parameter] = &[Parameter {
    name: "smallest_region",
    unit: Unit::Bytes,
    default: Value::Bytes(Bytes::new(2 << 20)),
    range: Range::Between(1 << 12, 1 << 46),
    meaning: "how large the largest region must be to be a primary region",
    source: "assumed: in ISCA 2013 programs ask for their primary region; what is smaller has few pages to gain from",
}];

#[derive(Debug, Clone)]
struct DirectSegments {
    pages: Box<dyn Policy>,
    smallest: Bytes,
    /// The spaces whose primary region was touched.
    tried: BTreeSet<SpaceId>,
    counts: Counts,
}

impl DirectSegments {
    /// Whether a fault is the first one in the primary region of its space.
    fn is_first(&mut self, layer: &mut dyn Layer, fault: &Fault) -> bool {
        if fault.region.span.bytes < self.smallest.get() || self.tried.contains(&fault.space) {
            return false;
        }
        let mut regions = Vec::new();
        if layer.regions(fault.space, &mut regions).is_err() {
            return false;
        }
        // Of several as large as each other, the first one.
        let largest = regions.iter().rev().max_by_key(|region| region.span.bytes);
        largest.is_some_and(|region| region.span.start == fault.region.span.start)
    }

    /// Fills a region with a run of free memory, and sets the segment.
    fn fill(layer: &mut dyn Layer, space: SpaceId, region: &Region) -> Result<u64, Refused> {
        let (start, end) = (region.span.start.get(), end_of(region));
        let wanted = Bytes::new((end - start).next_multiple_of(BLOCK));
        let run = layer.next_free(Addr::ZERO, wanted)?.value.ok_or(Refused::NoMemory)?;
        let mut at = start;
        while at < end {
            let frame = run.start.offset_by(at - start);
            let huge = at.is_multiple_of(BLOCK) && frame.is_aligned(PageSize::Size2M) && end - at >= BLOCK;
            let size = if huge { PageSize::Size2M } else { PageSize::Size4K };
            let page = Page::containing(Addr::truncate(at), size);
            // What that costs belongs to the fault.
            let _charged = layer.apply(&Action::Populate { space, page, at: frame })?;
            at += size.bytes();
        }
        let bytes = Bytes::new(end - start);
        let segment = DirectSegment { start: region.span.start, base: run.start, bytes };
        let _charged = layer.apply(&Action::Direct { space, segment: Some(segment) })?;
        Ok(end - start)
    }
}

impl Policy for DirectSegments {
    fn requires(&self) -> Abilities {
        let sees = Abilities::SEE_LEAVES | Abilities::SEE_FREE;
        self.pages.requires() | sees | Abilities::CHOOSE_FRAME | Abilities::DIRECT
    }

    fn on_map(&mut self, layer: &mut dyn Layer, request: &MapRequest) -> VirtualPlacement {
        self.pages.on_map(layer, request)
    }

    fn on_fault(&mut self, layer: &mut dyn Layer, fault: &Fault) -> Placement {
        if !self.is_first(layer, fault) {
            return self.pages.on_fault(layer, fault);
        }
        self.tried.insert(fault.space);
        if let Ok(bytes) = Self::fill(layer, fault.space, &fault.region) {
            self.counts.segments += 1;
            self.counts.bytes += bytes;
            // It is mapped.
            Placement::Default
        } else {
            self.counts.no_run += 1;
            self.pages.on_fault(layer, fault)
        }
    }

    fn on_events(&mut self, _: &mut dyn Layer, events: &[Event]) {
        for event in events {
            if let Event::SpaceEnds(space) = event {
                self.tried.remove(space);
            }
        }
    }

    fn counts(&self, out: &mut Vec<Count>) {
        self.counts.list(out);
    }
}
