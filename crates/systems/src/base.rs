//! Base pages only: the baseline that everything is compared with ("Host-B-VM-B" in the Gemini paper).

use alloc::boxed::Box;

use terrace_policy::{Abilities, Policy, System};

/// Base pages only.
pub(crate) const SYSTEM: System = System {
    name: "base-pages",
    summary: "base pages only: no huge page is ever made",
    source: "Linux with transparent huge pages off; the baseline of the Gemini and xGemini papers",
    parameters: &[],
    build: |_, _| Ok(Box::new(BasePages)),
};

/// The kernel's default for everything.
#[derive(Debug)]
struct BasePages;

impl Policy for BasePages {
    fn requires(&self) -> Abilities {
        Abilities::empty()
    }
}
