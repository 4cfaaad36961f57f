//! Base pages only: the baseline that everything is compared with ("Host-B-VM-B" in the Gemini paper).

use alloc::boxed::Box;

use terrace_addr::PageSize;
use terrace_policy::{Abilities, Layer, MapRequest, Policy, System, VirtualPlacement};

/// Base pages only.
pub(crate) const SYSTEM: System = System {
    name: "base-pages",
    summary: "base pages only: no huge page is ever made",
    source: "Linux with transparent huge pages off; the baseline of the Gemini and xGemini papers",
    parameters: &[],
    build: |_, _| Ok(stock()),
};

/// The policy of a layer that takes no part in a system.
pub(crate) fn stock() -> Box<dyn Policy> {
    Box::new(BasePages)
}

/// The kernel's default for everything.
#[derive(Debug, Clone)]
struct BasePages;

impl Policy for BasePages {
    fn requires(&self) -> Abilities {
        Abilities::empty()
    }

    /// As Linux places mappings whatever its huge pages are set to (since 6.7, commit efa7df3e3bb5), so that what is
    /// compared with it has the same addresses.
    fn on_map(&mut self, _: &mut dyn Layer, request: &MapRequest) -> VirtualPlacement {
        if request.bytes >= PageSize::Size2M.size() {
            VirtualPlacement::Aligned
        } else {
            VirtualPlacement::Default
        }
    }
}
