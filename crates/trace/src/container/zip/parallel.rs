//! Members inflated by several threads, delivered in order.
//!
//! Of `n` threads, thread `i` inflates members `i`, `i + n`, `i + 2n` … and may be [`LOOK_AHEAD`] ahead of the
//! reader, who takes members in turn. So the stream is the same for any number of threads, none of them waits for
//! another, and memory is bounded by `n` times the look-ahead however large a member is.

use std::panic::resume_unwind;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{Builder, JoinHandle};

use super::directory::Member;
use super::member::MemberReader;
use crate::TraceError;
use crate::container::{Piece, Pieces};

/// How far a thread may be ahead, in bytes: enough that a member of the usual size (10 million instructions, about
/// 170 MB) is a good part done when its turn comes.
const LOOK_AHEAD: usize = 64 << 20;

/// What a thread hands over.
enum Message {
    Piece(Piece),
    EndOfMember,
    Failed(TraceError),
}

/// One inflating thread.
struct Lane {
    full: Receiver<Message>,
    empty: Sender<Piece>,
    thread: JoinHandle<()>,
}

/// The threads, and whose turn it is.
pub(super) struct Parallel {
    lanes: Vec<Lane>,
    turn: usize,
    /// Members that are not yet wholly delivered.
    left: usize,
}

impl Parallel {
    /// Starts `threads` threads over `members`.
    pub(super) fn start(
        path: &Arc<Path>,
        members: &Arc<[Member]>,
        threads: usize,
        piece: usize,
    ) -> Result<Self, TraceError> {
        let mut this = Self { lanes: Vec::new(), turn: 0, left: members.len() };
        for first in 0..threads {
            let (full_sender, full) = sync_channel((LOOK_AHEAD / piece).max(1));
            let (empty, empty_receiver) = channel();
            let worker = Worker { full: full_sender, empty: empty_receiver, piece };
            let (worker_path, members) = (Arc::clone(path), Arc::clone(members));
            let thread = Builder::new()
                .name(format!("inflate {first}"))
                .spawn(move || worker.run(&worker_path, members.iter().skip(first).step_by(threads)))
                .map_err(|error| TraceError::unreadable(path, error))?;
            this.lanes.push(Lane { full, empty, thread });
        }
        Ok(this)
    }
}

impl Pieces for Parallel {
    fn next_piece(&mut self, piece: &mut Piece) -> Result<bool, TraceError> {
        while self.left > 0 {
            let lane = &self.lanes[self.turn];
            match lane.full.recv() {
                Ok(Message::Piece(full)) => {
                    // The thread may have inflated its last member and be gone: the buffer is dropped then.
                    let _ = lane.empty.send(core::mem::replace(piece, full));
                    return Ok(true);
                }
                Ok(Message::EndOfMember) => {
                    self.left -= 1;
                    self.turn = (self.turn + 1) % self.lanes.len();
                }
                Ok(Message::Failed(error)) => return Err(error),
                // A thread only ends before its members do by a panic, which is a defect of this crate.
                Err(_) => match self.lanes.swap_remove(self.turn).thread.join() {
                    Ok(()) => unreachable!("an inflating thread ended before its members"),
                    Err(panic) => resume_unwind(panic),
                },
            }
        }
        Ok(false)
    }
}

impl Drop for Parallel {
    fn drop(&mut self) {
        for Lane { full, empty, thread } in self.lanes.drain(..) {
            // A thread that waits for room sees that nobody will take its pieces, and ends.
            drop((full, empty));
            let _ = thread.join();
        }
    }
}

/// The thread's side of a lane.
struct Worker {
    full: SyncSender<Message>,
    empty: Receiver<Piece>,
    piece: usize,
}

impl Worker {
    fn run<'a>(self, path: &Arc<Path>, members: impl Iterator<Item = &'a Member>) {
        for member in members {
            let end = match self.inflate(path, member) {
                Ok(Taken::Wholly) => Message::EndOfMember,
                Ok(Taken::NoLonger) => return,
                Err(error) => Message::Failed(error),
            };
            let last = matches!(end, Message::Failed(_));
            if self.full.send(end).is_err() || last {
                return;
            }
        }
    }

    fn inflate(&self, path: &Arc<Path>, member: &Member) -> Result<Taken, TraceError> {
        let mut reader = MemberReader::open(path, member)?;
        loop {
            let mut piece = self.empty.try_recv().unwrap_or_default();
            if !reader.next_piece(&mut piece, self.piece)? {
                return Ok(Taken::Wholly);
            }
            if self.full.send(Message::Piece(piece)).is_err() {
                return Ok(Taken::NoLonger);
            }
        }
    }
}

/// Whether the reader took a member.
enum Taken {
    Wholly,
    NoLonger,
}
