//! The numbers of the page: for each panel, program and compared value what was measured, and relative to the baseline.
//!
//! The rule: the mean over programs is a mean of ratios, each of a program to itself, over those programs of a panel
//! that every compared value has.

use std::collections::BTreeMap;

use terrace_result::Difference;

use crate::axes::{Role, Run, Runs};
use crate::figures::{self, CAUSES, FIGURES, mean};

/// What the page compares, and where.
#[derive(Debug)]
pub(crate) struct View<'a> {
    pub(crate) runs: Runs<'a>,
    pub(crate) compared: Option<usize>,
    pub(crate) panel_axes: Vec<usize>,
    pub(crate) panels: Vec<Vec<usize>>,
    pub(crate) program_axes: Vec<usize>,
    pub(crate) programs: Vec<String>,
    pub(crate) cells: Vec<Cell>,
}

/// One bar of a picture.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    pub(crate) panel: usize,
    /// None: the mean over programs.
    pub(crate) program: Option<usize>,
    /// The place among the values of the compared axis.
    pub(crate) value: usize,
    /// Its runs, by their place in the view.
    pub(crate) runs: Vec<usize>,
    /// Of how many programs it is.
    pub(crate) programs: usize,
    /// Throughput relative to the baseline's, for each repetition; empty where there is no baseline.
    pub(crate) ratios: Vec<f64>,
    /// How far the ratio may be off because of its own sampled time, in its unit.
    pub(crate) own_error: Option<f64>,
    /// How far it may be off, that of the baseline included.
    pub(crate) error: Option<f64>,
    /// Throughput, where it is of one program.
    pub(crate) throughput: Option<f64>,
    /// TLB misses of an access relative to the baseline's.
    pub(crate) misses_ratio: Option<f64>,
    /// The baseline's cycles of an access relative to its own: the ratio of throughput that cycles explain.
    pub(crate) cycles_ratio: Option<f64>,
    /// In the order of [`FIGURES`].
    pub(crate) figures: Vec<Option<f64>>,
    pub(crate) causes: Option<[f64; CAUSES.len()]>,
}

impl Cell {
    /// The mean throughput relative to the baseline's.
    pub(crate) fn ratio(&self) -> Option<f64> {
        mean(&self.ratios)
    }

    pub(crate) fn figure(&self, key: &str) -> Option<f64> {
        figures::place(key).and_then(|place| self.figures[place])
    }

    /// Half of the width within which the ratio lies: the 95 % interval over repetitions, or what sampling leaves open.
    pub(crate) fn within(&self) -> Option<f64> {
        let ones = vec![1.0; self.ratios.len()];
        let interval = Difference::paired(&ones, &self.ratios).and_then(Difference::percent);
        interval.map(|(_, within)| within / 100.0).or(self.error)
    }

    /// Whether it is faster or slower than another one of its panel by more than is left open.
    pub(crate) fn differs_from(&self, other: &Self) -> bool {
        if let Some(difference) = Difference::paired(&self.ratios, &other.ratios) {
            return difference.direction().is_ne();
        }
        let open = self.own_error.unwrap_or(0.0) + other.own_error.unwrap_or(0.0);
        let (Some(mine), Some(its)) = (self.ratio(), other.ratio()) else { return false };
        // The floor of what a difference between two numbers of the page can mean at all.
        (mine - its).abs() > open.max(5e-5)
    }
}

impl<'a> View<'a> {
    pub(crate) fn new(runs: Runs<'a>) -> Self {
        let compared = runs.of(Role::Compared).first().copied();
        let (panel_axes, program_axes) = (runs.of(Role::Panel), runs.of(Role::Program));
        let panels = runs.combinations(&panel_axes);
        let programs = runs.combinations(&program_axes);
        let mut view = Self {
            programs: programs.iter().map(|values| runs.words(&program_axes, values)).collect(),
            runs,
            compared,
            panel_axes,
            panels,
            program_axes,
            cells: Vec::new(),
        };
        view.fill(&programs);
        view
    }

    /// The values of the compared axis; without one, a single unnamed one.
    pub(crate) fn values(&self) -> Vec<String> {
        self.compared.map_or_else(|| vec![String::new()], |axis| self.runs.axes[axis].values.clone())
    }

    /// How the compared axis is called.
    pub(crate) fn axis_name(&self) -> &str {
        self.compared.map_or("run", |axis| &self.runs.axes[axis].name)
    }

    pub(crate) fn panel_words(&self, panel: usize) -> String {
        self.runs.words(&self.panel_axes, &self.panels[panel])
    }

    /// The panel, program and compared value of a run.
    pub(crate) fn place(&self, run: &Run<'_>) -> (usize, usize, usize) {
        let of = |axes: &[usize]| axes.iter().map(|&axis| run.at[axis]).collect::<Vec<_>>();
        let panel = self.panels.iter().position(|panel| *panel == of(&self.panel_axes)).unwrap_or(0);
        let words = self.runs.words(&self.program_axes, &of(&self.program_axes));
        let program = self.programs.iter().position(|program| *program == words).unwrap_or(0);
        (panel, program, self.compared.map_or(0, |axis| run.at[axis]))
    }

    /// The cells of a panel, of one program or of their mean, in the order of the compared values.
    pub(crate) fn panel(&self, panel: usize, program: Option<usize>) -> impl Iterator<Item = &Cell> {
        self.cells.iter().filter(move |cell| cell.panel == panel && cell.program == program)
    }

    /// What stands for a panel as a whole: the mean over programs, or the only program.
    pub(crate) fn whole(&self) -> Option<usize> {
        if self.programs.len() > 1 { None } else { Some(0) }
    }

    fn fill(&mut self, programs: &[Vec<usize>]) {
        let mut slots: BTreeMap<(usize, usize, usize), Vec<usize>> = BTreeMap::new();
        for (place, run) in self.runs.all.iter().enumerate() {
            slots.entry(self.place(run)).or_default().push(place);
        }
        let values = self.values().len();
        for panel in 0..self.panels.len() {
            let present: Vec<usize> = (0..values)
                .filter(|&value| (0..programs.len()).any(|of| slots.contains_key(&(panel, of, value))))
                .collect();
            let mut of_panel: Vec<Cell> = Vec::new();
            for program in 0..programs.len() {
                let runs = |value: usize| slots.get(&(panel, program, value)).map_or(&[][..], Vec::as_slice);
                let all: Vec<&Run<'_>> =
                    present.iter().flat_map(|&value| runs(value)).map(|&run| &self.runs.all[run]).collect();
                // Operations and accesses are no measures of each other.
                let by_operations = all.iter().all(|run| figures::operations(run.result).is_some());
                for &value in present.iter().filter(|&&value| !runs(value).is_empty()) {
                    let mut cell = self.cell(runs(value), runs(0), by_operations);
                    (cell.panel, cell.program, cell.value) = (panel, Some(program), value);
                    of_panel.push(cell);
                }
            }
            if programs.len() > 1 {
                let whole = |program: usize| {
                    present.iter().all(|&value| slots.contains_key(&(panel, program, value)))
                };
                for &value in &present {
                    let parts: Vec<&Cell> = of_panel
                        .iter()
                        .filter(|cell| cell.value == value && cell.program.is_some_and(whole))
                        .collect();
                    self.cells.extend(average(&parts));
                }
            }
            self.cells.append(&mut of_panel);
        }
    }

    /// What was measured in some repetitions.
    fn cell(&self, runs: &[usize], baseline: &[usize], by_operations: bool) -> Cell {
        let result = |run: &usize| self.runs.all[*run].result;
        let rate = |run: &usize| {
            let operations = figures::operations(result(run)).filter(|_| by_operations);
            operations.or_else(|| figures::accesses_per_second(result(run)))
        };
        let rates = |runs: &[usize]| runs.iter().filter_map(rate).collect::<Vec<_>>();
        let (own, its) = (rates(runs), rates(baseline));
        // A repetition is compared with the same one; where they are not the same ones, the means are.
        let ratios = if own.len() == its.len() {
            own.iter().zip(&its).map(|(own, its)| own / its).collect()
        } else {
            mean(&own).zip(mean(&its)).map(|(own, its)| own / its).into_iter().collect::<Vec<_>>()
        };
        let error = |runs: &[usize]| {
            mean(&runs.iter().filter_map(|run| figures::sampling_error(result(run))).collect::<Vec<_>>())
        };
        let ratio = mean(&ratios).unwrap_or(1.0);
        let is_baseline = runs == baseline;
        let own_error = error(runs).map(|error| error * ratio);
        let figure_of = |runs: &[usize], figure: &figures::Figure| {
            mean(&runs.iter().filter_map(|run| figure.of(result(run))).collect::<Vec<_>>())
        };
        let misses = |runs: &[usize]| figures::place("misses").and_then(|it| figure_of(runs, &FIGURES[it]));
        let misses_ratio = misses(runs).zip(misses(baseline).filter(|&misses| misses > 0.0));
        let causes = |runs: &[usize]| {
            let all: Vec<_> = runs.iter().filter_map(|run| figures::causes(result(run))).collect();
            average_causes(&all)
        };
        let sum = |causes: [f64; CAUSES.len()]| causes.iter().sum::<f64>();
        let cycles = causes(baseline).map(sum).zip(causes(runs).map(sum).filter(|&own| own > 0.0));
        Cell {
            panel: 0,
            program: None,
            value: 0,
            runs: runs.to_vec(),
            programs: 1,
            error: if is_baseline {
                Some(0.0)
            } else {
                own_error.zip(error(baseline)).map(|(own, its)| own + its * ratio)
            },
            own_error,
            ratios,
            throughput: mean(&own),
            misses_ratio: misses_ratio.map(|(own, its)| own / its),
            cycles_ratio: cycles.map(|(its, own)| its / own),
            figures: FIGURES.iter().map(|figure| figure_of(runs, figure)).collect(),
            causes: causes(runs),
        }
    }
}

/// The mean of what some programs have in one panel for one compared value.
fn average(parts: &[&Cell]) -> Option<Cell> {
    let first = parts.first()?;
    let means = |of: &dyn Fn(&Cell) -> Option<f64>| -> Option<f64> {
        let values: Option<Vec<f64>> = parts.iter().map(|&part| of(part)).collect();
        mean(&values?)
    };
    let repetitions = first.ratios.len();
    let same = parts.iter().all(|part| part.ratios.len() == repetitions);
    let ratios = if same {
        let of = |seed: usize| mean(&parts.iter().map(|part| part.ratios[seed]).collect::<Vec<_>>());
        (0..repetitions).filter_map(of).collect()
    } else {
        means(&Cell::ratio).into_iter().collect()
    };
    let causes: Option<Vec<_>> = parts.iter().map(|part| part.causes).collect();
    Some(Cell {
        panel: first.panel,
        program: None,
        value: first.value,
        runs: parts.iter().flat_map(|part| part.runs.iter().copied()).collect(),
        programs: parts.len(),
        ratios,
        own_error: means(&|part| part.own_error),
        error: means(&|part| part.error),
        throughput: None,
        // A program that never missed has no ratio, whatever it is compared with.
        misses_ratio: mean(&parts.iter().filter_map(|part| part.misses_ratio).collect::<Vec<_>>()),
        cycles_ratio: means(&|part| part.cycles_ratio),
        figures: (0..FIGURES.len()).map(|figure| means(&|part| part.figures[figure])).collect(),
        causes: causes.and_then(|causes| average_causes(&causes)),
    })
}

fn average_causes(all: &[[f64; CAUSES.len()]]) -> Option<[f64; CAUSES.len()]> {
    let mut means = [0.0; CAUSES.len()];
    for (cause, cycles) in means.iter_mut().enumerate() {
        *cycles = mean(&all.iter().map(|causes| causes[cause]).collect::<Vec<_>>())?;
    }
    Some(means)
}
