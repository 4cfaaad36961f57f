//! The engine and the oracle side by side.

use terrace_addr::{Access, Addr, Gva, VirtualWidth};
use terrace_machine::Vendor;
use terrace_mmu::{
    AsTheyAre, Below, Cause, Context, DirectSegment, Fault, Invalidation, Layout, Mmu, Origin, Stack,
    Stopped, Translation,
};
use terrace_oracle::{DirectSegment as PlainSegment, Invalidation as Plain, Oracle, Tables, Tag};

use crate::case::{Setting, Sums};
use crate::flushes::Flush;

/// Engine and oracle with their contexts.
pub(crate) struct Both {
    mmu: Mmu,
    oracle: Oracle,
    vendor: Vendor,
    tags: Vec<Tag>,
    direct: Vec<Option<PlainSegment>>,
    /// What happened that no count says.
    happened: Sums,
}

pub(crate) fn same<T: PartialEq + core::fmt::Debug>(what: &str, ours: &T, theirs: &T) -> Result<(), String> {
    if ours == theirs { Ok(()) } else { Err(format!("{what}: engine {ours:?}, oracle {theirs:?}")) }
}

/// An oracle's result in the engine's terms.
fn in_our_terms(
    result: Result<terrace_oracle::Translation, terrace_oracle::Fault>,
) -> Result<Translation, Fault> {
    let cause = |protection| if protection { Cause::Protection } else { Cause::NotPresent };
    match result {
        Ok(found) => Ok(Translation { addr: found.addr, size: found.size }),
        Err(terrace_oracle::Fault::Page { addr, protection }) => {
            Err(Fault::Page { addr, cause: cause(protection) })
        }
        Err(terrace_oracle::Fault::Ept { addr, kind, protection }) => {
            Err(Fault::Extended { addr, kind, cause: cause(protection) })
        }
        Err(terrace_oracle::Fault::Segment { addr }) => Err(Fault::Segment { addr }),
        Err(terrace_oracle::Fault::LogFull { addr }) => Err(Fault::LogFull { addr }),
    }
}

fn name(fault: Fault) -> &'static str {
    match fault {
        Fault::Page { cause: Cause::NotPresent, .. } => "fault page, not present",
        Fault::Page { cause: Cause::Protection, .. } => "fault page, protection",
        Fault::Extended { cause: Cause::NotPresent, .. } => "fault EPT, not present",
        Fault::Extended { cause: Cause::Protection, .. } => "fault EPT, protection",
        Fault::Segment { .. } => "fault segment",
        Fault::LogFull { .. } => "fault log full",
    }
}

/// How far a batch came: the translations, and the fault at which it ended.
pub(crate) type Done = (Vec<Translation>, Option<Fault>);

impl Both {
    pub(crate) fn new(setting: &Setting, tag: Tag) -> Self {
        let Setting { machine, seed, parts, .. } = setting;
        let mut mmu = Mmu::new(machine, *seed, &Layout::new(parts.clone())).unwrap();
        mmu.set_look_ahead(setting.look_ahead);
        let oracle = Oracle::new(machine, *seed, parts);
        assert_eq!(mmu.cpus(), oracle.cpus());
        let tags = vec![tag; mmu.cpus()];
        let direct = vec![None; mmu.cpus()];
        let mut both = Self { mmu, oracle, vendor: machine.vendor, tags, direct, happened: Sums::new() };
        both.set_data_lines(setting.data_lines);
        for (cpu, on) in setting.logs.iter().enumerate() {
            both.set_context(cpu, tag);
            both.keep_log(cpu, *on);
        }
        both
    }

    pub(crate) fn set_context(&mut self, cpu: usize, tag: Tag) {
        self.tags[cpu] = tag;
        self.mmu.set_context(cpu, Context { pcid: tag.pcid, vpid: tag.vpid, root: tag.root });
    }

    pub(crate) fn context(&self, cpu: usize) -> Tag {
        self.tags[cpu]
    }

    pub(crate) fn set_data_lines(&mut self, on: bool) {
        self.mmu.set_data_lines(on);
        self.oracle.set_data_lines(on);
    }

    pub(crate) fn keep_log(&mut self, cpu: usize, on: bool) {
        self.mmu.keep_log(cpu, on);
        self.oracle.keep_log(cpu, on);
    }

    pub(crate) fn set_direct_segment(&mut self, cpu: usize, segment: Option<PlainSegment>) {
        let engine = |PlainSegment { start, size, to }| {
            DirectSegment::new(start, size, to).expect("what is drawn is a segment")
        };
        self.mmu.set_direct_segment(cpu, segment.map(engine));
        self.oracle.set_direct_segment(cpu, segment);
        self.direct[cpu] = segment;
    }

    /// Where the direct segment of a CPU puts `va`, if it holds it.
    pub(crate) fn directly(&self, cpu: usize, va: Addr<Gva>) -> Option<u64> {
        let PlainSegment { start, size, to } = self.direct[cpu]?;
        let offset = va.get().checked_sub(start.get())?;
        (offset < size.get()).then(|| to + offset)
    }

    pub(crate) fn take_log(&mut self, cpu: usize) -> Result<(), String> {
        same("log", &self.mmu.take_log(cpu), &self.oracle.take_log(cpu))
    }

    pub(crate) fn flush(&mut self, cpu: usize, flush: Flush, width: VirtualWidth) {
        let (engine, plain) = flush.of(self.vendor, width);
        self.invalidate(cpu, engine, plain);
    }

    fn invalidate(&mut self, cpu: usize, engine: Invalidation, plain: Plain) {
        let done = self.mmu.invalidate(cpu, Origin::Local, engine);
        self.oracle.invalidate(cpu, self.tags[cpu], plain);
        self.happen(&format!("invalidation {}", done.kind.name()));
    }

    /// Software that frees a table page must not leave it in any cache.
    pub(crate) fn reset(&mut self) {
        for cpu in 0..self.tags.len() {
            self.invalidate(cpu, Invalidation::Everything, Plain::Everything);
        }
    }

    fn happen(&mut self, what: &str) {
        *self.happened.entry(what.to_owned()).or_insert(0) += 1;
    }

    /// Runs accesses to the first fault: as one batch of the engine, or one by one with the translations compared.
    pub(crate) fn access<B: Below>(
        &mut self,
        cpu: usize,
        stack: &mut Stack<B>,
        tables: &mut Tables<'_>,
        accesses: &[Access],
        batch: bool,
    ) -> Result<Done, String> {
        let mut translations = Vec::new();
        let mut fault = None;
        for &access in accesses {
            let expected = in_our_terms(self.oracle.access(cpu, self.tags[cpu], tables, access));
            if !batch {
                same("result", &self.mmu.access(cpu, &mut *stack, access), &expected)?;
            }
            match expected {
                Ok(translation) => translations.push(translation),
                Err(end) => {
                    self.happen(name(end));
                    fault = Some(end);
                    break;
                }
            }
        }
        if batch {
            let stopped =
                self.mmu.run(cpu, stack, accesses, &mut AsTheyAre).err().map(|stopped| match stopped {
                    Stopped::Fault { at, fault } => (at, fault),
                    Stopped::Populate { error, .. } => match error {},
                });
            same("end of the batch", &stopped, &fault.map(|fault| (translations.len(), fault)))?;
        }
        Ok((translations, fault))
    }

    /// The counts of all CPUs and what else happened, if all is equal.
    pub(crate) fn compare(&mut self) -> Result<Sums, String> {
        for cpu in 0..self.tags.len() {
            self.take_log(cpu)?;
            let ours: std::collections::BTreeMap<_, _> = self.mmu.counters(cpu).iter().collect();
            let theirs = self.oracle.counts(cpu);
            let unequal = theirs.iter().filter(|(name, value)| ours.get(*name) != Some(*value));
            let unequal: Vec<_> = unequal.map(|(name, value)| (*name, ours.get(name), *value)).collect();
            if !unequal.is_empty() {
                return Err(format!("counts of CPU {cpu} (name, engine, oracle): {unequal:?}"));
            }
            for (name, value) in &theirs {
                *self.happened.entry(format!("count {name}")).or_insert(0) += value;
            }
            same("number of counts", &ours.len(), &theirs.len())?;
            let ours = self.mmu.node_references(cpu).iter().map(|node| (node.table, node.data)).collect();
            let theirs: Vec<_> = self.oracle.node_references(cpu);
            same("references of nodes", &ours, &theirs)?;
            for (node, (table, data)) in
                theirs.into_iter().enumerate().filter(|(_, counts)| *counts != (0, 0))
            {
                *self.happened.entry(format!("node {node}")).or_insert(0) += table + data;
            }
        }
        Ok(self.happened.clone())
    }
}

/// The address of a wanted place, in a table of `width`.
pub(crate) fn address<S: terrace_addr::Space>(place: crate::history::Place, width: VirtualWidth) -> Addr<S> {
    let addr = Addr::truncate(place.at);
    if place.canonical { addr.canonical_if_virtual(width) } else { addr }
}
