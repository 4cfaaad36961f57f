//! Whether what a mechanism changes has the published sign.

use super::{Compared, Comparison, NOTHING, constant};
use crate::published::Row;
use crate::published::compared::{NO_DIFFERENCE, sign};
use crate::published::statistics::mean;

/// Whether each step from one of these systems to the next changes the mean as it was published, and more programs that
/// way than the opposite one. Over the programs of which both are known, outliers apart.
pub(super) fn has_published_signs(
    systems: &[String],
    comparison: &Comparison,
    compared: &Compared,
) -> (Option<bool>, String) {
    let steps: Option<Vec<Step>> =
        systems.windows(2).map(|pair| Step::of(&pair[0], &pair[1], comparison, compared)).collect();
    let Some(steps) = steps.filter(|steps| !steps.is_empty()) else { return (None, NOTHING.to_owned()) };
    let shown: Vec<String> = steps.iter().map(Step::shown).collect();
    (Some(steps.iter().all(Step::holds)), shown.join("; "))
}

/// What changes from one system to the next, in points.
struct Step<'a> {
    from: &'a str,
    to: &'a str,
    published: f64,
    simulated: f64,
    /// Programs with the published sign,
    same: usize,
    /// with the opposite one,
    opposite: usize,
    /// and with none.
    none: usize,
}

impl<'a> Step<'a> {
    /// None if nothing was published or measured that has a sign.
    fn of(from: &'a str, to: &'a str, comparison: &Comparison, compared: &Compared) -> Option<Self> {
        let value = |row: &Row, system: &str| match compared.column(system) {
            Some(column) => row.cells[column].published.zip(row.cells[column].simulated),
            None => constant(comparison, system).map(|percent| (percent, percent)),
        };
        let change = |row: &Row| {
            let (before, after) = (value(row, from)?, value(row, to)?);
            Some((after.0 - before.0, after.1 - before.1))
        };
        let rows = compared.rows.iter().filter(|row| row.outlier.is_none());
        let (published, simulated): (Vec<f64>, Vec<f64>) = rows.filter_map(change).unzip();
        let expected = sign(mean(&published)?);
        let count = |wanted: i8| simulated.iter().filter(|&&change| sign(change) == wanted).count();
        (expected != 0).then_some(Self {
            from,
            to,
            published: mean(&published)?,
            simulated: mean(&simulated)?,
            same: count(expected),
            opposite: count(-expected),
            none: count(0),
        })
    }

    fn holds(&self) -> bool {
        sign(self.simulated) == sign(self.published) && self.same > self.opposite
    }

    fn shown(&self) -> String {
        let Self { from, to, published, simulated, same, opposite, none } = self;
        format!(
            "{from} to {to} {simulated:+.1} points in the mean, published {published:+.1}; {same} programs have the \
             published sign, {opposite} the opposite one, {none} none (within {NO_DIFFERENCE} points, assumed)"
        )
    }
}
