//! An address and what may be done with it.

use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::marker::PhantomData;

use crate::{PageSize, Space, Validity, VirtualWidth};

/// A byte address in the space `S`.
///
/// Always valid for its space: canonical at 57 bits where virtual (the width that a 4-level table translates
/// is narrower: [`is_canonical`](Self::is_canonical) asks for it), below 2⁵² where physical.
#[repr(transparent)]
pub struct Addr<S> {
    raw: u64,
    space: PhantomData<S>,
}

/// A number that is no address of the space it was offered to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidAddr {
    /// The number.
    pub raw: u64,
    /// The space's name.
    pub space: &'static str,
    /// What an address of the space looks like.
    pub expected: Validity,
}

impl fmt::Display for InvalidAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { raw, space, expected } = *self;
        match expected {
            Validity::Canonical(width) => write!(
                f,
                "{raw:#x} is no canonical {space} address: bits 63 to {} must be equal",
                width.bits() - 1
            ),
            Validity::Below(bits) => write!(f, "{raw:#x} is no {space} address: it must be below 2^{bits}"),
        }
    }
}

impl core::error::Error for InvalidAddr {}

impl<S: Space> Addr<S> {
    /// Address 0.
    pub const ZERO: Self = Self::raw(0);

    const fn raw(raw: u64) -> Self {
        Self { raw, space: PhantomData }
    }

    /// The address with the number `raw`.
    ///
    /// # Panics
    /// If `raw` is no address of the space; [`try_new`](Self::try_new) is for numbers from outside.
    #[inline]
    #[track_caller]
    pub const fn new(raw: u64) -> Self {
        assert!(S::VALIDITY.holds(raw), "not an address of this space");
        Self::raw(raw)
    }

    /// The address with the number `raw`.
    ///
    /// # Errors
    /// If `raw` is no address of the space.
    #[inline]
    pub const fn try_new(raw: u64) -> Result<Self, InvalidAddr> {
        if S::VALIDITY.holds(raw) {
            Ok(Self::raw(raw))
        } else {
            Err(InvalidAddr { raw, space: S::NAME, expected: S::VALIDITY })
        }
    }

    /// The address that keeps the low bits of `raw`: sign-extended or cut off as the space has it.
    #[inline(always)]
    pub const fn truncate(raw: u64) -> Self {
        Self::raw(S::VALIDITY.truncate(raw))
    }

    /// The same number in another space: for identity mappings and for code that is generic over a layer.
    ///
    /// # Panics
    /// If the number is no address of that space.
    #[inline]
    #[track_caller]
    pub const fn reinterpret<T: Space>(self) -> Addr<T> {
        Addr::new(self.raw)
    }

    /// The number.
    #[inline(always)]
    pub const fn get(self) -> u64 {
        self.raw
    }

    /// Whether a table that translates `width` bits can translate this address.
    #[inline]
    pub const fn is_canonical(self, width: VirtualWidth) -> bool {
        Validity::Canonical(width).holds(self.raw)
    }

    /// The address as a table that translates `width` bits sees it (sign-extended from that width).
    #[inline]
    pub const fn canonical(self, width: VirtualWidth) -> Self {
        Self::raw(Validity::Canonical(width).truncate(self.raw))
    }

    /// Where addresses of the space are canonical, the one that a table translating `width` bits takes this one
    /// for; a physical address is left as it is.
    #[inline]
    pub const fn canonical_if_virtual(self, width: VirtualWidth) -> Self {
        match S::VALIDITY {
            Validity::Canonical(_) => self.canonical(width),
            Validity::Below(_) => self,
        }
    }

    /// The offset of this address in the page of size `size` that holds it, in bytes.
    #[inline(always)]
    pub const fn offset_in(self, size: PageSize) -> u64 {
        self.raw & (size.bytes() - 1)
    }

    /// Whether this is the first address of a page of size `size`.
    #[inline(always)]
    pub const fn is_aligned(self, size: PageSize) -> bool {
        self.offset_in(size) == 0
    }

    /// The first address of the page of size `size` that holds this one.
    #[inline(always)]
    pub const fn align_down(self, size: PageSize) -> Self {
        Self::raw(self.raw & !(size.bytes() - 1))
    }

    /// The address `bytes` further on; beyond the end of the space it wraps as [`truncate`](Self::truncate).
    #[inline(always)]
    pub const fn offset_by(self, bytes: u64) -> Self {
        Self::truncate(self.raw.wrapping_add(bytes))
    }

    /// The address `bytes` behind this one, which is the first of a 4 KiB page, in the same page: only the offset in
    /// the page is added.
    #[inline(always)]
    pub const fn within(self, bytes: u64) -> Self {
        Self::raw(self.raw | bytes & 0xfff)
    }

    /// The address `bytes` further on, if it is in the space and not below this one.
    #[inline]
    pub const fn checked_add(self, bytes: u64) -> Option<Self> {
        match self.raw.checked_add(bytes) {
            Some(raw) if S::VALIDITY.holds(raw) => Some(Self::raw(raw)),
            _ => None,
        }
    }
}

impl<S> Clone for Addr<S> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}
impl<S> Copy for Addr<S> {}
impl<S> PartialEq for Addr<S> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.raw == other.raw
    }
}
impl<S> Eq for Addr<S> {}
impl<S> PartialOrd for Addr<S> {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<S> Ord for Addr<S> {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        self.raw.cmp(&other.raw)
    }
}
impl<S> Hash for Addr<S> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.raw.hash(state);
    }
}
impl<S: Space> fmt::Debug for Addr<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{:#x}", S::NAME, self.raw)
    }
}
impl<S: Space> fmt::Display for Addr<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.raw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Gpa, Gva};
    use alloc::string::ToString;
    use proptest::prelude::*;

    #[test]
    fn canonical_forms_at_48_and_57_bits() {
        let low: Addr<Gva> = Addr::new(0x0000_7fff_ffff_f000);
        let high: Addr<Gva> = Addr::new(0xffff_8000_0000_0000);
        let only_57: Addr<Gva> = Addr::new(0x0000_8000_0000_0000);
        assert!(low.is_canonical(VirtualWidth::Bits48) && high.is_canonical(VirtualWidth::Bits48));
        assert!(!only_57.is_canonical(VirtualWidth::Bits48) && only_57.is_canonical(VirtualWidth::Bits57));
        assert_eq!(only_57.canonical(VirtualWidth::Bits48), high);
        let error = Addr::<Gva>::try_new(0x0100_0000_0000_0000).unwrap_err();
        assert_eq!(
            error.to_string(),
            "0x100000000000000 is no canonical GVA address: bits 63 to 56 must be equal"
        );
    }

    #[test]
    fn physical_addresses_end_at_52_bits() {
        assert!(Addr::<Gpa>::try_new((1 << 52) - 1).is_ok());
        assert!(Addr::<Gpa>::try_new(1 << 52).is_err());
        assert_eq!(Addr::<Gpa>::new((1 << 52) - 1).checked_add(1), None);
    }

    proptest! {
        #[test]
        fn truncation_is_idempotent_and_always_valid(raw: u64) {
            let addr = Addr::<Gva>::truncate(raw);
            prop_assert_eq!(Addr::try_new(addr.get()), Ok(addr));
            let physical = Addr::<Gpa>::truncate(raw);
            prop_assert_eq!(Addr::try_new(physical.get()), Ok(physical));
        }

        #[test]
        fn an_address_is_its_page_plus_its_offset(raw: u64) {
            let addr = Addr::<Gva>::truncate(raw);
            for size in PageSize::ALL {
                prop_assert_eq!(addr.align_down(size).offset_by(addr.offset_in(size)), addr);
            }
        }
    }
}
