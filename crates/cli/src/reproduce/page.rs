//! Figures written into a page of text.
//!
//! The rule: a block of the page begins with a line that names the command of one figure, with all options that its
//! numbers depend on, and what the command gives is what stands up to the block's end. Nothing else of the page changes.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::ReproduceArguments;
use crate::CliError;

/// A block's last line.
const END: &str = "```";

/// A page with a place for each figure that is to be measured.
pub(super) struct Page {
    path: PathBuf,
    text: String,
}

/// The line that the block of a figure begins with.
pub(super) fn first_line(figure: &str, arguments: &ReproduceArguments) -> String {
    let mut line = format!("```text terrace reproduce {figure}");
    let mut add = |option: &str, value: &str| {
        if !value.is_empty() {
            line = format!("{line} {option} {value}");
        }
    };
    add("--program", &arguments.program.join(","));
    add("--system", &arguments.system.join(","));
    add("--draws", &if arguments.draws == 0 { String::new() } else { arguments.draws.to_string() });
    if arguments.reduced { line + " --reduced" } else { line }
}

impl Page {
    /// Reads it.
    ///
    /// # Errors
    /// If it cannot be read, or has no block, or several, for one of the figures.
    pub(super) fn open(path: &Path, arguments: &ReproduceArguments) -> Result<Self, CliError> {
        let text =
            fs::read_to_string(path).map_err(|error| CliError::Read { path: path.to_owned(), error })?;
        let page = Self { path: path.to_owned(), text };
        for figure in &arguments.figure {
            page.block(&first_line(figure, arguments))?;
        }
        Ok(page)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// From where to where the text of the block with this first line reaches.
    fn block(&self, first: &str) -> Result<(usize, usize), CliError> {
        let mut found = Vec::new();
        let (mut begun, mut inside, mut at) = (None, false, 0);
        for line in self.text.split_inclusive('\n') {
            let next = at + line.len();
            let line = line.trim_end();
            if inside && line == END {
                found.extend(begun.take().map(|begun| (begun, at)));
                inside = false;
            } else if !inside && line.starts_with(END) {
                begun = (line == first).then_some(next);
                inside = true;
            }
            at = next;
        }
        match found[..] {
            [block] => Ok(block),
            _ => Err(CliError::NoBlock {
                path: self.path.clone(),
                found: found.len(),
                first: first.to_owned(),
            }),
        }
    }

    /// Writes what these figures are now: all, or the page is as it was.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn put(
        mut self,
        figures: &[(String, String)],
        arguments: &ReproduceArguments,
    ) -> Result<(), CliError> {
        for (figure, text) in figures {
            let (begins, ends) = self.block(&first_line(figure, arguments))?;
            self.text.replace_range(begins..ends, text);
        }
        replace(&self.path, &self.text).map_err(|error| CliError::Read { path: self.path.clone(), error })
    }
}

/// Replaces a file as a whole, with the rights that it has.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    let mut new = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new("/")))?;
    new.write_all(text.as_bytes())?;
    new.as_file().set_permissions(fs::metadata(&path)?.permissions())?;
    new.persist(&path).map_err(|error| error.error)?;
    Ok(())
}
