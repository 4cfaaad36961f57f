//! `terrace trace convert`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use terrace_addr::convert;
use terrace_trace::{Batch, ChampSimWriter, Provenance, Source, TerraceWriter, TextWriter, TraceWriter};

use super::Read;
use crate::input::{self, Digest, file_name};
use crate::interrupt::end_at_interrupts;
use crate::progress::{Bars, Progress};
use crate::said::Said;
use crate::{CliError, Ended};

/// Arguments of `terrace trace convert`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  terrace trace convert tests/data/sort.drmemtrace.zip sort.terrace
  terrace trace convert tests/data/true.lackey.gz true.champsim
  zcat tests/data/true.lackey.gz | terrace trace convert - true.csv --to text

Terrace's format keeps everything, in a fraction of the space. ChampSim's holds one thread, and no sizes.")]
pub(super) struct ConvertArguments {
    #[command(flatten)]
    read: Read,

    /// The file to write; an existing one is replaced
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The format to write; without this, by the file's ending: .terrace, .champsim, .csv or .txt
    #[arg(long, value_name = "FORMAT")]
    to: Option<To>,

    /// Only the thread with this id (`terrace trace info` lists them)
    #[arg(long, value_name = "ID")]
    thread: Option<u64>,
}

/// A format that can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum To {
    /// Terrace's own
    Terrace,
    /// Instruction records
    Champsim,
    /// A line for each access
    Text,
}

impl To {
    /// By a file's ending.
    fn of(file: &Path) -> Option<Self> {
        match file.extension()?.to_str()? {
            "terrace" => Some(Self::Terrace),
            "champsim" | "champsimtrace" => Some(Self::Champsim),
            "csv" | "txt" => Some(Self::Text),
            _ => None,
        }
    }

    /// A writer of this format. `from` is what is known of the input.
    pub(super) fn create(
        self,
        file: &Path,
        from: &[(&str, String)],
    ) -> Result<Box<dyn TraceWriter>, CliError> {
        let tool = concat!("terrace ", env!("CARGO_PKG_VERSION"));
        let provenance = Provenance::new().with(Provenance::TOOL, tool);
        let provenance = from.iter().fold(provenance, |all, (name, value)| all.with(*name, value.clone()));
        Ok(match self {
            Self::Terrace => Box::new(TerraceWriter::create(file, provenance)?),
            Self::Champsim => Box::new(ChampSimWriter::create(file)?),
            Self::Text => Box::new(TextWriter::create(file)?),
        })
    }
}

/// Converts a trace.
pub(super) fn convert(arguments: &ConvertArguments, said: Said) -> Result<Ended, CliError> {
    let ConvertArguments { read, file, to, thread } = arguments;
    let Some(to) = to.or_else(|| To::of(file)) else {
        return Err(CliError::Ending { file: file.clone() });
    };
    end_at_interrupts();
    let (mut source, digest) = input::open(&read.trace, read.input_format)?;
    let name = file_name(&read.trace);
    let mut from = vec![
        (Provenance::SOURCE, name.clone()),
        (Provenance::SOURCE_FORMAT, source.format().name().to_owned()),
    ];
    if let Digest::File(_) = &digest {
        let digest = digest.start().finish();
        let digest = digest.map_err(|error| CliError::Read { path: read.trace.clone(), error })?;
        from.push((Provenance::SOURCE_SHA256, digest.as_str().to_owned()));
    }
    if let Some(thread) = thread {
        from.push(("thread", thread.to_string()));
    }
    let mut writer = to.create(file, &from)?;
    let bars = Bars::new(said);
    let written = copy(&mut *source, &mut *writer, *thread, bars.start(String::new()))?;
    if let Some(thread) = thread.filter(|_| written == 0) {
        return Err(CliError::NoThread { trace: read.trace.clone(), thread });
    }
    finish(writer, written, said)?;
    Ok(Ended::Complete)
}

/// Copies a stream, of all threads or of one; how many references were written.
pub(super) fn copy(
    source: &mut dyn Source,
    writer: &mut dyn TraceWriter,
    thread: Option<u64>,
    mut progress: Progress,
) -> Result<u64, CliError> {
    let mut batch = Batch::new();
    let mut written = 0;
    while source.next_batch(&mut batch)? {
        let references = convert::count(batch.accesses().len());
        if thread.is_none_or(|thread| thread == batch.thread_id()) {
            writer.write(&batch)?;
            written += references;
        }
        progress.advance(references, || source.progress());
    }
    Ok(written)
}

/// Puts the file into place, and says what it is.
pub(super) fn finish(writer: Box<dyn TraceWriter>, written: u64, said: Said) -> Result<(), CliError> {
    let path = writer.path().to_owned();
    for note in writer.finish()? {
        said.note(format_args!("{}: {note}", path.display()));
    }
    let bytes = path.metadata().map_or(0, |metadata| metadata.len());
    let each = convert::ratio(bytes, written.max(1));
    said.note(format_args!(
        "{}: {written} references, {bytes} bytes ({each:.3} a reference)",
        path.display()
    ));
    Ok(())
}
