//! The steps of a translation for people.

use std::fmt::Write as _;

use comfy_table::CellAlignment;
use terrace_result::{ModeWalk, Place, WalkAction, WalkResult, WalkStep};
use terrace_sim::Mode;
use terrace_sim::mapping::LayerName;

use crate::style;

/// What was translated on what, and for each mode a table of the steps with headings between them.
pub(super) fn render(result: &WalkResult, modes: &[Mode]) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let overrides = result.machine.overrides.iter().map(|text| format!(" --set {text}"));
    let _ = writeln!(
        text,
        "{} of GVA {} on {}{}, {}",
        result.kind,
        result.address,
        result.machine.name,
        overrides.collect::<String>(),
        match &result.after {
            None => "without TLBs and caches".to_owned(),
            Some(address) => format!("after a {} of GVA {address}", result.kind),
        }
    );
    let rule = |layer: LayerName| Some(format!("{layer} {}", result.mapping.pages.get(layer.name())?));
    let pages: Vec<_> = LayerName::ALL.into_iter().filter_map(rule).collect();
    let _ = writeln!(
        text,
        "pages: {}{}; frames: {}, {} GiB for each page size; seed {}",
        pages.join(", "),
        if result.mapping.file_sha256.is_some() { ", and a mapping file" } else { "" },
        result.mapping.frames,
        result.mapping.memory >> 30,
        result.seed
    );
    let accessed = if result.kind == "fetch" { "instruction" } else { "data" };
    for (mode, walk) in modes.iter().zip(&result.modes) {
        let _ = writeln!(text, "\n{mode}: {}", mode.meaning());
        steps(&mut text, &Headings { mode: *mode, accessed }, walk);
        let _ = writeln!(
            text,
            "GVA {} is HPA {}, in a {} page: {} {} read, {} cycles",
            result.address,
            walk.hpa,
            walk.page,
            walk.walk_references,
            if walk.walk_references == 1 { "entry" } else { "entries" },
            walk.cycles
        );
    }
    text
}

/// Lines of a table above its rows: a rule, the header and a rule.
const ABOVE: usize = 3;

/// The table of one mode's steps. Where another table, or another address, has its turn, a heading says so.
fn steps(text: &mut String, headings: &Headings, walk: &ModeWalk) {
    let lower = walk.steps.iter().find_map(lower_space);
    let mut table = style::table();
    let at_lower = lower.map(|space| format!("at {space}"));
    let header = ["", "step", at_lower.as_deref().unwrap_or_default(), "at HPA", "finds", "served by"];
    table.set_header(columns(lower, header.into_iter().chain(["cycles", "so far"]).map(str::to_owned)));
    let mut number = 0;
    for step in &walk.steps {
        let mut first = String::new();
        if let WalkAction::Read { .. } = step.action {
            number += 1;
            // Set in from the headings.
            first = format!("{number:>3}");
        }
        let times = [step.latency.to_string(), step.cycles.to_string()];
        table.add_row(columns(lower, [first].into_iter().chain(cells(step)).chain(times)));
    }
    let count = table.column_count();
    for column in [0, count - 2, count - 1] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut last = None;
    for (line, content) in table.lines().enumerate() {
        // A row is a line, since nothing is wrapped.
        let step = line.checked_sub(ABOVE).and_then(|row| walk.steps.get(row));
        let heading = step.map(|step| headings.of(step));
        if let Some(heading) = heading.filter(|heading| last.as_ref() != Some(heading)) {
            // Writing to a string cannot fail.
            let _ = writeln!(text, " {heading}");
            last = Some(heading);
        }
        let _ = writeln!(text, "{}", content.trim_end());
    }
}

/// The cells of a row, without the third if no space lies between the first table and memory.
fn columns(lower: Option<&str>, cells: impl Iterator<Item = String>) -> Vec<String> {
    let cells = cells.enumerate().filter(|(column, _)| *column != 2 || lower.is_some());
    cells.map(|(_, cell)| cell).collect()
}

/// The space below the first table, if an entry that was read has an address there.
fn lower_space(step: &WalkStep) -> Option<&'static str> {
    let WalkAction::Read { at, .. } = &step.action else { return None };
    at.keys().copied().find(|space| *space != "HPA")
}

/// What headings say beside what the step does.
struct Headings {
    mode: Mode,
    /// What the program accesses.
    accessed: &'static str,
}

impl Headings {
    /// Who takes the step, and for which address.
    fn of(&self, step: &WalkStep) -> String {
        let who = match (&step.action, &step.layers[..]) {
            (WalkAction::Relocation { .. }, _) => "segment".to_owned(),
            (_, []) => "TLB".to_owned(),
            (_, [_]) if self.mode == Mode::Native => "page table".to_owned(),
            (_, [layer]) => (*layer).to_owned(),
            (_, [layers @ .., last]) => format!("{} and {last}, composed", layers.join(", ")),
        };
        let Place { space, address } = &step.translates;
        let first = if self.mode == Mode::ShadowOnExtended { "composed table" } else { "guest" };
        match step.held {
            _ if *space == "GVA" => format!("{who}: {space} {address}"),
            "data" => format!("{who}: {space} {address}, the {}", self.accessed),
            entry => format!("{who}: {space} {address}, the {first}'s {entry}"),
        }
    }
}

/// What was read or looked up, where that is below the first table and in memory, what it said, and what served it.
fn cells(step: &WalkStep) -> [String; 5] {
    let none = String::new;
    match &step.action {
        WalkAction::Lookup { structure, hit } => {
            let hit = hit.map_or_else(|| "miss".to_owned(), |hit| format!("hit, {hit}"));
            [structure_name(structure).to_owned(), none(), none(), hit, none()]
        }
        WalkAction::Read { entry, index, at, found, page, served_by, .. } => {
            let lower = lower_space(step).and_then(|space| at.get(space));
            let what = page.map_or_else(|| "table".to_owned(), |size| format!("{size} page"));
            [
                format!("{entry}[{index}]"),
                lower.cloned().unwrap_or_default(),
                at.get("HPA").cloned().unwrap_or_default(),
                format!("{} {}, {what}", found.space, found.address),
                served_by.clone(),
            ]
        }
        WalkAction::Relocation { base, limit, hpa } => {
            let own = step.translates.address.clone();
            [format!("base {base}"), own, hpa.clone(), format!("below limit {limit}"), none()]
        }
    }
}

/// What people call a structure.
fn structure_name(structure: &str) -> &str {
    match structure {
        "l1_tlb" => "L1 TLB",
        "stlb" => "STLB",
        "nested_tlb" => "nested TLB",
        "walk_cache" | "nested_walk_cache" => "paging-structure caches",
        other => other,
    }
}
