//! Changes below.

use terrace_addr::{Hva, Page, PageSize, Space, Span};
use terrace_table::{Format, SimulatedMemory, Table};

use super::Shadow;
use super::sync::composition;
use crate::{Kernel, Vm};

impl<U: Space, G: Space, F: Format, L: Space> Shadow<U, G, F, L> {
    /// The mapping of a range of the middle space changed below: what was composed of it goes at once.
    pub fn lower_changed(&mut self, span: Span<G>) {
        for at in self.reverse.take(&self.table, span) {
            let Some(leaf) = self.table.lookup(at) else { continue };
            if self.is_joined(at) {
                self.remove_part(at);
            } else {
                self.remove_page(leaf.page);
            }
        }
    }

    /// The same, by a hypervisor that compares before it removes: what is the composition of both layers stays, as a
    /// leaf does that was composed after the change.
    pub fn follow_lower<V: Format>(
        &mut self,
        hypervisor: &Kernel<Hva, L>,
        upper: &Table<U, V, SimulatedMemory<G>>,
        vm: &Vm<G, L>,
        span: Span<G>,
    ) {
        for at in self.reverse.take(&self.table, span) {
            let Some(leaf) = self.table.lookup(at) else { continue };
            let joined = self.is_joined(at);
            match composition(hypervisor, upper, vm, &leaf, at) {
                Some((middle, size)) if joined || size >= leaf.page.size() => {
                    self.reverse.add(&self.table, middle, Page::containing(at, PageSize::Size4K));
                }
                _ if joined => self.remove_part(at),
                _ => self.remove_page(leaf.page),
            }
        }
    }
}
