//! What happens in a case.

use terrace_addr::{AccessKind, Addr, Bytes, Hpa, PageSize};
use terrace_table::LeafFlags;

use crate::direct::Direct;
use crate::draw::Draw;
use crate::flushes::Flush;

/// An address, among few: a 4K page in one of a few 2M regions in one of a few 1G regions, in one of a few corners
/// of the space. The last corner is the end of the space, which the start follows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) at: u64,
    /// Whether it is made canonical for the table that it is used with; otherwise it may be one that the table does not
    /// cover.
    pub(crate) canonical: bool,
}

/// Where a case mostly works, so that what is cached is used again, changed and invalidated.
pub(crate) struct Places(Vec<Place>);

impl Places {
    pub(crate) fn new(draw: &mut Draw) -> Self {
        Self((0..3 + draw.below(8)).map(|_| Self::anywhere(draw)).collect())
    }

    fn anywhere(draw: &mut Draw) -> Place {
        let corner = draw.pick(&[0, 0, 0, 0, 1 << 40, 1 << 47, (1 << 57) - 0x20_2000]);
        let offset = draw.pick(&[0, 8, 0x38, 4095, 4092, 0x1f_fffc]);
        let at = corner + (draw.below(2) << 30) + (draw.below(3) << 21) + (draw.below(4) << 12) + offset;
        Place { at, canonical: draw.percent(97) }
    }

    pub(crate) fn draw(&self, draw: &mut Draw) -> Place {
        if draw.percent(75) { draw.pick(&self.0) } else { Self::anywhere(draw) }
    }
}

/// Which table a change is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layer {
    First,
    Second,
    Third,
    /// What software composed of two of them.
    Composed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Unmap,
    Protect(LeafFlags),
    ClearUsed(LeafFlags),
    Split,
    Merge,
    Prune,
}

/// One access of a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) at: Place,
    pub(crate) size: u16,
    pub(crate) kind: AccessKind,
}

/// What software does about faults.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mend {
    /// Absent pages are mapped at these sizes, one for each layer, or at smaller ones where something is in the way.
    pub(crate) pages: [PageSize; 3],
    /// And with these flags.
    pub(crate) flags: [LeafFlags; 3],
    /// To frames that no EPT of 4 levels covers.
    pub(crate) far: bool,
    /// Everything is allowed where an access was forbidden.
    pub(crate) allow: bool,
    /// A full log is emptied.
    pub(crate) empty_log: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum Operation {
    /// After a fault that was mended, the access is tried again; others are left out.
    Accesses {
        cpu: usize,
        wanted: Vec<Wanted>,
        /// As a batch, or one by one with their translations compared.
        batch: bool,
        mend: Mend,
    },
    Change {
        layer: Layer,
        at: Place,
        page: PageSize,
        change: Change,
    },
    Flush {
        cpu: usize,
        flush: Flush,
    },
    /// What is not given stays.
    Context {
        cpu: usize,
        pcid: Option<u16>,
        vpid: Option<u16>,
        root: Option<u16>,
    },
    DataLines(bool),
    KeepLog {
        cpu: usize,
        on: bool,
    },
    TakeLog {
        cpu: usize,
    },
    /// Stores to pages that were never stored to, until a log is full.
    FillLog {
        cpu: usize,
    },
    /// None takes it away.
    Direct {
        cpu: usize,
        segment: Option<Direct>,
    },
    /// A base that is not given stays.
    Segment {
        base: Option<Addr<Hpa>>,
        size: Bytes,
    },
}

/// Flags of leaves: most allow everything.
fn flags(draw: &mut Draw) -> LeafFlags {
    let mut flags = LeafFlags::READ | LeafFlags::USER;
    flags.set(LeafFlags::WRITE, draw.percent(80));
    flags.set(LeafFlags::EXECUTE, draw.percent(80));
    flags.set(LeafFlags::GLOBAL, draw.percent(20));
    flags.set(LeafFlags::ACCESSED, draw.percent(20));
    flags.set(LeafFlags::DIRTY, draw.percent(20));
    flags
}

fn page(draw: &mut Draw) -> PageSize {
    draw.pick(&[PageSize::Size4K, PageSize::Size4K, PageSize::Size2M, PageSize::Size2M, PageSize::Size1G])
}

pub(crate) fn segment(draw: &mut Draw) -> (Addr<Hpa>, Bytes) {
    const UNITS: [u64; 3] = [1 << 12, 1 << 21, 1 << 30];
    let base =
        (draw.pick(&[0, 32]) << 30) + draw.below(4) * draw.pick(&UNITS) + draw.below(2) * draw.pick(&UNITS);
    let size = match draw.below(10) {
        0 => draw.below(6) * draw.pick(&UNITS),
        // Before, in and behind the guest's tables.
        1 | 5 => (1 << 20) + draw.below(8) * (1 << 12),
        2 => draw.below(8 << 20),
        3 | 4 => (2 + draw.below(6)) << 21,
        _ => (1 + draw.below(5)) << 30,
    };
    (Addr::new(base), Bytes::new(size))
}

impl Operation {
    fn accesses(draw: &mut Draw, places: &Places, cpu: usize) -> Self {
        let batch = draw.percent(30);
        let count = if batch { 1 + draw.below(12) } else { 1 };
        let wanted = |_| Wanted {
            at: places.draw(draw),
            size: draw.pick(&[0, 1, 4, 8, 8, 8, 8, 8, 64, 5000]),
            kind: draw.pick(&AccessKind::ALL),
        };
        let wanted = (0..count).map(wanted).collect();
        let mend = Mend {
            pages: [(); 3].map(|()| page(draw)),
            flags: [(); 3].map(|()| flags(draw)),
            far: draw.percent(2),
            allow: draw.percent(50),
            empty_log: draw.percent(50),
        };
        Self::Accesses { cpu, wanted, batch, mend }
    }

    fn change(draw: &mut Draw, places: &Places) -> Self {
        let change = match draw.below(6) {
            0 => Change::Unmap,
            1 => Change::Protect(flags(draw)),
            2 => Change::ClearUsed(flags(draw)),
            3 => Change::Split,
            4 => Change::Merge,
            _ => Change::Prune,
        };
        let layer = draw.pick(&[
            Layer::First,
            Layer::First,
            Layer::Second,
            Layer::Second,
            Layer::Third,
            Layer::Composed,
        ]);
        Self::Change { layer, at: places.draw(draw), page: page(draw), change }
    }

    pub(crate) fn draw(draw: &mut Draw, places: &Places, cpus: u64) -> Self {
        let of = if draw.percent(50) { 1 } else { cpus };
        let cpu = draw.index(of);
        match draw.below(100) {
            0..74 => Self::accesses(draw, places, cpu),
            74..82 => Self::change(draw, places),
            82..90 => Self::Flush { cpu, flush: Flush::draw(draw, places) },
            90..94 => Self::Context {
                cpu,
                pcid: draw.percent(40).then(|| draw.pick(&[0, 1, 2])),
                vpid: draw.percent(30).then(|| draw.pick(&[0, 1, 1, 2])),
                root: draw.percent(60).then(|| draw.pick(&[1, 2])),
            },
            94 => Self::DataLines(draw.percent(50)),
            95 => Self::KeepLog { cpu, on: draw.percent(70) },
            96 => Self::TakeLog { cpu },
            _ => {
                let (base, size) = segment(draw);
                Self::Segment { base: draw.percent(50).then_some(base), size }
            }
        }
    }
}
