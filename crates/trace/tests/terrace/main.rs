//! Terrace's own trace format, from the outside: what is written is read, and nothing else is.

mod damage;
mod documented;
mod events;
mod finishing;
mod later_versions;
mod real_traces;
mod round_trip;
mod seeking;
mod support;
