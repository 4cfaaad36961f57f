//! What a comparison says in words, and whether something became slower.

use std::cmp::Ordering;

use terrace_result::{Better, Difference, MetricValue};

use super::columns::{Column, Compared};
use super::groups::Group;

/// What is said of a value beside the first one, where both were measured with several seeds.
pub(super) fn words(metric: &Compared, difference: Difference) -> &'static str {
    let order = difference.direction();
    if order == Ordering::Equal {
        return "no difference found";
    }
    let names = match (metric.faster, metric.better) {
        (Some(Better::Higher | Better::Lower), _) => ["faster", "slower"],
        (_, Better::Neither) => ["higher", "lower"],
        _ => ["better", "worse"],
    };
    let lower_is_first = metric.faster.unwrap_or(metric.better) == Better::Lower;
    names[usize::from((order == Ordering::Less) != lower_is_first)]
}

/// The difference with its interval, and what it says.
pub(super) fn said(metric: &Compared, difference: Difference) -> String {
    let words = words(metric, difference);
    match difference.percent() {
        Some((percent, within)) => format!("{percent:+.2} % ± {within:.2} %, {words}"),
        None => words.to_owned(),
    }
}

/// What became slower by more than so many percent: beyond the whole interval where there are several seeds. Of each
/// pair of columns the first of the metrics that both have is looked at; `None` if there is no such pair at all.
pub(super) fn slower(
    groups: &[Group],
    part: &str,
    metrics: &[Compared],
    allowed: f64,
) -> Option<Vec<String>> {
    let mut looked_at = false;
    let mut slower = Vec::new();
    for Group { heading, columns } in groups {
        let Some((first, others)) = columns.split_first() else { continue };
        let speed = |column: &Column, metric: &Compared| {
            let value = column.value(part, metric.name).map(MetricValue::as_f64);
            value.filter(|&value| value > 0.0)
        };
        let Some((metric, before)) =
            metrics.iter().find_map(|metric| speed(first, metric).map(|value| (metric, value)))
        else {
            continue;
        };
        for column in others {
            looked_at = true;
            let name = &column.name;
            let Some(now) = speed(column, metric) else {
                slower.push(format!("{heading}: {name} has no {}, and {} has", metric.name, first.name));
                continue;
            };
            let difference = first.difference(column, part, metric.name).and_then(Difference::percent);
            let (percent, within) = difference.unwrap_or((100.0 * (now - before) / before, 0.0));
            let loss = if metric.faster == Some(Better::Lower) { percent } else { -percent };
            if loss - within > allowed {
                let interval = difference.map_or_else(String::new, |_| format!(" ± {within:.2} %"));
                slower.push(format!(
                    "{heading}: {} of {name} is {percent:+.2} %{interval} beside {}, slower by more than {allowed} %",
                    metric.name, first.name
                ));
            }
        }
    }
    looked_at.then_some(slower)
}

#[cfg(test)]
mod tests {
    use super::super::columns::Repetition;
    use super::*;

    const SPEED: Compared = Compared { name: "speed", better: Better::Higher, faster: Some(Better::Higher) };
    const TIME: Compared = Compared { name: "time", better: Better::Lower, faster: Some(Better::Lower) };
    const EXITS: Compared = Compared { name: "exits", better: Better::Lower, faster: None };
    const SIZE: Compared = Compared { name: "size", better: Better::Neither, faster: None };

    #[test]
    fn a_difference_is_said_in_words() {
        let more = Difference::unpaired(&[1.0, 1.1], &[2.0, 2.1]).unwrap();
        let less = Difference::unpaired(&[2.0, 2.1], &[1.0, 1.1]).unwrap();
        let none = Difference::unpaired(&[1.0, 2.0], &[1.5, 1.7]).unwrap();
        for (metric, expected) in [
            (SPEED, ["faster", "slower"]),
            (TIME, ["slower", "faster"]),
            (EXITS, ["worse", "better"]),
            (SIZE, ["higher", "lower"]),
        ] {
            assert_eq!(
                [more, less].map(|difference| words(&metric, difference)),
                expected,
                "{}",
                metric.name
            );
            assert_eq!(words(&metric, none), "no difference found");
        }
        assert_eq!(
            said(&SPEED, Difference::paired(&[2.0, 2.0], &[3.0, 3.0]).unwrap()),
            "+50.00 % ± 0.00 %, faster"
        );
        assert_eq!(said(&EXITS, Difference::paired(&[0.0, 0.0], &[3.0, 3.0]).unwrap()), "worse");
    }

    fn column(name: &str, metric: &str, sample: &[f64]) -> Column {
        let repetition = |(seed, value): (usize, &f64)| Repetition {
            seed: seed.to_string(),
            values: vec![("run".to_owned(), vec![(metric.to_owned(), MetricValue::Number(*value))])],
        };
        Column {
            name: name.to_owned(),
            subject: "s".to_owned(),
            which: Vec::new(),
            repetitions: sample.iter().enumerate().map(repetition).collect(),
            depends: Vec::new(),
        }
    }

    fn found(metric: &Compared, first: &[f64], second: &[f64], allowed: f64) -> Option<usize> {
        let columns = vec![column("a", metric.name, first), column("b", metric.name, second)];
        let groups = [Group { heading: "g".to_owned(), columns }];
        slower(&groups, "run", &[SPEED, TIME], allowed).map(|slower| slower.len())
    }

    #[test]
    fn slower_is_what_the_whole_interval_is_beyond_the_allowance() {
        assert_eq!(found(&SPEED, &[100.0], &[94.0], 5.0), Some(1));
        assert_eq!(found(&SPEED, &[100.0], &[106.0], 5.0), Some(0));
        assert_eq!(found(&TIME, &[100.0], &[106.0], 5.0), Some(1));
        assert_eq!(found(&TIME, &[100.0], &[94.0], 5.0), Some(0));
        // Slower by 6 % on average, and nobody knows by how much.
        assert_eq!(found(&SPEED, &[90.0, 110.0], &[84.0, 104.0, 94.0], 5.0), Some(0));
        // The same seeds: each pair is slower by 6.
        assert_eq!(found(&SPEED, &[90.0, 110.0], &[84.0, 104.0], 5.0), Some(1));
        assert_eq!(found(&SPEED, &[90.0, 110.0], &[84.0, 104.0], 6.5), Some(0));
    }

    #[test]
    fn what_is_no_speed_is_not_looked_at_and_what_is_missing_is_slower() {
        assert_eq!(found(&EXITS, &[1.0], &[9.0], 5.0), None);
        let columns = vec![column("a", "speed", &[1.0]), column("b", "exits", &[1.0])];
        let groups = [Group { heading: "g".to_owned(), columns }];
        let slower = slower(&groups, "run", &[SPEED], 5.0).unwrap();
        assert_eq!(slower, ["g: b has no speed, and a has"]);
    }
}
