//! The page's tables.
//!
//! The rule: a row says of which panel and program it is (`data-panel`, `data-program`), so that the page's choice of
//! either hides the others.

mod events;
mod key;
mod matrix;
mod metrics;
mod provenance;

pub(crate) use events::events;
pub(crate) use key::key;
pub(crate) use matrix::matrix;
pub(crate) use metrics::metrics;
pub(crate) use provenance::{circumstances_of, digest, provenance};

use terrace_result::number::{number, short};

use crate::axes::{Role, Run};
use crate::cells::View;
use crate::html::{Align, Table};

/// The columns that say which run a row is of: those axes that have several values.
pub(crate) fn which_columns(view: &View<'_>, table: &mut Table) -> Vec<usize> {
    let roles = [Role::Panel, Role::Program, Role::Compared, Role::Seed];
    let axes: Vec<usize> = roles.into_iter().flat_map(|role| view.runs.of(role)).collect();
    for &axis in &axes {
        table.column(&view.runs.axes[axis].name, "", Align::Left);
    }
    axes
}

/// Begins the row of a run.
pub(crate) fn begin_row(view: &View<'_>, table: &mut Table, axes: &[usize], run: &Run<'_>) {
    let (panel, program, _) = view.place(run);
    table.row(&format!(" data-panel=\"{panel}\" data-program=\"{program}\""));
    for &axis in axes {
        table.head_cell(&view.runs.axes[axis].values[run.at[axis]]);
    }
}

/// A number of bytes in the binary unit that suits it.
pub(crate) fn bytes(value: f64) -> String {
    const UNITS: [(f64, &str); 4] =
        [(1_099_511_627_776.0, "TiB"), (1_073_741_824.0, "GiB"), (1_048_576.0, "MiB"), (1024.0, "KiB")];
    match UNITS.iter().find(|(unit, _)| value >= *unit) {
        Some((unit, name)) => format!("{} {name}", short(value / unit)),
        None => format!("{value:.0} B"),
    }
}

/// A number whose digits matter.
pub(crate) fn exact(value: f64) -> String {
    if value.abs() >= 1000.0 {
        let sign = if value < 0.0 { "−" } else { "" };
        return format!("{sign}{}", number(terrace_addr::convert::floor(value.abs() + 0.5)));
    }
    let text = format!("{value:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_tables() {
        let all = [0.0, 1023.0, 1024.0, 1_610_612_736.0, 4e12].map(bytes);
        assert_eq!(all, ["0 B", "1023 B", "1 KiB", "1.50 GiB", "3.64 TiB"]);
        let all = [0.0, 0.25, 999.5, -0.000_01, 210_222_734.6, -5000.0].map(exact);
        assert_eq!(all, ["0", "0.25", "999.5", "0", "210,222,735", "−5,000"]);
    }
}
