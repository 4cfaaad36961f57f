//! Mapping files: pages whose size, and perhaps frame, is given.

use core::fmt;

use thiserror::Error;

use super::LayerName;
use super::line::{Line, Wrong};
use super::ranges::Ranges;

/// Ranges of a layer with their page size and where they are mapped.
///
/// A text file: a line for each range, `LAYER START END SIZE [LOWER]`.
/// - `LAYER` is `guest`, `hypervisor` or `host`: the layer whose table maps the range. The guest's ranges are
///   of virtual addresses, the hypervisor's of guest-physical ones, and the host's of those of the space
///   above it in the mode (guest-physical, or the guest hypervisor's). Ranges of layers that a mode does not
///   have say nothing there.
/// - `START` and `END` are hexadecimal addresses; `END` is the first one behind the range, and may be the end
///   of the space.
/// - `SIZE` is 4K, 2M or 1G.
/// - `LOWER` is the address that `START` is mapped to, the rest of the range following it. Without it frames
///   are placed as elsewhere.
///
/// `#` begins a comment. Around a range the rule's pages are as large as they can be without reaching into
/// it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MappingFile {
    guest: Ranges,
    hypervisor: Ranges,
    host: Ranges,
}

/// A line that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct MappingError {
    /// Its number, from 1.
    pub line: usize,
    /// The field (`layer`, `start`, `end`, `size`, `lower`), where it is one.
    pub field: Option<&'static str>,
    /// What is there.
    pub found: String,
    /// What should be.
    pub expected: &'static str,
}

impl fmt::Display for MappingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, field, found, expected } = self;
        write!(f, "line {line}: ")?;
        if let Some(field) = field {
            write!(f, "{field}: ")?;
        }
        write!(f, "found {found}; expected {expected}")
    }
}

impl MappingFile {
    /// Reads a mapping file's bytes.
    ///
    /// # Errors
    /// At the first line that cannot be used.
    pub fn parse(bytes: impl AsRef<[u8]>) -> Result<Self, MappingError> {
        let mut file = Self::default();
        for (line, content) in (1..).zip(bytes.as_ref().split(|&byte| byte == b'\n')) {
            file.add(content).map_err(|Wrong { field, found, expected }| MappingError {
                line,
                field,
                found,
                expected,
            })?;
        }
        Ok(file)
    }

    /// The ranges of a layer.
    pub(super) const fn of(&self, layer: LayerName) -> &Ranges {
        match layer {
            LayerName::Guest => &self.guest,
            LayerName::Hypervisor => &self.hypervisor,
            LayerName::Host => &self.host,
        }
    }

    fn add(&mut self, content: &[u8]) -> Result<(), Wrong> {
        let not_text =
            |_| Wrong { field: None, found: "bytes that are no UTF-8".to_owned(), expected: "text" };
        let content = str::from_utf8(content).map_err(not_text)?;
        let words: Vec<_> = content.split('#').next().unwrap_or_default().split_whitespace().collect();
        if words.is_empty() {
            return Ok(());
        }
        let Line { layer, start, range } = Line::read(&words)?;
        let ranges = match layer {
            LayerName::Guest => &mut self.guest,
            LayerName::Hypervisor => &mut self.hypervisor,
            LayerName::Host => &mut self.host,
        };
        if let Some((first, other)) = ranges.overlapping(start, range.last) {
            return Err(Wrong {
                field: None,
                found: format!("a range that overlaps {first:#x} to {:#x}", u128::from(other.last) + 1),
                expected: "ranges of a layer that do not overlap",
            });
        }
        ranges.insert(start, range);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::ranges::Given;
    use super::*;
    use terrace_addr::{Addr, Gpa, Gva, Hpa, Page, PageSize};

    #[test]
    fn ranges_are_found_by_address() {
        let text = "# two ranges\nguest 0x7f0000000000 7f0000400000 2M 0x40000000\r\n\n\
                    host 0 0x1000 4K # one page\n";
        let file = MappingFile::parse(text).unwrap();
        let guest = file.of(LayerName::Guest);
        let inside = Addr::<Gva>::new(0x7f00_0030_0123);
        let given = Given { size: PageSize::Size2M, frame: Some(Addr::<Gpa>::new(0x4020_0000)) };
        assert_eq!(guest.find(inside), Some(given));
        assert_eq!(guest.find::<_, Gpa>(Addr::<Gva>::new(0x7f00_0040_0000)), None);
        assert!(guest.touch(Page::containing(inside, PageSize::Size1G)));
        let host = file.of(LayerName::Host);
        let given: Given<Hpa> = Given { size: PageSize::Size4K, frame: None };
        assert_eq!(host.find(Addr::<Gpa>::new(0xfff)), Some(given));
        assert!(!host.touch(Page::containing(Addr::<Gpa>::new(0x1000), PageSize::Size4K)));
        assert_eq!((guest.lower_end(), host.lower_end()), (0x4040_0000, 0));
        assert!(file.of(LayerName::Hypervisor).is_empty());
    }

    #[test]
    fn a_range_may_end_where_the_space_ends() {
        let text = "guest fffffffffffff000 10000000000000000 4K\nguest 0 100000000000000 1G\n\
                    hypervisor ffffffffff000 10000000000000 4K";
        let file = MappingFile::parse(text).unwrap();
        let given: Given<Gpa> = Given { size: PageSize::Size4K, frame: None };
        assert_eq!(file.of(LayerName::Guest).find(Addr::<Gva>::new(u64::MAX)), Some(given));
        assert_eq!(file.of(LayerName::Hypervisor).find(Addr::<Gpa>::new((1 << 52) - 1)), Some(given));
    }

    #[test]
    fn each_wrong_line_says_what_is_wrong() {
        for (text, message) in [
            ("guest 0 1000", "line 1: found 3 words; expected LAYER START END SIZE [LOWER]"),
            ("\nkernel 0 1000 4K", "line 2: layer: found kernel; expected guest, hypervisor or host"),
            ("guest 0 1000 8K", "line 1: size: found 8K; expected a page size: 4K, 2M or 1G"),
            (
                "guest 1000 200000 2M",
                "line 1: start: found 0x1000; expected an address aligned to the page size",
            ),
            ("guest 0 1000 2M", "line 1: end: found 0x1000; expected an address aligned to the page size"),
            (
                "host 0 200000 2M 3000",
                "line 1: lower: found 0x3000; expected an address aligned to the page size",
            ),
            ("guest 1000 1000 4K", "line 1: end: found 0x1000; expected an address behind the start"),
            (
                "host 0x1000 0x2000 4K 0xffffffffff000",
                "line 1: lower: found 0xffffffffff000; expected a range that ends at most at 2^46",
            ),
            ("guest 0 zz 4K", "line 1: end: found zz; expected a hexadecimal address"),
            ("guest 0 0x 4K", "line 1: end: found 0x; expected a hexadecimal address"),
            ("guest +1000 2000 4K", "line 1: start: found +1000; expected a hexadecimal address"),
            (
                "guest 0 10000000000001000 4K",
                "line 1: end: found 10000000000001000, a number of more than 64 bits; expected an address",
            ),
            (
                "guest 10000000000000000 10000000000001000 4K",
                "line 1: start: found 0x10000000000000000, a number of more than 64 bits; expected an \
                 address",
            ),
            (
                "host 0 10000000001000 4K",
                "line 1: end: found 0x10000000000fff is no GPA address: it must be below 2^52; expected an \
                 address of the layer",
            ),
            (
                "guest 0 10000000000000000 4K",
                "line 1: end: found 0x10000000000000000; expected an address in the start's half of the \
                 space",
            ),
            (
                "guest 0 3000 4K\nguest 2000 4000 4K",
                "line 2: found a range that overlaps 0x0 to 0x3000; expected ranges of a layer that do not \
                 overlap",
            ),
        ] {
            assert_eq!(MappingFile::parse(text).unwrap_err().to_string(), message);
        }
        let error = MappingFile::parse(b"guest 0 1000 4K\n# \xff\n").unwrap_err();
        assert_eq!(error.to_string(), "line 2: found bytes that are no UTF-8; expected text");
    }
}
