//! `v2p.textproto`: the physical pages that the pages of a recorded program had.
//!
//! Source: `v2p_reader.cpp` in `clients/drcachesim/reader` of `DynamoRIO` for the names of the fields and their
//! meaning, the files in its `clients/drcachesim/tests` for their layout and place, the text format of Protocol
//! Buffers for the rest.
//! A file has a group of messages, one for each page:
//!
//! ```text
//! address_mapping_group {
//!   page_size: 4096
//!   address_mapping {
//!     virtual_address: 0x7f0000001000
//!     physical_address: 0x21000
//!   }
//!   information { page_count: 1 bytes_mapped: 4096 }
//! }
//! information { page_count: 1 bytes_mapped: 4096 }
//! ```
//!
//! The rules:
//! - A message, whatever its name, that has one of the two addresses has each of them once. Numbers are decimal, or
//!   hexadecimal with `0x`. There is one `page_size`, a power of two of at least 4096 bytes, and addresses are
//!   multiples of it.
//! - A `page_count`, if it is there, is the number of pages of the message that it is in, or that the message is in
//!   which has nothing else: that tells a file that was cut between two messages.
//! - A page has one frame; the same pair may be there twice. Other fields are passed over.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};

use terrace_addr::convert;

use super::v2p_words::words;
use crate::{Place, TraceError, TraceErrorKind};

/// The name of the file.
const NAME: &str = "v2p.textproto";

/// Where it may lie, from the directory that is given, in this order: beside the thread files, or in the folder for
/// what is beside them, of the output directory or next to the folder `trace`.
const PLACES: [&str; 6] = ["", "aux", "raw", "trace", "../aux", "../raw"];

/// The longest line, in bytes. Lines have some 50.
const LONGEST: u64 = 1 << 16;

/// The physical pages of a program's pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageFrames {
    /// The size of every page, in bytes: a power of two.
    pub page_size: u64,
    /// Pairs of a virtual and a physical page, by their addresses: multiples of the page size. In order of the
    /// virtual address, of which none is there twice.
    pub frames: Vec<(u64, u64)>,
}

/// Reads the page frames recorded with a drmemtrace: from the `v2p.textproto` of a directory of it, or from such a
/// file itself. `None` if a directory has none.
///
/// # Errors
/// If the path or file cannot be read, or the file is damaged or cut short.
pub fn page_frames(path: impl AsRef<Path>) -> Result<Option<PageFrames>, TraceError> {
    let path = path.as_ref();
    let metadata = path.metadata().map_err(|error| TraceError::unreadable(path, error))?;
    if !metadata.is_dir() {
        return read(path).map(Some);
    }
    let is_trace = path.file_name().is_some_and(|name| name == "trace");
    let places = PLACES.iter().filter(|place| is_trace || !place.starts_with(".."));
    let mut files = places.map(|place| path.join(place).join(NAME)).filter(|file| file.is_file());
    files.next().map(|file: PathBuf| read(&file)).transpose()
}

/// What a message that is not yet closed has so far.
#[derive(Debug, Default)]
struct Message {
    virtual_address: Option<u64>,
    physical_address: Option<u64>,
    page_count: Option<u64>,
    /// Pages in the messages inside it.
    pages: u64,
}

/// What was read so far.
struct Reader<'a> {
    path: &'a Path,
    /// The line at hand, from 1, and the bytes before it.
    line: u64,
    offset: u64,
    /// The messages that are open; the first is the file itself.
    open: Vec<Message>,
    /// The name of a field whose value follows.
    field: Option<String>,
    page_size: Option<u64>,
    frames: BTreeMap<u64, u64>,
}

/// The most messages inside one another, the file included. A file has three.
const DEEPEST: usize = 8;

fn read(path: &Path) -> Result<PageFrames, TraceError> {
    let refused = |error| TraceError::unreadable(path, error);
    let mut file = BufReader::new(File::open(path).map_err(refused)?);
    let mut reader = Reader {
        path,
        line: 1,
        offset: 0,
        open: vec![Message::default()],
        field: None,
        page_size: None,
        frames: BTreeMap::new(),
    };
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut file).take(LONGEST).read_until(b'\n', &mut line).map_err(refused)?;
        if read == 0 {
            return reader.end();
        }
        let text = str::from_utf8(&line).ok().filter(|_| convert::count(read) < LONGEST);
        let text =
            text.ok_or_else(|| reader.fault("what is no line of text", "a line of a textproto file"))?;
        for word in words(text) {
            reader.take(word)?;
        }
        reader.line += 1;
        reader.offset += convert::count(read);
    }
}

impl Reader<'_> {
    /// Takes the next word: a name, a value, or a sign.
    fn take(&mut self, word: &str) -> Result<(), TraceError> {
        match (word, self.field.take()) {
            ("{" | "<", Some(_)) if self.open.len() < DEEPEST => self.open.push(Message::default()),
            ("}" | ">", None) if self.open.len() > 1 => {
                let message = self.open.pop().unwrap_or_default();
                self.close(&message)?;
            }
            (":", Some(field)) if !field.ends_with(':') => self.field = Some(field + ":"),
            ("," | ";", None) => {}
            (name, None) if name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') => {
                self.field = Some(name.to_owned());
            }
            (value, Some(field)) if field.ends_with(':') && !"{}<>:,;".contains(value) => {
                self.set(field.trim_end_matches(':'), value)?;
            }
            _ => {
                let found = format!("{:?}", word.chars().take(40).collect::<String>());
                return Err(self.fault(&found, "a field (name: value) or a message (name { … })"));
            }
        }
        Ok(())
    }

    fn set(&mut self, field: &str, value: &str) -> Result<(), TraceError> {
        let Some(message) = self.open.last_mut() else { return Ok(()) };
        let place = match field {
            "page_size" => &mut self.page_size,
            "page_count" => &mut message.page_count,
            "virtual_address" => &mut message.virtual_address,
            "physical_address" => &mut message.physical_address,
            _ => return Ok(()),
        };
        let number = match value.strip_prefix("0x").or_else(|| value.strip_prefix("0X")) {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => value.parse(),
        };
        let before = *place;
        match number {
            // Each group says the page size.
            Ok(size) if field == "page_size" && before == Some(size) => Ok(()),
            Ok(_) if before.is_some() => Err(self.fault(
                &format!("a second {field}"),
                "one page_size, and each other field once in a message",
            )),
            Ok(number) => {
                *place = Some(number);
                Ok(())
            }
            Err(_) => {
                let shown: String = value.chars().take(40).collect();
                Err(self.fault(&format!("the {field} {shown:?}"), "a number of 64 bits"))
            }
        }
    }

    /// Takes what a message that is closed has.
    fn close(&mut self, message: &Message) -> Result<(), TraceError> {
        let mut pages = message.pages;
        match (message.virtual_address, message.physical_address) {
            (None, None) => {}
            (Some(page), Some(frame)) => {
                pages += 1;
                if let Some(other) = self.frames.insert(page, frame).filter(|&other| other != frame) {
                    return Err(self.fault(
                        &format!(
                            "the physical pages {other:#x} and {frame:#x} of the virtual page {page:#x}"
                        ),
                        "one physical page for each virtual one",
                    ));
                }
            }
            _ => {
                let expected = "a virtual_address and a physical_address";
                return Err(self.fault("a message with one of two addresses", expected));
            }
        }
        match (message.page_count, self.open.last_mut()) {
            (Some(declared), Some(around)) if pages == 0 && around.page_count.is_none() => {
                around.page_count = Some(declared);
            }
            (Some(declared), _) if declared != pages => {
                return Err(TraceError::new(self.path, TraceErrorKind::Truncated, self.place())
                    .found(format!("{pages} pages"))
                    .expected(format!("the {declared} that page_count declares"))
                    .advice("The file is cut short, or lines were taken out: copy it again."));
            }
            (_, Some(around)) => around.pages += pages,
            (_, None) => {}
        }
        Ok(())
    }

    fn end(mut self) -> Result<PageFrames, TraceError> {
        if self.open.len() > 1 || self.field.is_some() {
            return Err(TraceError::new(self.path, TraceErrorKind::Truncated, self.place())
                .found("the end of the file inside a message")
                .expected("each message to be closed")
                .advice("The file is cut short: copy it again."));
        }
        let whole = self.open.pop().unwrap_or_default();
        self.close(&whole)?;
        let Some(page_size) = self.page_size else {
            return Err(self.fault("no page_size", "page_size: a power of two of at least 4096"));
        };
        if !page_size.is_power_of_two() || page_size < 4096 {
            return Err(self.fault(&format!("a page_size of {page_size}"), "a power of two of at least 4096"));
        }
        let odd = |&(&page, &frame): &(&u64, &u64)| (page | frame) & (page_size - 1) != 0;
        if let Some((page, frame)) = self.frames.iter().find(odd) {
            let found = format!("the virtual page {page:#x} in the physical page {frame:#x}");
            return Err(self.fault(&found, &format!("multiples of the page_size {page_size}")));
        }
        Ok(PageFrames { page_size, frames: self.frames.into_iter().collect() })
    }

    fn place(&self) -> Place {
        Place::Line { number: self.line, offset: self.offset }
    }

    fn fault(&self, found: &str, expected: &str) -> TraceError {
        TraceError::new(self.path, TraceErrorKind::Record, self.place())
            .found(found)
            .expected(expected)
            .advice("The file is damaged, or no v2p.textproto of DynamoRIO's: copy it again.")
    }
}
