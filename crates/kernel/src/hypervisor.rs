//! A hypervisor's kernel with the tables of its machines, as its policy sees it.

use terrace_addr::{Addr, Bytes, Hva, Lower, Nanos, Page, Space, Span, Upper};
use terrace_policy::{
    Abilities, AccessedOp, Action, Applied, Block, Counters, Cursor, Effort, Extent, FlushScope,
    Fragmentation, FrameUse, Layer, Leaf, Message, Outcome, Region, Role, SpaceId,
};

use crate::{Kernel, SecondaryTable};

/// A hypervisor's kernel with the tables that processors walk in place of its processes'.
///
/// A kernel is the same layer without them: it knows of uses what its own tables say, and there no walk sets a bit.
/// Policies have background work with this, and serve faults with the kernel alone.
#[derive(Debug)]
pub struct Hypervisor<'k, 't, L: Space> {
    /// The kernel.
    pub kernel: &'k mut Kernel<Hva, L>,
    /// The tables.
    pub tables: Vec<Box<dyn SecondaryTable<Hva, L> + 't>>,
}

/// Methods that the kernel answers alone.
macro_rules! by_the_kernel {
    ($($name:ident($($argument:ident: $kind:ty),*) -> $answer:ty;)*) => {
        $(fn $name(&mut self, $($argument: $kind),*) -> $answer {
            self.kernel.$name($($argument),*)
        })*
    };
}

impl<L: Space> Layer for Hypervisor<'_, '_, L> {
    fn role(&self) -> Role {
        self.kernel.role()
    }

    fn abilities(&self) -> Abilities {
        self.kernel.abilities()
    }

    fn now(&self) -> Nanos {
        self.kernel.now()
    }

    fn block(&mut self, space: SpaceId, at: Addr<Upper>) -> Outcome<Block> {
        self.kernel.block_of(&mut self.tables, space, at)
    }

    fn leaves(&mut self, from: Cursor, most: usize, out: &mut Vec<Leaf>) -> Outcome<Option<Cursor>> {
        self.kernel.leaves_from(&mut self.tables, from, most, out)
    }

    fn accessed(
        &mut self,
        space: SpaceId,
        span: Span<Upper>,
        op: AccessedOp,
        flush: FlushScope,
        out: &mut Vec<Leaf>,
    ) -> Outcome<()> {
        self.kernel.accessed_in(&mut self.tables, space, span, op, flush, out)
    }

    by_the_kernel! {
        spaces(out: &mut Vec<SpaceId>) -> Outcome<()>;
        regions(space: SpaceId, out: &mut Vec<Region>) -> Outcome<()>;
        changes(since: u64, out: &mut Vec<Cursor>) -> Outcome<u64>;
        counters() -> Outcome<Counters>;
        counters_of(space: SpaceId) -> Outcome<Counters>;
        free(at_least: Bytes, out: &mut Vec<Extent>) -> Outcome<Fragmentation>;
        next_free(from: Addr<Lower>, bytes: Bytes) -> Outcome<Option<Extent>>;
        largest_free() -> Outcome<Option<Extent>>;
        free_block(effort: Effort) -> Outcome<Option<Addr<Lower>>>;
        frame(at: Addr<Lower>) -> Outcome<FrameUse>;
        holder(at: Addr<Lower>) -> Outcome<Option<(SpaceId, Page<Upper>)>>;
        fragmentation() -> Outcome<Fragmentation>;
        reserve(at: Addr<Lower>, until: Nanos) -> Outcome<u64>;
        release(reservation: u64) -> Outcome<Bytes>;
        take_cleared(at: Addr<Lower>) -> Outcome<()>;
        give_cleared(at: Addr<Lower>) -> Outcome<()>;
        map_cleared(space: SpaceId, page: Page<Upper>, at: Addr<Lower>) -> Outcome<()>;
        apply(action: &Action) -> Outcome<Applied>;
        on_behalf_of(nested: Option<u64>) -> ();
        give_up(space: SpaceId, page: Page<Upper>, wanted: Option<Addr<Lower>>, reason: &'static str) -> ();
        send(message: Message) -> Outcome<()>;
    }
}
