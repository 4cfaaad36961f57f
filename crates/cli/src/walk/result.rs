//! A watched translation as a result.

use terrace_machine::Vendor;
use terrace_result::{ModeWalk, Place, WalkAction, WalkStep};
use terrace_sim::Mode;
use terrace_sim::walk::{self, Action, AnyAddr, Found, Held, Hit, Read, ServedBy, Structure, Walk};
use terrace_sim::walk::{entry_name, table_name};

/// The result of a walk.
pub(super) fn mode_walk(vendor: Vendor, mode: Mode, walk: &Walk) -> ModeWalk {
    ModeWalk {
        mode: mode.name().to_owned(),
        walk_references: walk.references,
        cycles: walk.cycles.get(),
        hpa: walk.translation.addr.to_string(),
        page: walk.translation.size.name(),
        steps: walk.steps.iter().map(|step| self::step(vendor, step)).collect(),
    }
}

fn step(vendor: Vendor, step: &walk::WalkStep) -> WalkStep {
    WalkStep {
        translates: place(step.translates),
        held: match step.held {
            Held::Data => "data",
            Held::Entry { level } => entry_name(vendor, level),
        },
        layers: step.layers.iter().map(|layer| layer.name()).collect(),
        action: match &step.action {
            Action::Lookup { structure, hit } => lookup(vendor, *structure, *hit),
            Action::Read(read) => self::read(vendor, read),
            Action::Relocation { base, limit, to } => WalkAction::Relocation {
                base: base.to_string(),
                limit: format!("{:#x}", limit.get()),
                hpa: to.to_string(),
            },
        },
        latency: step.latency.get(),
        cycles: step.cycles.get(),
    }
}

fn lookup(vendor: Vendor, structure: Structure, hit: Option<Hit>) -> WalkAction {
    WalkAction::Lookup {
        structure: match structure {
            Structure::FirstLevelTlb => "l1_tlb",
            Structure::SecondLevelTlb => "stlb",
            Structure::WalkCaches => "walk_cache",
            Structure::NestedTlb => "nested_tlb",
            Structure::NestedWalkCaches => "nested_walk_cache",
        },
        hit: hit.map(|hit| match hit {
            Hit::Page(size) => size.name(),
            Hit::Entry { level } => entry_name(vendor, level),
        }),
    }
}

fn read(vendor: Vendor, read: &Read) -> WalkAction {
    let name = entry_name(vendor, read.level);
    let (finds, found, page) = match read.found {
        Found::Table(at) => ("table", at, None),
        Found::Page(at, size) => ("page", at, Some(size.name())),
    };
    let own = [Some(AnyAddr::from(read.at)), read.lower];
    WalkAction::Read {
        dimension: read.dimension,
        level: read.level,
        entry: if read.dimension == 1 { name.to_owned() } else { format!("{} {name}", table_name(vendor)) },
        index: read.index,
        at: own.into_iter().flatten().map(|at| (at.space(), format!("{:#x}", at.get()))).collect(),
        bits: format!("{:#x}", read.bits),
        finds,
        found: place(found),
        page,
        served_by: match &read.served_by {
            ServedBy::Cache(name) => name.clone(),
            ServedBy::Memory => "memory".to_owned(),
        },
    }
}

fn place(addr: AnyAddr) -> Place {
    Place { space: addr.space(), address: format!("{:#x}", addr.get()) }
}
