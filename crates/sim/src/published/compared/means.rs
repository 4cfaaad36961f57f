//! Means over programs.
//!
//! The rule: what is set beside each other is over the same programs. A system's published mean and its simulated one
//! are over those that have both values, and where systems are compared, over those that all of them have.

use serde::Serialize;

use super::{Compared, Row, band};
use crate::published::statistics::mean;

/// The mean of a system over the programs that have both a published and a simulated value, or a simulated one where
/// nothing was published of each; outliers apart. All in percent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mean {
    /// Of which system.
    pub system: String,
    /// The names of the rows that it is over.
    pub rows: Vec<String>,
    /// What was published of these programs; of all, where none was measured.
    pub published: Option<f64>,
    /// What was published as a mean over all programs only, where it is not over these.
    pub published_of_all: Option<f64>,
    /// What the model gives, with the numbers as they are stated.
    pub simulated: Option<f64>,
    /// The draws that the band is of: those in which each of these programs has a value.
    pub draws: usize,
    /// The means of nine tenths of them lie from here
    pub low: Option<f64>,
    /// to here.
    pub high: Option<f64>,
}

impl Mean {
    /// That of the system in a column, whose mean over all rows may be stated, and whose value in a row and a draw is
    /// `of`.
    pub(super) fn of(
        system: &str,
        column: usize,
        rows: &[Row],
        stated: Option<f64>,
        draws: u64,
        of: impl Fn(usize, u64) -> Option<f64>,
    ) -> Self {
        let own: Vec<(usize, &Row)> =
            rows.iter().enumerate().filter(|(_, row)| row.outlier.is_none()).collect();
        let bars: Vec<f64> = own.iter().filter_map(|(_, row)| row.cells[column].published).collect();
        let counts = |row: &Row| {
            let cell = &row.cells[column];
            cell.simulated.is_some() && (cell.published.is_some() || bars.is_empty())
        };
        let counted: Vec<(usize, &Row)> = own.iter().copied().filter(|(_, row)| counts(row)).collect();
        let of_all = if bars.is_empty() { stated } else { mean(&bars) };
        let (published, published_of_all) = if counted.is_empty() || counted.len() == own.len() {
            (of_all, None)
        } else {
            (mean_of(counted.iter().map(|(_, row)| row.cells[column].published)), stated)
        };
        let in_draw = |draw| mean_of(counted.iter().map(|&(row, _)| of(row, draw)));
        let values: Vec<f64> = (1..=draws).filter_map(in_draw).collect();
        let (low, high) = band(&values);
        Self {
            system: system.to_owned(),
            rows: counted.iter().map(|(_, row)| row.name()).collect(),
            published,
            published_of_all,
            simulated: mean_of(counted.iter().map(|(_, row)| row.cells[column].simulated)),
            draws: values.len(),
            low,
            high,
        }
    }

    /// Whether what was published lies in the band.
    pub fn within(&self) -> Option<bool> {
        Some(self.low? <= self.published? && self.published? <= self.high?)
    }

    /// Whether it is over this row, too.
    pub fn has(&self, row: &Row) -> bool {
        self.rows.contains(&row.name())
    }
}

/// The mean of values; none of nothing, or where one of them is none.
fn mean_of(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    mean(&values.collect::<Option<Vec<f64>>>()?)
}

impl Compared {
    /// The rows that all of these means are over.
    pub(in crate::published) fn common(&self, means: &[&Mean]) -> Vec<&Row> {
        self.rows.iter().filter(|row| means.iter().all(|mean| mean.has(row))).collect()
    }

    /// The simulated mean of a system over some rows; none if one of them has no value.
    pub(in crate::published) fn simulated_mean(&self, system: &str, rows: &[&Row]) -> Option<f64> {
        let column = self.column(system)?;
        mean_of(rows.iter().map(|row| row.cells[column].simulated))
    }

    /// The published mean of a system over some rows; none if it is not known of them.
    fn published_mean(&self, of: &Mean, rows: &[&Row]) -> Option<f64> {
        let column = self.column(&of.system)?;
        let stated = || of.published.filter(|_| rows.len() == of.rows.len());
        mean_of(rows.iter().map(|row| row.cells[column].published)).or_else(stated)
    }

    /// The place of a system among the cells of each row.
    pub(in crate::published) fn column(&self, system: &str) -> Option<usize> {
        self.systems.iter().position(|name| name == system)
    }

    /// The published means of two systems, and the simulated ones if both were measured: of the programs that both
    /// have.
    fn beside(&self, left: &Mean, right: &Mean) -> Option<([f64; 2], Option<[f64; 2]>)> {
        let rows = self.common(&[left, right]);
        let of_both = || {
            let published = [self.published_mean(left, &rows)?, self.published_mean(right, &rows)?];
            let simulated =
                [self.simulated_mean(&left.system, &rows)?, self.simulated_mean(&right.system, &rows)?];
            Some((published, Some(simulated)))
        };
        let known = |mean: &Mean| mean.published.or(mean.published_of_all);
        of_both().or_else(|| Some(([known(left)?, known(right)?], None)))
    }

    /// The pairs of systems whose published means lie more than so many points apart, best first, and whether the
    /// model has them in the same order; none where one of them was not measured. Each pair's means are over the
    /// programs that both have.
    pub fn order(&self, points: f64) -> Vec<(&str, &str, Option<bool>)> {
        let mut pairs = Vec::new();
        let better = |[left, right]: [f64; 2]| self.metric.is_better(left, right);
        for left in &self.means {
            for right in &self.means {
                let Some((published, simulated)) = self.beside(left, right) else { continue };
                if (published[0] - published[1]).abs() > points && better(published) {
                    pairs.push((left.system.as_str(), right.system.as_str(), simulated.map(better)));
                }
            }
        }
        pairs
    }
}
