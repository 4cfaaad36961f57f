//! The steps of a translation, for people and for programs.

use std::fmt::Write as _;

use comfy_table::CellAlignment;
use serde_json::{Value, json};
use terrace_machine::Machine;
use terrace_mmu::{EntryRead, Step};
use terrace_sim::Mode;
use terrace_sim::walk::{Walk, WalkStep, about, entry_name, place, tables_of};

use super::WalkArguments;
use crate::style;

/// One step as it is printed.
struct Shown {
    /// The table or structure.
    layer: String,
    /// What was done there.
    what: String,
    /// For which address.
    about: String,
    /// The entry's address in its own space, and in memory.
    entry: String,
    memory: String,
    /// What served it, and how long that took.
    served: String,
    cycles: String,
}

pub(super) fn render(machine: &Machine, arguments: &WalkArguments, walks: &[(Mode, Walk)]) -> String {
    let mut text = String::new();
    for (mode, walk) in walks {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{} of {:#x}, {mode}, on {}{}",
            arguments.kind,
            arguments.address.get(),
            machine.name,
            if arguments.warm { ", warm" } else { ", nothing cached" }
        );
        let mut table = style::table();
        table.set_header(["", "where", "what", "for", "entry", "in memory", "served by", "cycles so far"]);
        let mut number = 0;
        for step in &walk.steps {
            // Without --warm there is nothing to be looked up in.
            if !arguments.warm && is_lookup(step.step) {
                continue;
            }
            let shown = shown(step, *mode, machine);
            let is_entry = !shown.memory.is_empty() && !matches!(step.step, Step::Segment { .. });
            number += usize::from(is_entry);
            let first = if is_entry { number.to_string() } else { String::new() };
            let Shown { layer, what, about, entry, memory, served, cycles } = shown;
            table.add_row([first, layer, what, about, entry, memory, served, cycles]);
        }
        for column in [0, 7] {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        let _ = writeln!(text, "{table}");
        let end = match &walk.result {
            Ok(translation) => place(translation.addr, translation.size),
            Err(fault) => fault.to_string(),
        };
        let _ = writeln!(text, "{end}: {} entries read, {} cycles\n", walk.references(), walk.cycles().get());
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// Whether a step looks for something cached.
const fn is_lookup(step: Step) -> bool {
    !matches!(step, Step::Entry { .. } | Step::NestedEntry { .. } | Step::Segment { .. })
}

fn shown(step: &WalkStep, mode: Mode, machine: &Machine) -> Shown {
    let (first, below) = tables_of(mode);
    let hit = |size: Option<String>| size.map_or("miss".to_owned(), |size| format!("hit, {size}"));
    let size = |size: Option<terrace_addr::PageSize>| hit(size.map(|size| size.name().to_owned()));
    let level = |level: Option<u32>| hit(level.map(|level| entry_name(level).to_owned()));
    let mut shown = Shown {
        layer: String::new(),
        what: String::new(),
        about: about(&step.step, mode).unwrap_or_default(),
        entry: String::new(),
        memory: String::new(),
        served: String::new(),
        cycles: String::new(),
    };
    match step.step {
        Step::Tlb { level: 1, hit } => (shown.layer, shown.what) = ("first-level TLB".to_owned(), size(hit)),
        Step::Tlb { hit, .. } => (shown.layer, shown.what) = ("STLB".to_owned(), size(hit)),
        Step::WalkCaches { hit } => {
            (shown.layer, shown.what) = ("paging-structure caches".to_owned(), level(hit));
        }
        Step::NestedTlb { hit, .. } => (shown.layer, shown.what) = ("nested TLB".to_owned(), size(hit)),
        Step::NestedWalkCaches { hit, .. } => {
            (shown.layer, shown.what) = ("nested structure caches".to_owned(), level(hit));
        }
        Step::Entry { entry, .. } => {
            read(&mut shown, first, "", entry, step, machine);
            let space = if mode == Mode::ShadowOnExtended { "GHPA" } else { "GPA" };
            if let Some(address) = step.entry.filter(|address| *address != entry.at.get()) {
                shown.entry = format!("{space} {address:#x}");
            }
        }
        Step::NestedEntry { entry, .. } => read(&mut shown, below, "EPT ", entry, step, machine),
        Step::Segment { found, .. } => {
            (shown.layer, shown.what) = (below.to_owned(), "base and limit".to_owned());
            shown.memory = format!("HPA {:#x}", found.get());
        }
    }
    shown
}

/// An entry that was read.
fn read(shown: &mut Shown, layer: &str, prefix: &str, entry: EntryRead, step: &WalkStep, machine: &Machine) {
    (shown.layer, shown.what) = (layer.to_owned(), format!("{prefix}{}", entry_name(entry.level)));
    shown.memory = format!("HPA {:#x}", entry.at.get());
    shown.served = format!("{}, {}", server(entry, machine), entry.latency.get());
    shown.cycles = step.cycles.get().to_string();
}

/// What served an entry's line: a cache by its name in the machine file, or memory.
fn server(entry: EntryRead, machine: &Machine) -> String {
    let Some(level) = entry.served_by else { return "memory".to_owned() };
    let serves = |cache: &terrace_machine::Cache| cache.serves(terrace_addr::AccessKind::Load);
    let caches = machine.caches().into_iter();
    let found = caches.into_iter().find(|(_, cache)| cache.level == level && serves(cache));
    found.map_or_else(|| format!("level {level}"), |(name, _)| name.to_owned())
}

pub(super) fn json(machine: &Machine, arguments: &WalkArguments, walks: &[(Mode, Walk)]) -> String {
    let walks: Vec<Value> = walks
        .iter()
        .map(|(mode, walk)| {
            json!({
                "mode": mode.name(),
                "walk_references": walk.references(),
                "cycles": walk.cycles().get(),
                "address": walk.result.ok().map(|found| format!("{:#x}", found.addr.get())),
                "page": walk.result.ok().map(|found| found.size.name()),
                "fault": walk.result.err().map(|fault| fault.to_string()),
                "steps": walk.steps.iter().map(|step| step_json(step, *mode, machine)).collect::<Vec<_>>(),
            })
        })
        .collect();
    let document = json!({
        "schema": "terrace.walk",
        "schema_version": 1,
        "machine": machine.name,
        "virtual_address": format!("{:#x}", arguments.address.get()),
        "kind": arguments.kind.to_string(),
        "warm": arguments.warm,
        "walks": walks,
    });
    format!("{document:#}\n")
}

fn step_json(step: &WalkStep, mode: Mode, machine: &Machine) -> Value {
    let (first, below) = tables_of(mode);
    let about = about(&step.step, mode);
    let entry = |dimension: u32, layer: &str, entry: EntryRead| {
        json!({
            "step": "entry",
            "dimension": dimension,
            "layer": layer,
            "level": entry.level,
            "for": about,
            "entry_lower": step.entry.map(|address| format!("{address:#x}")),
            "entry_hpa": format!("{:#x}", entry.at.get()),
            "bits": format!("{:#x}", entry.bits),
            "served_by": server(entry, machine),
            "latency": entry.latency.get(),
            "cycles": step.cycles.get(),
        })
    };
    let looked_up = |structure: &str, hit: Option<String>| json!({ "step": "lookup", "structure": structure, "for": about, "hit": hit, "cycles": step.cycles.get() });
    let size = |hit: Option<terrace_addr::PageSize>| hit.map(|size| size.name().to_owned());
    let level = |hit: Option<u32>| hit.map(|level| entry_name(level).to_owned());
    match step.step {
        Step::Tlb { level: 1, hit } => looked_up("tlb", size(hit)),
        Step::Tlb { hit, .. } => looked_up("stlb", size(hit)),
        Step::WalkCaches { hit } => looked_up("walk_caches", level(hit)),
        Step::NestedTlb { hit, .. } => looked_up("nested_tlb", size(hit)),
        Step::NestedWalkCaches { hit, .. } => looked_up("nested_walk_caches", level(hit)),
        Step::Entry { entry: read, .. } => entry(1, first, read),
        Step::NestedEntry { entry: read, .. } => entry(2, below, read),
        Step::Segment { found, .. } => json!({
            "step": "segment", "for": about, "hpa": format!("{:#x}", found.get()), "cycles": step.cycles.get(),
        }),
    }
}
