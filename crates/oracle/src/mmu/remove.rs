//! What faults and invalidations remove (MODEL.md, "Faults" and "Invalidations").

use terrace_addr::{Addr, Gpa, Gva};

use super::{Core, Fault, Mmu};
use crate::context::{Context, Guest, Own};
use crate::{Invalidation, tlb};

impl Mmu<'_> {
    /// A walk for `va` ended with `fault`.
    pub(super) fn remove_for_fault(&mut self, va: Addr<Gva>, fault: Fault) {
        let Context { own, guest } = self.context;
        match fault {
            Fault::Page { .. } => {
                self.cpu.counts.one("page_faults");
                // Under any root.
                self.core.remove_for_address(va, own, |tags| Own { root: own.root, ..tags });
            }
            Fault::Ept { addr, .. } => {
                self.cpu.counts.one("ept_violations");
                self.core.nested_tlbs.remove_address(addr, guest);
                self.core
                    .nested_walk_caches
                    .remove(|tags, is_for: &dyn Fn(Addr<Gpa>) -> bool| tags == guest && is_for(addr));
                self.core.remove_for_address(va, own, |tags| tags);
            }
            Fault::Segment { .. } => {
                self.cpu.counts.one("segment_violations");
                self.core.remove_for_address(va, own, |tags| tags);
            }
            Fault::LogFull { .. } => self.cpu.counts.one("log_full_exits"),
        }
    }
}

impl Core {
    /// Removes the translations of all levels that are `unwanted`.
    fn remove_translations(&mut self, unwanted: impl Fn(tlb::Key, tlb::Mapping) -> bool) {
        self.tlbs.remove(&unwanted);
        if let Some(third_level) = &mut self.third_level {
            third_level.remove(&unwanted);
        }
    }

    /// Removes the entries that a lookup of `va` with the tags `own` may find: of all levels and sizes, in its own form
    /// and the global.
    pub(super) fn remove_found(&mut self, va: Addr<Gva>, own: Own) {
        self.remove_translations(|key, _| key.is_found_by(va, own));
    }

    /// Removes the translations of `va`, global ones too, and the paging-structure-cache entries for it, whose tags are
    /// `own` once those that may be any are `overlooked`.
    fn remove_for_address(&mut self, va: Addr<Gva>, own: Own, overlooked: impl Fn(Own) -> Own) {
        self.remove_translations(|key, mapping| {
            let tags = overlooked(key.own);
            let tags = if key.global { Own { pcid: own.pcid, ..tags } } else { tags };
            tags == own && key.is_of(mapping, va)
        });
        self.walk_caches
            .remove(|tags, is_for: &dyn Fn(Addr<Gva>) -> bool| overlooked(tags) == own && is_for(va));
    }

    /// Removes what `invalidation`, executed in the context `current`, removes of the thread's entries; of all threads'
    /// if it is a reset.
    pub(crate) fn invalidate(&mut self, thread: usize, current: Own, invalidation: Invalidation) {
        let concerned = |of: usize| of == thread || invalidation == Invalidation::Everything;
        self.remove_translations(|key, mapping| {
            concerned(key.own.thread)
                && removes_translation(invalidation, current, key, &|va| key.is_of(mapping, va))
        });
        self.walk_caches.remove(|tags: Own, is_for: &dyn Fn(Addr<Gva>) -> bool| {
            concerned(tags.thread) && removes_prefix(invalidation, current, tags, is_for)
        });
        self.nested_tlbs.remove(|tags| concerned(tags.thread) && removes_guest_physical(invalidation, tags));
        self.nested_walk_caches.remove(|tags: Guest, _: &dyn Fn(Addr<Gpa>) -> bool| {
            concerned(tags.thread) && removes_guest_physical(invalidation, tags)
        });
    }
}

/// The addresses that an INVLPGB names.
fn any_of(
    (first, apart, count): (Addr<Gva>, terrace_addr::PageSize, u32),
    is_of: &dyn Fn(Addr<Gva>) -> bool,
) -> bool {
    (0..u64::from(count)).any(|number| is_of(first.offset_by(number * apart.bytes())))
}

/// The column "translations". `is_of` says whether the entry is one of the translations of an address.
fn removes_translation(
    invalidation: Invalidation,
    current: Own,
    key: tlb::Key,
    is_of: &dyn Fn(Addr<Gva>) -> bool,
) -> bool {
    let Own { vpid, root, .. } = key.own;
    match invalidation {
        Invalidation::Invlpg { addr } | Invalidation::AmdInvlpg { addr, .. } => {
            is_of(addr) && vpid == current.vpid && key.is_seen_by(current.pcid)
        }
        Invalidation::InvpcidAddress { pcid, addr } | Invalidation::AmdInvpcidAddress { pcid, addr, .. } => {
            is_of(addr) && vpid == current.vpid && key.belongs_to(pcid)
        }
        Invalidation::InvpcidContext { pcid } | Invalidation::MovCr3 { pcid } => {
            vpid == current.vpid && key.belongs_to(pcid)
        }
        Invalidation::InvpcidAll | Invalidation::MovCr4 => vpid == current.vpid,
        Invalidation::InvpcidAllButGlobal => vpid == current.vpid && !key.global,
        Invalidation::MovCr3Keep | Invalidation::Tlbsync => false,
        Invalidation::InvvpidAddress { vpid: given, addr } => is_of(addr) && vpid == given,
        Invalidation::InvvpidContext { vpid: given } => vpid == given,
        Invalidation::InvvpidAll => vpid != 0,
        Invalidation::InvvpidContextButGlobal { vpid: given } => vpid == given && !key.global,
        Invalidation::InveptContext { root: given } => root == given && given != 0,
        Invalidation::InveptAll => root != 0,
        Invalidation::VmTransition => vpid == 0,
        Invalidation::Invlpga { asid, addr, .. } => is_of(addr) && vpid == asid,
        Invalidation::Invlpgb { addresses, pcid, asid, globals, .. } => {
            addresses.is_none_or(|addresses| any_of(addresses, is_of))
                && asid.is_none_or(|asid| vpid == asid)
                && if key.global { globals } else { pcid.is_none_or(|pcid| key.belongs_to(pcid)) }
        }
        Invalidation::FlushAll | Invalidation::Everything => true,
        Invalidation::FlushAsid { asid } => vpid == asid,
        Invalidation::FlushAsidButGlobal { asid } => vpid == asid && !key.global,
    }
}

/// The column "paging-structure-cache entries". `is_for` says whether a walk of an address would find the entry.
fn removes_prefix(
    invalidation: Invalidation,
    current: Own,
    tags: Own,
    is_for: &dyn Fn(Addr<Gva>) -> bool,
) -> bool {
    let Own { vpid, pcid, root, .. } = tags;
    match invalidation {
        Invalidation::Invlpg { .. } => vpid == current.vpid && pcid == current.pcid,
        Invalidation::AmdInvlpg { addr, tce } => {
            vpid == current.vpid && (!tce || is_for(addr) && pcid == current.pcid)
        }
        Invalidation::InvpcidAddress { pcid: given, addr } => {
            is_for(addr) && vpid == current.vpid && pcid == given
        }
        Invalidation::AmdInvpcidAddress { pcid: given, addr, tce } => {
            vpid == current.vpid && (!tce || is_for(addr) && pcid == given)
        }
        Invalidation::InvpcidContext { pcid: given } | Invalidation::MovCr3 { pcid: given } => {
            vpid == current.vpid && pcid == given
        }
        Invalidation::InvpcidAll | Invalidation::InvpcidAllButGlobal | Invalidation::MovCr4 => {
            vpid == current.vpid
        }
        Invalidation::MovCr3Keep | Invalidation::Tlbsync => false,
        Invalidation::InvvpidAddress { vpid: given, addr } => is_for(addr) && vpid == given,
        Invalidation::InvvpidContext { vpid: given }
        | Invalidation::InvvpidContextButGlobal { vpid: given } => vpid == given,
        Invalidation::InvvpidAll => vpid != 0,
        Invalidation::InveptContext { root: given } => root == given && given != 0,
        Invalidation::InveptAll => root != 0,
        Invalidation::VmTransition => vpid == 0,
        Invalidation::Invlpga { asid, addr, tce } => vpid == asid && (!tce || is_for(addr)),
        Invalidation::Invlpgb { addresses, pcid: given, asid, final_only, tce, .. } => {
            !final_only
                && asid.is_none_or(|asid| vpid == asid)
                && addresses.is_none_or(|addresses| !tce || any_of(addresses, is_for))
                && given.is_none_or(|given| pcid == given)
        }
        Invalidation::FlushAll | Invalidation::Everything => true,
        Invalidation::FlushAsid { asid } | Invalidation::FlushAsidButGlobal { asid } => vpid == asid,
    }
}

/// The column "guest-physical".
fn removes_guest_physical(invalidation: Invalidation, tags: Guest) -> bool {
    match invalidation {
        Invalidation::InveptContext { root } => tags.root == root && root != 0,
        Invalidation::InveptAll | Invalidation::FlushAll | Invalidation::Everything => true,
        Invalidation::Invlpgb { asid, nested, .. } => nested && asid.is_none_or(|asid| tags.asid == asid),
        Invalidation::FlushAsid { asid } | Invalidation::FlushAsidButGlobal { asid } => tags.asid == asid,
        Invalidation::Invlpg { .. }
        | Invalidation::InvpcidAddress { .. }
        | Invalidation::InvpcidContext { .. }
        | Invalidation::InvpcidAll
        | Invalidation::InvpcidAllButGlobal
        | Invalidation::MovCr3 { .. }
        | Invalidation::MovCr3Keep
        | Invalidation::MovCr4
        | Invalidation::InvvpidAddress { .. }
        | Invalidation::InvvpidContext { .. }
        | Invalidation::InvvpidAll
        | Invalidation::InvvpidContextButGlobal { .. }
        | Invalidation::VmTransition
        | Invalidation::AmdInvlpg { .. }
        | Invalidation::Invlpga { .. }
        | Invalidation::AmdInvpcidAddress { .. }
        | Invalidation::Tlbsync => false,
    }
}
