//! Sections: what a file consists of between its header and its trailer.
//!
//! A kind in four characters, the number of bytes in its body, the CRC-32 of both and the body, and the body. A
//! section of an unknown kind whose first character is a small letter may be passed over.

use flate2::Crc;

use super::fault::Fault;

/// What a section holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind([u8; 4]);

impl Kind {
    /// References.
    pub(super) const BLOCK: Self = Self(*b"BLCK");
    /// Events.
    pub(super) const EVENTS: Self = Self(*b"EVNT");
    /// The footer.
    pub(super) const FOOTER: Self = Self(*b"FOOT");

    /// Whether a reader that does not know the section may pass over it.
    pub(super) fn may_be_skipped(self) -> bool {
        self.0[0].is_ascii_lowercase()
    }

    /// The kind as text, for errors.
    pub(super) fn shown(self) -> String {
        format!("{:?}", String::from_utf8_lossy(&self.0))
    }
}

/// Bytes before a section's body.
pub(super) const HEAD: usize = 16;

/// What stands before a section's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) kind: Kind,
    /// Bytes of the body.
    pub(super) length: u64,
    sum: u32,
}

impl Head {
    /// The head of a section with this body.
    pub(super) fn of(kind: Kind, body: &[u8]) -> Self {
        let length = terrace_addr::convert::count(body.len());
        Self { kind, length, sum: sum(kind, length, body) }
    }

    pub(super) fn bytes(self) -> [u8; HEAD] {
        let mut bytes = [0; HEAD];
        bytes[..4].copy_from_slice(&self.kind.0);
        bytes[4..12].copy_from_slice(&self.length.to_le_bytes());
        bytes[12..].copy_from_slice(&self.sum.to_le_bytes());
        bytes
    }

    pub(super) fn read(bytes: &[u8; HEAD]) -> Self {
        let [k0, k1, k2, k3, length @ .., s0, s1, s2, s3] = *bytes;
        let length = u64::from_le_bytes(length);
        Self { kind: Kind([k0, k1, k2, k3]), length, sum: u32::from_le_bytes([s0, s1, s2, s3]) }
    }

    /// Checks the sum over the head and its body.
    pub(super) fn check(self, body: &[u8]) -> Result<(), Fault> {
        let found = sum(self.kind, self.length, body);
        if found == self.sum {
            return Ok(());
        }
        let expected = format!("{:#010x}, which is stored with it", self.sum);
        Err(Fault::damaged(format!("a section with the check sum {found:#010x}"), expected))
    }
}

fn sum(kind: Kind, length: u64, body: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(&kind.0);
    crc.update(&length.to_le_bytes());
    crc.update(body);
    crc.sum()
}
