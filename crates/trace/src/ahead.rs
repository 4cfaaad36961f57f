//! A decoder in a thread of its own, ahead of who consumes its batches.
//!
//! At most [`DEPTH`] batches lie between the two; each travels with what had been read when it was full, so that
//! progress and statistics are those of the batches handed out. Batches are swapped, never copied.

use std::panic::resume_unwind;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{Builder, JoinHandle};

use terrace_addr::convert;

use crate::source::Decode;
use crate::{Batch, Format, Progress, Source, Statistics, TraceError};

/// Batches between the decoder and its consumer: 1 MiB, which stays in a core's caches and lets either side work
/// for some 100 µs while the other one is away.
const DEPTH: usize = 16;

/// What had been read when a message was sent.
#[derive(Debug, Clone, Copy)]
struct Read {
    statistics: Statistics,
    progress: Progress,
}

impl Read {
    fn of(decoder: &dyn Decode) -> Self {
        Self { statistics: decoder.statistics(), progress: decoder.progress() }
    }
}

/// What the decoder hands over.
enum Message {
    Batch(Batch, Read),
    End(Read),
    Failed(TraceError),
}

/// The consumer's side of a decoder that runs ahead.
pub(crate) struct Ahead {
    format: Format,
    /// Gone when the stream has ended.
    link: Option<Link>,
    read: Read,
    references: u64,
    notes: Vec<String>,
    dropped: Dropped,
}

/// What becomes of the decoder's thread when its consumer goes before the stream has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dropped {
    /// It is waited for: it only reads files, and soon finds out.
    Waits,
    /// It is left: it may wait for input that comes late or never.
    Leaves,
}

struct Link {
    full: Receiver<Message>,
    empty: Sender<Batch>,
    thread: JoinHandle<()>,
}

impl Ahead {
    /// Starts to decode.
    pub(crate) fn start(path: &Path, format: Format, decoder: Box<dyn Decode>) -> Result<Self, TraceError> {
        let total = decoder.progress().total;
        let notes = decoder.notes();
        let (full_sender, full) = sync_channel(DEPTH);
        let (empty, empty_receiver) = channel();
        let thread = Builder::new()
            .name("decode".to_owned())
            .spawn(move || run(decoder, &full_sender, &empty_receiver))
            .map_err(|error| TraceError::unreadable(path, error))?;
        let read = Read { statistics: Statistics::default(), progress: Progress { read: 0, total } };
        Ok(Self {
            format,
            link: Some(Link { full, empty, thread }),
            read,
            references: 0,
            notes,
            dropped: Dropped::Waits,
        })
    }

    /// Does not wait for the decoder when it is dropped early.
    pub(crate) fn leaving_its_thread(mut self) -> Self {
        self.dropped = Dropped::Leaves;
        self
    }

    fn end(&mut self) {
        if let Some(Link { full, empty, thread }) = self.link.take() {
            // A thread that waits for room sees that nobody will take its batches, and ends.
            drop((full, empty));
            if let Err(panic) = thread.join()
                && !std::thread::panicking()
            {
                resume_unwind(panic);
            }
        }
    }
}

fn run(mut decoder: Box<dyn Decode>, full: &SyncSender<Message>, empty: &Receiver<Batch>) {
    loop {
        let mut batch = empty.try_recv().unwrap_or_default();
        let (message, last) = match decoder.decode(&mut batch) {
            Ok(true) => (Message::Batch(batch, Read::of(&*decoder)), false),
            Ok(false) => (Message::End(Read::of(&*decoder)), true),
            Err(error) => (Message::Failed(error), true),
        };
        if full.send(message).is_err() || last {
            return;
        }
    }
}

impl Source for Ahead {
    fn next_batch(&mut self, batch: &mut Batch) -> Result<bool, TraceError> {
        batch.clear();
        let Some(link) = &self.link else { return Ok(false) };
        match link.full.recv() {
            Ok(Message::Batch(full, read)) => {
                self.read = read;
                let used = core::mem::replace(batch, full);
                batch.set_first_reference(self.references);
                self.references += convert::count(batch.accesses().len());
                // The thread may have decoded its last batch and be gone: the buffer is dropped then.
                let _ = link.empty.send(used);
                Ok(true)
            }
            Ok(Message::End(read)) => {
                self.read = read;
                self.end();
                Ok(false)
            }
            Ok(Message::Failed(error)) => {
                self.end();
                Err(error)
            }
            // The thread ends without a last message only by a panic: a defect, which is passed on.
            Err(_) => {
                self.end();
                unreachable!("the decoding thread ended without a last message")
            }
        }
    }

    fn format(&self) -> Format {
        self.format
    }

    fn progress(&self) -> Progress {
        self.read.progress
    }

    fn statistics(&self) -> Statistics {
        self.read.statistics
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        match self.dropped {
            Dropped::Waits => self.end(),
            Dropped::Leaves => drop(self.link.take()),
        }
    }
}
