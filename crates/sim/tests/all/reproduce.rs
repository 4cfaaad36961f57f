//! The figures of the papers, held to what the model has to give. What it does not give is a finding, not a test.

use terrace_sim::reproduce::{
    Extent, FIGURES, Given, Loads, Pages, Reproduced, Row, figure, reproduce, runs,
};
use terrace_sim::run::{Registry, Unwatched};

const TLB_RESIDENT: u64 = 64 << 10;
const LARGE: u64 = 4 << 30;

fn registry() -> Registry {
    Registry::new(terrace_systems::registry().iter().copied())
}

fn measured(name: &str, footprints: &[u64], threads: usize) -> Reproduced {
    let extent = Extent::Only(Loads::Dependent, footprints);
    let reproduced = reproduce(figure(name).unwrap(), extent, &registry(), threads, &Unwatched).unwrap();
    assert_eq!(reproduced.missing, []);
    reproduced
}

fn row(reproduced: &Reproduced, mode: &str, footprint: u64) -> Row {
    let curves = reproduced.curves();
    let curve = curves.iter().find(|curve| curve.mode == mode).unwrap();
    curve.rows.iter().find(|row| row.footprint_bytes == footprint).unwrap().clone()
}

/// Gemini, Figure 2: over the large set only huge pages at both sides gain much; over a set that the TLB holds, pages
/// make no difference.
#[test]
fn aligned_pages_gain_most_over_a_large_set_and_nothing_over_a_small_one() {
    let reproduced = measured("gemini-fig2", &[TLB_RESIDENT, LARGE], 2);
    let large = row(&reproduced, "2d", LARGE);
    let aligned = large.of(Pages::HugeBoth).unwrap();
    assert!(aligned >= 150.0, "{large:?}");
    for one_sided in large.one_sided() {
        assert!((100.0..aligned).contains(&one_sided), "{large:?}");
    }
    let small = row(&reproduced, "2d", TLB_RESIDENT);
    for percent in small.percent {
        assert!((95.0..110.0).contains(&percent.unwrap()), "{small:?}");
    }
    // The published loss over the small set is nothing that the machine file could give.
    let lost = reproduced.findings.iter().find(|finding| finding.statement.contains("slower")).unwrap();
    assert_eq!(lost.given, Given::No, "{lost:?}");
}

/// xGemini, Figure 7, in a virtual machine and in a nested one: at a size that base pages do not cover and huge ones do.
#[test]
fn the_order_is_the_same_in_a_nested_virtual_machine() {
    const BEYOND: u64 = 64 << 20;
    let reproduced = measured("xgemini-fig7", &[TLB_RESIDENT, BEYOND], 2);
    for mode in ["2d", "nested"] {
        let beyond = row(&reproduced, mode, BEYOND);
        let aligned = beyond.of(Pages::HugeBoth).unwrap();
        for one_sided in beyond.one_sided() {
            assert!((100.0..aligned).contains(&one_sided), "{mode} {beyond:?}");
        }
        let small = row(&reproduced, mode, TLB_RESIDENT);
        for percent in small.percent {
            assert!((95.0..110.0).contains(&percent.unwrap()), "{mode} {small:?}");
        }
    }
    assert_eq!(reproduced, measured("xgemini-fig7", &[TLB_RESIDENT, BEYOND], 1), "threads change nothing");
}

/// Every run of a figure's scenario is a point of it: modes, both kinds of loads, 17 footprints, four kinds of pages.
#[test]
fn every_run_of_a_figure_is_a_point() {
    for (figure, modes) in FIGURES.iter().zip([1, 2]) {
        let all = runs(figure, Extent::Full, &registry()).unwrap();
        assert_eq!(all.len(), modes * 2 * 17 * 4, "{}", figure.name);
        assert!(all.iter().all(|run| run.scenario.name == figure.name));
        let reduced = runs(figure, Extent::Reduced, &registry()).unwrap();
        assert_eq!(reduced.len(), modes * 2 * 10 * 4, "{}", figure.name);
    }
}
