//! The systems at work: on one layer, and on the layers of a machine.
//!
//! One program for all of them: each by itself would compile and link the same again.

mod baselines;
mod ca_paging;
mod direct;
mod gemini;
mod gemini_histories;
mod gemini_mechanisms;
mod hawkeye;
mod illuminator;
mod ingens;
mod linux;
mod one_layer;
mod ptemagnet;
mod ranger;
mod stack;
