//! Runs that differ in nothing but their seed, as one column.

use super::columns::Column;

/// What a column depends on that differs between repetitions of the same run.
pub(super) const SEED: &str = "seed";
pub(super) const OUTCOME: &str = "outcome";
/// The outcome of a run whose measured time is all there.
pub(super) const COMPLETE: &str = "complete";

/// The columns, with those that differ in their seed only as one, in the place of the first of them.
pub(super) fn folded(columns: Vec<Column>) -> Vec<Column> {
    let mut groups: Vec<Vec<Column>> = Vec::new();
    for column in columns {
        let same = groups.iter_mut().find(|group| {
            group.iter().all(|it| is_repetition(it, &column))
                && group.iter().all(|it| seed(it) != seed(&column))
        });
        match same {
            Some(group) => group.push(column),
            None => groups.push(vec![column]),
        }
    }
    groups.into_iter().filter_map(fold).collect()
}

fn what<'c>(column: &'c Column, name: &str) -> Option<&'c str> {
    column.depends.iter().find(|(what, _)| what == name).map(|(_, value)| value.as_str())
}

fn seed(column: &Column) -> Option<&str> {
    what(column, SEED)
}

fn is_repetition(one: &Column, other: &Column) -> bool {
    let rest = |column: &Column| {
        let all = column.depends.iter();
        all.filter(|(what, _)| what != SEED && what != OUTCOME).cloned().collect::<Vec<_>>()
    };
    one.subject == other.subject && rest(one) == rest(other)
}

/// The runs of one configuration as a column: what came to no end is no part of a mean, unless nothing did.
fn fold(columns: Vec<Column>) -> Option<Column> {
    let is_complete = |column: &Column| what(column, OUTCOME) == Some(COMPLETE);
    let (all, complete) = (columns.len(), columns.iter().filter(|it| is_complete(it)).count());
    let seeds = columns.iter().filter_map(seed).collect::<Vec<_>>().join(", ");
    let mut columns = columns.into_iter();
    let mut folded = columns.next()?;
    if all == 1 {
        return Some(folded);
    }
    if complete > 0 && !is_complete(&folded) {
        folded.repetitions.clear();
    }
    for column in columns {
        if complete == 0 || is_complete(&column) {
            folded.repetitions.extend(column.repetitions);
        }
        // An axis of seeds has another value in each.
        folded.which.retain(|label| column.which.contains(label));
    }
    for (what, value) in &mut folded.depends {
        if what == SEED {
            value.clone_from(&seeds);
        } else if what == OUTCOME && complete < all {
            *value = format!("{complete} of {all} complete");
        }
    }
    Some(folded)
}

#[cfg(test)]
mod tests {
    use terrace_result::MetricValue;

    use super::super::columns::Repetition;
    use super::*;

    fn column(system: &str, seed: &str, outcome: &str, walks: u64) -> Column {
        let text = |text: &str| text.to_owned();
        let label = |axis: &str, value: &str| (axis.to_owned(), value.to_owned());
        let values = vec![(text("run"), vec![(text("walks"), MetricValue::Count(walks))])];
        Column {
            name: String::new(),
            subject: text("s"),
            which: vec![label("system", system), label("repetition", seed)],
            repetitions: vec![Repetition { seed: text(seed), values }],
            depends: vec![label("guest.system", system), label(SEED, seed), label(OUTCOME, outcome)],
        }
    }

    #[test]
    fn runs_that_differ_in_their_seed_are_one() {
        let columns = vec![
            column("a", "1", COMPLETE, 10),
            column("b", "1", COMPLETE, 1),
            column("a", "2", COMPLETE, 20),
            column("a", "3", "It was interrupted", 999),
        ];
        let folded = folded(columns);
        assert_eq!(folded.len(), 2);
        assert_eq!(folded[0].which, [("system".to_owned(), "a".to_owned())]);
        assert_eq!(folded[0].value("run", "walks"), Some(MetricValue::Number(15.0)));
        assert_eq!(what(&folded[0], SEED), Some("1, 2, 3"));
        assert_eq!(what(&folded[0], OUTCOME), Some("2 of 3 complete"));
        // What was run once keeps its labels and its whole numbers.
        assert_eq!(folded[1].which.len(), 2);
        assert_eq!(folded[1].value("run", "walks"), Some(MetricValue::Count(1)));
    }

    /// An axis that changes nothing makes no repetitions.
    #[test]
    fn the_same_seed_twice_is_no_repetition() {
        let twice = vec![column("a", "1", COMPLETE, 10), column("a", "1", COMPLETE, 10)];
        assert_eq!(folded(twice).len(), 2);
    }

    #[test]
    fn where_nothing_came_to_an_end_what_there_is_counts() {
        let cut = vec![column("a", "1", "cut", 10), column("a", "2", "cut", 30)];
        assert_eq!(folded(cut)[0].value("run", "walks"), Some(MetricValue::Number(20.0)));
    }
}
