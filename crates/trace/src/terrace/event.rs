//! Events: what happens beside accesses.

use terrace_addr::{Addr, Gpa, Gva};

use super::advice::Advice;
use super::bytes::Bytes;
use crate::ThreadIndex;

/// Something that happened between two references.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The references of the stream before it.
    pub reference: u64,
    /// The thread that did it.
    pub thread: ThreadIndex,
    /// What it is.
    pub kind: EventKind,
}

/// What happened. Lengths are in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// Memory was mapped.
    Map {
        /// Where it begins.
        start: Addr<Gva>,
        /// How long it is.
        bytes: u64,
        /// Where the memory begins that it is mapped to, if that is known.
        frame: Option<Addr<Gpa>>,
    },
    /// Memory is mapped no longer.
    Unmap {
        /// Where it begins.
        start: Addr<Gva>,
        /// How long it is.
        bytes: u64,
    },
    /// A mapping was moved.
    Remap {
        /// Where it began.
        from: Addr<Gva>,
        /// Where it begins now.
        to: Addr<Gva>,
        /// How long it is.
        bytes: u64,
    },
    /// The program told what it will do with memory.
    Advise {
        /// Where it begins.
        start: Addr<Gva>,
        /// How long it is.
        bytes: u64,
        /// What it told.
        advice: Advice,
    },
    /// A virtual machine began to run.
    VmStart {
        /// Its number.
        vm: u32,
        /// How much memory it has.
        memory: u64,
    },
    /// A virtual machine ended.
    VmStop {
        /// Its number.
        vm: u32,
    },
    /// A place that somebody wants to find again.
    Mark {
        /// What it is called.
        text: String,
    },
    /// An event of a kind that this version does not know.
    Other {
        /// The number of the kind.
        code: u16,
        /// What is stored with it.
        payload: Vec<u8>,
    },
}

impl EventKind {
    /// The number of the kind in a file.
    pub(super) fn code(&self) -> u16 {
        match self {
            Self::Map { .. } => 1,
            Self::Unmap { .. } => 2,
            Self::Remap { .. } => 3,
            Self::Advise { .. } => 4,
            Self::VmStart { .. } => 5,
            Self::VmStop { .. } => 6,
            Self::Mark { .. } => 7,
            Self::Other { code, .. } => *code,
        }
    }

    /// What is stored with it.
    pub(super) fn payload(&self) -> Vec<u8> {
        let words = |words: &[u64]| words.iter().flat_map(|word| word.to_le_bytes()).collect();
        match self {
            Self::Map { start, bytes, frame: None } | Self::Unmap { start, bytes } => {
                words(&[start.get(), *bytes])
            }
            Self::Map { start, bytes, frame: Some(frame) } => words(&[start.get(), *bytes, frame.get()]),
            Self::Remap { from, to, bytes } => words(&[from.get(), to.get(), *bytes]),
            Self::Advise { start, bytes, advice } => {
                let mut payload: Vec<u8> = words(&[start.get(), *bytes]);
                payload.extend(advice.0.to_le_bytes());
                payload
            }
            Self::VmStart { vm, memory } => {
                let mut payload = vm.to_le_bytes().to_vec();
                payload.extend(memory.to_le_bytes());
                payload
            }
            Self::VmStop { vm } => vm.to_le_bytes().to_vec(),
            Self::Mark { text } => text.clone().into_bytes(),
            Self::Other { payload, .. } => payload.clone(),
        }
    }

    /// The event with this code and payload; `None` if the code is known and the payload is none of its.
    pub(super) fn read(code: u16, payload: &[u8]) -> Option<Self> {
        let mut bytes = Bytes::new(payload);
        let virt = |bytes: &mut Bytes<'_>| Addr::<Gva>::try_new(bytes.u64()?).ok();
        let kind = match code {
            1 => Self::Map {
                start: virt(&mut bytes)?,
                bytes: bytes.u64()?,
                frame: if bytes.is_empty() { None } else { Some(Addr::try_new(bytes.u64()?).ok()?) },
            },
            2 => Self::Unmap { start: virt(&mut bytes)?, bytes: bytes.u64()? },
            3 => Self::Remap { from: virt(&mut bytes)?, to: virt(&mut bytes)?, bytes: bytes.u64()? },
            4 => {
                let (start, length) = (virt(&mut bytes)?, bytes.u64()?);
                Self::Advise { start, bytes: length, advice: Advice(bytes.u32()?) }
            }
            5 => Self::VmStart { vm: bytes.u32()?, memory: bytes.u64()? },
            6 => Self::VmStop { vm: bytes.u32()? },
            7 => return Some(Self::Mark { text: str::from_utf8(payload).ok()?.to_owned() }),
            _ => return Some(Self::Other { code, payload: payload.to_vec() }),
        };
        bytes.is_empty().then_some(kind)
    }
}
