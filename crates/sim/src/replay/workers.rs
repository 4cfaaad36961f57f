//! Threads that run modes side by side.
//!
//! Every thread gets every batch, in the same order, through a channel of its own. A batch is shared, not
//! copied: it is handed out as an [`Arc`], and filled again when everyone has dropped theirs.

use std::collections::VecDeque;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{Builder, JoinHandle};

use terrace_trace::Batch;

use super::ReplayError;
use super::crew::{Crew, Report};

/// Batches that may wait for a thread: it can be away for some 100 µs without holding up the others.
const DEPTH: usize = 16;

/// Threads that run modes.
pub(super) struct Workers {
    hands: Vec<Worker>,
    /// Batches handed out, oldest first; the threads work in that order, so the first is free first.
    out: VecDeque<Arc<Batch>>,
    /// Set when a mode fails: there is no use in feeding on.
    failing: Arc<AtomicBool>,
}

struct Worker {
    /// Gone when the thread is to end.
    orders: Option<SyncSender<Order>>,
    thread: Option<JoinHandle<()>>,
}

enum Order {
    Run(Arc<Batch>),
    Report(Sender<Report>),
}

impl Workers {
    /// Starts a thread for each crew.
    pub(super) fn start(crews: Vec<Crew>) -> Result<Self, ReplayError> {
        let failing = Arc::new(AtomicBool::new(false));
        let threads = crews.len();
        let mut workers = Self { hands: Vec::new(), out: VecDeque::new(), failing: Arc::clone(&failing) };
        for crew in crews {
            let (orders, received) = sync_channel(DEPTH);
            let failing = Arc::clone(&failing);
            let thread = Builder::new()
                .name("replay".to_owned())
                .spawn(move || work(crew, &received, &failing))
                .map_err(|error| ReplayError::Threads { threads, reason: error.to_string() })?;
            workers.hands.push(Worker { orders: Some(orders), thread: Some(thread) });
        }
        Ok(workers)
    }

    /// Whether there is no thread.
    pub(super) const fn are_none(&self) -> bool {
        self.hands.is_empty()
    }

    /// Whether a mode has failed.
    pub(super) fn are_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }

    /// Hands a batch to all threads, and leaves one to be filled in its place.
    pub(super) fn hand_out(&mut self, batch: &mut Batch) -> Arc<Batch> {
        let oldest_is_free = self.out.front_mut().is_some_and(|oldest| Arc::get_mut(oldest).is_some());
        let mut shared =
            if oldest_is_free { self.out.pop_front().unwrap_or_default() } else { Arc::default() };
        if let Some(free) = Arc::get_mut(&mut shared) {
            core::mem::swap(free, batch);
        }
        for worker in &mut self.hands {
            worker.order(Order::Run(Arc::clone(&shared)));
        }
        self.out.push_back(Arc::clone(&shared));
        shared
    }

    /// Adds how far all threads came, with everything that was handed out.
    pub(super) fn report(&mut self, all: &mut Report) {
        let answers: Vec<Receiver<Report>> = self
            .hands
            .iter_mut()
            .map(|worker| {
                let (sender, answer) = channel();
                worker.order(Order::Report(sender));
                answer
            })
            .collect();
        for (worker, answer) in self.hands.iter_mut().zip(answers) {
            match answer.recv() {
                Ok(report) => all.add(report),
                Err(_) => worker.panicked(),
            }
        }
    }
}

impl Worker {
    fn order(&mut self, order: Order) {
        if self.orders.as_ref().is_none_or(|orders| orders.send(order).is_err()) {
            self.panicked();
        }
    }

    /// Ends the thread, and passes on its panic: as long as it has orders to expect, it ends for nothing
    /// else.
    fn panicked(&mut self) -> ! {
        self.end();
        unreachable!("the thread ended without a panic")
    }

    fn end(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take()
            && let Err(panic) = thread.join()
            && !std::thread::panicking()
        {
            resume_unwind(panic);
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.end();
    }
}

fn work(mut crew: Crew, orders: &Receiver<Order>, failing: &AtomicBool) {
    for order in orders {
        match order {
            Order::Run(batch) => {
                if crew.run(&batch).is_err() {
                    failing.store(true, Ordering::Relaxed);
                }
            }
            // Who asked may have panicked for another thread's sake, and not be there any more.
            Order::Report(answer) => drop(answer.send(crew.report())),
        }
    }
}

#[cfg(test)]
mod tests;
