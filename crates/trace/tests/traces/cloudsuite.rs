//! `ChampSim`'s records of `CloudSuite`.

use proptest::prelude::*;
use terrace_addr::AccessKind;
use terrace_trace::{Format, Statistics, TraceErrorKind, open, open_as};

use crate::build::{
    Seen, addresses, cloudsuite_record, drain, read_bytes, small_champsim, small_cloudsuite, zstd,
};

fn read_as(content: &[u8], format: Format) -> Result<(Vec<Seen>, Statistics), terrace_trace::TraceError> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), content).unwrap();
    let mut source = open_as(file.path(), format)?;
    let seen = drain(&mut *source)?;
    Ok((seen, source.statistics()))
}

#[test]
fn a_fetch_then_loads_then_stores() {
    use AccessKind::{Fetch, Load, Store};
    let content = [
        cloudsuite_record(0x40_0000, [0x10, 0, 0x20, 0x30], [0, 0x40, 0x50, 0x60]),
        cloudsuite_record(0x40_0004, [0; 4], [0; 4]),
        cloudsuite_record(0x40_0008, [1, 2, 3, 4], [5, 6, 7, 8]),
    ]
    .concat();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &content).unwrap();
    let mut source = open(file.path()).unwrap();
    assert_eq!(source.format(), Format::CloudSuite);
    let seen = drain(&mut *source).unwrap();
    let expected =
        [0x40_0000, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x40_0004, 0x40_0008, 1, 2, 3, 4, 5, 6, 7, 8];
    assert_eq!(addresses(&seen), expected.map(|address| (0, address)));
    let kinds: Vec<AccessKind> = seen[..7].iter().map(|(_, access)| access.kind).collect();
    assert_eq!(kinds, [Fetch, Load, Load, Load, Store, Store, Store]);
    assert!(seen.iter().all(|(_, access)| access.size == 1));
    let statistics = source.statistics();
    assert_eq!((statistics.records, statistics.fetches, statistics.loads, statistics.stores), (3, 3, 7, 7));
}

#[test]
fn the_format_is_found_only_where_champsim_makes_no_sense() {
    let format = |content: &[u8]| {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        open(file.path()).map(|source| source.format())
    };
    assert_eq!(format(&small_cloudsuite()).unwrap(), Format::CloudSuite);
    assert_eq!(format(&zstd(&small_cloudsuite())).unwrap(), Format::CloudSuite);
    assert_eq!(format(&small_champsim()).unwrap(), Format::ChampSim);
    // Three records of ChampSim's are as long as two of CloudSuite's: then the one that is asked for is read.
    let without_registers = |address: u64| [address.to_le_bytes().as_slice(), &[0; 56]].concat();
    let both = [without_registers(0x10), without_registers(0x20), without_registers(0x30)].concat();
    assert_eq!(format(&both).unwrap(), Format::ChampSim);
    assert_eq!(read_as(&both, Format::ChampSim).unwrap().1.records, 3);
    let as_cloudsuite = read_as(&both, Format::CloudSuite).unwrap().0;
    assert_eq!(addresses(&as_cloudsuite), [(0, 0x10), (0, 0x20), (0, 0), (0, 0x30)]);
    // What only the first records speak against is read as what is asked for, too.
    let error = read_as(&small_cloudsuite()[..192], Format::ChampSim).unwrap_err();
    assert_eq!(error.kind(), TraceErrorKind::Record, "{error}");
    assert_eq!("cloudsuite".parse(), Ok(Format::CloudSuite));
}

#[test]
fn an_address_that_is_not_canonical() {
    let mut content = small_cloudsuite().repeat(20);
    content.extend(cloudsuite_record(0x40_0000, [0; 4], [0, 0, 0, 1 << 59]));
    let error = read_bytes(&content).unwrap_err();
    assert_eq!(error.kind(), TraceErrorKind::Record);
    let expected = ": record 180 (byte 17280 of its unpacked content): found the store address 0x800000000000000, \
                    expected a canonical address (";
    assert!(error.to_string().contains(expected), "{error}");
    assert!(
        error.to_string().ends_with("\nThe file is damaged, or holds records of another kind."),
        "{error}"
    );
}

#[test]
fn a_part_of_a_record_at_the_end() {
    let content = small_cloudsuite();
    for packed in [content[..800].to_vec(), zstd(&content[..800])] {
        let error = read_bytes(&packed).unwrap_err();
        assert_eq!(error.kind(), TraceErrorKind::Truncated);
        let expected = "byte 768 of its unpacked content: found 32 bytes after the last whole record (800 bytes in \
                        all), expected a length that is a multiple of 96 bytes, the size of a record\nThe file is cut \
                        short, or holds records of another kind (champsim has 64 bytes, cloudsuite 96).";
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn another_format_is_refused() {
    let error = read_as(b"some words", Format::CloudSuite).unwrap_err().to_string();
    assert!(error.contains("expected a cloudsuite trace (records of 96 bytes)"), "{error}");
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        records in prop::collection::vec(
            (1_u64..1 << 55, prop::array::uniform4(0_u64..1 << 55), prop::array::uniform4(0_u64..3)), 1..60),
    ) {
        let mut content = Vec::new();
        let mut expected = Vec::new();
        for (instruction, loads, stores) in records {
            content.extend(cloudsuite_record(instruction, loads, stores));
            expected.push((AccessKind::Fetch, instruction));
            expected.extend(loads.into_iter().filter(|&load| load != 0).map(|load| (AccessKind::Load, load)));
            expected.extend(stores.into_iter().filter(|&store| store != 0).map(|store| (AccessKind::Store, store)));
        }
        let (seen, _) = read_as(&content, Format::CloudSuite).unwrap();
        let got: Vec<_> = seen.iter().map(|(_, access)| (access.kind, access.addr.get())).collect();
        prop_assert_eq!(got, expected);
    }
}
