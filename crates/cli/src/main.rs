//! The command `terrace`.

use std::process::ExitCode;

use terrace_cli::{Registry, main_with};

fn main() -> ExitCode {
    main_with(&Registry::new(terrace_systems::registry().iter().copied()))
}
