//! The command `terrace` with one system more: `patient-pages run quickstart --set guest.system=patient`.

use std::process::ExitCode;

use terrace_cli::{Registry, main_with};

fn main() -> ExitCode {
    let mine = [patient_pages::SYSTEM];
    main_with(&Registry::new(terrace_systems::registry().iter().copied().chain(mine)))
}
