//! One test per behaviour, through the public interface; each expected number is worked out beside it.

mod allowed;
mod below;
mod crossing;
mod direct;
mod faults;
mod invalidations;
mod lookups;
mod nested;
mod prefetch;
mod references;
mod switch_level;
mod third_level;
mod world;

use std::collections::BTreeMap;

use terrace_addr::{Access, AccessKind, Addr, Hpa, PageSize};
use terrace_machine::Machine;

pub(crate) use world::{Native, TwoDimensional};

use crate::{Fault, Invalidation, Oracle, Tables, Tag, Translation};

/// A machine of one core at 1 GHz with memory 10 cycles away and the arrays that `arrays` describes.
pub(crate) fn machine(arrays: &str) -> Machine {
    let text = format!(
        r#"name = "test"
        description = "for one test"
        vendor = "intel"
        [topology]
        sockets = 1
        cores = 1
        threads = 1
        source = "test"
        [clock]
        frequency = "1 GHz"
        source = "test"
        [paging]
        levels = 4
        ept_levels = 4
        accessed_dirty = true
        ept_accessed_dirty = true
        source = "test"
        [memory.dram]
        kind = "dram"
        size = "1 TiB"
        latency = "10 ns"
        bandwidth = "unlimited"
        source = "test"
        {arrays}"#
    );
    terrace_machine::parse(&text, "test", &[]).expect("a machine for a test is valid")
}

/// A TLB array for all kinds.
fn tlb(name: &str, level: u32, pages: &[&str], entries: u32, ways: u32) -> String {
    format!(
        "[tlb.{name}]\nlevel = {level}\nserves = [\"fetch\", \"load\", \"store\"]\npages = {pages:?}\nlatency = {}\n{}",
        if level == 1 { 0 } else { 7 },
        lru(entries, ways)
    )
}

/// A paging-structure cache: of the first dimension in the table `walk_cache`, of EPT in `nested_walk_cache`.
fn walk_cache(table: &str, level: u32) -> String {
    format!("[{table}.level{level}]\nlevel = {level}\n{}", lru(4, 4))
}

/// A nested TLB.
fn nested_tlb(pages: &[&str]) -> String {
    format!("[nested_tlb.all]\npages = {pages:?}\n{}", lru(16, 16))
}

/// Schemes that a machine has.
fn scheme(keys: &str) -> String {
    format!("[scheme]\n{keys}\nsource = \"test\"\n")
}

fn lru(entries: u32, ways: u32) -> String {
    format!("entries = {entries}\nways = {ways}\nreplacement = \"lru\"\nsource = \"test\"\n")
}

/// A guest's context, which serves on bare metal too.
const TAG: Tag = Tag { pcid: 1, vpid: 2, root: 3 };

fn access(addr: u64, size: u16, kind: AccessKind) -> Access {
    Access { addr: Addr::new(addr), size, kind }
}

/// All memory in the one node.
const MEMORY: [(Addr<Hpa>, usize); 1] = [(Addr::new(1 << 40), 0)];

/// An oracle of one core, with shorter calls.
struct One(Oracle);

impl One {
    fn new(arrays: &str) -> Self {
        Self::of(&machine(arrays))
    }

    fn of(machine: &Machine) -> Self {
        Self(Oracle::new(machine, 0, &MEMORY))
    }

    fn run(&mut self, tables: &mut Tables<'_>, addr: u64, kind: AccessKind) -> Result<Translation, Fault> {
        self.0.access(0, TAG, tables, access(addr, 8, kind))
    }

    fn load(&mut self, tables: &mut Tables<'_>, addr: u64) -> Result<Translation, Fault> {
        self.run(tables, addr, AccessKind::Load)
    }

    fn store(&mut self, tables: &mut Tables<'_>, addr: u64) -> Result<Translation, Fault> {
        self.run(tables, addr, AccessKind::Store)
    }

    fn count(&self, name: &str) -> u64 {
        self.0.counts(0)[name]
    }

    fn counts<const N: usize>(&self, names: [&str; N]) -> [u64; N] {
        names.map(|name| self.count(name))
    }

    /// How much a count grows when `act` happens.
    fn more(&mut self, name: &str, act: impl FnOnce(&mut Self)) -> u64 {
        let before = self.count(name);
        act(self);
        self.count(name) - before
    }

    /// The counts that are not 0.
    fn nonzero(&self) -> BTreeMap<&'static str, u64> {
        self.0.counts(0).into_iter().filter(|(_, count)| *count != 0).collect()
    }
}

/// A translation as the tests write it.
fn to(addr: u64, size: PageSize) -> Translation {
    Translation { addr: Addr::<Hpa>::new(addr), size }
}
