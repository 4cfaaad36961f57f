//! What a policy is told.

use alloc::vec::Vec;

use terrace_addr::Bytes;

use crate::{Role, SpaceId};

/// Something that happened at a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// An address space was made.
    SpaceBegins(SpaceId),
    /// An address space ended; all that it held is free.
    SpaceEnds(SpaceId),
    /// Memory is short: so much is wanted and not free. What a policy keeps back it should give up now.
    Pressure(Bytes),
    /// A reservation of the policy ended before it was used up.
    ReservationEnded(u64),
    /// A message of the policy at another layer.
    Message(Message),
    /// What came of an [`Action::Join`](crate::Action::Join).
    Joined {
        /// The guest hypervisor's memory.
        space: SpaceId,
        /// The guest-physical address of the nested guest.
        nested: u64,
        /// Whether the leaf is there.
        joined: bool,
    },
    /// A pseudo huge page is base pages again: something under it changed.
    Parted {
        /// The guest hypervisor's memory.
        space: SpaceId,
        /// The guest-physical address of the nested guest.
        nested: u64,
    },
}

/// What a policy tells its peer at another layer of the same virtual machine. Only systems whose paper has such a
/// channel use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// From which layer, or to which.
    pub peer: Role,
    /// The virtual machine that both belong to: the address space that holds its memory at the lower of both layers. A
    /// guest does not know the number, and whatever it writes here is replaced on the way.
    pub space: SpaceId,
    /// What kind of message it is, as the system numbers them.
    pub kind: u32,
    /// Its content.
    pub words: Vec<u64>,
}
