//! Published tables and figures over programs, measured again on the model and set beside what was published.
//!
//! The rule: what was published is never an input. A [`Comparison`] is a file that says which campaign runs for it, and
//! what was published; a campaign is a scenario file over programs, systems and memory, which knows nothing of the
//! published numbers. What nothing states of a program is drawn from the ranges that the program declares, many times:
//! the band that a result lies in says how much of it the assumptions decide.

mod compared;
mod comparison;
mod files;
mod found;
mod gate;
mod kept;
mod measure;
mod picture;
mod reduced;
mod statistics;
mod wanted;

pub use compared::{Agreement, Cell, Compared, MOST_PERCENT, Mean, Row};
pub use comparison::{Comparison, Metric, Outlier, PublishedMean, PublishedRow};
pub use files::{comparison, comparisons};
pub use gate::{Gate, Judged, Rule};
pub use kept::Kept;
pub use measure::{Extent, measure};
pub use picture::picture;
