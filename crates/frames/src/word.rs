//! The word that is kept for each frame.
//!
//! | bits | inside a free block | head of a free block | used | reserved |
//! | --- | --- | --- | --- | --- |
//! | 63–62 | 0 | 1 | 2 | 3 |
//! | 61 | 0 | list of hybrid pageblocks | lent by a reservation | – |
//! | 60 | 0 | list of unmovable ones | unmovable | – |
//! | 59–56 | 0 | order | – | – |
//! | 55–0 | 0 | next and previous block of the list, 28 bits each | bit 48: has a tag; 47–0: tag | 31–0: reservation |
//!
//! All zeros is a frame inside a free block, so that fresh memory needs no word written but its blocks' heads.

use terrace_addr::convert;

use crate::{Mobility, Order, Pageblock, ReservationId, Tag};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word(pub(crate) u64);

const KIND: u64 = 3 << 62;
const HEAD: u64 = 1 << 62;
const USED: u64 = 2 << 62;
const RESERVED: u64 = 3 << 62;
const LENT: u64 = 1 << 61;
const UNMOVABLE: u64 = 1 << 60;
const LIST: u32 = 60;
const ORDER: u32 = 56;
const TAGGED: u64 = 1 << Tag::BITS;
const LINK: u32 = 28;

/// The link that leads nowhere. Frames have smaller numbers.
pub(crate) const NOWHERE: u32 = (1 << LINK) - 1;

/// What a word says.
pub(crate) enum Kind {
    Inside,
    Head,
    Used,
    Reserved(ReservationId),
}

impl Word {
    pub(crate) const INSIDE: Self = Self(0);

    #[inline(always)]
    pub(crate) fn head(order: Order, list: Pageblock, previous: u32, next: u32) -> Self {
        Self(
            HEAD | convert::count(list.index()) << LIST
                | u64::from(order.get()) << ORDER
                | u64::from(next) << LINK
                | u64::from(previous),
        )
    }

    #[inline(always)]
    pub(crate) const fn used(mobility: Mobility) -> Self {
        Self(USED | unmovable(mobility))
    }

    /// Used, and part of a reservation to which it returns.
    pub(crate) const fn lent(mobility: Mobility) -> Self {
        Self(USED | LENT | unmovable(mobility))
    }

    pub(crate) fn reserved(id: ReservationId) -> Self {
        Self(RESERVED | u64::from(id.0))
    }

    #[inline(always)]
    pub(crate) const fn kind(self) -> Kind {
        match self.0 & KIND {
            0 => Kind::Inside,
            HEAD => Kind::Head,
            USED => Kind::Used,
            _ => Kind::Reserved(ReservationId(convert::low32(self.0))),
        }
    }

    #[inline(always)]
    pub(crate) const fn is_head(self) -> bool {
        self.0 & KIND == HEAD
    }

    #[inline(always)]
    pub(crate) fn is_head_of(self, order: Order) -> bool {
        self.0 & (KIND | 0xf << ORDER) == HEAD | u64::from(order.get()) << ORDER
    }

    #[inline(always)]
    pub(crate) const fn is_used(self) -> bool {
        self.0 & KIND == USED
    }

    /// Whether a used frame is lent by a reservation.
    #[inline(always)]
    pub(crate) const fn is_lent(self) -> bool {
        self.0 & LENT != 0
    }

    /// The order of a free block's head.
    #[inline(always)]
    pub(crate) const fn order(self) -> Order {
        match Order::new(convert::low8(self.0 >> ORDER) & 0xf) {
            Some(order) => order,
            None => Order::MAX,
        }
    }

    /// The list of a free block's head.
    #[inline(always)]
    pub(crate) const fn list(self) -> Pageblock {
        Pageblock::from_index(self.0 >> LIST & 3)
    }

    /// The mobility of a used frame.
    #[inline(always)]
    pub(crate) const fn mobility(self) -> Mobility {
        if self.0 & UNMOVABLE == 0 { Mobility::Movable } else { Mobility::Unmovable }
    }

    #[inline(always)]
    pub(crate) const fn previous(self) -> u32 {
        convert::low32(self.0) & NOWHERE
    }

    #[inline(always)]
    pub(crate) const fn next(self) -> u32 {
        convert::low32(self.0 >> LINK) & NOWHERE
    }

    #[inline(always)]
    pub(crate) fn with_previous(self, previous: u32) -> Self {
        Self(self.0 & !u64::from(NOWHERE) | u64::from(previous))
    }

    #[inline(always)]
    pub(crate) fn with_next(self, next: u32) -> Self {
        Self(self.0 & !(u64::from(NOWHERE) << LINK) | u64::from(next) << LINK)
    }

    #[inline(always)]
    pub(crate) const fn with_tag(self, tag: Tag) -> Self {
        Self(self.0 & !(TAGGED | (TAGGED - 1)) | TAGGED | tag.get())
    }

    /// The tag of a used frame.
    #[inline(always)]
    pub(crate) const fn tag(self) -> Option<Tag> {
        if self.0 & TAGGED == 0 { None } else { Tag::try_new(self.0 & (TAGGED - 1)) }
    }
}

#[inline(always)]
const fn unmovable(mobility: Mobility) -> u64 {
    match mobility {
        Mobility::Movable => 0,
        Mobility::Unmovable => UNMOVABLE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_keeps_its_order_list_and_links() {
        for order in Order::all() {
            for list in Pageblock::ALL {
                let word = Word::head(order, list, 5, NOWHERE);
                assert!(word.is_head() && word.is_head_of(order) && !word.is_used());
                assert_eq!((word.order(), word.list()), (order, list));
                assert_eq!((word.previous(), word.next()), (5, NOWHERE));
                let relinked = word.with_previous(NOWHERE).with_next(7);
                assert!(relinked.is_head_of(order));
                assert_eq!((relinked.previous(), relinked.next()), (NOWHERE, 7));
            }
        }
    }

    #[test]
    fn a_used_frame_has_no_tag_until_it_gets_one() {
        let word = Word::lent(Mobility::Unmovable);
        assert_eq!(word.tag(), None);
        for tag in [Tag::new(0), Tag::CRUMB, Tag::new(0x1234)] {
            let tagged = word.with_tag(Tag::CRUMB).with_tag(tag);
            assert_eq!(tagged.tag(), Some(tag));
            assert!(tagged.is_used() && tagged.is_lent());
            assert_eq!(tagged.mobility(), Mobility::Unmovable);
        }
    }
}
