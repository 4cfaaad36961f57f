//! A scenario file whose values know where they came from, and the runs that it describes.
//!
//! The file is parsed into a tree. For each run the values of its sweep axes and then the overrides are set in a
//! copy of that tree, each keeping the place of what asked for it, and only then is the copy read into a
//! [`Scenario`], completed and checked: so every error names the line of the file or the override at fault.

use std::ops::Range;

use serde::Deserialize;
use terrace_addr::convert;
use terrace_machine::files::{Explained, explain, nearest};
use terrace_machine::{Fault, Origin, Override, Place};
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use crate::error::Problem;
use crate::machine::{MACHINE, NAME};
use crate::schema::keys_of;
use crate::sweep::{Axis, MAX_RUNS, Sweep};
use crate::tree::{Nowhere, Setting, get, path_of, span_of};
use crate::{Run, Scenario, Vocabulary, check, fill, given, sweep};

/// A file and what overrides it. The value of override number n lies at `text.len() + 1 + n`.
pub(crate) struct Document<'a> {
    text: &'a str,
    origin: Origin,
    root: Spanned<DeTable<'a>>,
    overrides: &'a [Override],
}

impl<'a> Document<'a> {
    pub(crate) fn parse(
        text: &'a str,
        origin: Origin,
        overrides: &'a [Override],
    ) -> Result<Self, Box<Fault>> {
        match DeTable::parse(text) {
            Ok(root) if root.get_ref().is_empty() => {
                let help = "`terrace list scenarios` shows examples to start from";
                Err(Fault::new(origin, "an empty file", "a scenario").helped(Some(help.into())))
            }
            Ok(root) => Ok(Self { text, origin, root, overrides }),
            Err(error) => {
                let Explained { found, expected, help } = explain(error.message(), "valid TOML");
                let place = Place::of(text, error.span().map_or(text.len(), |span| span.start));
                Err(Fault::new(origin, found, expected).at(place).helped(help))
            }
        }
    }

    /// The runs: the product of all axes, the last one changing first.
    pub(crate) fn runs(mut self, vocabulary: &Vocabulary<'_>) -> Result<Vec<Run>, Box<Fault>> {
        let (axes, count) = self.axes()?;
        (0..count).map(|number| self.run(number, &axes, vocabulary)).collect()
    }

    /// The error for a problem of a run that was read from this document.
    pub(crate) fn problem_of(mut self, run: &Run, mut problem: Problem) -> Box<Fault> {
        let (axes, count) = match self.axes() {
            Ok(axes) => axes,
            Err(fault) => return fault,
        };
        let number = (0..count).find(|&number| labels(&chosen(number, &axes)) == run.labels).unwrap_or(0);
        let mut tree = self.root.get_ref().clone();
        match self.set(&mut tree, &chosen(number, &axes)) {
            Ok(()) => {
                // A machine is a name, or a table that has one.
                if problem.path == [MACHINE, NAME] && get(&tree, &problem.path).is_none() {
                    problem.path.pop();
                }
                self.of_run(number, &run.labels, self.problem(&tree, problem))
            }
            Err(fault) => fault,
        }
    }

    /// All axes, and the number of runs that they make.
    fn axes(&mut self) -> Result<(Vec<Axis<'a>>, u64), Box<Fault>> {
        let mut axes = self.sweeps()?;
        for (number, given) in self.overrides.iter().enumerate() {
            if !is_sweep(given) {
                let own = given::axis(given, self.place_of(number), &axes)?;
                axes.push(own);
            }
        }
        let count =
            axes.iter().map(|axis| convert::count(axis.values.len())).fold(1_u64, u64::saturating_mul);
        if count > convert::count(MAX_RUNS) {
            let problem = Problem::new("sweep", format!("{count} runs"), format!("at most {MAX_RUNS}"));
            return Err(self.problem(self.root.get_ref(), problem));
        }
        self.root.get_mut().remove("sweep");
        Ok((axes, count))
    }

    /// The axes of the file's `sweep`, overrides of which are applied here.
    fn sweeps(&mut self) -> Result<Vec<Axis<'a>>, Box<Fault>> {
        let overrides = self.overrides;
        for (number, given) in overrides.iter().enumerate().filter(|(_, given)| is_sweep(given)) {
            let axis = given::axis(given, self.place_of(number), &[])?;
            let [(_, settings)] = axis.values.as_slice() else {
                return Err(given.error("several values", "one: a sweep cannot be swept"));
            };
            for setting in settings {
                let changed = setting.apply(self.root.get_mut());
                changed.map_err(|nowhere| self.nowhere(setting, nowhere))?;
            }
        }
        let Some((key, tree)) = self.root.get_ref().get_key_value("sweep") else {
            return Ok(Vec::new());
        };
        // Read alone, the path of an error still begins with its key.
        let alone: DeTable<'_> = [(key.clone(), tree.clone())].into_iter().collect();
        let SweepFile { sweep: sweeps } = self.read(&alone)?;
        sweep::check(&sweeps).map_err(|problem| self.problem(&alone, problem))?;
        Ok(tree.get_ref().as_array().map(|tree| sweep::axes(&sweeps, tree, self.text)).unwrap_or_default())
    }

    /// Run number `number` of the product.
    fn run(&self, number: u64, axes: &[Axis<'a>], vocabulary: &Vocabulary<'_>) -> Result<Run, Box<Fault>> {
        let chosen = chosen(number, axes);
        let labels = labels(&chosen);
        let mut tree = self.root.get_ref().clone();
        let scenario = self.set(&mut tree, &chosen).and_then(|()| self.scenario(&tree, vocabulary));
        match scenario {
            Ok(scenario) => Ok(Run { labels, scenario }),
            Err(fault) => Err(self.of_run(number, &labels, fault)),
        }
    }

    /// The fault of a run, with what else is known about why it has it.
    fn of_run(&self, number: u64, labels: &[(String, String)], fault: Box<Fault>) -> Box<Fault> {
        // What is wrong in the first run is most often wrong in all of them.
        let in_run = || (number > 0).then(|| in_run(labels)).flatten();
        let help = fault.help.clone().or_else(|| self.beside(&fault)).or_else(in_run);
        fault.helped(help)
    }

    /// Changes a tree as the values of a run say.
    fn set(&self, tree: &mut DeTable<'a>, chosen: &[Chosen<'_, 'a>]) -> Result<(), Box<Fault>> {
        for setting in chosen.iter().flat_map(|(_, (_, settings))| settings) {
            setting.apply(tree).map_err(|nowhere| self.nowhere(setting, nowhere))?;
        }
        Ok(())
    }

    fn scenario(&self, tree: &DeTable<'a>, vocabulary: &Vocabulary<'_>) -> Result<Scenario, Box<Fault>> {
        let mut scenario: Scenario = self.read(tree)?;
        fill::complete(&mut scenario, tree, vocabulary)
            .and_then(|()| check::check(&scenario, vocabulary.limits))
            .map_err(|problem| self.problem(tree, problem))?;
        Ok(scenario)
    }

    /// Reads a tree: an error is a value of the wrong type, a key too many or too few.
    fn read<T: serde::de::DeserializeOwned>(&self, tree: &DeTable<'a>) -> Result<T, Box<Fault>> {
        let root = Spanned::new(self.root.span(), DeValue::Table(tree.clone()));
        T::deserialize(ValueDeserializer::from(root)).map_err(|error| {
            let Explained { found, expected, help } = explain(error.message(), "a value of this key's type");
            // The whole file has no place of its own.
            let span = error.span().filter(|span| *span != self.root.span());
            let path = span.as_ref().map(|span| path_of(tree, span)).unwrap_or_default();
            // A file has one key that its scenario does not have.
            let (expected, help) = match path.as_slice() {
                [key, ..] if found == format!("the unknown key `{key}`") && !keys_of("").contains(key) => {
                    let sweep = nearest(key, ["sweep"]).map(|near| format!("did you mean {near}?"));
                    (format!("{expected}, sweep"), help.or(sweep))
                }
                _ => (expected, help),
            };
            self.located(path, span, found, expected).helped(help)
        })
    }

    fn problem(&self, tree: &DeTable<'_>, problem: Problem) -> Box<Fault> {
        let span = span_of(tree, &problem.path, problem.side);
        let Problem { path, found, expected, help, .. } = problem;
        self.located(path, span, found, expected).helped(help)
    }

    fn nowhere(&self, setting: &Setting<'_>, nowhere: Nowhere) -> Box<Fault> {
        let Nowhere { found, expected, help } = nowhere;
        self.located(setting.path.clone(), Some(setting.key.clone()), found, expected).helped(help)
    }

    fn located(
        &self,
        path: Vec<String>,
        span: Option<Range<usize>>,
        found: String,
        expected: String,
    ) -> Box<Fault> {
        let given =
            span.as_ref().and_then(|span| self.overrides.get(span.start.checked_sub(self.place_of(0))?));
        let fault = match (given, span) {
            (Some(given), _) => given.error(found, expected),
            (None, Some(span)) => {
                Fault::new(self.origin.clone(), found, expected).at(Place::of(self.text, span.start))
            }
            (None, None) => Fault::new(self.origin.clone(), found, expected),
        };
        fault.on(path)
    }

    const fn place_of(&self, number: usize) -> usize {
        self.text.len() + 1 + number
    }

    /// The value at fault may be as it was, and no longer fit what an override changed beside it.
    fn beside(&self, fault: &Fault) -> Option<String> {
        let first = fault.path.first().filter(|_| !matches!(fault.origin, Origin::Override(_)))?;
        let beside = self.overrides.iter().rev().find(|given| given.path()[0] == *first);
        beside.map(|given| format!("it has to fit --set {given}"))
    }
}

/// What a file has beside a scenario.
#[derive(Deserialize)]
struct SweepFile {
    sweep: Vec<Sweep>,
}

/// An axis's name, and the value of it that a run has.
type Chosen<'x, 'a> = (Option<&'x String>, &'x (String, Vec<Setting<'a>>));

/// The value of each axis that run number `number` has.
fn chosen<'x, 'a>(number: u64, axes: &'x [Axis<'a>]) -> Vec<Chosen<'x, 'a>> {
    let mut rest = number;
    let mut chosen: Vec<_> = axes
        .iter()
        .rev()
        .map(|axis| {
            let values = convert::count(axis.values.len());
            let value = &axis.values[convert::index(rest % values)];
            rest /= values;
            (axis.name.as_ref(), value)
        })
        .collect();
    chosen.reverse();
    chosen
}

/// How a run with these values is named.
fn labels(chosen: &[Chosen<'_, '_>]) -> Vec<(String, String)> {
    chosen.iter().filter_map(|(name, (value, _))| Some(((*name)?.clone(), value.clone()))).collect()
}

fn is_sweep(given: &Override) -> bool {
    given.path()[0] == "sweep"
}

/// Which run it is that has an error.
fn in_run(labels: &[(String, String)]) -> Option<String> {
    let labels: Vec<String> = labels.iter().map(|(axis, value)| format!("{axis} = {value}")).collect();
    (!labels.is_empty()).then(|| format!("in the run with {}", labels.join(", ")))
}
