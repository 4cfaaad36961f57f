//! The traces of `tests/data` give the counts of `tests/data/README.md`.

use terrace_addr::AccessKind;
use terrace_trace::{Format, Statistics, open, open_as};

use crate::build::{Seen, addresses, data, drain, gzip, read_bytes, small_champsim, xz, zip};

fn read_known(name: &str, format: Format) -> (Vec<Seen>, Statistics) {
    let mut source = open(data(name)).unwrap();
    assert_eq!(source.format(), format);
    let seen = drain(&mut *source).unwrap();
    (seen, source.statistics())
}

fn of_kind(seen: &[Seen], kind: AccessKind) -> usize {
    seen.iter().filter(|(_, access)| access.kind == kind).count()
}

#[test]
fn sort_has_the_references_that_its_recorder_counted() {
    let (seen, statistics) = read_known("sort.drmemtrace.zip", Format::DrMemtrace);
    assert_eq!(of_kind(&seen, AccessKind::Fetch), 8_146_614);
    assert_eq!(of_kind(&seen, AccessKind::Load), 1_909_044);
    assert_eq!(of_kind(&seen, AccessKind::Store), 1_098_707);
    assert_eq!(seen.iter().filter(|(_, access)| access.size == 0).count(), 108);
    assert!(seen.iter().all(|&(thread, _)| thread == 0));
    let expected = Statistics {
        records: 135_746_196 / 12,
        fetches: 8_146_614,
        loads: 1_909_044,
        stores: 1_098_707,
        prefetches: 0,
        flushes: 0,
        unfetched: 795,
        encodings: 20_736,
        markers: 136_287,
        foreign_lines: 0,
        times: Some((13_439_688_313_902_047, 13_439_688_314_166_320)),
        without_address: 0,
    };
    assert_eq!(statistics, expected);
}

#[test]
fn gups_has_the_references_that_its_recorder_counted() {
    let (seen, statistics) = read_known("gups.drmemtrace.zip", Format::DrMemtrace);
    assert_eq!(of_kind(&seen, AccessKind::Fetch), 715_527);
    assert_eq!(of_kind(&seen, AccessKind::Load), 86_342);
    assert_eq!(of_kind(&seen, AccessKind::Store), 71_468);
    assert_eq!(statistics.records, 10_654_308 / 12);
}

#[test]
fn mix_has_a_load_in_every_third_instruction() {
    let (seen, statistics) = read_known("mix.champsim.xz", Format::ChampSim);
    assert_eq!(statistics.records, 300_000);
    assert_eq!(of_kind(&seen, AccessKind::Fetch), 300_000);
    assert_eq!(of_kind(&seen, AccessKind::Load), 100_000);
    assert_eq!(of_kind(&seen, AccessKind::Store), 0);
    assert!(seen.iter().all(|(_, access)| access.size == 1));
    let start: Vec<u64> = addresses(&seen[..4]).iter().map(|&(_, address)| address).collect();
    assert_eq!(start, [0x40_0000, 0x7f00_0000_0000, 0x40_0004, 0x40_0008]);
}

#[test]
fn a_batch_names_the_thread_as_the_trace_does() {
    let mut batch = terrace_trace::Batch::new();
    let mut source = open(data("gups.drmemtrace.zip")).unwrap();
    assert!(source.next_batch(&mut batch).unwrap());
    assert_eq!((batch.thread().get(), batch.thread_id()), (0, 22_420));
}

#[test]
fn a_format_that_is_insisted_on_must_be_there() {
    assert_eq!(open_as(data("mix.champsim.xz"), Format::ChampSim).unwrap().format(), Format::ChampSim);
    let error = open_as(data("mix.champsim.xz"), Format::DrMemtrace).err().unwrap().to_string();
    assert!(error.contains("found a champsim trace, expected a drmemtrace trace"), "{error}");
    let error = open_as(data("gups.drmemtrace.zip"), Format::ChampSim).err().unwrap().to_string();
    assert!(error.contains("found a drmemtrace trace, expected a champsim trace"), "{error}");
}

#[test]
fn champsim_is_read_from_any_container() {
    let plain = small_champsim();
    let expected = read_bytes(&plain).unwrap();
    assert_eq!(expected.len(), 9 + 3 * 8);
    for packed in [gzip(&plain), xz(&plain), zip(&[&plain]), zip(&[&plain[..100], &plain[100..]])] {
        assert_eq!(read_bytes(&packed).unwrap(), expected);
    }
}

#[test]
fn champsim_whose_content_ends_where_a_piece_ends() {
    // A piece has 256 KiB, which is 4096 records.
    for length in [256 << 10, 512 << 10, (256 << 10) + 64] {
        let content: Vec<u8> = small_champsim().into_iter().cycle().take(length).collect();
        let records = read_bytes(&content)
            .unwrap()
            .iter()
            .filter(|(_, access)| access.kind == AccessKind::Fetch)
            .count();
        assert_eq!(records, length / 64);
        assert_eq!(read_bytes(&gzip(&content)).unwrap(), read_bytes(&content).unwrap());
    }
}

#[test]
fn a_source_can_be_dropped_before_its_end() {
    let mut batch = terrace_trace::Batch::new();
    drop(open(data("sort.drmemtrace.zip")).unwrap());
    let mut source = open(data("sort.drmemtrace.zip")).unwrap();
    assert!(source.next_batch(&mut batch).unwrap());
}
