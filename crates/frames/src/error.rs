//! Why something is refused.

use terrace_addr::{Addr, Space};
use thiserror::Error;

use crate::{Order, ReservationId};

/// Why nodes make no memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FramesError {
    /// No node, or more than a node's number can count.
    #[error("{found} nodes of memory: expected 1 to 256")]
    NodeCount {
        /// How many there are.
        found: usize,
    },
    /// A node does not consist of whole frames.
    #[error(
        "node {node} starts at {start:#x} and has {bytes} bytes: expected multiples of 4096, at least one frame"
    )]
    NotFrames {
        /// The node's number.
        node: usize,
        /// Its first address.
        start: u64,
        /// Its size in bytes.
        bytes: u64,
    },
    /// A node reaches beyond the addresses of its space.
    #[error(
        "node {node} starts at {start:#x} and has {bytes} bytes: it ends beyond the last {space} address"
    )]
    BeyondSpace {
        /// The node's number.
        node: usize,
        /// Its first address.
        start: u64,
        /// Its size in bytes.
        bytes: u64,
        /// The space's name.
        space: &'static str,
    },
    /// A node has more frames than the links of a free list can tell apart.
    #[error("node {node} has {} GiB: expected at most {} GiB", .frames.div_ceil(1 << 18), .most >> 18)]
    TooLarge {
        /// The node's number.
        node: usize,
        /// How many frames it has.
        frames: u64,
        /// How many it may have.
        most: u64,
    },
    /// A node starts before the one before it ends.
    #[error("node {node} starts at {start:#x}: expected {end:#x}, where the node before it ends, or above")]
    Overlap {
        /// The node's number.
        node: usize,
        /// Its first address.
        start: u64,
        /// The address behind the node before it.
        end: u64,
    },
}

/// Why a block cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Taken<L: Space> {
    /// Somebody uses this frame of it, the first that is not free.
    #[error("frame {0:?} is used")]
    Used(Addr<L>),
    /// The first frame of it that is not free is reserved.
    #[error("the block is put aside by reservation {}", .0.0)]
    Reserved(ReservationId),
    /// This frame of it is not part of the memory.
    #[error("there is no frame {0:?}")]
    Absent(Addr<L>),
    /// This frame of it is free, and is not part of the reservation that was named.
    #[error("frame {0:?} is not part of the reservation")]
    NotReserved(Addr<L>),
    /// No block of this order starts there.
    #[error("{at:?} is not aligned to a block of order {order}")]
    Misaligned {
        /// Where the block was to start.
        at: Addr<L>,
        /// Its order.
        order: Order,
    },
}
