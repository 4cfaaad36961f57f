//! The name that was probably meant.

/// The candidate nearest to `name`, if it is so near that it was probably meant: within a third of its letters.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = (name.chars().count() / 3).max(1);
    let near = candidates.into_iter().map(|candidate| (distance(name, candidate), candidate));
    near.filter(|(distance, _)| *distance <= most).min().map(|(_, candidate)| candidate)
}

/// How many letters have to be inserted, removed or replaced to get from `a` to `b`, or neighbours exchanged
/// (the optimal string alignment distance). Case does not count.
fn distance(a: &str, b: &str) -> usize {
    let fold = |text: &str| text.chars().map(|letter| letter.to_ascii_lowercase()).collect::<Vec<_>>();
    let (a, b) = (fold(a), fold(b));
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replace = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replace.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_edits() {
        for (a, b, edits) in
            [("", "", 0), ("stlb", "STLB", 0), ("", "abc", 3), ("wyas", "ways", 1), ("l1d", "l1i", 1)]
        {
            assert_eq!(distance(a, b), edits, "{a} {b}");
        }
    }

    #[test]
    fn only_near_names_are_meant() {
        assert_eq!(nearest("drmemtrase", ["champsim", "drmemtrace"]), Some("drmemtrace"));
        assert_eq!(nearest("zen4", ["champsim", "drmemtrace"]), None);
        assert_eq!(nearest("x", []), None);
    }
}
