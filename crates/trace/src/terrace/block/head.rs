//! What stands before a block's columns.

use terrace_addr::convert;

use crate::terrace::bytes::Bytes;
use crate::terrace::fault::Fault;
use crate::terrace::layout::MOST_REFERENCES;

/// The numbers of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Head {
    /// References of the stream before it.
    pub(super) first_reference: u64,
    pub(super) references: u32,
    /// References that are fetches, and so instructions.
    pub(super) fetches: u32,
    /// References that are loads; the rest are stores.
    pub(super) loads: u32,
    /// Steps of all runs.
    pub(super) steps: u32,
    pub(super) runs: u32,
    /// How often runs are executed.
    pub(super) executions: u32,
    /// Stretches of one thread.
    pub(super) stretches: u32,
}

impl Head {
    pub(super) fn put(&self, to: &mut Vec<u8>) {
        to.extend(self.first_reference.to_le_bytes());
        for number in self.numbers() {
            to.extend(number.to_le_bytes());
        }
    }

    pub(super) fn read(bytes: &mut Bytes<'_>) -> Result<Self, Fault> {
        let head = Self::fields(bytes)
            .ok_or_else(|| Fault::senseless("a block that ends too early", "all of it"))?;
        // Each number bounds the next: a step belongs to a run, which is executed, which makes its references.
        let chain = [
            (1, head.stretches),
            (head.stretches, head.executions),
            (head.executions, head.references),
            (1, head.runs),
            (head.runs, head.steps),
            (head.runs, head.executions),
            (head.steps, head.references),
            (head.references, MOST_REFERENCES),
            (head.fetches, head.references),
            (head.loads, head.references - head.fetches.min(head.references)),
        ];
        if let Some((less, more)) = chain.into_iter().find(|(less, more)| less > more) {
            let found = format!("a block with the numbers {:?}", head.numbers());
            return Err(Fault::senseless(
                found,
                format!("none of them out of proportion (as {less} to {more})"),
            ));
        }
        Ok(head)
    }

    /// The references that are not fetches.
    pub(super) fn data(&self) -> usize {
        convert::index32(self.references - self.fetches)
    }

    fn numbers(&self) -> [u32; 7] {
        let Self { references, fetches, loads, steps, runs, executions, stretches, .. } = *self;
        [references, fetches, loads, steps, runs, executions, stretches]
    }

    fn fields(bytes: &mut Bytes<'_>) -> Option<Self> {
        Some(Self {
            first_reference: bytes.u64()?,
            references: bytes.u32()?,
            fetches: bytes.u32()?,
            loads: bytes.u32()?,
            steps: bytes.u32()?,
            runs: bytes.u32()?,
            executions: bytes.u32()?,
            stretches: bytes.u32()?,
        })
    }
}
