//! `terrace bench`, in its reduced form: that it runs and says what it should, not how fast it is.

mod run;

use run::terrace;
use serde_json::Value;

#[test]
fn rows_are_measured() {
    let output =
        terrace(&["bench", "--quick", "--row", "hits,gups-segment,champsim,machine", "--format", "json"]);
    let result: Value = serde_json::from_str(&output.success()).unwrap();
    let rows = result["rows"].as_array().unwrap();
    let names: Vec<_> = rows.iter().map(|row| row["row"].as_str().unwrap()).collect();
    assert_eq!(names, ["hits", "gups-segment", "champsim"]);
    for row in rows {
        assert!(row["millions_per_second"].as_f64().unwrap() > 0.0 && row["error"].is_null(), "{row}");
    }
    assert_eq!(rows[0]["must_reach"], 150.0);
    assert!(rows[1]["references_per_walk"].as_f64().unwrap() >= 1.0);
    assert!(result["native"]["millions_per_second"].as_f64().unwrap() > 0.0);
}

#[test]
fn the_vector_instructions_can_be_chosen() {
    let text = terrace(&["bench", "--quick", "--row", "hits", "--vectors", "portable"]).success();
    assert!(text.contains("vectors: portable") && text.contains("TLB hits: loads in 64 KiB"), "{text}");
}

#[test]
fn a_trace_that_is_not_there_is_said_in_its_row() {
    let text = terrace(&["bench", "--quick", "--row", "trace", "--trace", "nowhere.zip"]).success();
    assert!(text.contains("nowhere.zip"), "{text}");
}

#[test]
fn unknown_rows_and_vectors_are_refused() {
    let error = terrace(&["bench", "--row", "nonsense"]).failure(2);
    assert!(error.contains("nonsense") && error.contains("hits, misses, gups"), "{error}");
    let error = terrace(&["bench", "--vectors", "mmx"]).failure(2);
    assert!(error.contains("portable, sse2, avx2 or avx512"), "{error}");
}
