//! One line.

use terrace_addr::{Addr, Gva, convert};

/// The most digits that an address has.
const ADDRESS_DIGITS: usize = 16;

/// The most digits of a length that are looked at. More than a valid one has, so that an error can name it.
const SIZE_DIGITS: usize = 10;

/// The most characters of a line that is an access, its end included.
pub(super) const LONGEST: usize = 3 + ADDRESS_DIGITS + 1 + SIZE_DIGITS + 2;

/// How an access line looks, for errors.
pub(super) const EXAMPLE: &str = "\"I  04001000,3\" or \" L 1ffe000768,8\"";

/// What an access line says is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Fetch,
    Load,
    Store,
    /// A load and then a store of the same bytes.
    Modify,
}

const PREFIXES: [(&[u8; 3], Operation); 4] = [
    (b"I  ", Operation::Fetch),
    (b" L ", Operation::Load),
    (b" S ", Operation::Store),
    (b" M ", Operation::Modify),
];

/// The fields of a line that has the form of an access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fields {
    operation: Operation,
    address: u64,
    size: u64,
    /// Characters of the line, its end included.
    length: usize,
}

/// A line that is an access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) operation: Operation,
    pub(super) addr: Addr<Gva>,
    pub(super) size: u16,
    /// Characters of the line, its end included.
    pub(super) length: usize,
}

impl Line {
    /// The first line of `text`, if it is a whole access line.
    #[inline(always)]
    pub(super) fn first_of(text: &[u8]) -> Option<Self> {
        let Fields { operation, address, size, length } = Fields::first_of(text)?;
        let addr = Addr::try_new(address).ok()?;
        Some(Self { operation, addr, size: u16::try_from(size).ok()?, length })
    }
}

impl Fields {
    #[inline(always)]
    fn first_of(text: &[u8]) -> Option<Self> {
        let (prefix, rest) = text.split_first_chunk()?;
        let (_, operation) = PREFIXES.into_iter().find(|&(known, _)| known == prefix)?;
        let (address, rest) = hexadecimal(rest)?;
        let rest = rest.strip_prefix(b",")?;
        let (size, rest) = decimal(rest)?;
        let rest = rest.strip_prefix(b"\n").or_else(|| rest.strip_prefix(b"\r\n"))?;
        Some(Self { operation, address, size, length: text.len() - rest.len() })
    }
}

/// Whether a line that begins so can only be an access or an error.
pub(super) fn starts_like_an_access(line: &[u8]) -> bool {
    PREFIXES.iter().any(|(prefix, _)| line.starts_with(*prefix))
}

/// Whether a line could be an access if it went on.
pub(super) fn may_become_an_access(line: &[u8]) -> bool {
    !line.is_empty()
        && (starts_like_an_access(line) || PREFIXES.iter().any(|(prefix, _)| prefix.starts_with(line)))
}

/// What is wrong with a line that starts like an access and is none: what was found, and what was expected.
pub(super) fn fault(line: &[u8]) -> (String, String) {
    if let Some(Fields { address, size, .. }) = Fields::first_of(line) {
        if let Err(error) = Addr::<Gva>::try_new(address) {
            return (format!("address {address:#x}"), format!("a canonical address ({error})"));
        }
        return (format!("an access of {size} bytes"), format!("at most {} bytes", u16::MAX));
    }
    let expected = format!("a hexadecimal address, a comma and a decimal size, as in {EXAMPLE}");
    (format!("the line {}", quoted(line)), expected)
}

/// A line without its end, for an error: as much of it as an access line may have.
pub(super) fn quoted(line: &[u8]) -> String {
    let line = line.trim_ascii_end();
    format!("{:?}", String::from_utf8_lossy(&line[..line.len().min(LONGEST)]))
}

/// The hexadecimal number at the start of `text`, and what follows it.
#[inline(always)]
fn hexadecimal(text: &[u8]) -> Option<(u64, &[u8])> {
    // Lackey pads addresses to eight digits.
    let (mut value, mut digits) = match text.first_chunk().and_then(eight_digits) {
        Some(value) => (value, 8),
        None => (0, 0),
    };
    while let Some(digit) = text.get(digits).and_then(|&byte| char::from(byte).to_digit(16)) {
        value = value << 4 | u64::from(digit);
        digits += 1;
        if digits > ADDRESS_DIGITS {
            return None;
        }
    }
    (digits > 0).then(|| (value, &text[digits..]))
}

/// The number that eight hexadecimal digits write, if they are lower-case ones as lackey's are: all at once, a
/// digit in each byte of a word.
#[inline(always)]
fn eight_digits(digits: &[u8; 8]) -> Option<u64> {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let word = u64::from_be_bytes(*digits);
    // A letter has bit 6 set and its low bits count from 1. No sum below carries into the next byte.
    let values = (word & (0x0f * EACH)) + 9 * ((word >> 6) & EACH);
    let letters = ((values + 6 * EACH) >> 4) & EACH;
    let written_again = values + u64::from(b'0') * EACH + u64::from(b'a' - b'0' - 10) * letters;
    if written_again != word || values & (0xf0 * EACH) != 0 {
        return None;
    }
    let pairs = (values | values >> 4) & 0x00ff_00ff_00ff_00ff;
    let quads = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff;
    Some(u64::from(convert::low32(quads | quads >> 16)))
}

/// The decimal number at the start of `text`, and what follows it.
#[inline(always)]
fn decimal(text: &[u8]) -> Option<(u64, &[u8])> {
    let (mut value, mut digits) = (0, 0);
    while let Some(digit) = text.get(digits).map(|byte| byte.wrapping_sub(b'0')).filter(|&digit| digit < 10) {
        value = 10 * value + u64::from(digit);
        digits += 1;
        if digits > SIZE_DIGITS {
            return None;
        }
    }
    (digits > 0).then(|| (value, &text[digits..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_four_operations() {
        for (text, operation, address, size) in [
            (&b"I  04001000,3\n"[..], Operation::Fetch, 0x0400_1000, 3),
            (b" L 1ffeFFf768,8\nI  ", Operation::Load, 0x1f_feff_f768, 8),
            (b" S 0,65535\r\n", Operation::Store, 0, 65_535),
            (b" M ffffffffffffffff,0\n", Operation::Modify, u64::MAX, 0),
        ] {
            let line = Line::first_of(text).unwrap();
            assert_eq!((line.operation, line.addr.get(), line.size), (operation, address, size));
            assert_eq!(text[line.length - 1], b'\n');
        }
    }

    #[test]
    fn what_is_no_access_line() {
        for text in [
            "",
            "I",
            "I  ",
            "I  \n",
            "I  04001000\n",
            "I  04001000,\n",
            "I  ,3\n",
            "I 04001000,3\n",
            "L 04001000,3\n",
            "I  04001000,3",
            "I  04001000,3 \n",
            "I  04001000, 3\n",
            "I  0x4001000,3\n",
            "I  0400100g,3\n",
            "I  00000000004001000,3\n",
            "I  04001000,3\r",
            "I  04001000,-3\n",
            "I  04001000,c\n",
            " X 04001000,3\n",
            "I  04001000,65536\n",
            "I  1000000000000000,3\n",
            "I  04001000,00000000003\n",
        ] {
            assert_eq!(Line::first_of(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn a_fault_says_which_field_it_is_in() {
        assert_eq!(fault(b"I  04001000,65536\n").0, "an access of 65536 bytes");
        assert_eq!(fault(b"I  1000000000000000,3\n").0, "address 0x1000000000000000");
        assert_eq!(fault(b"I  some\twords\r\n").0, "the line \"I  some\\twords\"");
    }

    #[test]
    fn a_line_that_is_cut_anywhere_could_go_on() {
        for line in [" M 1ffe000768,8", "I  0,1"] {
            assert!((1..=line.len()).all(|length| may_become_an_access(&line.as_bytes()[..length])));
        }
        assert!(!may_become_an_access(b"") && !may_become_an_access(b"==12") && !may_become_an_access(b" m"));
    }

    proptest! {
        #[test]
        fn eight_digits_at_once_are_eight_digits(bytes in prop::array::uniform8(any::<u8>()), value in any::<u32>()) {
            let expected = str::from_utf8(&bytes).ok()
                .filter(|text| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
                .and_then(|text| u64::from_str_radix(text, 16).ok());
            prop_assert_eq!(eight_digits(&bytes), expected);
            let mut digits = [0; 8];
            digits.copy_from_slice(format!("{value:08x}").as_bytes());
            prop_assert_eq!(eight_digits(&digits), Some(u64::from(value)));
            for at in 0..8 {
                let mut changed = digits;
                changed[at] = bytes[at];
                let valid = matches!(bytes[at], b'0'..=b'9' | b'a'..=b'f');
                prop_assert_eq!(eight_digits(&changed).is_some(), valid);
            }
        }

        #[test]
        fn what_is_written_is_read(address in 0..1_u64 << 56, size in any::<u16>()) {
            let text = format!(" L {address:08x},{size}\n");
            let line = Line::first_of(text.as_bytes()).unwrap();
            prop_assert_eq!((line.addr.get(), line.size, line.length), (address, size, text.len()));
            prop_assert!(text.len() <= LONGEST);
        }
    }
}
