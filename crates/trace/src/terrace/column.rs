//! Columns: bytes that are stored as they are, or as one frame of zstd where that is shorter.

use std::io;

use zstd::bulk::{Compressor, Decompressor};

/// How hard the writer tries.
const LEVEL: i32 = 12;

/// Packs columns.
pub(super) struct Packer(Compressor<'static>);

impl Packer {
    pub(super) fn new() -> io::Result<Self> {
        let mut compressor = Compressor::new(LEVEL)?;
        // The section has a check sum, and the column its length beside it.
        compressor.include_checksum(false)?;
        compressor.include_contentsize(false)?;
        Ok(Self(compressor))
    }

    /// Appends `column` to `to` as it is stored, and says in how many bytes. The frame is only taken where it is
    /// shorter, so that a column whose two lengths are equal is known to be as it is.
    pub(super) fn pack(&mut self, column: &[u8], to: &mut Vec<u8>) -> io::Result<usize> {
        let packed = if column.is_empty() { Vec::new() } else { self.0.compress(column)? };
        let stored = if packed.len() < column.len() { &packed } else { column };
        to.extend(stored);
        Ok(stored.len())
    }
}

/// Unpacks columns.
pub(super) struct Unpacker(Decompressor<'static>);

impl Unpacker {
    pub(super) fn new() -> io::Result<Self> {
        Decompressor::new().map(Self)
    }

    /// Replaces `column` by what `stored` unpacks to, which must be `length` bytes: a length that the caller has
    /// found to be within what the format allows.
    pub(super) fn unpack(
        &mut self,
        stored: &[u8],
        length: usize,
        column: &mut Vec<u8>,
    ) -> Result<(), String> {
        column.clear();
        if stored.len() == length {
            column.extend(stored);
            return Ok(());
        }
        // A length is only believed as far as the frame can reach: each 128 KiB of it take a block of 4 bytes.
        column.reserve(length.min(stored.len() << 15));
        match self.0.decompress_to_buffer(stored, column) {
            Ok(_) if column.len() == length => Ok(()),
            Ok(_) => Err(format!("a column of {} bytes", column.len())),
            Err(error) => Err(format!("a column that does not unpack ({error})")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_packed_where_that_is_shorter() {
        let (mut packer, mut unpacker) = (Packer::new().unwrap(), Unpacker::new().unwrap());
        let mut column = vec![1, 2, 3];
        for (bytes, shorter) in [(vec![], false), (vec![7], false), (vec![0; 1000], true)] {
            let mut stored = Vec::new();
            let length = packer.pack(&bytes, &mut stored).unwrap();
            assert_eq!((length, length < bytes.len()), (stored.len(), shorter));
            unpacker.unpack(&stored, bytes.len(), &mut column).unwrap();
            assert_eq!(column, bytes);
        }
    }

    #[test]
    fn a_column_of_another_length_is_refused() {
        let mut stored = Vec::new();
        Packer::new().unwrap().pack(&[0; 1000], &mut stored).unwrap();
        let mut unpacker = Unpacker::new().unwrap();
        for length in [999, 1001, 0] {
            let mut column = Vec::new();
            assert!(unpacker.unpack(&stored, length, &mut column).is_err(), "{length}");
        }
        assert!(unpacker.unpack(&[], 10, &mut Vec::new()).is_err());
    }
}
