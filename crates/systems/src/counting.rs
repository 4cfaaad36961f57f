//! What policies count.

/// A struct of counts, each with what it counts, which lists itself for results.
macro_rules! counts {
    ($(#[$about:meta])* $($name:ident: $meaning:literal,)*) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub(super) struct Counts {
            $(#[doc = $meaning] pub(super) $name: u64,)*
        }

        impl Counts {
            pub(super) fn list(&self, out: &mut alloc::vec::Vec<terrace_policy::Count>) {
                out.extend([$(terrace_policy::Count {
                    name: stringify!($name),
                    value: self.$name,
                    meaning: $meaning,
                },)*]);
            }
        }
    };
}

pub(crate) use counts;
