//! What lies below the guest, and what its software does.

mod native;
mod nested;
mod segmented;
mod shadow;
mod two_dimensional;

pub(crate) use native::Native;
pub(crate) use nested::Nested;
pub(crate) use segmented::Segmented;
pub(crate) use shadow::Shadow;
pub(crate) use two_dimensional::TwoDimensional;

use terrace_addr::{Addr, Bytes, Gva, Hpa, PageSize, VirtualWidth};
use terrace_mmu::{Below, Fault, Stack};
use terrace_oracle::{Tables, Tag};

use crate::case::Setting;
use crate::history::{Change, Layer, Mend, Place};

/// What software did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mended {
    /// Nothing.
    No,
    /// Something, and what is cached may stay.
    Yes,
    /// Something after which nothing cached may be used.
    WithReset,
}

impl Mended {
    /// Something, with a reset if it is needed.
    fn reset_if(needed: bool) -> Self {
        if needed { Self::WithReset } else { Self::Yes }
    }
}

pub(crate) trait World: Sized {
    type Below: Below;
    /// Whether nothing cached is ever stale, and what is translated is [checked](Self::check).
    const NEVER_STALE: bool = false;
    fn new(setting: &Setting) -> Self;
    /// The tag of a context with these numbers, where they mean something.
    fn tag(pcid: u16, vpid: u16, root: u16) -> Tag;
    /// The width of virtual addresses.
    fn width(&self) -> VirtualWidth;
    /// The engine's tables, and the oracle's.
    fn tables(&mut self) -> (&mut Stack<Self::Below>, Tables<'_>);
    /// Mends a fault, or does nothing.
    fn mend(&mut self, fault: Fault, mend: Mend) -> Result<Mended, String>;
    /// Changes a table.
    fn change(&mut self, layer: Layer, at: Place, page: PageSize, change: Change) -> Result<Mended, String>;
    /// Whether all tables are equal.
    fn equal(&self) -> Result<(), String>;
    /// Whether `va` is at `addr`, where it is by the first dimension's tables, or where a direct segment puts it in their
    /// place: both are right where a page of the tables, beside the segment, reaches into it.
    fn check(&self, _va: Addr<Gva>, _direct: Option<u64>, _addr: Addr<Hpa>) -> Result<(), String> {
        Ok(())
    }
    fn set_segment(&mut self, _base: Option<Addr<Hpa>>, _size: Bytes) {}
}

/// Where the frames of a guest begin.
const GUEST_FRAMES: u64 = 4 << 30;
/// Where those of what is below a guest begin.
const HOST_FRAMES: u64 = 8 << 30;
/// Where those of what is below that begin.
const NESTED_FRAMES: u64 = 16 << 30;

/// Where the frames of a guest begin whose fault is mended.
const fn guest_frames(mend: Mend) -> u64 {
    if mend.far { 1 << 50 } else { GUEST_FRAMES }
}

/// A guest-physical address for a place: guest memory is at [`GUEST_FRAMES`], tables at the start.
fn guest_physical<S: terrace_addr::Space>(at: Place, base: u64) -> Addr<S> {
    if at.canonical { Addr::new(base + at.at % (4 << 30)) } else { Addr::new((1 << 20) + at.at % (1 << 16)) }
}

/// Whether a change can be undone in no cache: tables are freed.
fn frees(change: Change) -> bool {
    matches!(change, Change::Merge | Change::Prune)
}

fn by_hand(va: Addr<Gva>, expected: [Option<Addr<Hpa>>; 2], addr: Addr<Hpa>) -> Result<(), String> {
    if expected.contains(&Some(addr)) {
        return Ok(());
    }
    Err(format!("{va:?} is at {addr:?}, by hand at {expected:?}"))
}
