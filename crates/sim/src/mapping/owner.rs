//! What decides the pages and frames of a layer.

use terrace_addr::{Addr, Bytes, Ghpa, Gpa, Hpa, Page, PageSize, Space};
use terrace_table::{SimulatedMemory, Table};

use super::chain::Layer;
use super::frames::{Frames, whole_gigabytes};
use super::ranges::{Given, Ranges};
use super::{LayerName, MapError, PageRule, Rule};

/// Decides page sizes and frames of one layer, whose lower space is `L`.
#[derive(Debug)]
pub(super) struct Owner<L> {
    pages: PageRule,
    /// They go before the rule.
    ranges: Ranges,
    seed: u64,
    layer: LayerName,
    pub(super) frames: Frames<L>,
}

impl<L: Space> Owner<L> {
    /// The guest's kernel, or the only one: parts of the length that the rule says.
    pub(super) fn guest(rule: &Rule) -> Self {
        Self::new(rule, LayerName::Guest, |start, _, seed| {
            Frames::equal(start, rule.memory, rule.placement, seed)
        })
    }

    fn new(
        rule: &Rule,
        layer: LayerName,
        frames: impl FnOnce(Addr<L>, &dyn Fn(PageSize) -> bool, u64) -> Frames<L>,
    ) -> Self {
        let pages = rule.pages.of(layer);
        let ranges = rule.file.as_ref().map(|file| file.of(layer).clone()).unwrap_or_default();
        let start = Addr::new(whole_gigabytes(ranges.lower_end()));
        let frames = frames(start, &|size| may_use(pages, &ranges, size), rule.seed ^ layer.salt());
        Self { pages, ranges, seed: rule.seed, layer, frames }
    }

    /// How much of the lower space may come into use, in whole gigabytes.
    fn reach(&self) -> Bytes {
        self.frames.reach(|size| may_use(self.pages, &self.ranges, size))
    }

    /// A layer with this owner, whose table is elsewhere.
    pub(super) const fn over<'a, U, F, B>(
        &'a mut self,
        below: B,
        table: &'a mut Table<U, F, SimulatedMemory<L>>,
    ) -> Layer<'a, U, F, L, B> {
        Layer { table, owner: self, below }
    }

    /// The page that holds `addr`, and a frame for it.
    ///
    /// # Errors
    /// If no frame of its size is left.
    pub(super) fn choose<U: Space>(&mut self, addr: Addr<U>) -> Result<(Page<U>, Addr<L>), MapError> {
        let Given { size, frame } =
            self.ranges.find(addr).unwrap_or_else(|| Given { size: self.size_by_rule(addr), frame: None });
        let frame = match frame {
            Some(frame) => frame,
            None => self.frames.take_page(size)?,
        };
        Ok((Page::containing(addr, size), frame))
    }

    /// The size of the page around `addr`, which is in no range: the rule's, or the largest below it that
    /// reaches into no range. So it does not matter which of the two is touched first.
    fn size_by_rule<U: Space>(&self, addr: Addr<U>) -> PageSize {
        let mut size = self.pages.size_at(addr, self.seed, self.layer.salt());
        while let Some(smaller) = size.smaller()
            && self.ranges.touch(Page::containing(addr, size))
        {
            size = smaller;
        }
        size
    }
}

/// Whether frames of `size` may be taken: by the rule, for a range without frames, or beside a range.
fn may_use(pages: PageRule, ranges: &Ranges, size: PageSize) -> bool {
    pages.gives(size) || ranges.leave_open(size) || (!ranges.is_empty() && size < pages.largest())
}

impl Owner<Ghpa> {
    /// A guest hypervisor, with as much memory as its guest can come to use: addresses that the host's table
    /// translates lie as near to each other as those of a guest without a hypervisor do.
    pub(super) fn hypervisor(rule: &Rule, guest: &Owner<Gpa>) -> Self {
        Self::new(rule, LayerName::Hypervisor, |start, used, seed| {
            Frames::fitting(start, guest.reach(), used, rule.placement, seed)
        })
    }
}

impl Owner<Hpa> {
    /// The host of a virtual machine: each of its parts can back everything that the machine takes for
    /// memory, and its length is a power of two.
    pub(super) fn host<U: Space>(rule: &Rule, machine: &Owner<U>) -> Self {
        let backed = Bytes::new(machine.frames.end().get().next_power_of_two());
        Self::new(rule, LayerName::Host, |start, _, seed| Frames::equal(start, backed, rule.placement, seed))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{MappingFile, PageRules, Placement};
    use super::*;
    use PageSize::{Size1G, Size2M, Size4K};
    use terrace_addr::Gva;

    fn rule(pages: &str, file: &str) -> Rule {
        Rule {
            pages: pages.parse::<PageRules>().unwrap(),
            placement: Placement::Scattered,
            memory: Bytes::new(1 << 36),
            seed: 1,
            file: Some(MappingFile::parse(file).unwrap()),
        }
    }

    /// Whatever is touched first, the pages are the same.
    #[test]
    fn pages_by_rule_step_down_beside_a_range() {
        let rule = rule("1G", "guest 0x40200000 0x40201000 4K\nguest 0x80000000 0x80200000 2M 0x0");
        let sizes = |addresses: &[u64]| -> Vec<_> {
            let mut owner = Owner::<Gpa>::guest(&rule);
            addresses.iter().map(|&addr| owner.choose(Addr::<Gva>::new(addr)).unwrap().0.size()).collect()
        };
        let addresses = [0x4020_0000, 0x4020_1000, 0x4040_0000, 0x8000_0000, 0x8020_0000, 0xc000_0000, 0];
        let expected = [Size4K, Size4K, Size2M, Size2M, Size2M, Size1G, Size1G];
        assert_eq!(sizes(&addresses), expected);
        let backwards: Vec<_> = addresses.iter().rev().copied().collect();
        assert!(sizes(&backwards).iter().rev().eq(&expected));
    }

    #[test]
    fn a_guest_hypervisor_has_what_its_guest_can_use() {
        let gigabytes = |bytes: u64| bytes >> 30;
        // Table pages, and the part of one page size.
        let one_size = rule("2M", "");
        let guest = Owner::<Gpa>::guest(&one_size);
        assert_eq!(gigabytes(guest.reach().get()), 1 + 64);
        let hypervisor = Owner::hypervisor(&one_size, &guest);
        assert_eq!(gigabytes(hypervisor.frames.end().get()), 1 + 65);
        assert_eq!(gigabytes(Owner::host(&one_size, &hypervisor).frames.end().get()), 4 * 128);
        assert_eq!(gigabytes(Owner::host(&one_size, &guest).frames.end().get()), 4 * 256);
        // Sizes that a share, or a range, may bring in.
        for (pages, file, expected) in [
            ("2M:0.5", "", 1 + 2 * 64),
            ("1G", "guest 0 200000 2M 0", 1 + 1 + 3 * 64),
            ("4K", "guest 0 40000000 1G", 1 + 2 * 64),
            ("4K", "guest 0 40000000 1G 80000000", 3 + 1 + 64),
        ] {
            let reach = Owner::<Gpa>::guest(&rule(pages, file)).reach();
            assert_eq!(gigabytes(reach.get()), expected, "{pages}, {file}");
        }
    }
}
