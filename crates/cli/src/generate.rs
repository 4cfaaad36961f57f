//! `terrace completions` and `terrace man`: what other programs want to know of the command line.

use std::path::PathBuf;

use clap::{Args, Command};
use clap_complete::Shell;

use crate::{CliError, Ended, print};

/// Arguments of `terrace completions`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  terrace completions bash > ~/.local/share/bash-completion/completions/terrace")]
pub(crate) struct CompletionsArguments {
    /// The shell
    shell: Shell,
}

/// Arguments of `terrace man`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  terrace man | man -l -
  terrace man --output ~/.local/share/man/man1")]
pub(crate) struct ManArguments {
    /// The folder to write the pages of all commands to; without this, the main page is printed
    #[arg(long, short, value_name = "FOLDER")]
    output: Option<PathBuf>,
}

/// Prints a script that completes the command line of `command`.
pub(crate) fn completions(arguments: &CompletionsArguments, mut command: Command) -> Result<Ended, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "terrace", &mut script);
    print(&script)?;
    Ok(Ended::Complete)
}

/// Prints the manual page of `command`, or writes those of all its commands.
pub(crate) fn man(arguments: &ManArguments, command: Command) -> Result<Ended, CliError> {
    match &arguments.output {
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(command).render(&mut page).map_err(CliError::output)?;
            print(&page)?;
        }
        Some(folder) => {
            let failed = |error| CliError::Read { path: folder.clone(), error };
            std::fs::create_dir_all(folder).map_err(failed)?;
            clap_mangen::generate_to(command, folder).map_err(failed)?;
        }
    }
    Ok(Ended::Complete)
}
