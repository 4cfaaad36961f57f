//! How tables name the part of a run that a metric is of.

use core::fmt;

/// The part of a run that a metric is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScopeName<'a> {
    /// All of it: `run`.
    Run,
    /// A VM: `vm0`.
    Vm(&'a str),
    /// A layer of a VM, `vm0/guest`; without a VM the one that all VMs share, `host`.
    Layer(Option<&'a str>, &'a str),
    /// A program of a VM: `vm0/program/zipf-store`.
    Program(&'a str, &'a str),
}

impl fmt::Display for ScopeName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run => f.write_str("run"),
            Self::Vm(vm) => f.write_str(vm),
            Self::Layer(None, layer) => f.write_str(layer),
            Self::Layer(Some(vm), layer) => write!(f, "{vm}/{layer}"),
            Self::Program(vm, program) => write!(f, "{vm}/program/{program}"),
        }
    }
}
