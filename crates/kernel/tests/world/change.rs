//! Random changes of a kernel's mappings, through the door that its policy has.

use proptest::prelude::*;
use terrace_addr::{Addr, Lower, Page, PageSize, Space, Span, Upper, convert};
use terrace_frames::Order;
use terrace_kernel::Kernel;
use terrace_policy::{
    AccessedOp, Action, Applied, CollapseInto, Effort, FlushScope, Layer, Placement, Refused, SpaceId,
};
use terrace_table::{Leaf, LeafFlags};

use super::{BLOCK, NODE, base};

/// Something among what there is: the number is taken modulo how much there is.
pub(crate) type Pick = usize;

#[derive(Debug, Clone)]
pub(crate) enum Change {
    /// The block around a leaf.
    Collapse {
        leaf: Pick,
        into: Into,
    },
    Split {
        leaf: Pick,
    },
    /// To the frame with this number, rounded down to the page's size, or to any.
    Migrate {
        leaf: Pick,
        to: Option<u64>,
    },
    Exchange {
        leaves: [Pick; 2],
    },
    /// A walk uses pages.
    Use {
        leaf: Pick,
    },
    Clear {
        flush: FlushScope,
    },
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Into {
    InPlace,
    Any,
    /// The block with this number.
    At(u64),
}

pub(crate) fn change() -> impl Strategy<Value = Change> {
    let pick = any::<Pick>;
    let into = prop_oneof![
        2 => Just(Into::InPlace),
        2 => Just(Into::Any),
        1 => (0_u64..10).prop_map(Into::At),
    ];
    let to = prop_oneof![Just(None), (0..10 * BLOCK).prop_map(Some)];
    let flush = prop_oneof![Just(FlushScope::None), Just(FlushScope::Pages), Just(FlushScope::Space)];
    prop_oneof![
        4 => (pick(), into).prop_map(|(leaf, into)| Change::Collapse { leaf, into }),
        4 => pick().prop_map(|leaf| Change::Split { leaf }),
        3 => (pick(), to).prop_map(|(leaf, to)| Change::Migrate { leaf, to }),
        2 => [pick(), pick()].prop_map(|leaves| Change::Exchange { leaves }),
        2 => pick().prop_map(|leaf| Change::Use { leaf }),
        1 => flush.prop_map(|flush| Change::Clear { flush }),
    ]
}

/// What serves a fault; frames and blocks may be used, or not be there.
pub(crate) fn placement() -> impl Strategy<Value = Placement> {
    prop_oneof![
        3 => Just(Placement::Default),
        2 => (0..10 * BLOCK).prop_map(|frame| Placement::Frame(base(frame))),
        1 => Just(Placement::Huge(Effort::Light)),
        1 => Just(Placement::Huge(Effort::Wake)),
        2 => Just(Placement::Huge(Effort::Direct)),
        1 => (0_u64..10).prop_map(|block| Placement::HugeAt(base(block * BLOCK))),
    ]
}

/// What came of a change: what was asked for, and the answer; none if there was nothing to change.
pub(crate) type Came = Option<(Action, Result<Applied, Refused>)>;

/// Makes a change in a space.
pub(crate) fn make<U: Space, L: Space>(kernel: &mut Kernel<U, L>, space: SpaceId, change: &Change) -> Came {
    let leaves: Vec<Leaf<U, L>> = kernel.space(space)?.table.all_leaves().collect();
    let pick = |pick: Pick| leaves.get(pick % leaves.len().max(1));
    // Where one of another size is wanted, a leaf of that size near the picked one.
    let of_size = |leaf: Pick, size| {
        let from = leaf % leaves.len().max(1);
        let (before, behind) = leaves.split_at_checked(from)?;
        behind.iter().chain(before).find(|leaf| leaf.page.size() == size)
    };
    let action = match *change {
        Change::Collapse { leaf, into } => {
            let leaf = of_size(leaf, PageSize::Size4K)?;
            let into = match into {
                Into::InPlace => CollapseInto::InPlace,
                Into::Any => CollapseInto::Any,
                Into::At(block) => CollapseInto::At(base(block * BLOCK)),
            };
            Action::Collapse {
                space,
                page: Page::containing(upper(leaf.page.start()), PageSize::Size2M),
                into,
            }
        }
        Change::Split { leaf } => Action::Split { space, page: upper_page(of_size(leaf, PageSize::Size2M)?) },
        Change::Migrate { leaf, to } => {
            let leaf = pick(leaf)?;
            let to = to.map(|to| base::<Lower>(to).align_down(leaf.page.size()));
            Action::Migrate { space, page: upper_page(leaf), to }
        }
        Change::Exchange { leaves: [one, other] } => {
            let one = pick(one)?;
            let other = of_size(other, one.page.size())?;
            Action::Exchange { space, pages: [upper_page(one), upper_page(other)] }
        }
        Change::Use { leaf } => {
            let leaf = *pick(leaf)?;
            let table = &mut kernel.space_mut(space)?.table;
            let _no_walk_makes_anything_stale =
                table.replace(leaf.page, leaf.frame, leaf.flags | LeafFlags::ACCESSED).unwrap();
            return None;
        }
        Change::Clear { flush } => {
            let all = Span { start: Addr::ZERO, bytes: kernel.settings().areas_end };
            let mut used = Vec::new();
            let _charged = kernel.accessed(space, all, AccessedOp::ReadAndClear, flush, &mut used).unwrap();
            let found = leaves.iter().filter(|leaf| leaf.flags.contains(LeafFlags::ACCESSED)).count();
            assert_eq!(used.len(), found);
            return None;
        }
    };
    let answer = kernel.apply(&action).map(|charged| charged.value);
    Some((action, answer))
}

fn upper<U: Space>(at: Addr<U>) -> Addr<Upper> {
    at.reinterpret()
}

fn upper_page<U: Space, L: Space>(leaf: &Leaf<U, L>) -> Page<Upper> {
    Page::containing(upper(leaf.page.start()), leaf.page.size())
}

/// Every `step`-th frame of the first blocks is somebody else's, who does not move: how many frames they have.
pub(crate) fn scatter<U: Space, L: Space>(kernel: &mut Kernel<U, L>, blocks: u64, step: u64) -> u64 {
    let total = kernel.memory().total(NODE).get() >> 12;
    let frames = (0..(blocks * BLOCK).min(total)).step_by(convert::index(step));
    let mut taken = 0;
    for at in frames {
        let memory = kernel.memory_mut();
        taken +=
            u64::from(memory.allocate_at(base(at), Order::BASE, terrace_frames::Mobility::Movable).is_ok());
    }
    taken
}
