//! The program as a user runs it: what it prints, what it refuses, what it leaves behind.
//!
//! One program for all of them: each by itself would compile and link the same again.

mod bad_input;
mod bench;
mod book;
mod compare;
mod costs;
mod events;
mod fleet;
mod generated;
mod interrupt;
mod large;
mod machine_values;
mod pages;
mod replay;
mod report;
mod reproduce;
mod run;
mod run_result;
mod runs;
mod seeds;
mod trace;
mod walk;
