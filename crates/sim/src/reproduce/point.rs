//! The points of a figure, and the curves that they make.

use serde::Serialize;
use terrace_result::Metrics;
use terrace_scenario::Run;

use super::{Loads, Pages};

/// What one run measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Point {
    /// How addresses were translated.
    pub mode: String,
    /// Whether loads waited for each other.
    pub loads: Loads,
    /// Bytes of the data set.
    pub footprint_bytes: u64,
    /// Page sizes.
    pub pages: Pages,
    /// Loads in a second.
    pub accesses_per_second: f64,
    /// That in percent of the same with base pages everywhere; none if that was not measured.
    pub percent: Option<f64>,
    /// Cycles of a load, all causes together.
    pub cycles: f64,
    /// Of these, waiting for data beyond the first cache level.
    pub data_cycles: f64,
    /// Of these, waiting for translations.
    pub translation_cycles: f64,
    /// Walks of a load.
    pub walks: f64,
}

/// A row of a figure's table: throughput in percent of base pages everywhere, in the order of [`Pages::ALL`].
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Bytes of the data set.
    pub footprint_bytes: u64,
    /// Percent; none where nothing was measured.
    pub percent: [Option<f64>; 4],
    /// Walks of a load with base pages everywhere.
    pub base_walks: Option<f64>,
}

impl Row {
    /// The percentage with these pages.
    pub fn of(&self, pages: Pages) -> Option<f64> {
        Pages::ALL.iter().position(|&other| other == pages).and_then(|place| self.percent[place])
    }

    /// The percentages with huge pages at one side only, as far as they were measured.
    pub fn one_sided(&self) -> impl Iterator<Item = f64> {
        [Pages::HugeHost, Pages::HugeGuest].into_iter().filter_map(|pages| self.of(pages))
    }
}

/// The rows of one mode and one kind of loads, from the smallest data set on.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// How addresses were translated.
    pub mode: String,
    /// Whether loads waited for each other.
    pub loads: Loads,
    /// The rows.
    pub rows: Vec<Row>,
}

/// Which point of a figure a run is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) mode: String,
    pub(super) loads: Loads,
    pub(super) footprint_bytes: u64,
    pub(super) pages: Pages,
}

impl Place {
    /// The place of a run of a figure's scenario; every one of them has one.
    pub(super) fn of(run: &Run) -> Option<Self> {
        let label = |axis: &str| run.labels.iter().find(|(name, _)| name == axis).map(|(_, value)| value);
        let vm = run.scenario.vm.first()?;
        Some(Self {
            mode: vm.mode.clone(),
            loads: Loads::named(label("loads")?)?,
            footprint_bytes: vm.program.first()?.parameters.bytes("bytes")?.get(),
            pages: Pages::named(label("pages")?)?,
        })
    }

    /// The point, from what the run measured; nothing if it measured no throughput.
    pub(super) fn measured(self, metrics: &Metrics) -> Option<Point> {
        let value = |name: &str| metrics.get(name).map(terrace_result::MetricValue::as_f64);
        let accesses = value("accesses").filter(|&accesses| accesses > 0.0)?;
        let each = |names: &[&str]| {
            let values: Option<Vec<f64>> = names.iter().map(|name| value(name)).collect();
            Some(values?.iter().sum::<f64>() / accesses)
        };
        Some(Point {
            mode: self.mode,
            loads: self.loads,
            footprint_bytes: self.footprint_bytes,
            pages: self.pages,
            accesses_per_second: value("accesses_per_second").filter(|&speed| speed > 0.0)?,
            percent: None,
            cycles: each(&["cycles"])?,
            data_cycles: each(&["data_cycles"])?,
            translation_cycles: each(&["stlb_cycles", "walk_guest_cycles", "walk_nested_cycles"])?,
            walks: each(&["walks"])?,
        })
    }
}

/// Relates each point to that of base pages everywhere.
pub(super) fn relate(points: &mut [Point]) {
    let is_base = |point: &&Point| point.pages == Pages::Base;
    let bases: Vec<Point> = points.iter().filter(is_base).cloned().collect();
    for point in points {
        let base = bases.iter().find(|base| {
            (&base.mode, base.loads, base.footprint_bytes)
                == (&point.mode, point.loads, point.footprint_bytes)
        });
        point.percent = base.map(|base| 100.0 * point.accesses_per_second / base.accesses_per_second);
    }
}

/// The curves that points make, in the points' order.
pub(super) fn curves(points: &[Point]) -> Vec<Curve> {
    let mut curves: Vec<Curve> = Vec::new();
    for point in points {
        let known = curves.iter().position(|curve| (&curve.mode, curve.loads) == (&point.mode, point.loads));
        let place = known.unwrap_or_else(|| {
            curves.push(Curve { mode: point.mode.clone(), loads: point.loads, rows: Vec::new() });
            curves.len() - 1
        });
        let rows = &mut curves[place].rows;
        let row = match rows.binary_search_by_key(&point.footprint_bytes, |row| row.footprint_bytes) {
            Ok(row) => row,
            Err(row) => {
                let footprint_bytes = point.footprint_bytes;
                rows.insert(row, Row { footprint_bytes, percent: [None; 4], base_walks: None });
                row
            }
        };
        let row = &mut rows[row];
        if point.pages == Pages::Base {
            row.base_walks = Some(point.walks);
        }
        if let Some(column) = Pages::ALL.iter().position(|&pages| pages == point.pages) {
            row.percent[column] = point.percent;
        }
    }
    curves
}
