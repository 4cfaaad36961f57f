//! What translations are tagged with.

/// What a translation belongs to: address space, virtual machine, extended page table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Context {
    /// Process-context identifier (PCID), of the address space.
    pub pcid: u16,
    /// Virtual-processor identifier (VPID); 0 outside virtual machines.
    pub vpid: u16,
    /// A number for the EPT root (EPTRTA, or the nested CR3); 0 without a second dimension.
    pub root: u16,
}

/// The tags of a context in keys of arrays.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tags {
    /// For translations of the address space.
    pub(crate) own: u16,
    /// For global translations.
    pub(crate) global: u16,
    /// For guest-physical translations.
    pub(crate) root: u16,
}

/// What a tag stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Meaning {
    /// None for global translations.
    pcid: Option<u16>,
    vpid: u16,
    root: u16,
}

/// The contexts of a core, numbered densely so that a tag is 16 bits whatever the identifiers' widths.
#[derive(Debug, Clone, Default)]
pub(crate) struct Contexts {
    meanings: Vec<Meaning>,
}

impl Contexts {
    /// The tags of a context, new ones if it was never seen.
    ///
    /// # Panics
    /// Beyond 2¹⁶ different contexts on one core.
    pub(crate) fn tags(&mut self, context: Context) -> Tags {
        let Context { pcid, vpid, root } = context;
        Tags {
            own: self.number(Meaning { pcid: Some(pcid), vpid, root }),
            global: self.number(Meaning { pcid: None, vpid, root }),
            root,
        }
    }

    fn number(&mut self, meaning: Meaning) -> u16 {
        let known = self.meanings.iter().position(|&other| other == meaning);
        let number = known.unwrap_or_else(|| {
            self.meanings.push(meaning);
            self.meanings.len() - 1
        });
        u16::try_from(number).expect("a core sees fewer than 2^16 contexts")
    }

    /// Whether translations with this tag were made under the EPT root `root`.
    pub(crate) fn is_under(&self, tag: u16, root: u16) -> bool {
        self.meanings.get(usize::from(tag)).is_some_and(|meaning| meaning.root == root)
    }
}
