//! The command `terrace`.

use std::process::ExitCode;

fn main() -> ExitCode {
    terrace_cli::main()
}
