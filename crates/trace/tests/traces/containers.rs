//! Each compressor's files are found by their content, in one stream or several behind one another.

use proptest::prelude::*;

use terrace_trace::{TraceErrorKind, open};

use crate::build::{
    PACKERS, addresses, champsim_record, read_bytes, small_champsim, small_lackey, small_text, small_trace,
};

#[test]
fn every_format_is_read_from_every_container() {
    for content in [small_trace(), small_champsim(), small_lackey(), small_text()] {
        let expected = read_bytes(&content).unwrap();
        for (name, pack) in PACKERS {
            assert!(read_bytes(&pack(&content)).unwrap() == expected, "{name}");
        }
    }
}

#[test]
fn streams_behind_one_another_are_one_content() {
    let content = small_champsim().repeat(2000);
    let expected = read_bytes(&content).unwrap();
    for (name, pack) in PACKERS {
        let (first, second) = content.split_at(700_001);
        let packed = [pack(first), pack(b""), pack(second)].concat();
        assert!(read_bytes(&packed).unwrap() == expected, "{name}");
    }
}

#[test]
fn a_stream_that_is_cut_is_never_a_shorter_trace() {
    let content = small_champsim();
    for (name, pack) in PACKERS {
        let first = pack(&content);
        let packed = [&first[..], &first].concat();
        for length in 1..packed.len() {
            let whole = length == first.len();
            // Snappy's framing has no end: its header of 10 bytes may also be the last of a file.
            let unmarked = name == "snappy" && length == first.len() + 10;
            // xz may be padded with zeros, four at a time; its magic has none at its start.
            let got = read_bytes(&packed[..length]);
            assert_eq!(got.is_ok(), whole || unmarked, "{name} cut to {length} bytes");
        }
    }
}

#[test]
fn what_follows_a_stream_must_be_another() {
    for (name, pack) in PACKERS {
        let packed = [pack(&small_champsim()), b"and more of something else".to_vec()].concat();
        assert!(read_bytes(&packed).is_err(), "{name}");
    }
}

#[test]
fn a_declared_size_is_not_believed() {
    let size = (1_u64 << 60).to_le_bytes();
    // A window of 1 MiB, then a size of content of 8 bytes, then a last raw block of 3 bytes.
    let zstd = [&[0x28, 0xb5, 0x2f, 0xfd, 0xc0, 0x50][..], &size, &[0x19, 0, 0], b"abc"].concat();
    let error = read_bytes(&zstd).unwrap_err();
    assert_eq!(error.kind(), TraceErrorKind::Damaged);
    assert!(error.to_string().contains("found damaged zstd data ("), "{error}");
    // A window of 2^41 bytes.
    let zstd = [&[0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xf8][..], &[0x19, 0, 0], b"abc"].concat();
    let error = read_bytes(&zstd).unwrap_err();
    assert!(error.to_string().contains("too much memory"), "{error}");
    // A chunk of 16 MB where the most is 64 KiB.
    let snappy = b"\xff\x06\0\0sNaPpY\x00\xff\xff\xff";
    assert_eq!(read_bytes(snappy).unwrap_err().kind(), TraceErrorKind::Damaged);
}

#[test]
fn the_error_says_where_and_what_to_do() {
    let content = small_champsim().repeat(1000);
    let packed = crate::build::bzip2(&content);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &packed[..packed.len() - 1]).unwrap();
    let mut batch = terrace_trace::Batch::new();
    let error = open(file.path())
        .and_then(|mut source| {
            while source.next_batch(&mut batch)? {}
            Ok(())
        })
        .unwrap_err();
    let path = file.path().display();
    assert_eq!(
        error.to_string(),
        format!(
            "{path}: byte {} of its unpacked content: found the end of the file, expected the rest of its bzip2 \
             data\nThe file is cut short: copy it again, or record it again.",
            content.len()
        )
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn what_is_packed_is_read_wherever_it_is_split(
        instructions in prop::collection::vec(1_u64..1 << 40, 1..2000),
        packer in prop::sample::select(PACKERS.to_vec()),
        split: prop::sample::Index,
    ) {
        let content: Vec<u8> =
            instructions.iter().flat_map(|&address| champsim_record(address, [0; 4], [0; 2])).collect();
        let (first, second) = content.split_at(split.index(content.len()));
        let seen = read_bytes(&[(packer.1)(first), (packer.1)(second)].concat()).unwrap();
        let expected: Vec<(u32, u64)> = instructions.iter().map(|&address| (0, address)).collect();
        prop_assert_eq!(addresses(&seen), expected);
    }
}
