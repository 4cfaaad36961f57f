//! The reverse map: what a frame is used for, in the 48 bits that memory keeps beside it.

use terrace_addr::{Addr, PageSize, Space, convert};
use terrace_frames::Tag;
use terrace_policy::SpaceId;

/// Bits of a page number: 48 bits of address.
const PAGE_BITS: u32 = 36;
const PAGE_MASK: u64 = (1 << PAGE_BITS) - 1;
/// Bits of an address space's number.
const SPACE_BITS: u32 = 11;
const SPACE_MASK: u64 = (1 << SPACE_BITS) - 1;
/// The first frame of a huge page.
const HUGE: u64 = 1 << (PAGE_BITS + SPACE_BITS);

/// The most address spaces of a kernel.
pub(crate) const MOST_SPACES: u32 = (1 << SPACE_BITS) - 1;

/// Whose page a frame holds. Only the first frame of a huge page has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holder<U: Space> {
    pub(crate) space: SpaceId,
    pub(crate) addr: Addr<U>,
    pub(crate) size: PageSize,
}

impl<U: Space> Holder<U> {
    pub(crate) fn tag(self) -> Tag {
        let page = self.addr.get() >> PageSize::Size4K.shift() & PAGE_MASK;
        // Numbers of spaces begin at 1 here: a tag of 0 is nobody's.
        let space = u64::from(self.space.0 + 1) << PAGE_BITS;
        Tag::new(page | space | if self.size == PageSize::Size4K { 0 } else { HUGE })
    }

    /// Whose page it is; `None` if nobody's: a table page, or held by no address space.
    pub(crate) fn of(tag: Tag) -> Option<Self> {
        let bits = tag.get();
        let space = convert::low32(bits >> PAGE_BITS & SPACE_MASK).checked_sub(1)?;
        if tag == Tag::CRUMB {
            return None;
        }
        let size = if bits & HUGE == 0 { PageSize::Size4K } else { PageSize::Size2M };
        let addr = Addr::truncate((bits & PAGE_MASK) << PageSize::Size4K.shift());
        Some(Self { space: SpaceId(space), addr, size })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use terrace_addr::Gva;

    #[test]
    fn holders_survive_the_tag() {
        for (space, addr, size) in [
            (0, 0x7fff_ffff_f000, PageSize::Size4K),
            (MOST_SPACES - 1, 0x20_0000, PageSize::Size2M),
            (7, 0, PageSize::Size4K),
        ] {
            let holder = Holder::<Gva> { space: SpaceId(space), addr: Addr::new(addr), size };
            assert_eq!(Holder::of(holder.tag()), Some(holder));
        }
        assert_eq!(Holder::<Gva>::of(Tag::CRUMB), None);
        assert_eq!(Holder::<Gva>::of(Tag::new(0)), None);
    }
}
