//! Two layers as one.

use terrace_addr::{Addr, Page, Space};

use crate::{Leaf, LeafFlags};

/// The leaf that `upper` and `lower` make together around `addr`: from the upper layer's upper space straight
/// to the lower layer's lower space, as software that keeps a shadow table writes it.
///
/// `addr` is an address of `upper`'s page, and `lower` is the leaf that maps the place where it goes.
/// - The composed page is as large as the smaller of the two: a larger one would reach beyond what one of
///   them maps. It holds `addr` and lies inside `upper`'s page.
/// - It allows what both allow (and is global only if both are, so never above EPT). That makes composing
///   associative: three layers give one leaf, whichever two are taken first.
/// - It is neither accessed nor dirty. Those bits record what walks did, and no walk has used it yet; the
///   walker sets them in the composed leaf and in no other.
///
/// Linux's KVM composes the same way (`arch/x86/kvm/mmu`): a shadow entry has the smaller of the two sizes
/// and the permissions of both, and is never global. It installs one only after it has set the accessed bit
/// of the upper leaf, and without write permission while that leaf is not dirty, so that the first store
/// comes to it and it can set the dirty bit that no hardware will set there. Who keeps such bits in the upper
/// layer does as much: take [`LeafFlags::WRITE`] from an upper leaf that is not dirty before composing it.
///
/// ```
/// use terrace_addr::{Addr, Gpa, Gva, Hpa, Page, PageSize};
/// use terrace_table::{Leaf, LeafFlags, compose};
///
/// let flags = LeafFlags::all_data();
/// // A 2M page of the guest, on 4K pages of the host.
/// let page = Page::containing(Addr::<Gva>::new(0x60_0000), PageSize::Size2M);
/// let guest = Leaf { page, frame: Addr::<Gpa>::new(0x20_0000), flags };
/// let page = Page::containing(Addr::<Gpa>::new(0x20_3000), PageSize::Size4K);
/// let host = Leaf { page, frame: Addr::<Hpa>::new(0x9000), flags };
/// let composed = compose(Addr::new(0x60_3abc), guest, host);
/// assert_eq!(composed.page, Page::containing(Addr::new(0x60_3000), PageSize::Size4K));
/// assert_eq!(composed.translate(Addr::new(0x60_3abc)), Addr::new(0x9abc));
/// ```
pub fn compose<U: Space, M: Space, L: Space>(
    addr: Addr<U>,
    upper: Leaf<U, M>,
    lower: Leaf<M, L>,
) -> Leaf<U, L> {
    let size = upper.page.size().min(lower.page.size());
    Leaf {
        page: Page::containing(addr, size),
        // Both frames are aligned to their own pages, so what lies below `size` is the same in all three
        // spaces.
        frame: lower.translate(upper.translate(addr)).align_down(size),
        flags: upper.flags & lower.flags & LeafFlags::PERMISSIONS,
    }
}
