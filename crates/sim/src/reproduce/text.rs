//! Numbers for people.

/// A size in the largest binary unit of which it is a whole number.
pub fn size(bytes: u64) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let fits = |&&(unit, _): &&(u64, &str)| bytes >= unit && bytes.is_multiple_of(unit);
    match units.iter().find(fits) {
        Some((unit, name)) => format!("{} {name}", bytes / unit),
        None => format!("{bytes} B"),
    }
}

/// A percentage, to the whole number that published bars are read to.
pub(super) fn percent(value: f64) -> String {
    format!("{value:.0}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_the_largest_whole_unit() {
        let sizes = [1 << 16, 1 << 20, 1536 << 20, 16 << 30, 100].map(size);
        assert_eq!(sizes, ["64 KiB", "1 MiB", "1536 MiB", "16 GiB", "100 B"]);
    }
}
