//! xGemini (IEEE Transactions on Computers, 2024): Gemini under nested virtualization, with nothing changed in the guest
//! hypervisor.
//!
//! The guest is Gemini's guest half with the Huge Aligner. The host has the memory behind the nested guest's pages
//! where *that guest's* addresses say ([`placement`]), and makes pseudo huge pages in the composed table where the guest
//! has huge pages ([`creator`]). Both halves tell each other which blocks of the nested guest's memory are huge, over
//! the head of the guest hypervisor.

mod block;
mod counts;
mod creator;
mod host;
mod machine;
mod parameters;
mod placement;

use alloc::boxed::Box;

use terrace_policy::{Role, System};

use crate::gemini::{Gemini, Peers};
use parameters::PARAMETERS;

/// xGemini.
pub(crate) const SYSTEM: System = System {
    name: "xgemini",
    summary: "huge pages aligned between a nested guest and the host, with a guest hypervisor that knows nothing of it",
    source: "Effective Huge Page Strategies for TLB Miss Reduction in Nested Virtualization (IEEE TC, 2024)",
    parameters: PARAMETERS,
    build: |role, values| {
        Ok(match role {
            Role::Guest => Box::new(Gemini::new(Peers { above: None, below: Some(Role::Host) }, values)),
            // Tenants' software: it stays as it is.
            Role::Hypervisor => crate::base::stock(),
            Role::Host => host::Host::boxed(values),
        })
    },
};
