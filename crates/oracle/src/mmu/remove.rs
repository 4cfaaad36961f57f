//! What faults and invalidations remove (MODEL.md, "Faults" and "Invalidations").

use terrace_addr::{Addr, Gva};

use super::{Core, Fault};
use crate::Tag;

impl Core {
    /// A walk for `va` ended with `fault`.
    pub(super) fn remove_for_fault(&mut self, tag: Tag, va: Addr<Gva>, fault: Fault) {
        match fault {
            Fault::Page { .. } => self.counts.one("page_faults"),
            Fault::Ept { addr, .. } => {
                self.counts.one("ept_violations");
                self.nested_tlbs.remove_address(addr, tag.root);
                self.nested_walk_caches.remove_address(addr, tag.root);
            }
        }
        self.tlbs.remove_address(va, tag);
        self.walk_caches.remove_address(va, tag);
    }

    /// INVLPG.
    pub(crate) fn invalidate_page(&mut self, tag: Tag, va: Addr<Gva>) {
        self.tlbs.remove_address(va, tag);
        self.walk_caches.remove_contexts(|context| context == tag);
    }

    /// MOV to CR3.
    pub(crate) fn invalidate_space(&mut self, tag: Tag) {
        self.tlbs.remove_space(tag);
        self.walk_caches.remove_contexts(|context| context == tag);
    }

    /// INVEPT, single-context.
    pub(crate) fn invalidate_root(&mut self, root: u16) {
        self.tlbs.remove_root(root);
        self.walk_caches.remove_contexts(|context| context.root == root);
        self.nested_tlbs.remove_root(root);
        self.nested_walk_caches.remove_contexts(|context| context == root);
    }

    /// Everything.
    pub(crate) fn invalidate_all(&mut self) {
        self.tlbs.remove_all();
        self.walk_caches.remove_contexts(|_| true);
        self.nested_tlbs.remove_all();
        self.nested_walk_caches.remove_contexts(|_| true);
    }
}
