//! The nested well-aligned huge page creator (xGemini, section 4.4): where the nested guest has a huge page and all its
//! pages lie at their places, they become one leaf of the composed table.
//!
//! A pass looks at the blocks of which something was heard since the last one, and at those that were refused before.

use alloc::vec::Vec;

use terrace_addr::{Cycles, Nanos, Page, PageSize};
use terrace_policy::{Action, Block as Held, Budget, CollapseInto, Layer};

use super::block::PAGES;
use super::counts::Counts;
use super::machine::Machine;
use super::placement::{Hold, Homes};

/// One pass over a machine.
pub(super) fn pass(
    layer: &mut dyn Layer,
    budget: &mut Budget,
    machine: &mut Machine,
    homes: &mut Homes,
    (hold, period): (Hold, Nanos),
    counts: &mut Counts,
) {
    let now = layer.now();
    let ready: Vec<u64> = machine.ready.iter().copied().collect();
    for nested in ready {
        let block = machine.block(nested);
        if !block.wanted || block.joined {
            machine.ready.remove(&nested);
            continue;
        }
        if !block.patience.is_over(now) {
            continue;
        }
        homes.adopt(layer, machine, nested, counts);
        let block = machine.block(nested);
        let elsewhere: Vec<usize> = block.elsewhere().collect();
        let mut left = true;
        for place in elsewhere {
            if !left || !homes.retry(layer, machine, (nested, place), hold, counts) {
                break;
            }
            left = budget.left() > Cycles::ZERO;
        }
        let block = machine.block(nested);
        if block.pages_placed() == PAGES {
            counts.joins_asked += 1;
            machine.ready.remove(&nested);
            let asked = layer.apply(&Action::Join { space: machine.space, nested });
            left &= asked.is_ok_and(|asked| budget.spend(asked.cost));
        } else if left && block.home.is_some_and(|home| home.adopted) {
            block.adopts = false;
            machine.abandon(nested);
        } else if left {
            block.patience.refused(now, period);
        }
        if !left {
            return;
        }
    }
    while let Some(at) = machine.large.pop_first() {
        let Ok(seen) = layer.block(machine.space, at) else { continue };
        let mut left = budget.spend(seen.cost);
        if matches!(seen.value, Held::Base { .. }) {
            let page = Page::containing(at, PageSize::Size2M);
            let action = Action::Collapse { space: machine.space, page, into: CollapseInto::Any };
            if let Ok(applied) = layer.apply(&action) {
                counts.collapsed += 1;
                left &= budget.spend(applied.cost);
            }
        }
        if !left {
            return;
        }
    }
}
