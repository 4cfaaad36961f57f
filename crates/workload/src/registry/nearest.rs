//! The name that was probably meant.

/// The candidate that takes the fewest edits to come from `name`, if it is so near that it was probably meant: within a
/// third of its letters, rounded up.
pub(super) fn nearest(name: &str, candidates: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    let most = name.chars().count().div_ceil(3);
    let near = candidates.map(|candidate| (edits(name, candidate), candidate));
    near.filter(|(edits, _)| *edits <= most).min().map(|(_, candidate)| candidate)
}

/// How many letters have to be inserted, removed or replaced to get from `a` to `b` (Levenshtein's distance).
fn edits(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.chars().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.chars().count()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_edits() {
        for (a, b, expected) in
            [("", "", 0), ("", "abc", 3), ("gups", "gpus", 2), ("scan", "scans", 1), ("fft", "btree", 5)]
        {
            assert_eq!(edits(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn only_near_names_are_meant() {
        assert_eq!(nearest("cannel", ["canneal", "chase"].into_iter()), Some("canneal"));
        assert_eq!(nearest("zebra", ["canneal", "chase"].into_iter()), None);
    }
}
