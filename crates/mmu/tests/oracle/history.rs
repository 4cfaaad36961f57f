//! What happens in a case.

use terrace_addr::{AccessKind, Addr, Bytes, Hpa, PageSize};
use terrace_machine::Vendor;
use terrace_mmu::Vectors;
use terrace_oracle::{Invalidation, Tag};
use terrace_table::LeafFlags;

use crate::draw::Draw;
use crate::invalidations;
use crate::worlds::Kind;

/// An address, among few: a 4K page in one of a few 2M regions in one of a few 1G regions, in one of a few corners
/// of the space.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place(pub(crate) u64);

impl Place {
    pub(crate) fn draw(draw: &mut Draw) -> Self {
        let corner = draw.pick(&[0, 0, 0, 1 << 40, 1 << 47]);
        let offset = draw.pick(&[0, 8, 4095, 4092, 0x1f_fffc]);
        Self(corner + (draw.below(2) << 30) + (draw.below(3) << 21) + (draw.below(4) << 12) + offset)
    }
}

/// Which table a change is for: the guest's or program's, the one below it, or in worlds of three layers one of
/// the two that the last is composed of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layer {
    First,
    Second,
    Upper,
    Lower,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Change {
    Unmap,
    Protect(LeafFlags),
    ClearUsed(LeafFlags),
    Split,
    Merge,
    Prune,
}

/// One access.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Touch {
    pub(crate) at: Place,
    /// The address is taken as it is, though the tables' levels may not translate it.
    pub(crate) is_anywhere: bool,
    pub(crate) size: u16,
    pub(crate) kind: AccessKind,
}

/// What software does about faults.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mending {
    /// What is absent is mapped by pages of this size and with these flags.
    pub(crate) page: PageSize,
    pub(crate) flags: LeafFlags,
    /// Guest-physical pages are allowed everything where that was missing.
    pub(crate) allows: bool,
    /// Full logs are emptied.
    pub(crate) empties: bool,
    /// What is mapped lies where no table and no segment reaches.
    pub(crate) is_beyond: bool,
}

/// How the engine is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Access,
    Explain,
}

#[derive(Debug, Clone)]
pub(crate) enum Operation {
    Access { cpu: usize, how: How, touch: Touch, mending: Mending },
    Run { cpu: usize, touches: Vec<Touch>, mending: Mending },
    Change { layer: Layer, at: Place, page: PageSize, change: Change },
    Invalidate { cpu: usize, invalidation: Invalidation },
    Context { cpu: usize, tag: Tag },
    DataLines(bool),
    LookAhead(usize),
    Vectors(Vectors),
    KeepLog { cpu: usize, on: bool },
    TakeLog { cpu: usize },
    /// So many first stores to pages that are used for nothing else.
    FillLog { cpu: usize, pages: u64 },
    /// The segment moves; nothing is invalidated.
    MoveSegment { base: Addr<Hpa>, size: Bytes },
}

/// Flags of leaves: most allow everything.
pub(crate) fn flags(draw: &mut Draw) -> LeafFlags {
    let mut flags = LeafFlags::READ | LeafFlags::USER;
    flags.set(LeafFlags::WRITE, draw.percent(85));
    flags.set(LeafFlags::EXECUTE, draw.percent(80));
    flags.set(LeafFlags::GLOBAL, draw.percent(15));
    flags.set(LeafFlags::ACCESSED, draw.percent(20));
    flags.set(LeafFlags::DIRTY, draw.percent(20));
    flags
}

fn page(draw: &mut Draw) -> PageSize {
    use PageSize::{Size1G, Size2M, Size4K};
    draw.pick(&[Size4K, Size4K, Size2M, Size2M, Size1G])
}

impl Touch {
    fn draw(draw: &mut Draw) -> Self {
        Self {
            at: Place::draw(draw),
            is_anywhere: draw.percent(2),
            size: draw.pick(&[0, 1, 4, 8, 8, 8, 64, 5000]),
            kind: draw.pick(&AccessKind::ALL),
        }
    }
}

impl Mending {
    fn draw(draw: &mut Draw) -> Self {
        Self {
            page: page(draw),
            flags: flags(draw),
            allows: draw.percent(50),
            empties: draw.percent(30),
            is_beyond: draw.percent(1),
        }
    }
}

/// The tags of a context: those that exist, in worlds of this kind.
pub(crate) fn tag(draw: &mut Draw, world: Kind) -> Tag {
    let vpids: &[u16] = if world == Kind::Native { &[0, 0, 0, 1] } else { &[0, 1, 1, 1, 2] };
    let roots: &[u16] = if world.has_ept() { &[0, 1, 1, 1, 2] } else { &[0] };
    Tag { pcid: draw.pick(&[0, 0, 1, 2]), vpid: draw.pick(vpids), root: draw.pick(roots) }
}

/// Where a segment is, and how large: its base a multiple of each page size, its end anywhere.
pub(crate) fn segment(draw: &mut Draw) -> (Addr<Hpa>, Bytes) {
    let size = draw.pick(&[0, 4096, 36 << 10, 64 << 10, 2 << 20, 3 << 20, 8 << 20, 8 << 20, 1 << 30, 5 << 30]);
    let size = match draw.below(8) {
        0 => size + 4095,
        1 => u64::saturating_sub(size, 1),
        2 => size + (draw.below(8) << 12),
        _ => size,
    };
    let base = draw.pick(&[0, 8 << 30])
        + (draw.pick(&[0, 0, 1]) << 30)
        + (draw.pick(&[0, 0, 1, 2]) << 21)
        + (draw.pick(&[0, 0, 1, 2]) << 12);
    (Addr::new(base), Bytes::new(size))
}

/// A log on CPU 0 that is nearly full, or just full.
pub(crate) fn fill_log(draw: &mut Draw) -> [Operation; 2] {
    let pages = 470 + draw.below(50);
    [Operation::KeepLog { cpu: 0, on: true }, Operation::FillLog { cpu: 0, pages }]
}

impl Operation {
    pub(crate) fn draw(draw: &mut Draw, vendor: Vendor, world: Kind, cpus: usize) -> Self {
        let cpu = if draw.percent(70) { 0 } else { draw.pick(&(0..cpus).collect::<Vec<_>>()) };
        match draw.below(1000) {
            0..650 => {
                let how = if draw.percent(5) { How::Explain } else { How::Access };
                Self::Access { cpu, how, touch: Touch::draw(draw), mending: Mending::draw(draw) }
            }
            650..720 => {
                let length = draw.pick(&[1, 2, 5, 10, 40]) + draw.below(4);
                let touches = (0..length).map(|_| Touch::draw(draw)).collect();
                Self::Run { cpu, touches, mending: Mending::draw(draw) }
            }
            720..820 => {
                let change = match draw.below(6) {
                    0 => Change::Unmap,
                    1 => Change::Protect(flags(draw)),
                    2 => Change::ClearUsed(flags(draw)),
                    3 => Change::Split,
                    4 => Change::Merge,
                    _ => Change::Prune,
                };
                let layers = [Layer::First, Layer::First, Layer::Second, Layer::Second, Layer::Upper, Layer::Lower];
                Self::Change { layer: draw.pick(&layers), at: Place::draw(draw), page: page(draw), change }
            }
            820..910 => Self::Invalidate { cpu, invalidation: invalidations::draw(draw, vendor) },
            910..950 => Self::Context { cpu, tag: tag(draw, world) },
            950..960 => Self::DataLines(draw.percent(50)),
            960..965 => Self::LookAhead(draw.pick(&[1, 2, 7, 31, 32])),
            965..970 => Self::Vectors(draw.pick(&Vectors::ALL)),
            970..978 => Self::KeepLog { cpu, on: draw.percent(80) },
            978..982 => Self::TakeLog { cpu },
            _ => {
                let (base, size) = segment(draw);
                Self::MoveSegment { base, size }
            }
        }
    }

    /// How many parts may be left out.
    pub(crate) fn parts(&self) -> usize {
        if let Self::Run { touches, .. } = self { touches.len() } else { 0 }
    }

    /// The operation without one of its parts.
    pub(crate) fn without(&self, part: usize) -> Self {
        let mut smaller = self.clone();
        if let Self::Run { touches, .. } = &mut smaller {
            touches.remove(part);
        }
        smaller
    }
}
