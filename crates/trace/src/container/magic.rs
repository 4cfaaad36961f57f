//! First bytes that tell what a file is.

use core::fmt;

/// What a file packs its content in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Container {
    Plain,
    Gzip,
    Xz,
    Zip,
}

/// How many first bytes [`Container::of`] looks at.
pub(super) const LENGTH: u64 = 6;

impl Container {
    /// The container of a file that starts with `start`. What starts like no container is plain.
    pub(crate) fn of(start: &[u8]) -> Self {
        const MAGICS: [(&[u8], Container); 4] = [
            (b"PK\x03\x04", Container::Zip),
            // A zip file without members starts with the end of its directory.
            (b"PK\x05\x06", Container::Zip),
            // With the only method there is: two bytes alone can start a ChampSim record.
            (b"\x1f\x8b\x08", Container::Gzip),
            (b"\xfd7zXZ\0", Container::Xz),
        ];
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
    const UNPACK: &str = "Unpack it, or pack it again with gzip or xz.";
    const NOT_A_TRACE: &str = "Give the path of the trace itself.";
    const MAGICS: [(&[u8], &str, &str); 10] = [
        (b"BZh", "a bzip2 file", UNPACK),
        (b"\x04\x22\x4d\x18", "an lz4 file", UNPACK),
        (b"\xff\x06\0\0sNaPpY", "a snappy file", UNPACK),
        (b"\x28\xb5\x2f\xfd", "a zstd file", UNPACK),
        (b"\x1f\x8b", "a gzip file inside another container", UNPACK),
        (b"\xfd7zXZ\0", "an xz file inside another container", UNPACK),
        (b"PK\x03\x04", "a zip file inside another container", UNPACK),
        (b"\x7fELF", "an ELF program", NOT_A_TRACE),
        (b"PERFILE2", "a recording of Linux perf", "Record the program with drmemtrace or lackey."),
        (b"ustar", "a tar archive", "Extract the trace from it."),
    ];
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
        assert_eq!(Container::of(b"\xfd7zX"), Container::Plain);
        assert_eq!(Container::of(b""), Container::Plain);
    }

    #[test]
    fn a_foreign_file_is_named() {
        assert_eq!(foreign(b"BZh91AY").map(|(what, _)| what), Some("a bzip2 file"));
        let mut tar = vec![b'a'; 257];
        tar.extend_from_slice(b"ustar\0");
        assert_eq!(foreign(&tar).map(|(what, _)| what), Some("a tar archive"));
        assert_eq!(foreign(b"ust"), None);
    }
}
