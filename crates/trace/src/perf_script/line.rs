//! One line.

use terrace_addr::{AccessKind, convert};

/// How much of a line is looked at, in bytes: more than all fields up to the address and its data source take.
pub(super) const LOOKED_AT: usize = 1000;

/// The most digits of an address.
const ADDRESS_DIGITS: usize = 16;

/// What the words of a data source begin with, after its number.
const OPERATION: &[u8] = b"|OP";

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// A sample with an address, which need not be canonical.
    Access { address: u64, kind: AccessKind, thread: u64 },
    /// A sample with the number 0, or with none that is a data address.
    WithoutAddress,
    /// Not a sample.
    Foreign,
}

impl Line {
    /// The line `text`, with or without its end; it may be cut to [`LOOKED_AT`] bytes, but not shorter.
    pub(super) fn of(text: &[u8]) -> Self {
        let text = &text[..text.len().min(LOOKED_AT)];
        if text.starts_with(b"#") {
            return Self::Foreign;
        }
        let words: Vec<&[u8]> = text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).collect();
        let sample = words.iter().enumerate().find_map(|(index, word)| {
            let event = word.strip_suffix(b":").filter(|event| !event.is_empty() && !is_seconds(event))?;
            Some((event, thread(&words[..index])?, &words[index + 1..]))
        });
        let Some((event, thread, rest)) = sample else { return Self::Foreign };
        match address(event, rest) {
            Some(address) if address != 0 => Self::Access { address, kind: kind(event, rest), thread },
            _ => Self::WithoutAddress,
        }
    }
}

/// Whether a line is a sample beyond doubt: one that has, besides what a sample must have, a time, a cpu or both ids.
pub(super) fn is_surely_a_sample(text: &[u8]) -> bool {
    let mark = |word: &[u8]| is_time(word) || is_cpu(word) || (word.contains(&b'/') && id(word).is_some());
    Line::of(text) != Line::Foreign && text.split(u8::is_ascii_whitespace).any(mark)
}

/// The thread that the words before an event name, if they are the fields of a sample.
fn thread(mut words: &[&[u8]]) -> Option<u64> {
    if let [before @ .., last] = words
        && is_decimal(last)
        && before.last().is_some_and(|word| is_time(word) || is_cpu(word) || id(word).is_some())
    {
        words = before;
    }
    for optional in [is_time, is_cpu] {
        if let [before @ .., last] = words
            && optional(last)
        {
            words = before;
        }
    }
    id(words.last()?)
}

/// The thread in `pid/tid`, or in one number. perf prints −1 for one that is not known.
fn id(word: &[u8]) -> Option<u64> {
    let number = |digits: &[u8]| {
        let unsigned = digits.strip_prefix(b"-").unwrap_or(digits);
        let value: i64 = is_decimal(unsigned).then(|| str::from_utf8(digits).ok()?.parse().ok())??;
        Some(convert::bits(value))
    };
    match word.iter().position(|&byte| byte == b'/') {
        Some(slash) => number(&word[..slash]).and(number(&word[slash + 1..])),
        None => number(word),
    }
}

/// The data address in what follows an event.
fn address(event: &[u8], rest: &[&[u8]]) -> Option<u64> {
    let address = hexadecimal(rest.first()?)?;
    let is_number = |next: &&[u8]| hexadecimal(next).is_some() || is_decimal(next) || *next == OPERATION;
    (rest.get(1).is_none_or(is_number) || event.windows(6).any(|part| part == b"faults")).then_some(address)
}

fn kind(event: &[u8], rest: &[&[u8]]) -> AccessKind {
    let source = rest.windows(2).find(|pair| pair[0] == OPERATION).map(|pair| pair[1]);
    let store = match source {
        Some(operation) => operation.starts_with(b"STORE"),
        None => event.windows(5).any(|part| part.eq_ignore_ascii_case(b"store")),
    };
    if store { AccessKind::Store } else { AccessKind::Load }
}

fn hexadecimal(word: &[u8]) -> Option<u64> {
    if word.len() > ADDRESS_DIGITS || !word.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u64::from_str_radix(str::from_utf8(word).ok()?, 16).ok()
}

fn is_decimal(word: &[u8]) -> bool {
    !word.is_empty() && word.iter().all(u8::is_ascii_digit)
}

/// Seconds with a fraction: `12345.678901`.
fn is_seconds(word: &[u8]) -> bool {
    let point = word.iter().position(|&byte| byte == b'.');
    point.is_some_and(|point| is_decimal(&word[..point]) && is_decimal(&word[point + 1..]))
}

fn is_time(word: &[u8]) -> bool {
    word.strip_suffix(b":").is_some_and(is_seconds)
}

fn is_cpu(word: &[u8]) -> bool {
    word.strip_prefix(b"[").and_then(|word| word.strip_suffix(b"]")).is_some_and(is_decimal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(address: u64, kind: AccessKind, thread: u64) -> Line {
        Line::Access { address, kind, thread }
    }

    #[test]
    fn fields_may_be_left_out() {
        use AccessKind::{Load, Store};
        for (text, expected) in [
            (
                "         program 12345/12346 [003] 12345.678901:       1000 cpu/mem-loads,ldlat=30/P:     \
                 7ffe12345678           5080021 |OP LOAD|LVL L1 hit|SNP N/A|TLB N/A              7           \
                 401136 main+0x6 (/bin/program)",
                access(0x7ffe_1234_5678, Load, 12_346),
            ),
            (
                "Web Content 5: 7 77/78 1.5: cpu/mem-stores/P: ffff888000001000",
                access(0xffff_8880_0000_1000, Store, 78),
            ),
            ("sh 12 mem_inst_retired.all_stores:pp: 10 401136 main", access(0x10, Store, 12)),
            ("sh 12 1 mem-loads: 10", access(0x10, Load, 12)),
            ("sh 12 [001] 9 mem-loads: 10", access(0x10, Load, 12)),
            ("12/13 ibs_op//: 10 1 |OP STORE|LVL L1 hit| 3 401136", access(0x10, Store, 13)),
            ("sh 12 3.4: mem-stores: 10 1 |OP LOAD|LVL L1 hit|", access(0x10, Load, 12)),
            (":-1 -1/-1 3.4: mem-loads: 10", access(0x10, Load, u64::MAX)),
            ("sh 12 3.4: page-faults: 10 heap (/bin/sh) 401136 main", access(0x10, Load, 12)),
            ("sh 12 3.4: 1 mem-loads: 10\r\n", access(0x10, Load, 12)),
        ] {
            assert_eq!(Line::of(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn samples_without_an_address() {
        for text in [
            "sh 12 3.4: 1 cycles:u: 401136 main+0x6 (/bin/sh)",
            "sh 12 3.4: 1 mem-loads: 0 401136 main",
            "sh 12 3.4: sched:sched_switch: prev_comm=sh prev_pid=12",
            "sh 12 3.4: 1 mem-loads:",
            "sh 12 3.4: 1 mem-loads: 10000000000000000 401136",
        ] {
            assert_eq!(Line::of(text.as_bytes()), Line::WithoutAddress, "{text}");
        }
    }

    #[test]
    fn prose_is_not_surely_a_sample() {
        assert!(
            is_surely_a_sample(b"sh 12/12 mem-loads: 10")
                && is_surely_a_sample(b"sh 12 3.4: cycles: 10 main")
        );
        assert!(!is_surely_a_sample(b"Chapter 5 x: words") && !is_surely_a_sample(b"12/12 3.4: words"));
    }

    #[test]
    fn other_lines() {
        for text in [
            "",
            "\n",
            "# sh 12 3.4: 1 mem-loads: 10",
            "            401136 main+0x6 (/bin/sh)",
            "Warning: 12 lost samples: 3",
            "sh 12 [001] 3.4: 10",
            "mem-loads: 10",
            "sh mem-loads: 10",
        ] {
            assert_eq!(Line::of(text.as_bytes()), Line::Foreign, "{text}");
        }
    }
}
