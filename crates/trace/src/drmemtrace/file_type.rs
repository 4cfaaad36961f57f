//! What the file type marker says of a recording.
//!
//! Source: `offline_file_type_t` in `clients/drcachesim/common/trace_entry.h` of `DynamoRIO`.

use super::record::{Class, FILE_TYPE, Record, SIZE};

/// How many records at the start of a file are searched for the marker, which comes third.
const SEARCHED: usize = 16;

/// Older recordings: both instructions and data were filtered.
const FILTERED: u64 = 0x01;
const INSTRUCTIONS_ONLY: u64 = 0x04;
const INSTRUCTIONS_FILTERED: u64 = 0x80;
const DATA_FILTERED: u64 = 0x100;
/// Only the beginning, up to a marker, was filtered.
const FILTERED_WARMUP: u64 = 0x2000;

/// What to know of a file that begins with `records`.
pub(super) fn notes(records: &[u8]) -> Vec<String> {
    let (records, _) = records.as_chunks::<SIZE>();
    let marker = records
        .iter()
        .take(SEARCHED)
        .map(Record::of)
        .find(|record| record.class() == Class::Marker && record.size == FILE_TYPE);
    marker.map_or_else(Vec::new, |marker| of_bits(marker.value))
}

fn of_bits(bits: u64) -> Vec<String> {
    let has = |bit| bits & bit != 0;
    let (instructions, data) = (
        has(FILTERED | INSTRUCTIONS_FILTERED),
        // Without data references there was nothing to filter.
        has(FILTERED | DATA_FILTERED) && !has(INSTRUCTIONS_ONLY),
    );
    let what = match (instructions, data) {
        (true, true) => Some("Instruction fetches and data accesses"),
        (true, false) => Some("Instruction fetches"),
        (false, true) => Some("Data accesses"),
        (false, false) => None,
    };
    let when = if has(FILTERED_WARMUP) { "in the first part of the recording" } else { "in the recording" };
    let mut notes = Vec::new();
    if let Some(what) = what {
        notes.push(format!(
            "{what} that hit a small cache were left out {when} (drmemtrace's L0 filter): there are more TLB hits, \
             and a higher share of hits, than this trace gives."
        ));
    }
    if has(INSTRUCTIONS_ONLY) {
        notes.push("The recording has instruction fetches only: it has no data accesses.".to_owned());
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unfiltered_recording_needs_no_note() {
        // That of `gups.drmemtrace.zip`.
        assert!(of_bits(3648).is_empty());
        assert!(notes(b"").is_empty());
    }

    #[test]
    fn filters_are_told() {
        for (bits, begins, has) in [
            (0x01, "Instruction fetches and data accesses that", "left out in the recording"),
            (0x40 | 0x80, "Instruction fetches that", "left out in the recording"),
            (0x100, "Data accesses that", "left out in the recording"),
            (0x2180, "Instruction fetches and data accesses that", "in the first part of the recording"),
            (0x104, "The recording has instruction fetches only", "no data accesses"),
        ] {
            let notes = of_bits(bits);
            assert!(
                matches!(&notes[..], [note] if note.starts_with(begins) && note.contains(has)),
                "{notes:?}"
            );
        }
        assert_eq!(of_bits(0x84).len(), 2);
    }
}
