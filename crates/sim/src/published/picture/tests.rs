use super::*;
use crate::published::compared::compared;
use crate::published::measure::Totals;
use crate::published::{Cell, Extent, Mean, Row, comparison};

/// A figure of which nothing was measured, with two programs more: one with all values, one with none.
fn made_up() -> Compared {
    let comparison = comparison("xgemini-fig16").unwrap();
    let mut compared = compared(comparison, &Extent::default(), &Totals::new(), &[]);
    compared.draws = 30;
    let full = Cell { published: Some(110.0), simulated: Some(90.0), low: Some(80.0), high: Some(120.0) };
    let none = Cell { published: None, simulated: None, low: None, high: None };
    for (program, cell) in [("a<b&c", full), ("empty", none)] {
        let cells = vec![cell; compared.systems.len()];
        compared.rows.push(Row { program: program.to_owned(), vm: None, outlier: None, cells });
    }
    compared
}

/// Whether each tag is closed by its own, and text has no bare sign.
fn is_well_formed(svg: &str) -> bool {
    let mut open = Vec::new();
    let mut parts = svg.split('<');
    let before = parts.next();
    for part in parts {
        let Some((tag, text)) = part.split_once('>') else { return false };
        let bare = text.contains('>')
            || text.replace("&lt;", "").replace("&gt;", "").replace("&amp;", "").contains('&');
        if bare || !tag.matches('"').count().is_multiple_of(2) {
            return false;
        }
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name) {
                return false;
            }
        } else if !tag.ends_with('/') {
            open.extend(tag.split(' ').next());
        }
    }
    before == Some("") && open.is_empty()
}

fn values(compared: &Compared) -> usize {
    let of_means = compared.means.iter().flat_map(|Mean { published, simulated, .. }| [published, simulated]);
    let cells = compared.rows.iter().flat_map(|row| &row.cells);
    let of_rows = cells.flat_map(|Cell { published, simulated, .. }| [published, simulated]);
    of_rows.chain(of_means).flatten().count()
}

#[test]
fn each_value_is_a_bar_and_what_is_empty_has_none() {
    let compared = made_up();
    // Two systems in the program that has all values, one of which was published for two programs and the mean.
    assert_eq!(values(&compared), 2 * 2 + 3);
    let svg = picture(&[compared]);
    assert!(is_well_formed(&svg), "{svg}");
    assert_eq!(svg.matches("<rect ").count(), 7, "{svg}");
    assert_eq!(svg.matches("published\" x=").count(), 5, "{svg}");
    assert_eq!(svg.matches("class=\"band\"").count(), 1 + 2, "one in the legend: {svg}");
    for part in [
        "a&lt;b&amp;c, xgemini: simulated 90.0 %",
        "throughput, in % of base",
        ">mean<",
        "nine tenths of 30 draws",
    ] {
        assert!(svg.contains(part), "{part} in {svg}");
    }
}

#[test]
fn figures_stand_one_below_the_other() {
    let one = picture(&[made_up()]);
    let two = picture(&[made_up(), made_up()]);
    assert!(is_well_formed(&two), "{two}");
    assert_eq!(two.matches("<rect ").count(), 2 * one.matches("<rect ").count());
    let height = |svg: &str| -> u64 {
        svg.split_once("viewBox=\"0 0 760 ").unwrap().1.split_once('"').unwrap().0.parse().unwrap()
    };
    assert_eq!(height(&two), 2 * height(&one));
    assert!(is_well_formed(&picture(&[])));
}

/// Heights are shares of a field of 150 from 0 to 120 %; what a system loses hangs below the line.
#[test]
fn bars_are_as_high_as_their_values() {
    let mut compared = made_up();
    compared.rows.truncate(0);
    compared.means.truncate(1);
    compared.systems.truncate(1);
    let bar = |compared: &mut Compared, simulated: f64| {
        let mean = &mut compared.means[0];
        (mean.published, mean.simulated) = (Some(120.0), Some(simulated));
        let svg = picture(std::slice::from_ref(compared));
        let (_, bar) = svg.split_once("<rect class=\"one simulated\"").unwrap();
        let of = |name: &str| -> u64 {
            let (_, value) = bar.split_once(&format!(" {name}=\"")).unwrap();
            value.split_once('"').unwrap().0.parse().unwrap()
        };
        (of("y"), of("height"), bar.contains("font-size=\"9\""))
    };
    let (half, height, _) = bar(&mut compared, 60.0);
    assert_eq!(height, 75);
    let (top, height, _) = bar(&mut compared, -60.0);
    assert_eq!((top, height), (half + 15, 36), "of 250, from -100 to 150");
    // Twice the largest published value is the most that is drawn.
    let (_, height, cut) = bar(&mut compared, 9000.0);
    assert_eq!((height, cut), (150, true));
}
