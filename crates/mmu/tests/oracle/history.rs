//! What happens in a case.

use terrace_addr::{AccessKind, PageSize};
use terrace_table::LeafFlags;

use crate::case::Draw;

/// An address, among few: a 4K page in one of a few 2M regions in one of a few 1G regions, in one of a few corners
/// of the space.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place(pub(crate) u64);

impl Place {
    fn draw(draw: &mut Draw) -> Self {
        let corner = draw.pick(&[0, 0, 0, 1 << 40, 1 << 47]);
        let offset = draw.pick(&[0, 8, 4095, 4092, 0x1f_fffc]);
        Self(corner + (draw.below(2) << 30) + (draw.below(3) << 21) + (draw.below(4) << 12) + offset)
    }
}

/// Which table a change is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layer {
    First,
    Second,
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

#[derive(Debug, Clone, Copy)]
pub(crate) enum Flush {
    Page(Place),
    Space,
    Root(u16),
    All,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Operation {
    /// On a fault for something absent, it is mapped by a page of this size, and accessed again.
    Access {
        core: usize,
        at: Place,
        size: u16,
        kind: AccessKind,
        page: PageSize,
        flags: LeafFlags,
    },
    Change {
        layer: Layer,
        at: Place,
        page: PageSize,
        change: Change,
    },
    Flush {
        core: usize,
        flush: Flush,
    },
    Context {
        core: usize,
        pcid: u16,
        root: u16,
    },
}

/// Flags of leaves: most allow everything.
fn flags(draw: &mut Draw) -> LeafFlags {
    let mut flags = LeafFlags::READ | LeafFlags::USER;
    flags.set(LeafFlags::WRITE, draw.percent(85));
    flags.set(LeafFlags::EXECUTE, draw.percent(80));
    flags.set(LeafFlags::GLOBAL, draw.percent(15));
    flags.set(LeafFlags::ACCESSED, draw.percent(20));
    flags.set(LeafFlags::DIRTY, draw.percent(20));
    flags
}

impl Operation {
    pub(crate) fn draw(draw: &mut Draw) -> Self {
        let core = usize::from(draw.percent(25));
        let at = Place::draw(draw);
        let page = draw.pick(&[
            PageSize::Size4K,
            PageSize::Size4K,
            PageSize::Size2M,
            PageSize::Size2M,
            PageSize::Size1G,
        ]);
        match draw.below(100) {
            0..80 => Self::Access {
                core,
                at,
                size: draw.pick(&[0, 1, 4, 8, 8, 8, 64, 5000]),
                kind: draw.pick(&AccessKind::ALL),
                page,
                flags: flags(draw),
            },
            80..90 => {
                let change = match draw.below(6) {
                    0 => Change::Unmap,
                    1 => Change::Protect(flags(draw)),
                    2 => Change::ClearUsed(flags(draw)),
                    3 => Change::Split,
                    4 => Change::Merge,
                    _ => Change::Prune,
                };
                Self::Change { layer: draw.pick(&[Layer::First, Layer::Second]), at, page, change }
            }
            90..96 => {
                let flush = match draw.below(4) {
                    0 | 1 => Flush::Page(at),
                    2 => draw.pick(&[Flush::Space, Flush::All]),
                    _ => Flush::Root(draw.pick(&[0, 1])),
                };
                Self::Flush { core, flush }
            }
            _ => Self::Context { core, pcid: draw.pick(&[0, 1]), root: draw.pick(&[1, 1, 2]) },
        }
    }
}
