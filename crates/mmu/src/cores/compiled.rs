//! The engine's paths, compiled once for each kind of tables, here: whoever uses this crate need not compile them again.

use terrace_addr::Access;

use super::Mmu;
use super::access::Batch;
use super::populate::Ended;
use crate::watch::{Step, Unwatched};
use crate::{Below, Extended, Fault, Identity, Segment, SegmentPair, Tables, Translation};

/// What [`Mmu`] does on the tables of a kind.
pub trait Compiled {
    /// [`Mmu::run`].
    fn run(mmu: &mut Mmu, batch: Batch<'_, Self>) -> Result<(), Ended>
    where
        Self: Below + Sized;

    /// [`Mmu::access`].
    fn access(
        mmu: &mut Mmu,
        cpu: usize,
        tables: Tables<'_, Self>,
        access: Access,
    ) -> Result<Translation, Fault>
    where
        Self: Below + Sized;

    /// [`Mmu::explain`], whose steps are added to `steps`.
    fn explain(
        mmu: &mut Mmu,
        cpu: usize,
        tables: Tables<'_, Self>,
        access: Access,
        steps: &mut Vec<Step>,
    ) -> Result<Translation, Fault>
    where
        Self: Below + Sized;
}

macro_rules! compiled {
    ($($below:ty),*) => { $(
        impl Compiled for $below {
            fn run(mmu: &mut Mmu, batch: Batch<'_, Self>) -> Result<(), Ended> {
                mmu.run_batch(batch)
            }

            fn access(
                mmu: &mut Mmu,
                cpu: usize,
                tables: Tables<'_, Self>,
                access: Access,
            ) -> Result<Translation, Fault> {
                mmu.watched(cpu, tables, access, &mut Unwatched)
            }

            fn explain(
                mmu: &mut Mmu,
                cpu: usize,
                tables: Tables<'_, Self>,
                access: Access,
                steps: &mut Vec<Step>,
            ) -> Result<Translation, Fault> {
                mmu.watched(cpu, tables, access, steps)
            }
        }
    )* };
}

compiled!(Identity, Extended, Segment, SegmentPair);
