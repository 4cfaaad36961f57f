//! First bytes that tell what a file is.

use core::fmt;

/// What a file packs its content in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Container {
    Plain,
    Gzip,
    Xz,
    Bzip2,
    Lz4,
    Snappy,
    Zstd,
    Zip,
}

/// How many first bytes [`Container::of`] looks at.
pub(super) const LENGTH: u64 = 10;

/// What follows `BZh` and the block size in a bzip2 file: the start of a block, or the end of a stream without one.
const BZIP2_BLOCKS: [&[u8]; 2] = [b"\x31\x41\x59\x26\x53\x59", b"\x17\x72\x45\x38\x50\x90"];

impl Container {
    /// The container of a file that starts with `start`. What starts like no container is plain.
    pub(crate) fn of(start: &[u8]) -> Self {
        const MAGICS: [(&[u8], Container); 7] = [
            (b"PK\x03\x04", Container::Zip),
            // A zip file without members starts with the end of its directory.
            (b"PK\x05\x06", Container::Zip),
            // With the only method there is: two bytes alone can start a ChampSim record.
            (b"\x1f\x8b\x08", Container::Gzip),
            (b"\xfd7zXZ\0", Container::Xz),
            (b"\xff\x06\0\0sNaPpY", Container::Snappy),
            (b"\x04\x22\x4d\x18", Container::Lz4),
            (b"\x28\xb5\x2f\xfd", Container::Zstd),
        ];
        if let [b'B', b'Z', b'h', b'1'..=b'9', blocks @ ..] = start
            && BZIP2_BLOCKS.iter().any(|magic| blocks.starts_with(magic))
        {
            return Self::Bzip2;
        }
        MAGICS
            .iter()
            .find(|(magic, _)| start.starts_with(magic))
            .map_or(Self::Plain, |&(_, container)| container)
    }

    /// The container's name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Gzip => "gzip",
            Self::Xz => "xz",
            Self::Bzip2 => "bzip2",
            Self::Lz4 => "lz4",
            Self::Snappy => "snappy",
            Self::Zstd => "zstd",
            Self::Zip => "zip",
        }
    }
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What content that is no trace is instead, where that can be told, with what to do about it.
pub(crate) fn foreign(start: &[u8]) -> Option<(&'static str, &'static str)> {
    const UNPACK: &str = "Unpack it once.";
    const NOT_A_TRACE: &str = "Give the path of the trace itself.";
    const MAGICS: [(&[u8], &str, &str); 9] = [
        (b"\x04\x22\x4d\x18", "an lz4 file inside another container", UNPACK),
        (b"\xff\x06\0\0sNaPpY", "a snappy file inside another container", UNPACK),
        (b"\x28\xb5\x2f\xfd", "a zstd file inside another container", UNPACK),
        (b"\x1f\x8b", "a gzip file inside another container", UNPACK),
        (b"\xfd7zXZ\0", "an xz file inside another container", UNPACK),
        (b"PK\x03\x04", "a zip file inside another container", UNPACK),
        (b"\x7fELF", "an ELF program", NOT_A_TRACE),
        (b"PERFILE2", "a recording of Linux perf", "Print it with perf script -F +addr."),
        (b"ustar", "a tar archive", "Extract the trace from it."),
    ];
    if Container::of(start) == Container::Bzip2 {
        return Some(("a bzip2 file inside another container", UNPACK));
    }
    // A tar archive has its magic behind the name and metadata of its first file.
    let tar = start.get(257..).filter(|rest| rest.starts_with(b"ustar"));
    let start = tar.unwrap_or(start);
    MAGICS.iter().find(|(magic, ..)| start.starts_with(magic)).map(|&(_, what, advice)| (what, advice))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_is_told_by_its_first_bytes() {
        assert_eq!(Container::of(b"PK\x03\x04.."), Container::Zip);
        assert_eq!(Container::of(b"\x1f\x8b\x08..."), Container::Gzip);
        assert_eq!(Container::of(b"\xfd7zXZ\0"), Container::Xz);
        assert_eq!(Container::of(b"BZh91AY&SY.."), Container::Bzip2);
        assert_eq!(Container::of(b"BZh9\x17\x72\x45\x38\x50\x90"), Container::Bzip2);
        assert_eq!(Container::of(b"\x04\x22\x4d\x18d@"), Container::Lz4);
        assert_eq!(Container::of(b"\xff\x06\0\0sNaPpY"), Container::Snappy);
        assert_eq!(Container::of(b"\x28\xb5\x2f\xfd"), Container::Zstd);
        assert_eq!(Container::of(b"\xfd7zX"), Container::Plain);
        assert_eq!(Container::of(b"BZh0"), Container::Plain);
        assert_eq!(Container::of(b""), Container::Plain);
    }

    #[test]
    fn a_foreign_file_is_named() {
        assert_eq!(
            foreign(b"BZh91AY&SY").map(|(what, _)| what),
            Some("a bzip2 file inside another container")
        );
        let mut tar = vec![b'a'; 257];
        tar.extend_from_slice(b"ustar\0");
        assert_eq!(foreign(&tar).map(|(what, _)| what), Some("a tar archive"));
        assert_eq!(foreign(b"ust"), None);
    }
}
