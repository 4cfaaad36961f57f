//! Numbers for people.

/// A number with its thousands set apart.
pub fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with three digits that say something, and the thousands as a letter: `1.23 M`.
pub fn short(value: f64) -> String {
    scaled(value, &[(1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k")])
}

/// A time in nanoseconds, in the unit that suits it: `12.3 µs`.
pub fn short_time(nanos: f64) -> String {
    scaled(nanos, &[(1e9, " s"), (1e6, " ms"), (1e3, " µs"), (1.0, " ns")])
}

/// A share as a percentage.
pub fn percent(share: f64) -> String {
    format!("{} %", digits(100.0 * share))
}

fn scaled(value: f64, units: &[(f64, &str)]) -> String {
    // What would be rounded to 1000 belongs to the next unit.
    let fits = |&&(unit, _): &&(f64, &str)| value.abs() >= 0.9995 * unit;
    match units.iter().find(fits).or(units.last().filter(|(unit, _)| *unit <= 1.0)) {
        Some((unit, name)) => format!("{}{name}", digits(value / unit)),
        None => digits(value),
    }
}

/// Three digits, of which at most two are behind the point; nothing behind the point of a whole number.
fn digits(value: f64) -> String {
    let size = value.abs();
    let text = match size {
        _ if size >= 99.95 => format!("{value:.0}"),
        _ if size >= 9.995 => format!("{value:.1}"),
        _ if size > 0.0 && size < 0.005 => return "<0.01".to_owned(),
        _ => format!("{value:.2}"),
    };
    match text.split_once('.') {
        Some((whole, rest)) if rest.bytes().all(|digit| digit == b'0') => whole.to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        for (value, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn short_numbers_have_three_digits() {
        for (value, text) in [
            (0.0, "0"),
            (0.001, "<0.01"),
            (0.126, "0.13"),
            (3.0, "3"),
            (9.996, "10"),
            (12.34, "12.3"),
            (999.4, "999"),
            (999.6, "1 k"),
            (1_234_567.0, "1.23 M"),
            (45_600_000_000.0, "45.6 G"),
        ] {
            assert_eq!(short(value), text, "{value}");
        }
        for (nanos, text) in [(0.0, "0 ns"), (850.0, "850 ns"), (12_345.0, "12.3 µs"), (2e9, "2 s")] {
            assert_eq!(short_time(nanos), text);
        }
        assert_eq!([0.0, 0.834, 1.0].map(percent), ["0 %", "83.4 %", "100 %"]);
    }
}
