//! Digests of inputs.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::Digest;

/// A SHA-256 digest in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Sha256(String);

impl From<Sha256> for String {
    fn from(digest: Sha256) -> Self {
        digest.0
    }
}

impl TryFrom<String> for Sha256 {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let digits = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if text.len() == 64 && digits {
            Ok(Self(text))
        } else {
            Err(format!("found {text:?}; expected a SHA-256 digest of 64 hexadecimal digits"))
        }
    }
}

impl Sha256 {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The digest of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let mut hash = sha2::Sha256::new();
        hash.update(bytes);
        Self::finish(hash)
    }

    fn finish(hash: sha2::Sha256) -> Self {
        use core::fmt::Write;
        let mut digits = String::with_capacity(64);
        for byte in hash.finalize() {
            // Writing to a string cannot fail.
            let _ = write!(digits, "{byte:02x}");
        }
        Self(digits)
    }
}

/// The digest of a file; of a directory, the digest of the names and digests of the files in it, sorted by name.
///
/// # Errors
/// If something cannot be read.
pub fn sha256_of(path: &Path) -> io::Result<Sha256> {
    let mut hash = sha2::Sha256::new();
    if path.is_dir() {
        let mut entries: Vec<_> = std::fs::read_dir(path)?.collect::<Result<_, _>>()?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            hash.update(entry.file_name().as_encoded_bytes());
            hash.update([0]);
            hash.update(sha256_of(&entry.path())?.as_str());
        }
    } else {
        let mut file = File::open(path)?;
        let mut buffer = vec![0; 1 << 18];
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            hash.update(&buffer[..read]);
        }
    }
    Ok(Sha256::finish(hash))
}

/// A reader that keeps the digest of what is read through it.
#[derive(Debug)]
pub struct Digesting<R> {
    reader: R,
    hash: Arc<Mutex<sha2::Sha256>>,
}

/// The digest of what was read through a [`Digesting`].
#[derive(Debug, Clone)]
pub struct DigestSoFar(Arc<Mutex<sha2::Sha256>>);

impl<R> Digesting<R> {
    /// Reads from `reader`; the digest is that of everything read so far, whenever it is asked for.
    pub fn new(reader: R) -> (Self, DigestSoFar) {
        let hash = Arc::new(Mutex::new(sha2::Sha256::new()));
        (Self { reader, hash: Arc::clone(&hash) }, DigestSoFar(hash))
    }
}

impl<R: Read> Read for Digesting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.hash.lock().unwrap_or_else(PoisonError::into_inner).update(&buffer[..read]);
        Ok(read)
    }
}

impl DigestSoFar {
    /// The digest.
    pub fn get(&self) -> Sha256 {
        Sha256::finish(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_of_a_known_text() {
        // FIPS 180-4's first example.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Sha256::of(b"abc").as_str(), expected);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("abc");
        std::fs::write(&file, "abc").unwrap();
        assert_eq!(sha256_of(&file).unwrap().as_str(), expected);
        assert_ne!(sha256_of(folder.path()).unwrap().as_str(), expected);
        let (mut reader, digest) = Digesting::new(b"abc".as_slice());
        io::copy(&mut reader, &mut io::sink()).unwrap();
        assert_eq!(digest.get().as_str(), expected);
    }
}
