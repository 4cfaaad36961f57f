//! Gemini (Jia et al., `EuroSys` '23): huge pages that line up across layers.
//!
//! A translation can be cached at 2 MiB only if every layer maps it by a huge page. Here both halves of the system are
//! one policy, for any layer: with a peer below that backs this layer's memory (a guest has one), with a peer above
//! whose memory it backs (a host has one), or with both (a guest hypervisor between them).
//!
//! # The rules
//! - Peers tell each other which blocks between them are huge ([`labels`]), and nothing else crosses. Whatever a peer
//!   says decides where memory goes, never what is mapped: a peer that lies costs performance.
//! - Each mechanism is a module with its own switch: the scanner ([`census`], [`labels`], [`judge`]), booking and bucket
//!   ([`booking`]), Algorithm 1 ([`timeout`]), EMA ([`allocator`], [`offsets`]), preallocation ([`judge`]), the promoter
//!   ([`promoter`]), demotion ([`demotion`]), and xGemini's aligner ([`aligner`]).
//! - Kept memory is never stranded: under pressure all of it goes back at once.

use alloc::vec::Vec;

use terrace_addr::{Bytes, Nanos};
use terrace_policy::{
    Abilities, Budget, Count, Event, Extent, Fault, Layer, MapRequest, NextWake, Placement, Policy, Region,
    SpaceId, Values, VirtualPlacement,
};

mod aligner;
mod allocator;
mod block;
mod booking;
mod census;
mod counts;
mod demotion;
mod judge;
mod labels;
mod offsets;
mod parameters;
mod promoter;
mod runs;
mod settings;
mod systems;
#[cfg(test)]
mod test;
mod timeout;

pub(crate) use labels::{HUGE, NOT_HUGE, Peers};
pub(crate) use parameters::parameters;
pub(crate) use systems::{DUAL, SYSTEM};

use aligner::Aligner;
use allocator::{Allocator, HugeFaults};
use block::{LowerBlock, UpperBlock};
use booking::{Booking, Whose, Why};
use census::{Census, Form, Touched, is_left};
use counts::Counts;
use demotion::Demotion;
use judge::after;
use labels::{Labels, Standing};
use promoter::Promoter;
use settings::{Mechanism, Settings};
pub(crate) use timeout::Timeout;

/// One half.
#[derive(Debug, Clone)]
pub(crate) struct Gemini {
    settings: Settings,
    census: Census,
    labels: Labels,
    booking: Booking,
    allocator: Allocator,
    timeout: Timeout,
    promoter: Promoter,
    demotion: Demotion,
    aligner: Aligner,
    counts: Counts,
    /// What is to be decided anew in the next scan.
    touched: Touched,
    scan_at: Nanos,
    /// Nothing is booked before.
    quiet_until: Nanos,
    /// Frames that were named since free memory was looked at.
    named: u64,
    /// Where a block is looked for that is booked for one of an address space.
    next: LowerBlock,
    retry_from: LowerBlock,
}

/// A scan that its budget cut off, or a booking that ends, is taken up again after this part of a scan period.
const SPREAD: u64 = 10;

/// Nothing is kept where less is free: `assumed`, more than page tables need before the next look, and what a kernel of
/// a small machine keeps free itself (`min_free_kbytes`, 4 MiB at 1 GiB).
const LEAST_FREE: Bytes = Bytes::new(4 << 20);

/// So many frames are named between two looks at free memory: a sixteenth of what is to be left of it.
const NAMED: u64 = 64;

impl Gemini {
    pub(crate) fn new(peers: Peers, values: &Values) -> Self {
        let settings = Settings::new(values);
        let large = match values.word("placement") {
            "aligned" => VirtualPlacement::Aligned,
            _ => VirtualPlacement::Default,
        };
        Self {
            census: Census::default(),
            labels: Labels::new(peers),
            booking: Booking::new(settings.scan_period),
            allocator: Allocator::new(settings.has(Mechanism::Allocator), settings.huge_faults),
            timeout: Timeout::new(values.time("timeout"), values.time("period")),
            promoter: Promoter::new(values),
            demotion: Demotion::new(settings.scan_period),
            aligner: Aligner {
                whole: settings.has(Mechanism::Aligner).then(|| values.share("aligner_share")),
                large,
            },
            counts: Counts::default(),
            touched: Touched::default(),
            scan_at: Nanos::ZERO,
            quiet_until: Nanos::ZERO,
            named: 0,
            next: LowerBlock::FIRST,
            retry_from: LowerBlock::FIRST,
            settings,
        }
    }

    fn scan(&mut self, layer: &mut dyn Layer, budget: &mut Budget) {
        let now = layer.now();
        if now < self.scan_at {
            return;
        }
        let done = self.census.pass(layer, budget, &mut self.touched);
        if !self.touched.uppers.is_empty() {
            self.allocator.memory_was_freed();
        }
        self.judge(layer, budget);
        self.labels.tell(layer, &self.census);
        self.scan_at = after(now, if done { self.settings.scan_period } else { self.spread() });
    }

    const fn spread(&self) -> Nanos {
        Nanos::new(self.settings.scan_period.get() / SPREAD + 1)
    }

    /// Everything that is kept goes back.
    fn give_back(&mut self, layer: &mut dyn Layer) {
        let (all, bucket) = self.booking.let_all_go(layer);
        self.counts.kept_released_under_pressure += all;
        self.counts.bucket_emptied += bucket;
        self.quiet_until = after(layer.now(), self.settings.scan_period);
        self.allocator.memory_was_freed();
    }

    /// What is named is taken whatever the layer's watermarks say, and page tables that cannot be had raise no
    /// pressure: so kept memory goes back before free memory is used up.
    fn watch(&mut self, layer: &mut dyn Layer, placement: Placement) {
        self.named += match placement {
            Placement::Default => 0,
            Placement::Frame(_) => 1,
            Placement::Huge(_) | Placement::HugeAt(_) => u64::from(block::PAGES),
        };
        if self.named < NAMED {
            return;
        }
        self.named = 0;
        if self.booking.bytes() > Bytes::ZERO
            && layer.fragmentation().is_ok_and(|found| found.value.free < LEAST_FREE)
        {
            self.give_back(layer);
        }
    }

    fn adjust(&mut self, layer: &mut dyn Layer) -> Option<Nanos> {
        if !self.settings.has(Mechanism::AdjustTimeout) {
            return None;
        }
        let counters = layer.counters().ok()?.value;
        let fragmentation = layer.fragmentation().ok()?.value.unusable;
        Some(self.timeout.observe(layer.now(), counters, fragmentation))
    }

    /// The counts of what is now.
    fn state(&self) -> Counts {
        let mut counts = self.counts;
        for (block, standing) in self.labels.below() {
            match standing {
                _ if self.census.is_huge(block) => counts.aligned_blocks += 1,
                Standing::Free => counts.type_1_blocks += 1,
                Standing::Used => counts.type_2_blocks += 1,
            }
        }
        for place in self.labels.above() {
            match self.census.held(place).map(|held| held.form) {
                Some(Form::Huge) => counts.aligned_blocks += 1,
                Some(Form::InPlace | Form::Scattered) => counts.type_2_blocks += 1,
                None => counts.type_1_blocks += 1,
            }
        }
        let all = self.census.from((SpaceId(0), UpperBlock::first_from(0)));
        let alone = all.filter(|(place, _)| demotion::is_alone(&self.census, &self.labels, *place));
        counts.alone_blocks = terrace_addr::convert::count(alone.count());
        counts.booked_now = self.booking.bytes().get() >> terrace_addr::PageSize::Size2M.shift();
        counts.timeout_ns = self.timeout.effective().get();
        counts.timeout_steps = self.timeout.steps();
        counts.scanned_blocks = self.census.scanned;
        counts
    }
}

/// The blocks that a region reaches into.
fn blocks_of(region: &Region) -> (UpperBlock, UpperBlock) {
    let last = region.span.start.offset_by(region.span.bytes.saturating_sub(1));
    (UpperBlock::of(region.span.start), UpperBlock::of(last).plus(1))
}

impl Policy for Gemini {
    fn requires(&self) -> Abilities {
        let settings = &self.settings;
        let needs = |wanted: bool, abilities| if wanted { abilities } else { Abilities::empty() };
        Abilities::SEE_LEAVES
            | Abilities::CHANGES
            | Abilities::SEE_FREE
            | Abilities::MESSAGES
            | needs(settings.has(Mechanism::Booking) || settings.has(Mechanism::Bucket), Abilities::RESERVE)
            | needs(settings.has(Mechanism::AdjustTimeout), Abilities::COUNTERS)
            | needs(settings.has(Mechanism::Allocator), Abilities::CHOOSE_FRAME)
            | needs(
                settings.huge_faults != HugeFaults::Never,
                Abilities::CHOOSE_SIZE | Abilities::CHOOSE_FRAME,
            )
            | needs(
                settings.has(Mechanism::Promoter) || settings.has(Mechanism::Preallocation),
                Abilities::COLLAPSE,
            )
            | needs(settings.has(Mechanism::Demotion), Abilities::SPLIT | Abilities::ACCESSED_BITS)
            | needs(self.aligner.whole.is_some(), Abilities::CHOOSE_ADDRESS)
    }

    fn on_map(&mut self, _: &mut dyn Layer, request: &MapRequest) -> VirtualPlacement {
        self.aligner.place(request)
    }

    fn on_fault(&mut self, layer: &mut dyn Layer, fault: &Fault) -> Placement {
        let placement = self.allocator.serve(layer, &mut self.booking, fault, &mut self.counts);
        self.watch(layer, placement);
        placement
    }

    fn on_freed(&mut self, layer: &mut dyn Layer, _: SpaceId, freed: Extent) {
        self.allocator.memory_was_freed();
        let Some(block) = LowerBlock::begun_at(freed.start) else { return };
        // A huge page was placed in it, and nobody has let it go since.
        let _kept = self.booking.let_go(layer, block);
        if self.settings.has(Mechanism::Bucket) && self.labels.is_huge_below(block) && self.may_keep(layer) {
            let until = after(layer.now(), self.settings.bucket_hold);
            let kept = self.booking.keep(layer, block, Why::Bucket, Whose::Open, until);
            self.counts.bucket_kept += u64::from(kept.is_some());
        }
    }

    fn on_events(&mut self, layer: &mut dyn Layer, events: &[Event]) {
        for event in events {
            match event {
                Event::SpaceEnds(space) => {
                    self.census.end_space(*space, &mut self.touched);
                    self.labels.end_space(*space);
                    self.booking.end_space(*space);
                    self.allocator.offsets.end_space(*space);
                }
                Event::Pressure(wanted) => {
                    self.give_back(layer);
                    if self.settings.has(Mechanism::Demotion) {
                        self.demotion.pressure(*wanted);
                    }
                }
                Event::ReservationEnded(number) => {
                    self.counts.bookings_expired += u64::from(self.booking.ended(*number).is_some());
                }
                Event::Message(message) => self.labels.hear(layer, message, &mut self.touched),
                Event::SpaceBegins(_) | Event::Joined { .. } | Event::Parted { .. } => {}
            }
        }
    }

    fn counts(&self, out: &mut Vec<Count>) {
        self.state().list(out);
    }

    fn tick(&mut self, layer: &mut dyn Layer, budget: &mut Budget) -> NextWake {
        let now = layer.now();
        self.scan(layer, budget);
        self.expire(layer, budget);
        self.empty_bucket(layer);
        if self.settings.has(Mechanism::Promoter) && is_left(*budget) {
            self.promoter.scan(layer, budget, &mut self.booking, &mut self.counts);
        }
        if self.settings.has(Mechanism::Demotion) {
            self.demotion.work(layer, budget, &self.census, &self.labels, &mut self.counts);
        }
        let mut wake = self.scan_at;
        wake = self.adjust(layer).map_or(wake, |at| wake.min(at));
        if self.settings.has(Mechanism::Promoter) {
            wake = wake.min(self.promoter.wake());
        }
        // Bookings end in groups.
        let ends = self.booking.next_end().map(|end| end.max(after(now, self.spread())));
        wake = [ends, self.demotion.wake()].into_iter().flatten().fold(wake, Nanos::min);
        NextWake::At(wake)
    }
}
