//! What `perf script` prints of samples that have a data address: those of `perf mem record` and `perf record -d`.
//!
//! Source: `tools/perf/builtin-script.c` of Linux (`perf_sample__fprintf_start`, `process_event` and what they call).
//! A sample is a line of fields in a fixed order, of which `-F` leaves some out:
//!
//! `comm pid/tid [cpu] time: period event: addr data_src weight ip sym (dso)`
//!
//! The rules:
//! - A line is a sample if it has a word that ends with a colon (the event) with, before it and in this order, the
//!   thread (`pid/tid`, or one number), the cpu in brackets, the time with its colon and the period, of which all but
//!   the thread may be missing. A number right before the event is the period if a thread, cpu or time is before it,
//!   the thread otherwise. What comes before the thread is the name of the program, blanks and all; without
//!   `pid/tid`, cpu and time, a name that ends in a number can be mistaken for the thread.
//! - The address is the hexadecimal number that follows the event. If a word follows that number instead of another
//!   number, it is not taken for one: then it is the instruction's address, whose symbol follows, because `addr` was
//!   not among the fields. Only page faults have a symbol for the data address.
//! - A sample is one access of 1 byte (its length is not recorded) by the thread of its tid. It is a store if its
//!   data source says `OP STORE`, or if there is none and the event's name contains `store`; otherwise a load. The
//!   time is not looked at: samples are in the order of the lines.
//! - Samples without an address, or whose address is 0, are passed over and counted
//!   ([`Statistics::without_address`](crate::Statistics)); so are lines that are no sample: comments, call chains,
//!   and what else perf says. A text without any sample that has an address is an error.
//! - Every line has an end: one that does not was cut short.
//!
//! Samples are few of many accesses: a miss rate over them is not that of the program.

mod file;
mod line;

pub(crate) use file::{TraceFile, starts_like_a_trace};
