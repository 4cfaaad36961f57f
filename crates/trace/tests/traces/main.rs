//! Whole traces through the public interface: known counts, containers, directories, and inputs that are no traces.
#![forbid(unsafe_code)]

mod arbitrary_bytes;
mod bad_inputs;
mod bad_records;
mod build;
mod chunks;
mod cloudsuite;
mod containers;
mod directories;
mod known_counts;
mod lackey;
mod page_frames;
mod perf_script;
mod streams;
mod text;
mod threads_in_one_file;
