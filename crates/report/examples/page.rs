//! The page of some result folders, on standard output.
use std::path::Path;
use terrace_report::{Loaded, Options, page};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let results: Result<Vec<_>, _> = std::env::args().skip(1).map(|it| Loaded::read(Path::new(&it))).collect();
    print!("{}", page(&results?, &Options::default())?);
    Ok(())
}
