//! What systems share that add something to Linux's transparent huge pages and leave the rest as it is.

use alloc::boxed::Box;

use terrace_policy::{NextWake, Parameter, ParameterError, Policy, Role, Values};

use crate::linux;

/// Linux's parameters.
const LINUX: &[Parameter] = linux::SYSTEM.parameters;

/// How many parameters a system has that adds `own` to Linux's.
pub(crate) const fn count(own: &[Parameter]) -> usize {
    own.len() + LINUX.len()
}

/// A system's own parameters, then Linux's.
pub(crate) const fn parameters<const COUNT: usize>(own: &[Parameter]) -> [Parameter; COUNT] {
    let mut all = [LINUX[0]; COUNT];
    let mut place = 0;
    while place < COUNT {
        all[place] = if place < own.len() { own[place] } else { LINUX[place - own.len()] };
        place += 1;
    }
    all
}

/// Linux's policy, with the values that such a system has for it.
pub(crate) fn policy(role: Role, values: &Values) -> Result<Box<dyn Policy>, ParameterError> {
    let mut chosen = Values::defaults(LINUX);
    for (name, value) in values.iter() {
        if LINUX.iter().any(|parameter| parameter.name == name) {
            chosen.set(LINUX, name, value)?;
        }
    }
    (linux::SYSTEM.build)(role, &chosen)
}

/// The earlier of two times.
pub(crate) fn sooner(one: NextWake, other: NextWake) -> NextWake {
    match (one, other) {
        (NextWake::At(one), NextWake::At(other)) => NextWake::At(one.min(other)),
        (NextWake::Never, wake) | (wake, NextWake::Never) => wake,
    }
}
