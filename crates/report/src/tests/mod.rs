//! Pages of results that were made by hand.

mod browser;
mod made;

use terrace_addr::{Addr, Bytes, Nanos};
use terrace_result::{EventRow, Metrics, Outcome, Sha256};

use crate::answer::Answer;
use crate::axes::Runs;
use crate::cells::View;
use crate::{Loaded, MARK, Options, ReportError, page};
use made::{BASE, Measured, demo, loaded, run, with_series};

fn answer(results: &[Loaded]) -> Answer {
    Answer::new(&View::new(Runs::new(results, &Options::default()).unwrap()))
}

fn html(results: &[Loaded]) -> String {
    page(results, &Options::default()).unwrap()
}

#[test]
fn the_answer_is_where_systems_differ_most_and_says_why() {
    let answer = answer(&[demo()]);
    assert_eq!(
        answer.sentence,
        "Where memory is “fragmented”, “aligned” is fastest of 3: 15.0 % more throughput than “base” in the mean over 2 \
         programs, mainly because translation takes 1 cycles of an access instead of 5: 80 % of memory is well aligned \
         (“base”: 0 %) and TLB misses fall by 80 %; next is “thp” with +5.0 %."
    );
    assert_eq!(answer.panel, 1);
    let said: Vec<_> = answer.panels.iter().map(|(place, said)| (place.as_str(), said.as_str())).collect();
    assert_eq!(said, [("Where memory is “clean”", "“thp” and “aligned” +20.0 %, no difference found")]);
    assert!(
        answer.notes[0].contains("another seed") && answer.notes[1].contains("1 %"),
        "{:?}",
        answer.notes
    );
}

/// The gain is 0.5 %, and each side may be off by 1 %.
#[test]
fn differences_that_sampling_leaves_open_are_none() {
    let faster = Measured { rate: 1.005e6, walks: 400_000, ..BASE };
    let result = loaded(vec![
        (run(&[("pages", "base")], "base-pages", "p", BASE), 1),
        (run(&[("pages", "thp")], "linux", "p", faster), 1),
    ]);
    assert_eq!(
        answer(&[result]).sentence,
        "No difference in throughput was found between “base” and “thp”: all lie within ±2.0 % of it, though with “thp” TLB \
         misses fall by 20 %."
    );
}

#[test]
fn a_baseline_that_is_fastest_is_said_to_be() {
    let slower = Measured { rate: 0.8e6, walk_cycles: 9e6, ..BASE };
    let result = loaded(vec![
        (run(&[("pages", "base")], "base-pages", "p", BASE), 1),
        (run(&[("pages", "thp")], "linux", "p", slower), 1),
    ]);
    let sentence = answer(&[result]).sentence;
    assert!(
        sentence.starts_with("“base” is fastest: the next, “thp”, has 20.0 % less throughput than “base”"),
        "{sentence}"
    );
    assert!(sentence.contains("translation takes 9 cycles of an access instead of 5"), "{sentence}");
}

/// Whoever gets six times the requests does six times the work, with the same cycles for each.
#[test]
fn what_cycles_do_not_explain_is_not_explained_by_them() {
    let busier = Measured { rate: 6e6, walk_cycles: 4.9e6, ..BASE };
    let result = loaded(vec![
        (run(&[("rate", "1M")], "linux", "p", BASE), 1),
        (run(&[("rate", "6M")], "linux", "p", busier), 1),
    ]);
    assert_eq!(
        answer(&[result]).sentence,
        "“6M” is fastest: 6 times the throughput of “1M”, which cycles do not explain (an access takes 9.90 instead of \
         10)."
    );
}

#[test]
fn shorter_walks_are_told_from_fewer() {
    let shorter = Measured { rate: 1.4e6, walk_cycles: 1e6, ..BASE };
    let result = loaded(vec![
        (run(&[("guest", "base")], "base-pages", "p", BASE), 1),
        (run(&[("guest", "huge")], "linux", "p", shorter), 1),
    ]);
    let sentence = answer(&[result]).sentence;
    assert!(
        sentence.ends_with("1 cycles of an access instead of 5: walks are shorter, and as many."),
        "{sentence}"
    );
}

#[test]
fn seeds_are_repetitions_with_an_interval() {
    let mut runs = Vec::new();
    for (seed, gains) in [(1_u64, [1.0, 1.11]), (2, [1.0, 1.09]), (3, [1.0, 1.10])] {
        for (gain, (name, system)) in gains.into_iter().zip([("base", "base-pages"), ("thp", "linux")]) {
            let measured = Measured { rate: 1e6 * gain, error: None, ..BASE };
            let labels = [("seed", seed.to_string()), ("pages", name.to_owned())];
            let labels: Vec<(&str, &str)> =
                labels.iter().map(|(axis, value)| (*axis, value.as_str())).collect();
            runs.push((run(&labels, system, "p", measured), seed));
        }
    }
    let results = [loaded(runs)];
    let view = View::new(Runs::new(&results, &Options::default()).unwrap());
    assert_eq!((view.panels.len(), view.programs.len(), view.cells.len()), (1, 1, 2));
    let thp = &view.cells[1];
    assert!((thp.ratio().unwrap() - 1.10).abs() < 1e-9);
    // Student's quantile of two degrees of freedom, and the standard error 0.01 / √3.
    assert!((thp.within().unwrap() - 4.303 * 0.01 / 3_f64.sqrt()).abs() < 1e-9);
    assert!(thp.differs_from(&view.cells[0]));
    let answer = Answer::new(&view);
    assert!(answer.sentence.starts_with("“thp” is fastest: 10.0 % more"), "{}", answer.sentence);
    assert_eq!(answer.notes[0], "Means over 3 seeds; “±” is the 95 % confidence interval.");
}

#[test]
fn one_run_is_described_and_compared_with_nothing() {
    let answer = answer(&[loaded(vec![(run(&[], "linux", "gups", BASE), 1)])]);
    assert_eq!(
        answer.sentence,
        "Gups makes 1 M accesses a second: translation takes 50 % of all cycles and 0 % of memory is well aligned; \
         nothing is compared with it."
    );
}

#[test]
fn results_are_compared_with_the_first() {
    let mut after = demo();
    after.name = "after".into();
    let view_of = |results: &[Loaded], options: &Options| {
        let view = View::new(Runs::new(results, options).unwrap());
        (view.axis_name().to_owned(), view.values(), view.panels.len(), view.programs.len())
    };
    let results = [demo(), after, demo()];
    let (axis, values, panels, programs) = view_of(&results, &Options::default());
    assert_eq!((axis.as_str(), panels, programs), ("result", 6, 2));
    assert_eq!(values, ["small", "after", "small (2)"]);
    let by = Options { by: Some("memory".into()), baseline: Some("fragmented".into()) };
    let (axis, values, panels, _) = view_of(&results[..1], &by);
    assert_eq!((axis.as_str(), panels), ("memory", 3));
    assert_eq!(values, ["fragmented", "clean"]);
}

/// A program that one system did not come to the end of is no part of a mean.
#[test]
fn means_are_over_programs_that_all_have() {
    let mut result = demo();
    result.result.runs.retain(|run| {
        run.labels.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>() != ["q", "thp", "clean"]
    });
    let answer = answer(&[result]);
    assert!(answer.sentence.contains("in the mean over 2 programs"), "fragmented memory has both");
    assert!(answer.notes.iter().any(|note| note.contains("fewer than 2 programs")), "{:?}", answer.notes);
}

#[test]
fn runs_that_are_missing_are_said_to_be() {
    assert_eq!(answer(&[demo()]).warning, None);
    let mut result = demo();
    result.result.runs[3].totals = Metrics::new();
    result.result.runs[3].outcome =
        Outcome::OutOfMemory { at: Nanos::new(1), layer: "host".into(), wanted: "a <page>".into() };
    result.result.runs[0].outcome = Outcome::Interrupted { at: Nanos::new(2) };
    let results = [result];
    assert_eq!(
        answer(&results).warning.unwrap(),
        "Of 12 runs 1 did not come to their measured time and are not shown, and 1 were cut short: Provenance says why."
    );
    let page = html(&results);
    assert!(page.contains("it wanted a &lt;page&gt;. Nothing of it was measured."));
}

#[test]
fn what_there_is_not_is_named() {
    let refused = |by: Option<&str>, baseline: Option<&str>| {
        let options = Options { by: by.map(str::to_owned), baseline: baseline.map(str::to_owned) };
        page(&[demo()], &options).unwrap_err().to_string()
    };
    assert_eq!(refused(Some("memroy"), None), "--by: found memroy; expected one of program, system, memory");
    assert_eq!(refused(None, Some("thq")), "--baseline: found thq; expected one of thp, base, aligned");
    let mut empty = demo();
    for run in &mut empty.result.runs {
        run.totals = Metrics::new();
    }
    let error = page(&[empty], &Options::default()).unwrap_err();
    assert!(matches!(error, ReportError::NothingMeasured { .. }), "{error}");
}

#[test]
fn the_same_results_give_the_same_page() {
    let page = html(&[demo()]);
    assert!(page.starts_with(MARK));
    assert!(page == html(&[demo()]), "other bytes");
}

#[test]
fn what_results_say_cannot_become_a_script() {
    let page = html(&[demo()]);
    assert!(!page.contains("<script>alert") && page.contains("&lt;script&gt;alert(1)"));
    // Each script runs by its digest, and none is fetched.
    assert_eq!(page.matches("<script").count(), 5 + page.matches("\"<script").count());
    assert_eq!(page.matches("'sha256-").count(), 4);
    assert!(!page.contains(" src=\"http") && !page.contains("<link"));
    assert!(!page.contains("sourceMappingURL"));
}

#[test]
fn series_and_events_are_on_the_page() {
    let mut result = with_series();
    result.events.push((
        1,
        vec![EventRow {
            run: 1,
            time: Nanos::new(5),
            vm: "vm".into(),
            layer: "guest".into(),
            kind: "collapse-by-copy".into(),
            gva: Some(Addr::new(0x20_0000)),
            gpa: None,
            ghpa: None,
            hpa: Some(Addr::new(0x40_0000)),
            offset: Some(-4096),
            bytes: Bytes::new(2 << 20),
            reason: "no block <free>".into(),
        }],
    ));
    let page = html(&[result]);
    // Of 3 systems in 2 panels, for each of 2 programs and for their mean.
    assert_eq!(page.matches(r#"["alignment","guest","#).count(), 18);
    assert!(page.contains("[0.5,1.0],[0.25,0.75]]"), "times in ms, and shares");
    assert!(page.contains("no block &lt;free&gt;") && page.contains("-0x1000") && page.contains("2 MiB"));
    assert!(html(&[demo()]).contains("record.events=true"), "how to record them");
}

#[test]
fn the_libraries_are_those_of_the_table() {
    let table = include_str!("../../assets/vega/README.md");
    let libraries = [
        ("vega.min.js", include_bytes!("../../assets/vega/vega.min.js").as_slice()),
        ("vega-lite.min.js", include_bytes!("../../assets/vega/vega-lite.min.js").as_slice()),
        ("vega-embed.min.js", include_bytes!("../../assets/vega/vega-embed.min.js").as_slice()),
    ];
    for (name, bytes) in libraries {
        let digest = Sha256::of(bytes);
        let row = table.lines().find(|line| line.starts_with(&format!("| `{name}`"))).unwrap();
        assert!(row.contains(digest.as_str()), "{name}: {}", digest.as_str());
        let text = String::from_utf8_lossy(bytes);
        assert!(!text.contains("</script") && !text.contains("<!--") && !text.contains('\r'), "{name}");
    }
}
