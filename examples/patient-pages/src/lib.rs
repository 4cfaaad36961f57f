//! A policy in sixty lines: *patient* huge pages.
//!
//! A block of 2 MiB becomes a huge page once enough of its base pages are there and nothing in it has changed for a
//! while. So a program that grows is not given memory that it may never touch, and one that has settled gets its huge
//! pages soon.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;

use terrace_addr::{Addr, Nanos, Page, PageSize, Upper};
use terrace_policy::{
    Abilities, Action, Block, Budget, CollapseInto, Count, Layer, NextWake, Parameter, Policy, Range,
    SpaceId, System, Unit, Value, Values,
};

/// The system: what scenarios, `terrace list` and the documentation know of it.
pub const SYSTEM: System = System {
    name: "patient",
    summary: "huge pages where enough is there and nothing has changed for a while",
    source: "the book of Terrace",
    parameters: &[
        Parameter {
            name: "present",
            unit: Unit::Count,
            default: Value::Count(256),
            range: Range::Between(1, 512),
            meaning: "base pages of a block that have to be there",
            source: "assumed: half of them, so that at most as much again is added",
        },
        Parameter {
            name: "patience",
            unit: Unit::Time,
            default: Value::Time(Nanos::new(10_000_000)),
            range: Range::Between(1_000, 1_000_000_000_000),
            meaning: "the time in which nothing of a block may change",
            source: "assumed: long against the first touch of a block, which takes well under a millisecond",
        },
    ],
    build: |_, values| Ok(Box::new(Patient::new(values))),
};

#[derive(Debug, Clone)]
struct Patient {
    present: u64,
    patience: Nanos,
    /// The number of the last change that it has seen.
    seen: u64,
    /// Blocks that changed before the last look, and not since the one before.
    waiting: BTreeSet<(SpaceId, Addr<Upper>)>,
    promoted: u64,
}

impl Patient {
    fn new(values: &Values) -> Self {
        let (present, patience) = (values.count("present"), values.time("patience"));
        Self { present, patience, seen: 0, waiting: BTreeSet::new(), promoted: 0 }
    }
}

impl Policy for Patient {
    fn requires(&self) -> Abilities {
        Abilities::CHANGES | Abilities::SEE_LEAVES | Abilities::COLLAPSE
    }

    fn counts(&self, out: &mut Vec<Count>) {
        out.push(Count { name: "promoted", value: self.promoted, meaning: "blocks that became huge pages" });
    }

    fn tick(&mut self, layer: &mut dyn Layer, budget: &mut Budget) -> NextWake {
        let mut changed = Vec::new();
        // Changes that are so old that nobody knows them are not waited for.
        let Ok(looked) =
            layer.changes(self.seen, &mut changed).or_else(|_| layer.changes(u64::MAX, &mut changed))
        else {
            return NextWake::Never;
        };
        budget.spend(looked.cost);
        self.seen = looked.value;
        let changed: BTreeSet<_> = changed.iter().map(|block| (block.space, block.at)).collect();
        let settled = std::mem::replace(&mut self.waiting, changed.clone());
        for &(space, at) in settled.difference(&changed) {
            let Ok(found) = layer.block(space, at) else { continue };
            budget.spend(found.cost);
            if !matches!(found.value, Block::Base { present, .. } if u64::from(present) >= self.present) {
                continue;
            }
            let page = Page::containing(at, PageSize::Size2M);
            if let Ok(applied) = layer.apply(&Action::Collapse { space, page, into: CollapseInto::Any }) {
                budget.spend(applied.cost);
                self.promoted += 1;
            }
        }
        NextWake::At(layer.now() + self.patience)
    }
}
