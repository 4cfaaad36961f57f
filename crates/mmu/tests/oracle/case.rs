//! One case: a machine, and a history on it.

use core::fmt;
use std::collections::BTreeMap;

use terrace_addr::{Addr, Bytes, Hpa, convert};
use terrace_machine::{Machine, Schemes};
use terrace_mmu::{Segment, SegmentPair};

use crate::direct::Direct;
use crate::draw::Draw;
use crate::history::{self, Operation, Places};
use crate::machines;
use crate::run::Run;
use crate::worlds::{Native, Nested, Segmented, Shadow, TwoDimensional};

/// What lies below the guest.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Native,
    TwoDimensional,
    Segment,
    /// Two of them.
    Segments,
    Shadow,
    Nested,
}

/// What does not change in a history.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    pub(crate) machine: Machine,
    pub(crate) seed: u64,
    /// The first address behind each part of memory, and its node.
    pub(crate) parts: Vec<(Addr<Hpa>, usize)>,
    /// How many accesses the engine looks ahead.
    pub(crate) look_ahead: usize,
    pub(crate) data_lines: bool,
    /// Which CPUs keep a log at first.
    pub(crate) logs: Vec<bool>,
    pub(crate) segment: (Addr<Hpa>, Bytes),
}

#[derive(Debug, Clone)]
pub(crate) struct Case {
    kind: Kind,
    setting: Setting,
    history: Vec<Operation>,
}

/// How often things happened, by their names.
pub(crate) type Sums = BTreeMap<String, u64>;

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, operation) in self.history.iter().enumerate() {
            writeln!(f, "  {at}: {operation:?}")?;
        }
        let Machine { vendor, topology, paging, memory, .. } = &self.setting.machine;
        let Machine { tlb, walk_cache, nested_tlb, nested_walk_cache, cache, .. } = &self.setting.machine;
        writeln!(f, "{:?}, {vendor}, {topology:?}, {paging:?}, nodes {:?}", self.kind, memory.keys())?;
        writeln!(f, "{tlb:?}\n{walk_cache:?}\n{nested_tlb:?}\n{nested_walk_cache:?}\n{cache:?}")?;
        writeln!(f, "{:?}", self.setting.machine.scheme)?;
        let Setting { parts, look_ahead, data_lines, logs, segment, .. } = &self.setting;
        write!(
            f,
            "parts {parts:?}, look ahead {look_ahead}, data lines {data_lines}, logs {logs:?}, {segment:?}"
        )
    }
}

impl Case {
    /// The case with this number. What a case has of schemes is drawn from numbers of its own, so that the rest of it is
    /// what it would be without.
    pub(crate) fn new(number: u64) -> Self {
        let (mut case, places) = Self::drawn(number);
        let mut draw = Draw::new(!number);
        let machine = &mut case.setting.machine;
        machine.scheme = draw.percent(70).then(|| machines::schemes(&mut draw, machine.paging.levels));
        machine.validate().unwrap();
        let cpus = machines::cpus(machine);
        for _ in 0..if draw.percent(60) { 1 + draw.below(6) } else { 0 } {
            let of = if draw.percent(50) { 1 } else { cpus };
            let cpu = draw.index(of);
            let segment = draw.percent(80).then(|| Direct::draw(&mut draw, &places));
            let at = draw.index(convert::count(case.history.len() + 1));
            case.history.insert(at, Operation::Direct { cpu, segment });
        }
        case
    }

    /// The case with this number, on a machine without schemes, and without direct segments.
    pub(crate) fn without_schemes(number: u64) -> Self {
        Self::drawn(number).0
    }

    fn drawn(number: u64) -> (Self, Places) {
        let mut draw = Draw::new(number);
        let machine = machines::draw(&mut draw);
        let kind = draw.pick(&[
            Kind::Native,
            Kind::TwoDimensional,
            Kind::TwoDimensional,
            Kind::TwoDimensional,
            Kind::Segment,
            Kind::Segment,
            Kind::Shadow,
            Kind::Nested,
        ]);
        let cpus = machines::cpus(&machine);
        let keeps = draw.percent(40);
        let logs: Vec<_> = (0..cpus).map(|_| keeps && draw.percent(80)).collect();
        let setting = Setting {
            parts: machines::parts(&mut draw, &machine),
            machine,
            seed: number,
            look_ahead: draw.pick(&[1, 2, 7, 32]),
            data_lines: draw.percent(50),
            segment: history::segment(&mut draw),
            logs,
        };
        let length = 20 + draw.below(80);
        let places = Places::new(&mut draw);
        let mut history: Vec<_> = (0..length).map(|_| Operation::draw(&mut draw, &places, cpus)).collect();
        let fills = setting.machine.paging.ept_accessed_dirty && setting.logs[0] && draw.percent(12);
        if fills && matches!(kind, Kind::TwoDimensional | Kind::Nested) {
            history.insert(0, Operation::FillLog { cpu: 0 });
        }
        (Self { kind, setting, history }, places)
    }

    /// The case with this number, of a guest in two segments.
    pub(crate) fn in_two_segments(number: u64) -> Self {
        Self { kind: Kind::Segments, ..Self::new(number) }
    }

    /// Runs the case on both; the counts of all CPUs together and what else happened, or what differed.
    pub(crate) fn run(&self) -> Result<Sums, String> {
        match self.kind {
            Kind::Native => Run::<Native>::new(&self.setting).all(&self.history),
            Kind::TwoDimensional => Run::<TwoDimensional>::new(&self.setting).all(&self.history),
            Kind::Segment => Run::<Segmented<Segment>>::new(&self.setting).all(&self.history),
            Kind::Segments => Run::<Segmented<SegmentPair>>::new(&self.setting).all(&self.history),
            Kind::Shadow => Run::<Shadow>::new(&self.setting).all(&self.history),
            Kind::Nested => Run::<Nested>::new(&self.setting).all(&self.history),
        }
    }

    /// The same case with only those operations, accesses of batches, and structures that are needed for it to fail.
    pub(crate) fn smallest(mut self) -> Self {
        self.leave_out(|machine| &mut machine.tlb);
        self.leave_out(|machine| &mut machine.walk_cache);
        self.leave_out(|machine| &mut machine.nested_tlb);
        self.leave_out(|machine| &mut machine.nested_walk_cache);
        self.leave_out(|machine| &mut machine.cache);
        self.leave_out_scheme(|scheme| scheme.third_level = None);
        self.leave_out_scheme(|scheme| scheme.switch_level = None);
        self.leave_out_scheme(|scheme| scheme.prefetch.clear());
        let mut at = 0;
        while at < self.history.len() {
            let removed = self.history.remove(at);
            if self.run().is_ok() {
                self.history.insert(at, removed);
                self.shorten(at);
                at += 1;
            }
        }
        self
    }

    /// Leaves structures of one sort out.
    fn leave_out<T: Clone>(&mut self, of: impl Fn(&mut Machine) -> &mut BTreeMap<String, T>) {
        let names: Vec<_> = of(&mut self.setting.machine).keys().cloned().collect();
        for name in names {
            let before = self.setting.machine.clone();
            of(&mut self.setting.machine).remove(&name);
            if self.setting.machine.validate().is_err() || self.run().is_ok() {
                self.setting.machine = before;
            }
        }
    }

    /// Leaves one scheme out.
    fn leave_out_scheme(&mut self, leave_out: impl Fn(&mut Schemes)) {
        let before = self.setting.machine.scheme.clone();
        let Some(scheme) = &mut self.setting.machine.scheme else { return };
        leave_out(scheme);
        if self.run().is_ok() {
            self.setting.machine.scheme = before;
        }
    }

    /// Leaves accesses of the operation at `at` out.
    fn shorten(&mut self, at: usize) {
        let mut number = 0;
        while let Operation::Accesses { wanted, .. } = &mut self.history[at]
            && number < wanted.len()
        {
            let removed = wanted.remove(number);
            if self.run().is_ok() {
                let Operation::Accesses { wanted, .. } = &mut self.history[at] else { return };
                wanted.insert(number, removed);
                number += 1;
            }
        }
    }
}
