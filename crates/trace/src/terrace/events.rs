//! Sections of events: their number, the bytes that they unpack to, and a column with all of them, each as its
//! reference, thread, code, bytes of payload, and payload.

use std::io;

use terrace_addr::convert;

use super::bytes::Bytes;
use super::column::{Packer, Unpacker};
use super::event::{Event, EventKind};
use super::fault::Fault;
use crate::ThreadIndex;

/// The most bytes that a section of events unpacks to.
const MOST: usize = 64 << 20;

/// The bytes of events, unpacked, from which on a writer begins another section.
pub(super) const FULL: usize = 1 << 20;

/// The most bytes of a payload.
pub(super) const MOST_PAYLOAD: usize = MOST - FULL - ENTRY;

/// The bytes of an event beside its payload.
pub(super) const ENTRY: usize = 18;

/// The body of a section with these events.
pub(super) fn pack(events: &[Event], packer: &mut Packer) -> io::Result<Vec<u8>> {
    let mut column = Vec::new();
    for Event { reference, thread, kind } in events {
        let payload = kind.payload();
        column.extend(reference.to_le_bytes());
        column.extend(thread.get().to_le_bytes());
        column.extend(kind.code().to_le_bytes());
        column.extend(convert::narrow(payload.len()).to_le_bytes());
        column.extend(payload);
    }
    let mut body = Vec::new();
    body.extend(convert::narrow(events.len()).to_le_bytes());
    body.extend(convert::narrow(column.len()).to_le_bytes());
    packer.pack(&column, &mut body)?;
    Ok(body)
}

/// Appends the events of a section with this body to `events`.
pub(super) fn unpack(body: &[u8], unpacker: &mut Unpacker, events: &mut Vec<Event>) -> Result<(), Fault> {
    let early = || Fault::senseless("events that end too early", "all of them");
    let mut bytes = Bytes::new(body);
    let (count, length) = bytes.u32().zip(bytes.u32()).ok_or_else(early)?;
    let length = convert::index32(length);
    if length > MOST {
        return Err(Fault::senseless(format!("{length} bytes of events"), format!("at most {MOST}")));
    }
    let mut column = Vec::new();
    unpacker
        .unpack(bytes.rest(), length, &mut column)
        .map_err(|found| Fault::senseless(found, format!("{length} bytes of events")))?;
    let mut bytes = Bytes::new(&column);
    let mut last = events.last().map_or(0, |event| event.reference);
    for _ in 0..count {
        let event = one(&mut bytes).ok_or_else(early)??;
        if event.reference < last {
            let found = format!("an event before reference {} after one before {last}", event.reference);
            return Err(Fault::senseless(found, "events in their order"));
        }
        last = event.reference;
        events.push(event);
    }
    if !bytes.is_empty() {
        return Err(Fault::senseless("bytes after the last event", "nothing"));
    }
    Ok(())
}

/// The next event; `None` if there is no whole one.
fn one(bytes: &mut Bytes<'_>) -> Option<Result<Event, Fault>> {
    let (reference, thread, code) = (bytes.u64()?, bytes.u32()?, bytes.u16()?);
    let length = bytes.u32()?;
    let payload = bytes.take(convert::index32(length))?;
    let thread = ThreadIndex::new(thread);
    let kind = EventKind::read(code, payload).ok_or_else(|| {
        let found = format!("{length} bytes with an event of kind {code}");
        Fault::senseless(found, "what belongs to an event of that kind")
    });
    Some(kind.map(|kind| Event { reference, thread, kind }))
}
