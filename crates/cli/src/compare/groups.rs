//! Which columns are compared with which.

use super::columns::{Column, Kind};
use super::seeds::folded;
use crate::CliError;

/// Columns that are compared with the first of them.
pub(super) struct Group {
    pub(super) heading: String,
    pub(super) columns: Vec<Column>,
}

/// The columns of a result, with runs that differ in their seed only as one.
fn seeds(kind: Kind, columns: Vec<Column>) -> Vec<Column> {
    match kind {
        // A result of a replay has one seed.
        Kind::Replay => columns,
        Kind::Run => folded(columns),
    }
}

/// The columns of one result: those that differ in one axis only are compared.
pub(super) fn within(kind: Kind, columns: &[Column], by: Option<&str>) -> Result<Vec<Group>, CliError> {
    fn axes_of(columns: &[Column]) -> Vec<&str> {
        columns.first().iter().flat_map(|column| &column.which).map(|(axis, _)| axis.as_str()).collect()
    }
    let folded = seeds(kind, columns.to_vec());
    // Seeds are values like others where their own axis is asked for.
    let is_of_seeds = by.is_some_and(|by| !axes_of(&folded).contains(&by) && axes_of(columns).contains(&by));
    let columns = if is_of_seeds { columns } else { &folded };
    let axes = axes_of(columns);
    if let Some(by) = by.filter(|by| !axes.contains(by)) {
        let expected = match axes.as_slice() {
            [] => "none: the result has one run".to_owned(),
            axes => format!("one of {}", axes.join(", ")),
        };
        return Err(CliError::NotCompared { option: "--by", name: by.to_owned(), expected });
    }
    let by = by.or(axes.first().copied()).unwrap_or_default();
    let mut groups: Vec<Group> = Vec::new();
    for column in columns {
        let of_axis = |(axis, _): &&(String, String)| axis == by;
        let others = column.which.iter().filter(|label| !of_axis(label)).map(|(_, value)| value.as_str());
        let heading = [column.subject.as_str()].into_iter().chain(others).collect::<Vec<_>>().join(", ");
        let name = column.which.iter().find(of_axis).map_or(column.subject.as_str(), |(_, value)| value);
        // What differs is what is compared.
        let column = Column { depends: Vec::new(), ..column.clone() }.named(name);
        match groups.iter_mut().find(|group| group.heading == heading) {
            Some(group) => group.columns.push(column),
            None => groups.push(Group { heading, columns: vec![column] }),
        }
    }
    Ok(groups)
}

/// The columns of several results: each with the same ones of the others.
pub(super) fn between(kind: Kind, results: Vec<(String, Vec<Column>)>) -> Result<Vec<Group>, CliError> {
    let mut results: Vec<_> =
        results.into_iter().map(|(name, columns)| (name, seeds(kind, columns))).collect();
    let (first_name, first) = results.remove(0);
    let mut groups = Vec::new();
    for column in first {
        let heading = [column.subject.clone(), column.which()];
        let heading = heading.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
        let mut columns = vec![column.clone().named(&first_name)];
        for (name, others) in &results {
            let same = |other: &&Column| other.which == column.which;
            let found = others.iter().find(|other| other.subject == column.subject && same(other));
            // Results of different traces or scenarios are compared mode by mode, run by run.
            let found = found.or_else(|| others.iter().find(same));
            columns.extend(found.map(|other| other.clone().named(name)));
        }
        if columns.len() > 1 {
            groups.push(Group { heading, columns });
        }
    }
    if groups.is_empty() {
        Err(CliError::Incomparable { what: kind.common(), result: first_name })
    } else {
        Ok(groups)
    }
}
