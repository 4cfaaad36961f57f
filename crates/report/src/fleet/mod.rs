//! Results of fleets as one page: which placement gives most virtual machines one block, over what time, at what price.
//!
//! The rule is that of all pages: one file that fetches nothing. These need no script either: their pictures are drawn
//! here.

mod load;
mod page;
mod picture;
mod tables;

pub use load::LoadedFleet;

use crate::ReportError;

/// The page of some results, whose runs stand side by side.
///
/// # Errors
/// If no result has a run.
pub fn fleet_page(results: &[LoadedFleet]) -> Result<String, ReportError> {
    let columns = page::columns(results);
    if columns.is_empty() {
        let names: Vec<&str> = results.iter().map(|loaded| loaded.name.as_str()).collect();
        return Err(ReportError::NothingMeasured { results: names.join(", ") });
    }
    Ok(page::render(results, &columns))
}

#[cfg(test)]
mod tests;
