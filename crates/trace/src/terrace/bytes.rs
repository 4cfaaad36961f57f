//! Little-endian integers out of bytes and into them.

use terrace_addr::convert;

/// Bytes that are being read from the front. `None` where they end too early.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.0
    }

    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// Seven bits a byte, the lowest first; all bytes but the last have the top bit set. At most 64 bits.
    pub(super) fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let [byte] = self.array()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return None;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    /// A length in 32 bits and as many bytes of UTF-8.
    pub(super) fn text(&mut self) -> Option<&'a str> {
        let length = self.u32()?;
        str::from_utf8(self.take(convert::index32(length))?).ok()
    }
}

/// Bytes that are being written.
pub(super) trait Put {
    fn put_varint(&mut self, value: u64);
    fn put_text(&mut self, text: &str);
}

impl Put for Vec<u8> {
    fn put_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.push(convert::low8(value) | 0x80);
            value >>= 7;
        }
        self.push(convert::low8(value));
    }

    fn put_text(&mut self, text: &str) {
        self.extend(convert::narrow(text.len()).to_le_bytes());
        self.extend(text.as_bytes());
    }
}

/// A difference so that small ones of either sign are small: 0, −1, 1, −2, … become 0, 1, 2, 3, …
#[inline(always)]
pub(super) const fn folded(difference: u64) -> u64 {
    difference << 1 ^ 0_u64.wrapping_sub(difference >> 63)
}

/// The difference that was [`folded`].
#[inline(always)]
pub(super) const fn unfolded(folded: u64) -> u64 {
    folded >> 1 ^ 0_u64.wrapping_sub(folded & 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn folding_keeps_small_differences_small() {
        for (difference, expected) in [(0, 0), (u64::MAX, 1), (1, 2), (u64::MAX - 1, 3), (1 << 63, u64::MAX)]
        {
            assert_eq!((folded(difference), unfolded(expected)), (expected, difference));
        }
    }

    #[test]
    fn a_varint_holds_at_most_64_bits() {
        let longest = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
        assert_eq!(Bytes::new(&longest).varint(), Some(u64::MAX));
        assert_eq!(Bytes::new(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]).varint(), None);
        assert_eq!(Bytes::new(&[0x80; 12]).varint(), None);
        assert_eq!(Bytes::new(&[0x80]).varint(), None);
    }

    proptest! {
        #[test]
        fn what_is_put_is_read(value: u64, text: String) {
            let mut bytes = Vec::new();
            bytes.put_varint(value);
            bytes.put_text(&text);
            let mut bytes = Bytes::new(&bytes);
            prop_assert_eq!(bytes.varint(), Some(value));
            prop_assert_eq!(bytes.text(), Some(&*text));
            prop_assert!(bytes.is_empty());
            prop_assert_eq!(unfolded(folded(value)), value);
        }
    }
}
