//! Zip files: each member is a chunk of the content, in the order of the zip's directory.
//!
//! Only the directory is read through the `zip` crate. Members are inflated here, because each thread needs one of
//! its own, in pieces, and because a fault must be told with the member's name and offset.

mod directory;
mod member;
mod parallel;
mod sequential;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use self::parallel::Parallel;
use self::sequential::Sequential;
use super::{Pieces, Reading};
use crate::TraceError;

/// Opens the members of a zip file for reading in order.
pub(super) fn open(
    path: &Path,
    file: File,
    total: u64,
    reading: Reading,
) -> Result<Box<dyn Pieces>, TraceError> {
    let members = directory::read(path, file, total)?;
    let path: Arc<Path> = path.into();
    let threads = reading.threads.get().min(members.len());
    Ok(if threads > 1 {
        Box::new(Parallel::start(&path, &members.into(), threads, reading.piece)?)
    } else {
        Box::new(Sequential::new(path, members, reading.piece))
    })
}
