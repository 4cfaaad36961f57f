//! Results as one page of HTML that needs nothing else: no network, no server, no other file.
//!
//! A page says the answer first, then shows it in pictures, then holds every number and where it came from. The same
//! results give the same bytes. Nothing in a page is fetched, and its own policy forbids that anything could be: scripts
//! run by their digests, and expressions of pictures are interpreted instead of compiled.
//!
//! ```
//! use terrace_report::{Loaded, Options, page};
//!
//! # fn main() -> Result<(), terrace_report::ReportError> {
//! # let folder = std::path::Path::new("no-such-folder");
//! let html = Loaded::read(folder).and_then(|result| page(&[result], &Options::default()));
//! assert!(html.is_err(), "there is no such folder");
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod answer;
mod axes;
mod cells;
mod error;
mod figures;
mod fleet;
mod html;
mod json;
mod load;
mod page;
mod series;
mod tables;

pub use error::ReportError;
pub use fleet::{LoadedFleet, fleet_page};
pub use load::Loaded;

/// By what a page begins, so that one can be told from other files.
pub const MARK: &str = "<!doctype html>\n<!-- terrace report -->\n";

/// What a page compares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// The sweep axis whose values stand side by side; without it the one in which systems differ, or the results.
    pub by: Option<String>,
    /// The value of that axis that the others are relative to; without it base pages, or the first.
    pub baseline: Option<String>,
}

/// The page of some results, the first one's scenario giving its name.
///
/// # Errors
/// If no run was measured, or the results have no such axis or value.
pub fn page(results: &[Loaded], options: &Options) -> Result<String, ReportError> {
    let view = cells::View::new(axes::Runs::new(results, options)?);
    Ok(page::render(&view, results))
}

#[cfg(test)]
mod tests;
