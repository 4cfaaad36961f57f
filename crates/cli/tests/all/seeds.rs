//! `terrace compare` of runs over several seeds, as a user runs it.

use crate::run;

use run::terrace;
use tempfile::TempDir;

/// Loads that wait for each other: huge pages are much faster, and seeds make no difference that matters.
const SMALL: &str = r#"
name = "small"
time = { measure = "4 ms", interval = "4 ms" }

[host]
memory = "1 GiB"

[[vm]]
memory = "128 MiB"

[[vm.program]]
workload = "gups"
parallelism = 1.0
parameters = { bytes = "32 MiB" }
"#;

struct World(TempDir);

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("small.toml"), SMALL).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    /// Runs the scenario with the systems and seeds into a result folder.
    fn result(&self, name: &str, systems: &str, seeds: &str) -> String {
        let (scenario, place) = (self.path("small.toml"), self.path(name));
        let system = format!("guest.system={systems}");
        terrace(&["run", &scenario, "--set", &system, "--seed", seeds, "--out", &place, "--quiet"]).success();
        place
    }
}

#[test]
fn means_over_seeds_are_compared_with_their_confidence() {
    let world = World::new();
    let base = world.result("base", "base-pages", "1,2,3");
    let huge = world.result("huge", "linux", "1,2,3");
    let table = terrace(&["compare", &base, &huge]).success();
    for part in ["mean of 3", "difference", "% ± ", " %, faster", "huge: guest.system"] {
        assert!(table.contains(part), "{part} in\n{table}");
    }
    assert!(!table.contains("seed 1"), "the same seeds are no difference:\n{table}");

    let csv = terrace(&["compare", &base, &huge, "--metric", "walks,accesses_per_second", "--format", "csv"]);
    let csv = csv.success();
    let rows: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows[0][5..], ["seeds", "difference_percent", "within_percent", "verdict"]);
    assert_eq!((rows[1][5], rows[1][8]), ("3", ""));
    let walks: &[&str] = &rows[3];
    assert_eq!((walks[1], walks[2], walks[5], walks[8]), ("huge", "walks", "3", "better"));
    assert!(walks[6].parse::<f64>().unwrap() < -90.0 && walks[7].parse::<f64>().unwrap() < 5.0, "{walks:?}");
    assert_eq!(rows[4][8], "faster");
}

#[test]
fn what_became_slower_is_an_exit_code() {
    let world = World::new();
    let base = world.result("base", "base-pages", "1,2,3");
    let huge = world.result("huge", "linux", "1,2,3");
    let others = world.result("others", "base-pages", "4,5,6,7");
    terrace(&["compare", &base, &huge, "--fail-if-slower", "0"]).success();
    terrace(&["compare", &base, &others, "--fail-if-slower", "2%"]).success();
    let (table, error) = terrace(&["compare", &huge, &base, "--fail-if-slower", "5"]).ended(3);
    assert!(table.contains("slower"), "{table}");
    assert!(error.contains("accesses_per_second of base is -"), "{error}");
    assert!(error.contains(" beside huge, slower by more than 5 %"), "{error}");
    let (_, error) = terrace(&["compare", &huge, &base, "--fail-if-slower", "5", "--quiet"]).ended(3);
    assert_eq!(error, "");
    terrace(&["compare", &huge, &base, "--fail-if-slower", "90"]).success();
    for wrong in ["-1", "much", "nan"] {
        let argument = format!("--fail-if-slower={wrong}");
        let error = terrace(&["compare", &huge, &base, &argument]).failure(2);
        assert!(error.contains("a number of percent that is not negative"), "{error}");
    }
    let (_, error) =
        terrace(&["compare", &huge, &base, "--metric", "fmfi", "--fail-if-slower", "5"]).ended(1);
    assert!(error.contains("--fail-if-slower: found nothing to compare that says how fast"), "{error}");
}

/// Of one result the seeds are repetitions, unless their own axis is asked for.
#[test]
fn seeds_of_one_result_are_repetitions_of_its_runs() {
    let world = World::new();
    let both = world.result("both", "base-pages,linux", "1,2");
    let table = terrace(&["compare", &both]).success();
    for part in ["small", "base-pages", "linux", "mean of 2", "faster"] {
        assert!(table.contains(part), "{part} in\n{table}");
    }
    let table = terrace(&["compare", &both, "--by", "seed"]).success();
    for part in ["small, base-pages", "small, linux", " 1 ", " 2 ", "ratio"] {
        assert!(table.contains(part), "{part} in\n{table}");
    }
    assert!(!table.contains("mean of"), "{table}");
    let error = terrace(&["compare", &both, "--by", "sede"]).failure(1);
    assert!(error.contains("expected one of system"), "{error}");
}
