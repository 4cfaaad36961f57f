//! Two layers, the table that is composed of them, and what must hold of it.

use std::collections::{BTreeMap, BTreeSet};

use terrace_addr::{AccessKind, Addr, Bytes, Hpa, Hva, PageSize, Space, Span, convert};
use terrace_kernel::{Composed, Hypervisor, SecondaryTable, Shadow, Synchronised, Trap, Vm};
use terrace_policy::{AccessedOp, FlushScope, Layer, Placement};
use terrace_table::{Format, Leaf, LeafFlags, Levels};

use super::change::{Change, make};
use super::owner::{MEMORY, Owner, PAGES, renew};
use super::{BLOCK, Host, Told, base, kernel, number, pages};

/// Both layers, the composed table, and what is known of it.
pub(crate) struct World<U: Space, G: Space, F: Format, O: Owner<U, G>> {
    pub(crate) owner: O,
    pub(crate) host: Host,
    pub(crate) lower: Vm<G, Hpa>,
    pub(crate) lower_start: Addr<Hva>,
    pub(crate) shadow: Shadow<U, G, F, Hpa>,
    /// The middle page that each page was composed through, when it was.
    middle: BTreeMap<u64, u64>,
    /// The level-1 tables, by what they map, that were written since they were compared.
    unsync: BTreeSet<u64>,
    /// The leaves that were there at the last look.
    leaves: BTreeMap<u64, Leaf<U, Hpa>>,
}

#[derive(Debug, Clone)]
pub(crate) enum Operation {
    Access {
        page: u64,
        kind: AccessKind,
        upper: Placement,
        lower: Placement,
    },
    Upper(Change),
    UpperRenewed {
        from: u64,
        count: u64,
    },
    Lower(Change),
    LowerRenewed {
        from: u64,
        count: u64,
    },
    Synchronise,
    SynchroniseAddress {
        page: u64,
    },
    /// The host's policy asks which pages of a block are used.
    Look {
        block: u64,
        op: AccessedOp,
        flush: FlushScope,
    },
}

const fn reach(level: u32) -> u64 {
    1 << (12 + 9 * (level - 1))
}

impl<U: Space, G: Space, F: Format, O: Owner<U, G>> World<U, G, F, O> {
    pub(crate) fn new(owner: O, format: F) -> Self {
        let mut host: Host = kernel(10 * BLOCK);
        let lower = Vm::new(&mut host, pages(MEMORY), Bytes::ZERO, Levels::Four).unwrap();
        let shadow = Shadow::new(&mut host, format).unwrap();
        let lower_start = host.space(lower.space()).unwrap().areas().next().unwrap().start;
        host.pending().clear();
        let (middle, unsync, leaves) = (BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
        Self { owner, host, lower, lower_start, shadow, middle, unsync, leaves }
    }

    pub(crate) fn at(&self, page: u64) -> Addr<U> {
        self.owner.start().offset_by(page << 12)
    }

    pub(crate) fn apply(&mut self, operation: &Operation) {
        match *operation {
            Operation::Access { page, kind, upper, lower } => self.access(page, kind, upper, lower),
            Operation::Upper(ref change) => {
                self.owner.change(change);
                self.upper_written();
            }
            Operation::UpperRenewed { from, count } => {
                self.owner.renew(from, count.min(PAGES - from));
                self.upper_written();
            }
            Operation::Lower(ref change) => {
                make(&mut self.host, self.lower.space(), change);
                self.lower_changed();
            }
            Operation::LowerRenewed { from, count } => {
                let start = self.lower_start.offset_by(from << 12);
                renew(&mut self.host, self.lower.space(), start, count.min(MEMORY - from));
                self.lower_changed();
            }
            Operation::Synchronise => {
                let Self { owner, host, lower, shadow, .. } = self;
                let compared = shadow.synchronise(host, owner.table(), lower);
                assert_eq!(compared, convert::count(self.unsync.len()));
                self.unsync.clear();
            }
            Operation::SynchroniseAddress { page } => {
                let at = self.at(page);
                let Self { owner, host, lower, shadow, .. } = self;
                shadow.synchronise_address(host, owner.table(), lower, at);
                if let Some(leaf) = self.shadow.table.lookup(at) {
                    assert!(self.is_current(&leaf), "{at:?} is stale after it was compared");
                }
            }
            Operation::Look { block, op, flush } => self.look(block, op, flush),
        }
        self.check();
    }

    /// An access, as the processor makes it: until the composed table permits it.
    pub(crate) fn access(&mut self, page: u64, kind: AccessKind, upper: Placement, lower: Placement) {
        let at = self.at(page);
        for round in 0.. {
            assert!(round < 3, "{at:?} is reflected for ever");
            let Self { owner, host, lower: vm, shadow, .. } = self;
            let mut policy = Told::fault(lower);
            match shadow.violation(host, &mut policy, owner.table(), vm, at, kind).unwrap() {
                Synchronised::Mapped(size) => {
                    self.composed(at, kind, size);
                    self.walked(at);
                    break;
                }
                Synchronised::Reflect => {
                    self.owner.serve(at, kind, upper);
                    self.upper_written();
                    if self.owner.table().lookup(at).is_none() {
                        break;
                    }
                }
                Synchronised::Outside => panic!("all memory of the upper layer is the machine's"),
            }
        }
        self.lower_changed();
    }

    /// The walk that follows sets the accessed bit.
    fn walked(&mut self, at: Addr<U>) {
        let leaf = self.shadow.table.lookup(at).unwrap();
        let flags = leaf.flags | LeafFlags::ACCESSED;
        let _nothing_stale = self.shadow.table.replace(leaf.page, leaf.frame, flags).unwrap();
    }

    /// The host's policy is told what was used in a block, and nothing else, whichever table says so.
    fn look(&mut self, block: u64, op: AccessedOp, flush: FlushScope) {
        let accessed = |flags: LeafFlags| flags.contains(LeafFlags::ACCESSED);
        let walked: Vec<_> = self.shadow.table.all_leaves().filter(|leaf| accessed(leaf.flags)).collect();
        let base_frames = |start: Addr<Hpa>, size: PageSize| number(start)..number(start) + size.base_pages();
        let frames: BTreeSet<u64> =
            walked.iter().flat_map(|leaf| base_frames(leaf.frame, leaf.page.size())).collect();
        let space = self.lower.space();
        let span = Span { start: self.lower_start.offset_by(block << 21), bytes: BLOCK << 12 };
        let own: Vec<_> = self.host.space(space).unwrap().table.leaves(span).collect();
        let is_used = |leaf: &&Leaf<Hva, Hpa>| {
            accessed(leaf.flags)
                || base_frames(leaf.frame, leaf.page.size()).any(|frame| frames.contains(&frame))
        };
        let used: Vec<_> = own.iter().filter(is_used).collect();

        let mut said = Vec::new();
        let tables: Vec<Box<dyn SecondaryTable<Hva, Hpa> + '_>> =
            vec![Box::new(Composed { shadow: &mut self.shadow, vm: &self.lower })];
        let mut layer = Hypervisor { kernel: &mut self.host, tables };
        let asked = Span { start: span.start.reinterpret(), bytes: span.bytes };
        let _charged = layer.accessed(space, asked, op, flush, &mut said).unwrap();
        let pages = |leaf: &terrace_policy::Leaf| leaf.page.start().get();
        assert!(said.iter().all(|leaf| leaf.accessed));
        assert_eq!(
            said.iter().map(pages).collect::<Vec<_>>(),
            used.iter().map(|leaf| leaf.page.start().get()).collect::<Vec<_>>()
        );
        if op == AccessedOp::ReadAndClear {
            said.clear();
            let _charged = layer.accessed(space, asked, AccessedOp::Read, flush, &mut said).unwrap();
            assert_eq!(said, [], "bits that were cleared are clear");
        }
        drop(layer);
        let asked_of: BTreeSet<u64> =
            used.iter().flat_map(|leaf| base_frames(leaf.frame, leaf.page.size())).collect();
        let stale = self.shadow.take_stale();
        for leaf in walked {
            let of_block = asked_of.contains(&number(leaf.frame));
            let now = self.shadow.table.lookup(leaf.page.start()).unwrap();
            let cleared = of_block && op == AccessedOp::ReadAndClear;
            assert_eq!(accessed(now.flags), !cleared, "{leaf:?}");
            let flushed = stale.contains(&leaf.page.into());
            assert_eq!(flushed, cleared && flush != FlushScope::None, "{leaf:?}");
        }
    }

    /// A leaf was composed: as large as both allow, and its pages are known from now on.
    fn composed(&mut self, at: Addr<U>, kind: AccessKind, size: PageSize) {
        let leaf = self.shadow.table.lookup(at).unwrap();
        let upper = self.owner.table().lookup(at).unwrap();
        let below = self.lower.backing(&self.host, upper.translate(at)).unwrap();
        assert_eq!((leaf.page.size(), size), (size, upper.page.size().min(below.page.size())));
        assert_eq!(leaf.translate(at), below.translate(upper.translate(at)));
        assert!(kind != AccessKind::Store || leaf.flags.contains(LeafFlags::WRITE));
        assert!(upper.flags.contains(LeafFlags::ACCESSED), "the processor would have set it");
        assert!(kind != AccessKind::Store || upper.flags.contains(LeafFlags::DIRTY));
        for part in 0..size.base_pages() {
            let at = leaf.page.start().offset_by(part << 12);
            self.middle.insert(number(at), number(upper.translate(at)));
        }
    }

    /// What the owner wrote comes to the composed table, which traps or not.
    pub(crate) fn upper_written(&mut self) {
        for (addr, level) in self.owner.written() {
            let trap = self.shadow.written(addr, level);
            let block = addr.get() >> 21;
            let span_of =
                |level| Span { start: Addr::truncate(addr.get() & !(reach(level) - 1)), bytes: reach(level) };
            if level == 1 {
                let leaves = self.shadow.table.leaves(span_of(2)).count();
                match trap {
                    Trap::Unsynced => {
                        assert!(self.unsync.insert(block), "a second write to {addr:?} trapped");
                    }
                    Trap::None => {
                        assert!(self.unsync.contains(&block) || leaves == 0, "{addr:?} is shadowed");
                    }
                    Trap::Emulated => panic!("a write to a table of level 1 was emulated"),
                }
            } else {
                assert_ne!(trap, Trap::Unsynced);
                let span = span_of(level);
                assert_eq!(
                    self.shadow.table.leaves(span).count(),
                    0,
                    "what {addr:?} at {level} led to is there"
                );
                self.unsync.retain(|block| (block << 21).wrapping_sub(span.start.get()) >= span.bytes);
            }
        }
    }

    /// What the host changed comes to the machine and the composed table.
    pub(crate) fn lower_changed(&mut self) {
        for stale in std::mem::take(self.host.pending()).stale {
            self.lower.invalidate(stale.span);
            if let Some(span) = self.lower.guest_span(stale.span) {
                self.shadow.lower_changed(span);
            }
        }
        self.host.pending().clear();
        self.lower.settle();
    }

    /// Whether a leaf is the composition of both layers', looked at page by page.
    fn is_current(&mut self, leaf: &Leaf<U, Hpa>) -> bool {
        let size = leaf.page.size();
        (0..size.base_pages()).all(|part| {
            let at = leaf.page.start().offset_by(part << 12);
            let Some(upper) = self.owner.table().lookup(at) else { return false };
            let Some(below) = self.lower.backing(&self.host, upper.translate(at)) else { return false };
            let mut allowed = upper.flags & below.flags & LeafFlags::PERMISSIONS;
            if !upper.flags.contains(LeafFlags::DIRTY) {
                allowed -= LeafFlags::WRITE;
            }
            size <= upper.page.size()
                && size <= below.page.size()
                && leaf.translate(at) == below.translate(upper.translate(at))
                && allowed.contains(leaf.flags & LeafFlags::PERMISSIONS)
                && upper.flags.contains(LeafFlags::ACCESSED)
        })
    }

    /// What holds at every moment.
    pub(crate) fn check(&mut self) {
        let stale = self.shadow.take_stale();
        let leaves: BTreeMap<u64, Leaf<U, Hpa>> =
            self.shadow.table.all_leaves().map(|leaf| (number(leaf.page.start()), leaf)).collect();
        for (page, old) in &self.leaves {
            let at = old.page.start().get();
            let bytes = old.page.size().bytes();
            let is_stale =
                |span: &Span<U>| span.start.get() <= at && at + bytes <= span.start.get() + span.bytes;
            let same = |new: &Leaf<U, Hpa>| {
                let permissions = LeafFlags::PERMISSIONS;
                (new.page, new.frame) == (old.page, old.frame)
                    && new.flags & permissions == old.flags & permissions
            };
            let kept = leaves.get(page).is_some_and(same);
            assert!(kept || stale.iter().any(is_stale), "{:?} changed and is not stale", old.page);
        }
        for (page, leaf) in &leaves {
            let below = |part: u64| {
                let middle = base::<G>(self.middle[&(page + part)]);
                let backed = self.lower.backing(&self.host, middle);
                backed.is_some_and(|backed| {
                    number(backed.translate(middle)) == number(leaf.frame) + part
                        && leaf.page.size() <= backed.page.size()
                })
            };
            assert!(
                (0..leaf.page.size().base_pages()).all(below),
                "{:?}: the layer below changed",
                leaf.page
            );
        }
        for leaf in leaves.values() {
            let unsync = self.unsync.contains(&(leaf.page.start().get() >> 21));
            assert!(unsync || self.is_current(leaf), "{:?} is stale, and nothing says so", leaf.page);
        }
        self.leaves = leaves;
    }
}
