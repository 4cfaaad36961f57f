//! One line.

use terrace_addr::{Access, AccessKind, Addr};

/// The longest line that is read as an access, in bytes, its end and comment aside. Far more than one needs.
pub(super) const LONGEST: usize = 1000;

/// How much of a line or field an error shows, in characters.
const SHOWN: usize = 40;

/// The names of the fields, in their order.
const NAMES: [&str; 4] = ["address", "size", "kind", "thread"];

/// How a header calls the first field if addresses are decimal.
const DECIMAL: &str = "address_decimal";

/// What a line looks like, for errors.
pub(super) const EXAMPLE: &str = "\"0x7ffe1000,8,w\" (address, size, kind, thread)";

/// What digits without `0x` are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Base {
    #[default]
    Hexadecimal,
    Decimal,
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// Nothing, or a comment.
    Blank,
    /// The names of the fields.
    Header(Base),
    Access {
        access: Access,
        thread: u64,
    },
}

/// What was found in a line that is none of these, and what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) found: String,
    pub(super) expected: String,
}

impl Fault {
    fn new(found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { found: found.into(), expected: expected.into() }
    }
}

impl Line {
    /// The line `text`, without its line feed; it may be cut to [`LONGEST`] bytes, but not shorter.
    pub(super) fn of(text: &[u8], base: Base) -> Result<Self, Fault> {
        let text = &text[..text.len().min(LONGEST)];
        let comment = text.iter().position(|&byte| byte == b'#');
        let line = text[..comment.unwrap_or(text.len())].trim_ascii();
        if comment.is_none() && text.len() == LONGEST {
            return Err(Fault::new(
                format!("a line of {LONGEST} bytes or more"),
                format!("an access as in {EXAMPLE}"),
            ));
        }
        if line.is_empty() {
            return Ok(Self::Blank);
        }
        // A field more than there may be shows that there are too many.
        let mut fields = [&b""[..]; NAMES.len() + 1];
        let count = if line.contains(&b',') {
            split(&mut fields, line.split(|&byte| byte == b',').map(<[u8]>::trim_ascii))
        } else {
            let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
            split(&mut fields, line.split(blank).filter(|field| !field.is_empty()))
        };
        if count > NAMES.len() {
            return Err(Fault::new(
                format!("more than 4 fields in the line {}", shown(line)),
                format!("an access as in {EXAMPLE}"),
            ));
        }
        let fields = &fields[..count];
        header(fields).map_or_else(|| access(fields, base), |base| Ok(Self::Header(base)))
    }
}

/// Puts the first of `from` into `fields` and says how many there were room for.
fn split<'a>(fields: &mut [&'a [u8]], from: impl Iterator<Item = &'a [u8]>) -> usize {
    fields.iter_mut().zip(from).map(|(field, text)| *field = text).count()
}

/// What addresses are if `fields` are the names of fields.
fn header(fields: &[&[u8]]) -> Option<Base> {
    let (first, rest) = fields.split_first()?;
    let base = if first.eq_ignore_ascii_case(NAMES[0].as_bytes()) {
        Base::Hexadecimal
    } else if first.eq_ignore_ascii_case(DECIMAL.as_bytes()) {
        Base::Decimal
    } else {
        return None;
    };
    rest.iter()
        .zip(&NAMES[1..])
        .all(|(field, name)| field.eq_ignore_ascii_case(name.as_bytes()))
        .then_some(base)
}

fn access(fields: &[&[u8]], base: Base) -> Result<Line, Fault> {
    let fault = |name: &str, field: &[u8], expected: &str| {
        Fault::new(format!("the {name} {}", shown(field)), expected.to_owned())
    };
    let mut fields = fields.iter().copied();
    let text = fields.next().unwrap_or_default();
    let raw = address(text, base).ok_or_else(|| match base {
        Base::Hexadecimal => fault("address", text, "a hexadecimal number of 64 bits, with or without 0x"),
        Base::Decimal => fault("address", text, "a number of 64 bits: decimal, or hexadecimal with 0x"),
    })?;
    let addr = Addr::try_new(raw)
        .map_err(|error| Fault::new(format!("address {raw:#x}"), format!("a canonical address ({error})")))?;
    let size = match fields.next() {
        None => 1,
        Some(text) => decimal(text)
            .and_then(|size| u16::try_from(size).ok())
            .ok_or_else(|| fault("size", text, "a decimal number of bytes, at most 65535"))?,
    };
    let kind = match fields.next() {
        None => AccessKind::Load,
        Some(text) => kind(text).ok_or_else(|| fault("kind", text, "r, w or x (load, store or fetch)"))?,
    };
    let thread = match fields.next() {
        None => 0,
        Some(text) => decimal(text).ok_or_else(|| fault("thread", text, "a decimal id of 64 bits"))?,
    };
    Ok(Line::Access { access: Access { addr, size, kind }, thread })
}

fn address(text: &[u8], base: Base) -> Option<u64> {
    match text.strip_prefix(b"0x").or_else(|| text.strip_prefix(b"0X")) {
        Some(digits) => number(digits, 16),
        None => match base {
            Base::Hexadecimal => number(text, 16),
            Base::Decimal => decimal(text),
        },
    }
}

fn decimal(text: &[u8]) -> Option<u64> {
    number(text, 10)
}

/// The number of 64 bits that `digits` write, all of them.
fn number(digits: &[u8], radix: u32) -> Option<u64> {
    let mut value = 0_u64;
    for &byte in digits {
        let digit = char::from(byte).to_digit(radix)?;
        value = value.checked_mul(u64::from(radix))?.checked_add(u64::from(digit))?;
    }
    (!digits.is_empty()).then_some(value)
}

fn kind(text: &[u8]) -> Option<AccessKind> {
    const KINDS: [(&str, &str, AccessKind); 3] = [
        ("r", "load", AccessKind::Load),
        ("w", "store", AccessKind::Store),
        ("x", "fetch", AccessKind::Fetch),
    ];
    let is = |name: &str| text.eq_ignore_ascii_case(name.as_bytes());
    KINDS.iter().find(|(letter, word, _)| is(letter) || is(word)).map(|&(.., kind)| kind)
}

/// Text for an error: no more of it than is needed to find it.
fn shown(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    format!("{:?}", text.chars().take(SHOWN).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(text: &str, base: Base) -> (u64, u16, AccessKind, u64) {
        match Line::of(text.as_bytes(), base).unwrap() {
            Line::Access { access: Access { addr, size, kind }, thread } => (addr.get(), size, kind, thread),
            line => panic!("{line:?}"),
        }
    }

    #[test]
    fn fields_left_out_have_defaults() {
        use AccessKind::{Fetch, Load, Store};
        for (text, expected) in [
            ("7ffe1000", (0x7ffe_1000, 1, Load, 0)),
            ("0X7FFE1000,8", (0x7ffe_1000, 8, Load, 0)),
            (" 10 , 65535 ,W\r", (0x10, 65_535, Store, 0)),
            ("10\t0  Fetch 18446744073709551615 # why", (0x10, 0, Fetch, u64::MAX)),
            ("ffffffffffffffff,1,x,0042", (u64::MAX, 1, Fetch, 42)),
        ] {
            assert_eq!(access(text, Base::Hexadecimal), expected, "{text}");
        }
        assert_eq!(access("10 2", Base::Decimal).0, 10);
        assert_eq!(access("0x10 2", Base::Decimal).0, 16);
    }

    #[test]
    fn headers_and_blanks() {
        let line = |text: &str| Line::of(text.as_bytes(), Base::Hexadecimal).unwrap();
        assert_eq!(line("Address,SIZE,kind,Thread"), Line::Header(Base::Hexadecimal));
        assert_eq!(line("address_decimal size"), Line::Header(Base::Decimal));
        assert_eq!(line("address\r"), Line::Header(Base::Hexadecimal));
        for text in ["", " \t", "\r", "# words, and more", "   # 1000"] {
            assert_eq!(line(text), Line::Blank, "{text:?}");
        }
        assert_eq!(line(&format!("#{}", "x".repeat(5000))), Line::Blank);
    }

    #[test]
    fn a_fault_names_the_field() {
        for (text, found, expected) in [
            ("0x,8", "the address \"0x\"", "hexadecimal"),
            ("-1", "the address \"-1\"", "hexadecimal"),
            ("10000000000000000", "the address \"10000000000000000\"", "of 64 bits"),
            ("0x1234567812345678", "address 0x1234567812345678", "a canonical address ("),
            (",8", "the address \"\"", "hexadecimal"),
            ("size,address", "the address \"size\"", "hexadecimal"),
            ("10,65536", "the size \"65536\"", "at most 65535"),
            ("10,0x8", "the size \"0x8\"", "a decimal number"),
            ("10,", "the size \"\"", "a decimal number"),
            ("10,8 r", "the size \"8 r\"", "a decimal number"),
            ("10 8 rw", "the kind \"rw\"", "r, w or x (load, store or fetch)"),
            ("10,8,r,-1", "the thread \"-1\"", "a decimal id of 64 bits"),
            ("10,8,r,1,", "more than 4 fields in the line \"10,8,r,1,\"", "an access as in"),
        ] {
            let fault = Line::of(text.as_bytes(), Base::Hexadecimal).unwrap_err();
            assert_eq!(fault.found, found);
            assert!(fault.expected.contains(expected), "{fault:?}");
        }
        let long = Line::of("1".repeat(5000).as_bytes(), Base::Hexadecimal).unwrap_err();
        assert_eq!(long.found, "a line of 1000 bytes or more");
    }
}
