//! Output of perf script.

use std::fmt::Write as _;

use proptest::prelude::*;
use terrace_addr::{Access, AccessKind, Addr};
use terrace_trace::{Batch, Format, Statistics, TraceError, TraceErrorKind, open, open_as};

use crate::build::{Seen, drain, gzip, read_bytes, small_perf_script};

fn read_as(content: &[u8]) -> Result<(Vec<Seen>, Statistics), TraceError> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), content).unwrap();
    let mut source = open_as(file.path(), Format::PerfScript)?;
    let seen = drain(&mut *source)?;
    Ok((seen, source.statistics()))
}

/// The error's text after the path.
fn refused(content: &[u8], kind: TraceErrorKind) -> String {
    let error = read_as(content).unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    let text = error.to_string();
    text.strip_prefix(&format!("{}: ", error.facts().path.display())).unwrap().to_owned()
}

fn access(thread: u32, addr: u64, kind: AccessKind) -> Seen {
    (thread, Access { addr: Addr::new(addr), size: 1, kind })
}

#[test]
fn a_sample_is_an_access_of_its_thread() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), small_perf_script()).unwrap();
    let mut source = open(file.path()).unwrap();
    assert_eq!(source.format(), Format::PerfScript);
    let mut batch = Batch::new();
    assert!(source.next_batch(&mut batch).unwrap());
    assert_eq!((batch.thread_id(), batch.accesses().len()), (12_346, 1));
    assert!(source.next_batch(&mut batch).unwrap());
    assert_eq!((batch.thread_id(), batch.accesses()[0].kind), (12_345, AccessKind::Store));
    assert!(!source.next_batch(&mut batch).unwrap());
    let statistics = source.statistics();
    assert_eq!((statistics.records, statistics.loads, statistics.stores), (2, 1, 1));
    assert_eq!((statistics.foreign_lines, statistics.without_address), (1, 1));
}

#[test]
fn call_chains_and_other_lines_are_passed_over() {
    let text = "# cmdline : perf record -d -g\n\n\
                my prog: x 7/8 [000] 1.000001:      10007 mem-loads:      7ffe1000\n\
                \t          401136 main+0x6 (/bin/my prog)\n\
                \t    7f0000001000 __libc_start_call_main+0x80 (/usr/lib/libc.so.6)\n\n\
                my prog: x 7/8 [000] 1.000002:      10007 cycles:u:        401136 main+0x6 (/bin/my prog)\n\
                sh 9/9 [000] 1.000003: mem-stores: 7ffe1008\r\n";
    let (seen, statistics) = read_as(text.as_bytes()).unwrap();
    assert_eq!(seen, [access(0, 0x7ffe_1000, AccessKind::Load), access(1, 0x7ffe_1008, AccessKind::Store)]);
    assert_eq!((statistics.foreign_lines, statistics.without_address), (5, 1));
    assert!(read_bytes(&gzip(text.as_bytes())).unwrap() == seen);
}

#[test]
fn a_text_without_data_addresses() {
    let text = "sh 9/9 1.5: 1 cycles:u: 401136 main (/bin/sh)\n".repeat(3) + "words\n";
    let expected = "found no sample with a data address (4 lines in all, 3 of them samples without), expected a \
                    perf-script trace, with lines such as \"sh 12/12 3.4: mem-loads: 7ffe1000\"\nRecord with perf mem \
                    record, print with perf script -F comm,pid,tid,time,event,addr,ip";
    assert_eq!(refused(text.as_bytes(), TraceErrorKind::Format), expected);
    // Without its being asked for, too: the first line is a sample.
    assert!(read_bytes(text.as_bytes()).unwrap_err().to_string().ends_with(expected));
    assert!(
        refused(b"words\n", TraceErrorKind::Format).contains("(1 lines in all, 0 of them samples without)")
    );
}

#[test]
fn an_address_that_is_not_canonical() {
    let text = "sh 9 1.5: mem-loads: 7ffe1000\nsh 9 1.5: mem-loads: 1234567812345678\n";
    let text = refused(text.as_bytes(), TraceErrorKind::Record);
    let expected = "line 2 (byte 30 of its unpacked content): found the data address 0x1234567812345678, expected a \
                    canonical address (";
    assert!(text.starts_with(expected), "{text}");
    assert!(text.ends_with("\nTake the line out, or print the samples again with perf script."), "{text}");
}

#[test]
fn a_text_that_ends_inside_a_line() {
    for end in ["sh 9 1.5: mem-loads: 7ffe1", "sh 9", "words"] {
        let text =
            refused(format!("sh 9 1.5: mem-loads: 7ffe1000\n{end}").as_bytes(), TraceErrorKind::Truncated);
        let expected = "line 2 (byte 30 of its unpacked content): found the end of the file inside a line, expected a \
                        line end after each line\nThe file is cut short: copy it again, or print it again with perf \
                        script.";
        assert_eq!(text, expected);
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        lines in prop::collection::vec(
            (
                "[a-zA-Z:/_-]{1,7}( [a-zA-Z-]{1,7})?", 0_u64..4, 1_u64..1 << 55, any::<bool>(),
                prop::array::uniform5(any::<bool>()),
            ),
            1..100,
        ),
    ) {
        let mut text = String::new();
        let mut expected = Vec::new();
        let mut ids = Vec::new();
        for (comm, thread, address, store, [pair, cpu, time, period, ip]) in lines {
            write!(text, "{comm:>16} ").unwrap();
            text += if pair { "    1/" } else { "" };
            write!(text, "{thread:<5} ").unwrap();
            text += if cpu { "[003] " } else { "" };
            text += if time { "12345.678901: " } else { "" };
            text += if period { "         1 " } else { "" };
            text += if store { "cpu/mem-stores/P: " } else { "  cpu/mem-loads,ldlat=30/P: " };
            write!(text, "{address:16x}").unwrap();
            text += if ip { "           401136 main+0x6 (/bin/my prog)\n" } else { "\n" };
            let number = ids.iter().position(|&id| id == thread).unwrap_or(ids.len());
            if number == ids.len() {
                ids.push(thread);
            }
            let kind = if store { AccessKind::Store } else { AccessKind::Load };
            expected.push(access(u32::try_from(number).unwrap(), address, kind));
        }
        prop_assert_eq!(read_as(text.as_bytes()).unwrap().0, expected);
    }
}
