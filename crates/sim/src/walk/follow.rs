//! From what the hardware did to what it meant.

use terrace_addr::{AccessKind, Addr, Bytes, Cycles, Ghpa, Gpa, Gva, Hpa, PageSize, Space};
use terrace_machine::Machine;
use terrace_mmu::{EntryRead, Step};
use terrace_table::{Entry, EntryIndex, Ept, Format, X86};

use super::step::{Action, Found, Held, Hit, Read, ServedBy, Structure, WalkStep};
use super::{AnyAddr, Explained};
use crate::Mode;
use crate::mapping::LayerName;

/// The steps of an access, without those through structures that the machine does not have.
pub(super) fn follow(
    machine: &Machine,
    mode: Mode,
    (addr, kind): (Addr<Gva>, AccessKind),
    explained: &Explained,
) -> Vec<WalkStep> {
    let mut follower = Follower {
        machine,
        mode,
        addr,
        kind,
        explained,
        held: Held::Entry { level: machine.paging.levels },
        cycles: Cycles::ZERO,
    };
    explained.steps.iter().filter_map(|step| follower.step(step)).collect()
}

/// The layers of the first table and of the one below it.
const fn layers(mode: Mode) -> [&'static [LayerName]; 2] {
    use LayerName::{Guest, Host, Hypervisor};
    match mode {
        Mode::Native | Mode::Segment => [&[Guest], &[]],
        Mode::TwoDimensional => [&[Guest], &[Host]],
        Mode::Shadow => [&[Guest, Host], &[]],
        Mode::Nested => [&[Guest], &[Hypervisor, Host]],
        Mode::ShadowOnExtended => [&[Guest, Hypervisor], &[Host]],
        Mode::ShadowOnShadow => [&[Guest, Hypervisor, Host], &[]],
    }
}

struct Follower<'a> {
    machine: &'a Machine,
    mode: Mode,
    addr: Addr<Gva>,
    kind: AccessKind,
    explained: &'a Explained,
    /// What lies at the address of the lower space that is translated next, or now.
    held: Held,
    cycles: Cycles,
}

impl Follower<'_> {
    /// What a step meant; none if it was a look into nothing.
    fn step(&mut self, step: &Step) -> Option<WalkStep> {
        let [first, second] = layers(self.mode);
        let lookup = |structure, hit| Action::Lookup { structure, hit };
        let entry = |level| Hit::Entry { level };
        let mut about = (AnyAddr::from(self.addr), Held::Data);
        let mut latency = Cycles::ZERO;
        let (layers, action): (&[LayerName], Action) = match *step {
            Step::WalkCaches { .. } if self.machine.walk_cache.is_empty() => return None,
            Step::NestedTlb { .. } if self.machine.nested_tlb.is_empty() => return None,
            Step::NestedWalkCaches { .. } if self.machine.nested_walk_cache.is_empty() => return None,
            Step::Tlb { level, hit } => {
                let structure = if level == 1 { Structure::FirstLevelTlb } else { Structure::SecondLevelTlb };
                latency = self.tlb(level, hit)?;
                (&[], lookup(structure, hit.map(Hit::Page)))
            }
            Step::WalkCaches { hit } => (first, lookup(Structure::WalkCaches, hit.map(entry))),
            Step::NestedTlb { addr, hit } => {
                about = self.below(addr);
                (second, lookup(Structure::NestedTlb, hit.map(Hit::Page)))
            }
            Step::NestedWalkCaches { addr, hit } => {
                about = self.below(addr);
                (second, lookup(Structure::NestedWalkCaches, hit.map(entry)))
            }
            Step::Entry { entry, .. } => {
                latency = entry.latency;
                let read = self.first(entry);
                self.held = match read.found {
                    Found::Table(_) => Held::Entry { level: entry.level - 1 },
                    Found::Page(..) => Held::Data,
                };
                (first, Action::Read(read))
            }
            Step::NestedEntry { addr, entry } => {
                about = self.below(addr);
                latency = entry.latency;
                (second, Action::Read(self.second(addr, entry)))
            }
            Step::Segment { addr, found } => {
                about = self.below(addr);
                (&[], self.relocation(addr, found))
            }
        };
        let (translates, held) = about;
        self.cycles = Cycles::new(self.cycles.get() + latency.get());
        Some(WalkStep { translates, held, layers, action, latency, cycles: self.cycles })
    }

    /// The latency of a lookup of the TLB, if it has an array there for the access.
    fn tlb(&self, level: u32, hit: Option<PageSize>) -> Option<Cycles> {
        let arrays = self.machine.tlb.values();
        let mut arrays = arrays.filter(|array| array.level == level && array.serves(self.kind)).peekable();
        arrays.peek()?;
        let found = hit.and_then(|size| arrays.find(|array| array.holds(size)));
        Some(found.map_or(Cycles::ZERO, |array| Cycles::new(array.latency)))
    }

    /// An address of the space below the first table, and what lies there.
    fn below(&self, addr: Addr<Gpa>) -> (AnyAddr, Held) {
        (self.lower(addr), self.held)
    }

    /// An address of the space below the first table, by its name. What the hardware takes for guest-physical is the
    /// guest hypervisor's memory where that composes the first table.
    fn lower(&self, addr: Addr<Gpa>) -> AnyAddr {
        match self.mode {
            Mode::ShadowOnExtended => addr.reinterpret::<Ghpa>().into(),
            _ => addr.into(),
        }
    }

    /// An entry of the first table.
    fn first(&self, entry: EntryRead) -> Read {
        let [_, second] = layers(self.mode);
        let has_lower = !second.is_empty() || self.mode == Mode::Segment;
        let found = if has_lower {
            found::<X86, Gpa>(entry, |addr| self.lower(addr))
        } else {
            found::<X86, Hpa>(entry, AnyAddr::from)
        };
        let own = self.explained.entries.iter().find(|(level, _)| *level == entry.level);
        Read {
            dimension: 1,
            level: entry.level,
            index: EntryIndex::of(self.addr, entry.level).number(),
            lower: own.filter(|_| has_lower).map(|&(_, addr)| self.lower(Addr::truncate(addr))),
            at: entry.at,
            bits: entry.bits,
            found,
            served_by: self.server(entry),
        }
    }

    /// An entry of the table below, read for `addr`.
    fn second(&self, addr: Addr<Gpa>, entry: EntryRead) -> Read {
        Read {
            dimension: 2,
            level: entry.level,
            index: EntryIndex::of(addr, entry.level).number(),
            lower: None,
            at: entry.at,
            bits: entry.bits,
            found: found::<Ept, Hpa>(entry, AnyAddr::from),
            served_by: self.server(entry),
        }
    }

    /// What served an entry: the walker's accesses are loads.
    fn server(&self, entry: EntryRead) -> ServedBy {
        let caches = self.machine.caches();
        let mut serving = caches.iter().filter(|(_, cache)| cache.serves(AccessKind::Load));
        let name = serving.find(|(_, cache)| entry.served_by == Some(cache.level));
        name.map_or(ServedBy::Memory, |(name, _)| ServedBy::Cache((*name).to_owned()))
    }

    /// A relocation by the segment, which is the last of what may be mapped.
    fn relocation(&self, addr: Addr<Gpa>, to: Addr<Hpa>) -> Action {
        let base = Addr::truncate(to.get().wrapping_sub(addr.get()));
        let limit = Bytes::new(self.explained.memory_end.get() - base.get());
        Action::Relocation { base, limit, to }
    }
}

/// What an entry of a table with the format `F` refers to, in the space `L`.
fn found<F: Format, L: Space>(entry: EntryRead, named: impl Fn(Addr<L>) -> AnyAddr) -> Found {
    let bits = Entry(entry.bits);
    match PageSize::of_level(entry.level).filter(|_| F::is_leaf(bits, entry.level)) {
        Some(size) => Found::Page(named(F::frame_address(bits, size)), size),
        None => Found::Table(named(F::node_address(bits))),
    }
}
