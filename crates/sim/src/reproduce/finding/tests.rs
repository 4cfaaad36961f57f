use super::*;
use crate::reproduce::figure;

/// A curve of rows: footprint in MiB, the three percentages beside base pages, walks of a load with base pages.
fn curve(rows: &[(u64, [f64; 3], f64)]) -> Curve {
    let rows = rows.iter().map(|&(footprint, [host, guest, both], walks)| Row {
        footprint_bytes: footprint << 20,
        percent: [Some(100.0), Some(host), Some(guest), Some(both)],
        base_walks: Some(walks),
    });
    Curve { mode: "2d".into(), loads: Loads::Dependent, rows: rows.collect() }
}

fn given(rows: &[(u64, [f64; 3], f64)]) -> Vec<Given> {
    of(figure("gemini-fig2").unwrap(), &curve(rows)).iter().map(|finding| finding.given).collect()
}

/// The published bars themselves give every statement of the paper.
#[test]
fn the_paper_gives_all_of_its_own_statements() {
    assert_eq!(given(&[(1, [87.0, 86.0, 103.0], 0.0), (1024, [120.0, 116.0, 202.0], 0.9)]), [Given::Yes; 5]);
}

#[test]
fn what_is_not_there_is_not_given() {
    use Given::{No, Unknown, Yes};
    // Without a loss over the small set, and with too much of a gain by one side over the large one.
    let rows = [(1, [100.0, 100.0, 100.0], 0.0), (1024, [140.0, 130.0, 200.0], 0.9)];
    assert_eq!(given(&rows), [Yes, No, Yes, No, No]);
    // Without a gain by aligned pages, and base pages that always walk.
    assert_eq!(given(&[(1024, [110.0, 110.0, 120.0], 0.9)]), [Unknown, No, No, Unknown, No]);
    // Aligned pages that are hardly above misaligned ones.
    assert_eq!(given(&[(1024, [350.0, 260.0, 390.0], 0.9)])[2], No);
    // Misaligned pages below base pages over the large set are no order of the paper's.
    assert_eq!(given(&[(1024, [99.0, 120.0, 200.0], 0.9)])[2], No);
    assert_eq!(given(&[]), [Unknown; 5]);
}

#[test]
fn rows_that_lack_a_throughput_decide_nothing() {
    let mut curve = curve(&[(1024, [120.0, 116.0, 202.0], 0.9)]);
    curve.rows[0].percent[3] = None;
    let figure = figure("gemini-fig2").unwrap();
    assert!(of(figure, &curve).iter().all(|finding| finding.given == Given::Unknown));
}

#[test]
fn a_finding_names_its_footprint() {
    let rows = [(256, [110.0, 108.0, 160.0], 0.9), (512, [119.0, 117.0, 200.0], 0.9)];
    let findings = of(figure("gemini-fig2").unwrap(), &curve(&rows));
    assert_eq!(findings[2].found, "at 256 MiB to 512 MiB");
    assert_eq!(
        findings[4].found,
        "published 100, 120, 116, 202; nearest 100, 119, 117, 200, at 512 MiB: 2 away at most"
    );
}
