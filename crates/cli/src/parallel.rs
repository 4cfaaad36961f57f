//! Independent pieces of work, some at a time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Does the work of each place from 0 on, so many at a time, in this order of beginning, until all are begun or
/// `over` says so. The results are in the order of the places; those that were begun are a first part of all.
pub(crate) fn in_order<T: Send>(
    places: usize,
    at_a_time: usize,
    over: impl Fn() -> bool + Sync,
    work: impl Fn(usize) -> T + Sync,
) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let results: Vec<Mutex<Option<T>>> = (0..places).map(|_| Mutex::new(None)).collect();
    let worker = || {
        while !over()
            && let place = next.fetch_add(1, Ordering::Relaxed)
            && let Some(result) = results.get(place)
        {
            let done = work(place);
            *result.lock().unwrap_or_else(PoisonError::into_inner) = Some(done);
        }
    };
    thread::scope(|scope| {
        for _ in 1..at_a_time.min(places) {
            scope.spawn(worker);
        }
        worker();
    });
    let results = results.into_iter();
    results.filter_map(|result| result.into_inner().unwrap_or_else(PoisonError::into_inner)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_order_and_what_was_not_begun_has_none() {
        for at_a_time in [1, 3, 100] {
            assert_eq!(
                in_order(20, at_a_time, || false, |place| place * 2),
                (0..40).step_by(2).collect::<Vec<_>>()
            );
        }
        let begun = AtomicUsize::new(0);
        let some = in_order(
            20,
            4,
            || begun.load(Ordering::Relaxed) >= 5,
            |place| {
                begun.fetch_add(1, Ordering::Relaxed);
                place
            },
        );
        assert!((5..=8).contains(&some.len()), "{some:?}");
        assert_eq!(some, (0..some.len()).collect::<Vec<_>>());
        assert!(in_order(3, 2, || true, |place| place).is_empty());
    }
}
