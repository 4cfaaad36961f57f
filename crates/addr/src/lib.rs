//! Addresses, pages and units, typed by the space that they belong to.
//!
//! Under virtualization the same 64-bit number means different things to a guest program, a guest kernel, a
//! guest hypervisor and the host. Here each meaning is a [`Space`], an address carries its space in its type,
//! and an address of one space cannot be handed to a function that wants another:
//!
//! ```
//! use terrace_addr::{Addr, Gpa, Gva, Page, PageSize};
//! let program: Addr<Gva> = Addr::new(0x7f00_1234);
//! let page = Page::containing(program, PageSize::Size2M);
//! assert_eq!(page.start(), Addr::new(0x7f00_0000));
//! // The only way from one space to another is through a page table, or a cast that says what it does:
//! let frame: Addr<Gpa> = Addr::new(0x20_0000);
//! assert_eq!(frame.offset_by(program.offset_in(PageSize::Size2M)), Addr::new(0x20_1234));
//! ```
//!
//! The crate is `no_std` and depends on nothing. With `raw` it is the only one where `as` is written:
//! [`convert`] holds the integer conversions of all the others.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod access;
mod address;
pub mod convert;
mod effects;
mod page;
mod space;
mod units;

pub use access::{Access, AccessKind, UnknownAccessKind};
pub use address::{Addr, InvalidAddr};
pub use effects::{Account, Effects, Span};
pub use page::{Page, PageSize, UnknownPageSize};
pub use space::{Ghpa, Gpa, Gva, Hpa, Hva, Lower, Space, Upper, Validity, VirtualWidth};
pub use units::{Bytes, Cycles, Nanos};
