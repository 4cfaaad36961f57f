//! Published systems, one module each, on nothing but the seam of `terrace-policy`.
//!
//! [`registry`] lists them. A system from outside is added to that list by whoever assembles a command of its own.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod base;
mod blocks;
mod ca_paging;
mod contiguous;
mod counting;
mod direct_segment;
mod gemini;
mod hawkeye;
mod illuminator;
mod ingens;
mod linux;
mod over_linux;
mod ptemagnet;
mod ranger;
mod xgemini;

use terrace_policy::System;

/// The systems of this crate.
pub const fn registry() -> &'static [System] {
    &[
        base::SYSTEM,
        linux::SYSTEM,
        ca_paging::SYSTEM,
        ranger::SYSTEM,
        illuminator::SYSTEM,
        ingens::SYSTEM,
        hawkeye::SYSTEM,
        gemini::SYSTEM,
        gemini::DUAL,
        xgemini::SYSTEM,
        contiguous::SYSTEM,
        direct_segment::SYSTEM,
        ptemagnet::SYSTEM,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use terrace_policy::{Role, Values};

    #[test]
    fn every_system_builds_at_every_layer_with_its_defaults() {
        for system in registry() {
            let names: BTreeSet<_> = system.parameters.iter().map(|parameter| parameter.name).collect();
            assert_eq!(names.len(), system.parameters.len(), "{}", system.name);
            for parameter in system.parameters {
                assert_eq!(parameter.check(parameter.default), Ok(()), "{} {}", system.name, parameter.name);
                assert!(!parameter.meaning.is_empty() && !parameter.source.is_empty());
            }
            for role in Role::ALL {
                assert!((system.build)(role, &Values::defaults(system.parameters)).is_ok());
            }
        }
    }
}
