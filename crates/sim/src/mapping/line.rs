//! One line of a mapping file.

use terrace_addr::{Addr, Gpa, Gva, PageSize, Space};

use super::LayerName;
use super::ranges::Range;

/// What a line says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    pub(super) layer: LayerName,
    pub(super) start: u64,
    pub(super) range: Range,
}

/// What is wrong with a line.
#[derive(Debug)]
pub(super) struct Wrong {
    /// The field, where it is one.
    pub(super) field: Option<&'static str>,
    pub(super) found: String,
    pub(super) expected: &'static str,
}

/// Given frames end here (64 TiB), so that the parts of memory that follow them are addresses too.
const MAX_LOWER: u64 = 1 << 46;

impl Line {
    /// Reads the words of a line that has some.
    pub(super) fn read(words: &[&str]) -> Result<Self, Wrong> {
        let (layer, start, end, size, lower) = match *words {
            [layer, start, end, size] => (layer, start, end, size, None),
            [layer, start, end, size, lower] => (layer, start, end, size, Some(lower)),
            _ => {
                let found = format!("{} words", words.len());
                return Err(Wrong { field: None, found, expected: "LAYER START END SIZE [LOWER]" });
            }
        };
        let layer =
            LayerName::of_name(layer).ok_or_else(|| wrong("layer", layer, "guest, hypervisor or host"))?;
        let size = size.parse().map_err(|_| wrong("size", size, "a page size: 4K, 2M or 1G"))?;
        let (start, last) = match layer {
            LayerName::Guest => bounds::<Gva>(start, end, size)?,
            // All physical spaces have the same addresses.
            LayerName::Hypervisor | LayerName::Host => bounds::<Gpa>(start, end, size)?,
        };
        let lower = lower.map(|text| lower_start(text, size, last - start)).transpose()?;
        Ok(Self { layer, start, range: Range { last, size, lower } })
    }
}

fn wrong(field: &'static str, found: impl Into<String>, expected: &'static str) -> Wrong {
    Wrong { field: Some(field), found: found.into(), expected }
}

/// The first and the last address of a range of pages of `S`.
fn bounds<S: Space>(start: &str, end: &str, size: PageSize) -> Result<(u64, u64), Wrong> {
    let first = address::<S>("start", number("start", start)?)?;
    aligned("start", first.into(), size)?;
    let end = number("end", end)?;
    if end <= first.into() {
        return Err(wrong("end", format!("{end:#x}"), "an address behind the start"));
    }
    // The end of the space is no address itself; the last one before it is.
    let last = address::<S>("end", end - 1)?;
    aligned("end", end, size)?;
    if (first ^ last) >> 63 != 0 {
        return Err(wrong("end", format!("{end:#x}"), "an address in the start's half of the space"));
    }
    Ok((first, last))
}

/// The lower address of a range of `beyond` + 1 bytes.
fn lower_start(text: &str, size: PageSize, beyond: u64) -> Result<u64, Wrong> {
    let lower = address::<Gpa>("lower", number("lower", text)?)?;
    aligned("lower", lower.into(), size)?;
    let last = lower.checked_add(beyond).filter(|&last| last < MAX_LOWER);
    last.map(|_| lower)
        .ok_or_else(|| wrong("lower", format!("{lower:#x}"), "a range that ends at most at 2^46"))
}

/// A hexadecimal number of at most 64 bits, or the 2⁶⁴ that ends the virtual space.
fn number(field: &'static str, text: &str) -> Result<u128, Wrong> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(wrong(field, text, "a hexadecimal address"));
    }
    let number = u128::from_str_radix(digits, 16).ok().filter(|&number| number <= 1 << 64);
    number.ok_or_else(|| wrong(field, format!("{text}, a number of more than 64 bits"), "an address"))
}

/// The number as an address of `S`.
fn address<S: Space>(field: &'static str, number: u128) -> Result<u64, Wrong> {
    let raw = u64::try_from(number)
        .map_err(|_| wrong(field, format!("{number:#x}, a number of more than 64 bits"), "an address"))?;
    Addr::<S>::try_new(raw).map_err(|error| wrong(field, error.to_string(), "an address of the layer"))?;
    Ok(raw)
}

fn aligned(field: &'static str, number: u128, size: PageSize) -> Result<(), Wrong> {
    if number.is_multiple_of(size.bytes().into()) {
        Ok(())
    } else {
        Err(wrong(field, format!("{number:#x}"), "an address aligned to the page size"))
    }
}
