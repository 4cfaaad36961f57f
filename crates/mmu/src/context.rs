//! What translations are tagged with.

use std::collections::HashMap;

use terrace_machine::Vendor;

/// What a CPU runs in: address space, virtual machine, extended page table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Context {
    /// Process-context identifier (PCID), of the address space.
    pub pcid: u16,
    /// Virtual-processor identifier (VPID), or AMD's address-space identifier (ASID); 0 outside virtual machines.
    pub vpid: u16,
    /// A number for the EPT root (EPTRTA); 0 without a second dimension. Tags nothing on AMD.
    pub root: u16,
}

/// The tags of a context in keys of arrays.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tags {
    /// For translations of the address space.
    pub(crate) own: u16,
    /// For global translations.
    pub(crate) global: u16,
    /// For guest-physical entries.
    pub(crate) guest: u16,
}

/// What a tag stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Meaning {
    /// The thread of the core.
    pub(crate) thread: u16,
    pub(crate) holder: Holder,
    /// VPID or ASID.
    pub(crate) vpid: u16,
    pub(crate) root: u16,
}

/// Whose an entry is within its virtual machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Holder {
    /// An address space's.
    Space {
        /// Its PCID.
        pcid: u16,
    },
    /// All address spaces': a global translation.
    Global,
    /// The virtual machine's: a guest-physical entry.
    Guest,
}

/// The contexts of a core, numbered densely so that a tag is 16 bits whatever the identifiers' widths.
#[derive(Debug, Clone, Default)]
pub(crate) struct Contexts {
    numbers: HashMap<Meaning, u16>,
    meanings: Vec<Option<Meaning>>,
    free: Vec<u16>,
    /// What [`select_for`](Self::select_for) has found last, and for which tag.
    found: Option<(u16, Selected)>,
}

/// There are as many numbers.
const NUMBERS: usize = 1 << 16;

impl Contexts {
    /// The tags of a thread's context. `None` if new numbers are needed and none is left.
    pub(crate) fn tags(&mut self, vendor: Vendor, thread: u16, context: Context) -> Option<Tags> {
        let Context { pcid, vpid, root } = context;
        let (root, guest_vpid) = match vendor {
            Vendor::Intel => (root, 0),
            Vendor::Amd => (0, vpid),
        };
        let mut number = |holder, vpid| self.number(Meaning { thread, holder, vpid, root });
        Some(Tags {
            own: number(Holder::Space { pcid }, vpid)?,
            global: number(Holder::Global, vpid)?,
            guest: number(Holder::Guest, guest_vpid)?,
        })
    }

    fn number(&mut self, meaning: Meaning) -> Option<u16> {
        if let Some(&number) = self.numbers.get(&meaning) {
            return Some(number);
        }
        let number = match self.free.pop() {
            Some(number) => number,
            None if self.meanings.len() < NUMBERS => {
                self.meanings.push(None);
                terrace_addr::convert::low16(terrace_addr::convert::count(self.meanings.len() - 1))
            }
            None => return None,
        };
        self.found = None;
        self.meanings[usize::from(number)] = Some(meaning);
        self.numbers.insert(meaning, number);
        Some(number)
    }

    /// Which tags are meant, by their number.
    pub(crate) fn select(&self, mut meant: impl FnMut(&Meaning) -> bool) -> Selected {
        let mut chosen = Selected::default();
        for (number, meaning) in (0..=u16::MAX).zip(&self.meanings) {
            if meaning.as_ref().is_some_and(&mut meant) {
                chosen.add(number);
            }
        }
        chosen
    }

    /// Tags that are a function of this one, by their number. It is asked for many times in a row.
    pub(crate) fn select_for(&mut self, tag: u16, choose: impl Fn(&Self) -> Selected) -> Selected {
        if let Some((last, found)) = &self.found
            && *last == tag
        {
            return found.clone();
        }
        let found = choose(self);
        self.found = Some((tag, found.clone()));
        found
    }

    /// The thread that entries with this tag belong to.
    pub(crate) fn thread_of(&self, tag: u16) -> Option<u16> {
        let meaning = self.meanings.get(usize::from(tag))?.as_ref()?;
        Some(meaning.thread)
    }

    /// Gives back all numbers that are not `used`.
    pub(crate) fn retain(&mut self, used: &Selected) {
        self.found = None;
        for number in 0..=u16::MAX {
            let Some(place) = self.meanings.get_mut(usize::from(number)) else { break };
            if !used.contains(number)
                && let Some(meaning) = place.take()
            {
                self.numbers.remove(&meaning);
                self.free.push(number);
            }
        }
    }
}

/// Some tags of a core: one bit for each, the first ones without memory of their own.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selected {
    first: [u64; FIRST],
    more: Vec<u64>,
}

/// So many words of bits are in [`Selected`] itself.
const FIRST: usize = 4;

impl Selected {
    /// Where a tag's bit is.
    fn place(tag: u16) -> (usize, u64) {
        (usize::from(tag) / 64, 1 << (tag % 64))
    }

    fn words(&self) -> impl Iterator<Item = u64> {
        self.first.iter().chain(&self.more).copied()
    }

    /// Whether it is one of them.
    #[inline]
    pub(crate) fn contains(&self, tag: u16) -> bool {
        let (word, bit) = Self::place(tag);
        let held = self.first.get(word).or_else(|| self.more.get(word - FIRST));
        held.is_some_and(|bits| bits & bit != 0)
    }

    /// Makes it one of them.
    pub(crate) fn add(&mut self, tag: u16) {
        let (word, bit) = Self::place(tag);
        if let Some(bits) = self.first.get_mut(word) {
            *bits |= bit;
            return;
        }
        let word = word - FIRST;
        if self.more.len() <= word {
            self.more.resize(word + 1, 0);
        }
        self.more[word] |= bit;
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u16> {
        (0..=u16::MAX).step_by(64).zip(self.words()).flat_map(|(start, mut bits)| {
            core::iter::from_fn(move || {
                let place = bits.trailing_zeros();
                bits &= bits.wrapping_sub(1);
                (place < 64).then(|| start + terrace_addr::convert::low16(place.into()))
            })
        })
    }
}
