//! `terrace trace capture`.

use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::thread;

use clap::Args;
use terrace_trace::{Format, Options, Provenance};

use super::convert::{To, copy, finish};
use crate::interrupt::note_interrupts;
use crate::progress::Bars;
use crate::said::Said;
use crate::{CliError, Ended};

/// Arguments of `terrace trace capture`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  terrace trace capture -- ls -l
  terrace trace capture --output sorted.terrace -- sort -n numbers.txt

Valgrind runs the program some hundred times slower than it is. Its threads run one at a time, and the trace does not \
                        say which one an access is of.")]
pub(super) struct CaptureArguments {
    /// The file to write, of Terrace's format; without this, the program's name with the ending .terrace
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    /// The program and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Records a program.
pub(super) fn capture(arguments: &CaptureArguments, said: Said) -> Result<Ended, CliError> {
    let CaptureArguments { output, command } = arguments;
    let program = command.first().map_or(OsStr::new(""), OsString::as_os_str);
    let name = Path::new(program).file_name().unwrap_or(program);
    let output = output.clone().unwrap_or_else(|| Path::new(name).with_extension("terrace"));
    let words: Vec<_> = command.iter().map(|word| word.to_string_lossy()).collect();
    let from = [(Provenance::SOURCE, "Valgrind's lackey".to_owned()), (Provenance::COMMAND, words.join(" "))];
    let mut writer = To::Terrace.create(&output, &from)?;

    // The log comes through a pipe of its own, apart from what the program prints.
    let failed = |what: &'static str| move |error| CliError::Capture { what, error };
    let folder = tempfile::tempdir().map_err(failed("a folder for a pipe"))?;
    let pipe = folder.path().join("log");
    let made = Command::new("mkfifo").arg(&pipe).status().map_err(failed("mkfifo"))?;
    if !made.success() {
        return Err(CliError::Capture { what: "mkfifo", error: io::Error::other(made.to_string()) });
    }
    // Ctrl-C goes to the program too: what it did until then is kept.
    note_interrupts();
    let mut log_file = OsString::from("--log-file=");
    log_file.push(&pipe);
    let mut child = Command::new("valgrind")
        .args(["--tool=lackey", "--trace-mem=yes"])
        .arg(log_file)
        .args(command)
        .spawn()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => CliError::NoValgrind,
            _ => CliError::Capture { what: "valgrind", error },
        })?;
    let waiting = {
        let pipe = pipe.clone();
        thread::spawn(move || {
            let ended = child.wait();
            // Whoever still waits for Valgrind to open the pipe, waits in vain.
            drop(OpenOptions::new().read(true).write(true).open(pipe));
            ended
        })
    };
    let mut read = || -> Result<u64, CliError> {
        let log = File::open(&pipe).map_err(failed("the pipe for the log"))?;
        let mut source =
            Options::new().format(Format::Lackey).open_stream(Box::new(log), "the log of lackey")?;
        let bars = Bars::new(said);
        copy(&mut *source, &mut *writer, None, bars.start(String::new()))
    };
    let written = read();
    let ended = waiting.join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
    let ended = ended.map_err(failed("valgrind"))?;
    match written {
        // Without a log the program could not be run, and Valgrind has said why.
        Err(CliError::Trace(_)) if !ended.success() => Err(CliError::Captured { ended: describe(ended) }),
        Err(error) => Err(error),
        Ok(written) => {
            if !ended.success() {
                said.note(format_args!("the program ended with {}", describe(ended)));
            }
            finish(writer, written, said)?;
            Ok(Ended::Complete)
        }
    }
}

fn describe(ended: ExitStatus) -> String {
    ended.code().map_or_else(|| ended.to_string(), |code| format!("exit code {code}"))
}
