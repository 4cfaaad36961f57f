//! Named programs: those that the Gemini and xGemini papers run, each as a composition of patterns.
//!
//! A profile says how much memory the program has, which patterns work on which part of it, and how much of each makes
//! up a round; a round of a program that serves requests is a request. The papers name the programs and say what they
//! are for ("Table 2" of xGemini, section 5 of Gemini), and no more: footprints, mixes and rates are not in them. So
//! nearly every number here is assumed, with its reason and the range in which it could well be. Footprint, cycles,
//! overlap and load are parameters, so that a result can be had at both ends of their ranges; the numbers of the parts
//! can only be read ([`Entry::parts`](crate::Entry)). No number is set from a result of a system that is
//! compared here.

mod compute;
mod mix;
mod parsec;
mod profile;
mod stores;
mod tailbench;

pub(crate) use profile::ALL;
pub use profile::{Figure, Part, Pattern};
