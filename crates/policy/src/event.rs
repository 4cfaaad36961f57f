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
}

/// What a policy tells its peer at another layer of the same virtual machine. Only systems whose paper has such a
/// channel use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// From which layer, or to which.
    pub peer: Role,
    /// What kind of message it is, as the system numbers them.
    pub kind: u32,
    /// Its content.
    pub words: Vec<u64>,
}
