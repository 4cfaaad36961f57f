//! What a program may tell the kernel about memory.

use core::fmt;

/// The advice of a call of `madvise`, by Linux's number.
///
/// Source: `include/uapi/asm-generic/mman-common.h` of Linux.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Advice(pub u32);

macro_rules! named {
    ($($name:ident = $value:literal, $doc:literal;)*) => {
        impl Advice {
            $(#[doc = $doc] pub const $name: Self = Self($value);)*

            /// The name in Linux, without `MADV_`, if it is known.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }
    };
}

named! {
    NORMAL = 0, "No special treatment.";
    RANDOM = 1, "Accesses in no order are expected.";
    SEQUENTIAL = 2, "Accesses in order are expected.";
    WILLNEED = 3, "It will be needed soon.";
    DONTNEED = 4, "It is not needed: its content is dropped.";
    FREE = 8, "Its content may be dropped when memory is short.";
    REMOVE = 9, "It and what backs it is dropped.";
    DONTFORK = 10, "A child does not get it.";
    DOFORK = 11, "A child gets it again.";
    MERGEABLE = 12, "Equal pages may be merged.";
    UNMERGEABLE = 13, "Equal pages are kept apart.";
    HUGEPAGE = 14, "It may be backed by huge pages.";
    NOHUGEPAGE = 15, "It is not to be backed by huge pages.";
    DONTDUMP = 16, "A core dump leaves it out.";
    DODUMP = 17, "A core dump has it again.";
    WIPEONFORK = 18, "A child gets it as zeroes.";
    KEEPONFORK = 19, "A child gets it as it is again.";
    COLD = 20, "It is a first choice for reclaim.";
    PAGEOUT = 21, "It is reclaimed now.";
    POPULATE_READ = 22, "It is mapped now, readable.";
    POPULATE_WRITE = 23, "It is mapped now, writable.";
    DONTNEED_LOCKED = 24, "As DONTNEED, also where it is locked.";
    COLLAPSE = 25, "It is collapsed to huge pages now.";
    HWPOISON = 100, "It is to be taken for faulty memory.";
    SOFT_OFFLINE = 101, "Its frames are no longer used.";
    GUARD_INSTALL = 102, "It becomes a guard: any access faults.";
    GUARD_REMOVE = 103, "It is no guard any more.";
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => self.0.fmt(f),
        }
    }
}
