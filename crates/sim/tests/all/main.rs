//! The engine's runs, replays and walks against what is known of them.
//!
//! One program for all of them: each by itself would compile and link the same again.

mod conformance;
mod foreign_counts;
mod gates;
mod replays;
mod reproduce;
mod scenarios;
mod time;
mod walks;
