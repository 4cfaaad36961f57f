//! What each invalidation removes: the model's tables, as values.

use terrace_addr::{Addr, Gva, PageSize};

use super::{Amd, Intel, Invalidation, Invlpgb};
use crate::Context;
use crate::context::{Holder, Meaning};

/// What an invalidation removes from the three groups of structures.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Removal {
    /// Translations.
    pub(crate) translations: Option<(Addresses, Tagged)>,
    /// Entries of the paging-structure caches of the first dimension.
    pub(crate) upper: Option<(Addresses, Tagged)>,
    /// Guest-physical entries.
    pub(crate) guests: Option<Guests>,
}

/// Which addresses are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Addresses {
    /// All.
    All,
    /// One.
    One(Addr<Gva>),
    /// Several, one each so many bytes.
    Many { first: Addr<Gva>, stride: PageSize, count: u32 },
}

/// Which tags of translations and of paging-structure-cache entries are meant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tagged {
    vpid: Match,
    pcid: Match,
    root: Match,
    /// Global translations too.
    globals: bool,
}

/// Which guest-physical entries are meant, by their VPID (AMD: ASID) and root.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guests {
    vpid: Match,
    root: Match,
}

/// Which values of a tag are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Match {
    Any,
    Is(u16),
    IsNot(u16),
}

impl Match {
    fn includes(self, value: u16) -> bool {
        match self {
            Self::Any => true,
            Self::Is(meant) => value == meant,
            Self::IsNot(other) => value != other,
        }
    }
}

impl From<Option<u16>> for Match {
    fn from(value: Option<u16>) -> Self {
        value.map_or(Self::Any, Self::Is)
    }
}

/// All tags: narrowed down by what an invalidation names.
const ANY: Tagged = Tagged { vpid: Match::Any, pcid: Match::Any, root: Match::Any, globals: true };

impl Tagged {
    /// Whether entries with this meaning are meant.
    pub(crate) fn includes(&self, meaning: &Meaning) -> bool {
        let holder = match meaning.holder {
            Holder::Space { pcid } => self.pcid.includes(pcid),
            Holder::Global => self.globals,
            Holder::Guest => false,
        };
        holder && self.vpid.includes(meaning.vpid) && self.root.includes(meaning.root)
    }

    const fn vpid(self, vpid: u16) -> Self {
        Self { vpid: Match::Is(vpid), ..self }
    }

    const fn pcid(self, pcid: u16) -> Self {
        Self { pcid: Match::Is(pcid), ..self }
    }

    const fn but_global(self) -> Self {
        Self { globals: false, ..self }
    }

    /// What a fault of the first dimension or INVLPG means: the current address space and global pages, under any
    /// root.
    pub(crate) const fn space_of(context: Context) -> Self {
        ANY.vpid(context.vpid).pcid(context.pcid)
    }
}

impl Guests {
    /// Whether entries with this meaning are meant.
    pub(crate) fn includes(self, meaning: &Meaning) -> bool {
        meaning.holder == Holder::Guest
            && self.vpid.includes(meaning.vpid)
            && self.root.includes(meaning.root)
    }
}

impl Removal {
    const NOTHING: Self = Self { translations: None, upper: None, guests: None };

    /// The same tags of both, all addresses.
    const fn all(tagged: Tagged) -> Self {
        Self {
            translations: Some((Addresses::All, tagged)),
            upper: Some((Addresses::All, tagged)),
            guests: None,
        }
    }

    /// Everything of all tags.
    pub(crate) const EVERYTHING: Self =
        Self { guests: Some(Guests { vpid: Match::Any, root: Match::Any }), ..Self::all(ANY) };

    /// One address, in both.
    const fn one(addr: Addr<Gva>, tagged: Tagged) -> Self {
        let one = Addresses::One(addr);
        Self { translations: Some((one, tagged)), upper: Some((one, tagged)), guests: None }
    }

    /// What `invalidation` removes on a CPU that runs in `context`.
    pub(crate) fn of(invalidation: Invalidation, context: Context) -> Self {
        match invalidation {
            Invalidation::Intel(intel) => Self::of_intel(intel, context),
            Invalidation::Amd(amd) => Self::of_amd(amd, context),
            Invalidation::Everything => Self::EVERYTHING,
        }
    }

    fn of_intel(intel: Intel, context: Context) -> Self {
        let current = ANY.vpid(context.vpid);
        match intel {
            Intel::Invlpg(addr) => {
                let space = Tagged::space_of(context);
                Self { translations: Some((Addresses::One(addr), space)), ..Self::all(space) }
            }
            Intel::InvpcidAddress { pcid, addr } => Self::one(addr, current.pcid(pcid).but_global()),
            Intel::InvpcidContext { pcid } | Intel::MovCr3 { pcid, keep: false } => {
                Self::all(current.pcid(pcid).but_global())
            }
            Intel::InvpcidAll | Intel::MovCr4 => Self::all(current),
            Intel::InvpcidAllButGlobal => Self::all(current.but_global()),
            Intel::InvvpidAddress { vpid, addr } => Self::one(addr, ANY.vpid(vpid)),
            Intel::InvvpidContext { vpid } => Self::all(ANY.vpid(vpid)),
            Intel::InvvpidAll => Self::all(Tagged { vpid: Match::IsNot(0), ..ANY }),
            Intel::InvvpidContextButGlobal { vpid } => Self::all(ANY.vpid(vpid).but_global()),
            // Root 0 says that there is none: such entries are not derived from EPT.
            Intel::MovCr3 { keep: true, .. } | Intel::InveptContext { root: 0 } => Self::NOTHING,
            Intel::InveptContext { root } => Self::of_roots(Match::Is(root)),
            Intel::InveptAll => Self::of_roots(Match::IsNot(0)),
            Intel::VmTransition => Self::all(ANY.vpid(0)),
        }
    }

    const fn of_roots(root: Match) -> Self {
        let all_roots = matches!(root, Match::IsNot(_));
        let guests = Guests { vpid: Match::Any, root: if all_roots { Match::Any } else { root } };
        Self { guests: Some(guests), ..Self::all(Tagged { root, ..ANY }) }
    }

    fn of_amd(amd: Amd, context: Context) -> Self {
        let current = ANY.vpid(context.vpid);
        match amd {
            Amd::Invlpg { addr, tce } => Self::page(addr, Tagged::space_of(context), current, tce),
            Amd::Invlpga { asid, addr, tce } => Self::page(addr, ANY.vpid(asid), ANY.vpid(asid), tce),
            Amd::InvpcidAddress { pcid, addr, tce } => {
                Self::page(addr, current.pcid(pcid).but_global(), current, tce)
            }
            Amd::InvpcidContext { pcid } => Self::of_intel(Intel::InvpcidContext { pcid }, context),
            Amd::InvpcidAll => Self::of_intel(Intel::InvpcidAll, context),
            Amd::InvpcidAllButGlobal => Self::of_intel(Intel::InvpcidAllButGlobal, context),
            Amd::MovCr3 { pcid, keep } => Self::of_intel(Intel::MovCr3 { pcid, keep }, context),
            Amd::MovCr4 => Self::of_intel(Intel::MovCr4, context),
            Amd::Invlpgb(invlpgb) => Self::of_invlpgb(invlpgb),
            Amd::Tlbsync => Self::NOTHING,
            Amd::FlushAll => Self::EVERYTHING,
            Amd::FlushAsid { asid } => Self::of_guest(asid, ANY.vpid(asid)),
            Amd::FlushAsidButGlobal { asid } => Self::of_guest(asid, ANY.vpid(asid).but_global()),
        }
    }

    /// AMD's instructions for one page: without TCE all upper-level entries of `wide` go, with it those for the
    /// page.
    const fn page(addr: Addr<Gva>, tagged: Tagged, wide: Tagged, tce: bool) -> Self {
        let one = (Addresses::One(addr), tagged);
        let upper = if tce { one } else { (Addresses::All, wide) };
        Self { translations: Some(one), upper: Some(upper), guests: None }
    }

    const fn of_guest(asid: u16, tagged: Tagged) -> Self {
        Self { guests: Some(Guests { vpid: Match::Is(asid), root: Match::Any }), ..Self::all(tagged) }
    }

    fn of_invlpgb(invlpgb: Invlpgb) -> Self {
        let Invlpgb { addresses, pcid, asid, globals, final_only, nested, tce } = invlpgb;
        let addresses = addresses.map_or(Addresses::All, |(first, stride, count)| Addresses::Many {
            first,
            stride,
            count,
        });
        let tagged = Tagged { vpid: asid.into(), pcid: pcid.into(), globals, ..ANY };
        let upper = (if tce { addresses } else { Addresses::All }, tagged);
        Self {
            translations: Some((addresses, tagged)),
            upper: (!final_only).then_some(upper),
            guests: nested.then_some(Guests { vpid: asid.into(), root: Match::Any }),
        }
    }
}

/// The bits of a virtual address that are cached.
const ADDRESS: u64 = (1 << 57) - 1;

impl Addresses {
    /// Whether one of them is in the `bytes` bytes (a power of two) from `start` on.
    pub(crate) fn meet(self, start: u64, bytes: u64) -> bool {
        let (first, stride, count) = match self {
            Self::All => return true,
            Self::One(addr) => (addr, PageSize::Size4K, 1),
            Self::Many { first, stride, count } => (first, stride, count),
        };
        if first.get().wrapping_sub(start) & ADDRESS < bytes {
            return true;
        }
        // How far the start lies behind the first address, and the first of the others that is not before it.
        let behind = start.wrapping_sub(first.get()) & ADDRESS;
        let next = behind.next_multiple_of(stride.bytes());
        next / stride.bytes() < u64::from(count) && next < behind + bytes
    }
}
