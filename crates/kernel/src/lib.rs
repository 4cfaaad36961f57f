//! The software that writes tables.
//!
//! A [`Kernel`] owns the memory of one lower space and the address spaces that it maps there: a guest's kernel the
//! programs' ([`Gva`](terrace_addr::Gva) to [`Gpa`](terrace_addr::Gpa)), a hypervisor those of the processes that hold
//! the memory of virtual machines ([`Hva`](terrace_addr::Hva) to its own physical space). A hypervisor is the same
//! kernel with a [`Vm`] beside it: memory slots and an extended page table, filled at violations and emptied when the
//! kernel changes what is below, as KVM does. Where a table is composed of two that others write, a [`Shadow`] keeps
//! it in step. A [`Hypervisor`] is a kernel together with these tables, whose accessed bits say what its machines use.
//!
//! # The rule
//! Nothing here reaches into an MMU, and nothing calls up. What a change leaves to be done by others is in
//! [`Pending`]: translations to flush, memory below that was touched, table entries that were written, work to charge.
//! Whoever drives the kernel takes it and acts before the access that caused it goes on.
#![forbid(unsafe_code)]

mod area;
mod costs;
mod counts;
mod hypervisor;
mod kernel;
mod pending;
mod placed;
mod secondary;
mod shadow;
mod space;
mod tables;
mod tag;
mod vm;

pub use area::Area;
pub use costs::KernelCosts;
pub use counts::{KernelCounts, Mapped};
pub use hypervisor::Hypervisor;
pub use kernel::{Kernel, KernelError, Settings};
pub use pending::{Content, Copied, Join, Pending, Segmented, Stale, Work, Worked, Written};
pub use placed::{Decision, Placed};
pub use secondary::{Composed, SecondaryTable};
pub use shadow::{NotJoined, Shadow, ShadowCounts, Synchronised, Trap};
pub use space::AddressSpace;
pub use vm::{Backed, Outside, Vm};
