//! What a kernel counts.

use terrace_addr::{Bytes, PageSize};

/// A struct of counts, each with its name.
macro_rules! counts {
    ($(#[$about:meta])* $counts:ident { $($(#[$doc:meta])* $name:ident,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub struct $counts {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl $counts {
            /// Every count with its name.
            pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name),)*].into_iter()
            }

            /// What was counted after `earlier`.
            pub fn since(&self, earlier: &Self) -> Self {
                Self { $($name: self.$name - earlier.$name,)* }
            }
        }
    };
}

counts! {
    /// What a kernel did. The documentation of each count is its meaning in results.
    KernelCounts {
        /// Faults that were served by a base page.
        faults_base,
        /// Faults that were served by a huge page.
        faults_huge,
        /// Faults for which a huge page was asked and none was free.
        huge_fallbacks,
        /// Base pages that were made one huge page where they were.
        collapses_in_place,
        /// Base pages that were copied into one huge page.
        collapses_copied,
        /// Huge pages that were made base pages.
        splits,
        /// Pages that were moved for a policy, or exchanged.
        migrations,
        /// Base pages that compaction moved.
        compaction_moved,
        /// Compactions that were started, in a fault or in the background.
        compactions,
        /// Base pages that were copied, for any reason.
        copied_pages,
        /// Base pages that were cleared, for any reason.
        cleared_pages,
        /// Pages that were given back by programs, in base pages.
        freed_pages,
    }
}

pub(crate) use counts;

/// Leaves by size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mapped {
    leaves: [u64; 3],
}

impl Mapped {
    pub(crate) fn add(&mut self, size: PageSize, leaves: u64) {
        self.leaves[size.index()] += leaves;
    }

    pub(crate) fn remove(&mut self, size: PageSize, leaves: u64) {
        self.leaves[size.index()] -= leaves;
    }

    /// Both together.
    pub fn merge(&mut self, other: &Self) {
        for (sum, more) in self.leaves.iter_mut().zip(other.leaves) {
            *sum += more;
        }
    }

    /// Leaves of a size.
    pub const fn leaves(&self, size: PageSize) -> u64 {
        self.leaves[size.index()]
    }

    /// What leaves of a size map.
    pub const fn bytes(&self, size: PageSize) -> Bytes {
        size.size().times(self.leaves(size))
    }

    /// What is mapped in all.
    pub fn total(&self) -> Bytes {
        PageSize::ALL.into_iter().map(|size| self.bytes(size)).sum()
    }
}
