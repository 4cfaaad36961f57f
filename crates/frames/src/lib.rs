//! Physical memory of a layer, as the page allocator of Linux keeps it.
//!
//! A [`Memory`] knows of every 4 KiB frame whether it is free, used or put aside. Free frames are in the blocks of a
//! buddy allocator, separate for what can be moved and what cannot (`mm/page_alloc.c`), and in runs that may be longer
//! than a block ([`extents`](Memory::extents), [`next_fit`](Memory::next_fit)). A used frame carries a [`Tag`] that
//! leads its owner back to whoever maps it; a [reservation](Memory::reserve) keeps a free block for somebody.
//! [`compact`] makes large blocks out of many small ones, [`fragment`] does the contrary on purpose.
//!
//! ```
//! use terrace_addr::{Addr, Bytes, Gpa, Nanos};
//! use terrace_frames::compact::{Budget, Compaction, Moved, Outcome};
//! use terrace_frames::fragment::Fragmenter;
//! use terrace_frames::{FrameState, Memory, Mobility, NodeId, NodeSpec, Order, Owner, Tag};
//!
//! let node = NodeId::new(0);
//! let mut memory: Memory<Gpa> =
//!     Memory::new(&[NodeSpec { start: Addr::ZERO, bytes: Bytes::new(64 << 20) }])?;
//!
//! // Fresh memory is given out from below, and a huge page may be given back in parts.
//! let huge = memory.allocate(node, Order::HUGE, Mobility::Movable).unwrap();
//! assert_eq!(huge, Addr::ZERO);
//! memory.set_tag(huge, Tag::new(0x7f00_0000_0));
//! memory.free(huge.offset_by(0x1000), Order::BASE);
//! assert_eq!(memory.state(huge), FrameState::Used);
//! assert_eq!(memory.state(huge.offset_by(0x1fff)), FrameState::Free);
//!
//! // Where do 16 MiB follow each other? They are booked for a second.
//! let place = memory.next_fit(node, huge, Bytes::new(16 << 20), Order::HUGE).unwrap();
//! assert_eq!(place, Addr::new(0x20_0000));
//! let booking = memory.reserve(place, Order::HUGE, Owner::new(7), Nanos::new(1_000_000_000))?;
//! assert!(memory.allocate_at(place, Order::BASE, Mobility::Movable).is_err());
//! memory.allocate_reserved(booking, place, Order::BASE, Mobility::Movable)?;
//! assert_eq!(memory.expire(Nanos::new(1_000_000_000)).len(), 1);
//!
//! // Nine tenths of the free memory are made useless for huge pages, and compaction repairs it.
//! let fragmented = Fragmenter { node, wish: 0.9, seed: 1, mobility: Mobility::Movable }.drive(&mut memory);
//! assert!((memory.unusable_index(Some(node), Order::HUGE) - 0.9).abs() < 0.02);
//! let done = Compaction::new()
//!     .compact(&mut memory, node, Order::HUGE, Budget::UNLIMITED, &mut |_, _old, _new| Moved::Yes);
//! assert_eq!(done.outcome, Outcome::Done);
//! fragmented.release(&mut memory);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Nothing here takes simulated time: who calls charges what it costs.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod bits;
pub mod compact;
mod error;
pub mod fragment;
mod frame;
mod memory;
mod order;
mod pageblock;
mod watermark;
mod word;
mod zone;

pub use error::{FramesError, Taken};
pub use frame::{Extent, FrameState, Mobility, NodeId, NodeSpec, Owner, ReservationId, Tag};
pub use memory::{Memory, Reservation};
pub use order::Order;
pub use pageblock::Pageblock;
pub use watermark::Watermarks;
pub use zone::MOST_OF_NODE;
