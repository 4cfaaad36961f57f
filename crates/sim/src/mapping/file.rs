//! Mapping files: pages whose size, and perhaps frame, is given.

use std::collections::BTreeMap;

use terrace_addr::{Addr, Gpa, Gva, PageSize, Space, convert};
use thiserror::Error;

/// Ranges of a layer with their page size and where they are mapped.
///
/// A text file: a line for each range, `LAYER START END SIZE [LOWER]`, with `LAYER` `guest` or `host`, hexadecimal
/// addresses (`END` is the first address behind), `SIZE` 4K, 2M or 1G, and `LOWER` the address that `START` is
/// mapped to, the rest of the range following it. Without `LOWER` frames are placed as elsewhere. `#` begins a
/// comment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MappingFile {
    guest: Ranges,
    host: Ranges,
    /// The first address behind every given lower address, of each layer.
    guest_lower_end: u64,
    host_lower_end: u64,
}

/// Given frames end here (64 TiB), so that the parts of memory that follow them are addresses too.
const MAX_LOWER: u64 = 1 << 46;

/// By their first address.
type Ranges = BTreeMap<u64, Range>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    end: u64,
    size: PageSize,
    lower: Option<u64>,
}

/// A line that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}: found {found}; expected {expected}")]
pub struct MappingError {
    /// Its number, from 1.
    pub line: usize,
    /// What is there.
    pub found: String,
    /// What should be.
    pub expected: &'static str,
}

impl MappingFile {
    /// Reads the text of a mapping file.
    ///
    /// # Errors
    /// At the first line that cannot be used.
    pub fn parse(text: &str) -> Result<Self, MappingError> {
        let mut file = Self::default();
        for (line, content) in (1..).zip(text.lines()) {
            let content = content.split('#').next().unwrap_or_default();
            let words: Vec<_> = content.split_whitespace().collect();
            if !words.is_empty() {
                file.add(&words).map_err(|(found, expected)| MappingError { line, found, expected })?;
            }
        }
        Ok(file)
    }

    fn add(&mut self, words: &[&str]) -> Result<(), (String, &'static str)> {
        let (layer, start, end, size, lower) = match *words {
            [layer, start, end, size] => (layer, start, end, size, None),
            [layer, start, end, size, lower] => (layer, start, end, size, Some(lower)),
            _ => return Err((format!("{} words", words.len()), "LAYER START END SIZE [LOWER]")),
        };
        let size: PageSize = size.parse().map_err(|_| (size.to_owned(), "a page size: 4K, 2M or 1G"))?;
        let (start, end) = match layer {
            "guest" => (address::<Gva>(start, size)?, address::<Gva>(end, size)?),
            "host" => (address::<Gpa>(start, size)?, address::<Gpa>(end, size)?),
            _ => return Err((format!("layer `{layer}`"), "guest or host")),
        };
        if start >= end {
            return Err((format!("an end of {end:#x}"), "an end behind the start"));
        }
        let lower = lower.map(|lower| address::<Gpa>(lower, size)).transpose()?;
        let (ranges, lower_end) = match layer {
            "guest" => (&mut self.guest, &mut self.guest_lower_end),
            _ => (&mut self.host, &mut self.host_lower_end),
        };
        let before = ranges.range(..end).next_back();
        if let Some((other, range)) = before.filter(|(_, range)| range.end > start) {
            return Err((
                format!("a range that overlaps {other:#x} to {:#x}", range.end),
                "ranges of a layer that do not overlap",
            ));
        }
        if let Some(lower) = lower {
            let behind = lower.checked_add(end - start).filter(|&end| end <= MAX_LOWER);
            let behind = behind.ok_or((format!("{lower:#x}"), "a lower range below 2^46"))?;
            *lower_end = (*lower_end).max(behind);
        }
        ranges.insert(start, Range { end, size, lower });
        Ok(())
    }

    /// What is given for `addr` of the guest layer.
    pub(super) fn guest<L: Space>(&self, addr: Addr<Gva>) -> Option<(PageSize, Option<Addr<L>>)> {
        find(&self.guest, addr)
    }

    /// What is given for `addr` of the host layer.
    pub(super) fn host<L: Space>(&self, addr: Addr<Gpa>) -> Option<(PageSize, Option<Addr<L>>)> {
        find(&self.host, addr)
    }

    /// The first address behind every given frame of the guest layer.
    pub(super) const fn guest_lower_end(&self) -> u64 {
        self.guest_lower_end
    }

    /// The first address behind every given frame of the host layer.
    pub(super) const fn host_lower_end(&self) -> u64 {
        self.host_lower_end
    }
}

/// The size of the page that holds `addr`, and its frame where that is given.
fn find<U: Space, L: Space>(ranges: &Ranges, addr: Addr<U>) -> Option<(PageSize, Option<Addr<L>>)> {
    let (start, range) = ranges.range(..=addr.get()).next_back()?;
    let page = addr.align_down(range.size).get();
    (addr.get() < range.end).then(|| (range.size, range.lower.map(|lower| Addr::new(lower + (page - start)))))
}

/// A hexadecimal address of `S`, aligned to `size`.
fn address<S: Space>(text: &str, size: PageSize) -> Result<u64, (String, &'static str)> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let raw = u64::from_str_radix(digits, 16).map_err(|_| (text.to_owned(), "a hexadecimal address"))?;
    let addr = Addr::<S>::try_new(raw).map_err(|error| (error.to_string(), "an address of the layer"))?;
    if !addr.is_aligned(size) {
        return Err((
            format!("{addr:#x}", addr = convert::index(raw)),
            "an address aligned to the page size",
        ));
    }
    Ok(raw)
}

#[cfg(test)]
mod tests {
    use super::*;
    use terrace_addr::Hpa;

    #[test]
    fn ranges_are_found_by_address() {
        let text =
            "# two ranges\nguest 0x7f0000000000 7f0000400000 2M 0x40000000\n\nhost 0 0x1000 4K # one page\n";
        let file = MappingFile::parse(text).unwrap();
        let inside = Addr::new(0x7f00_0030_0123);
        assert_eq!(file.guest::<Gpa>(inside), Some((PageSize::Size2M, Some(Addr::new(0x4020_0000)))));
        assert_eq!(file.guest::<Gpa>(Addr::new(0x7f00_0040_0000)), None);
        assert_eq!(file.host::<Hpa>(Addr::new(0xfff)), Some((PageSize::Size4K, None)));
        assert_eq!((file.guest_lower_end(), file.host_lower_end()), (0x4040_0000, 0));
    }

    #[test]
    fn each_wrong_line_says_what_is_wrong() {
        for (text, message) in [
            ("guest 0 1000", "line 1: found 3 words; expected LAYER START END SIZE [LOWER]"),
            ("\nkernel 0 1000 4K", "line 2: found layer `kernel`; expected guest or host"),
            ("guest 0 1000 8K", "line 1: found 8K; expected a page size: 4K, 2M or 1G"),
            ("guest 0 1000 2M", "line 1: found 0x1000; expected an address aligned to the page size"),
            ("guest 1000 1000 4K", "line 1: found an end of 0x1000; expected an end behind the start"),
            (
                "host 0x1000 0x2000 4K 0xffffffffff000",
                "line 1: found 0xffffffffff000; expected a lower range below 2^46",
            ),
            ("guest 0 zz 4K", "line 1: found zz; expected a hexadecimal address"),
            (
                "guest 0 3000 4K\nguest 2000 4000 4K",
                "line 2: found a range that overlaps 0x0 to 0x3000; expected ranges of a layer that do not overlap",
            ),
        ] {
            assert_eq!(MappingFile::parse(text).unwrap_err().to_string(), message);
        }
    }
}
