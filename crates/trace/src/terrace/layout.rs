//! The numbers of the format. All integers are little-endian.

/// The first bytes of a file. The first is no text, and a line end that was translated shows.
pub(super) const MAGIC: [u8; 8] = *b"\x89TRC\r\n\x1a\n";

/// The last bytes of a file.
pub(super) const END_MAGIC: [u8; 8] = *b"\x89TRCend\n";

/// The version that is written. A reader of version 1 refuses other numbers.
pub(super) const VERSION: u16 = 1;

/// Bytes of the header.
pub(super) const HEADER: usize = 12;

/// Bytes of the trailer: where the footer's section begins, its bytes, magic.
pub(super) const TRAILER: usize = 24;

/// The most references of a block.
pub(super) const MOST_REFERENCES: u32 = 1 << 22;

/// The references of a block, unless the writer is told otherwise: 10 ms of decoding.
pub(super) const REFERENCES: u32 = 1 << 20;

/// The most steps of a run: as many as a byte counts.
pub(super) const MOST_STEPS: usize = 255;

/// The data addresses that predictions look back on.
pub(super) const HISTORY: usize = 16;

/// Codes below this one are differences. A code of it or more says that the difference is a literal, and of how many
/// bytes: [`literal_bytes`].
pub(super) const LITERAL: u8 = 248;

/// The bytes of a literal with this code: 1 to 8.
#[inline(always)]
pub(super) const fn literal_bytes(code: u8) -> u8 {
    code - LITERAL + 1
}

/// What a step is, in the column of kinds.
pub(super) mod step {
    /// A fetch at the end of the fetch before it in the column.
    pub(crate) const NEXT: u8 = 0;
    /// A fetch elsewhere.
    pub(crate) const JUMP: u8 = 1;
    /// A load.
    pub(crate) const LOAD: u8 = 2;
    /// A store.
    pub(crate) const STORE: u8 = 3;
}

/// The part of a mode that says what a prediction starts from: 0 for the step's own last address, else how many data
/// accesses back.
pub(super) const SOURCE: u8 = 0x1f;

/// The bit of a mode with which the last difference is added to the prediction.
pub(super) const FOLLOWS: u8 = 0x80;

/// The header: magic, version and two zeroes.
pub(super) fn header() -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..8].copy_from_slice(&MAGIC);
    header[8..10].copy_from_slice(&VERSION.to_le_bytes());
    header
}
