//! Where the halves are placed.

use alloc::boxed::Box;

use terrace_policy::{Parameter, Role, System};

use super::{Gemini, Peers, parameters};

const PARAMETERS: &[Parameter] = &parameters("off");

/// Gemini in a guest and its host.
pub(crate) const SYSTEM: System = System {
    name: "gemini",
    summary: "huge pages that line up between a guest and its host; a guest hypervisor between them is stock",
    source: "Jia et al., Making Dynamic Page Coalescing Effective on Virtualized Clouds, EuroSys '23",
    parameters: PARAMETERS,
    build: |role, values| {
        Ok(match role {
            Role::Guest => Box::new(Gemini::new(Peers { above: None, below: Some(Role::Host) }, values)),
            Role::Hypervisor => crate::base::stock(),
            Role::Host => Box::new(Gemini::new(Peers { above: Some(Role::Guest), below: None }, values)),
        })
    },
};

/// Gemini in a guest and its guest hypervisor, and again in that and the host.
pub(crate) const DUAL: System = System {
    name: "dual-gemini",
    summary: "Gemini at both pairs of layers of a nested stack, with a guest hypervisor that takes part",
    source: "the xGemini paper, section 5: what it is compared with",
    parameters: PARAMETERS,
    build: |role, values| {
        let peers = match role {
            Role::Guest => Peers { above: None, below: Some(Role::Hypervisor) },
            Role::Hypervisor => Peers { above: Some(Role::Guest), below: Some(Role::Host) },
            Role::Host => Peers { above: Some(Role::Hypervisor), below: None },
        };
        Ok(Box::new(Gemini::new(peers, values)))
    },
};
