//! The forms of sets that the fast paths are compiled for.

use super::matrix::Matrix;
use super::order::Order;
use super::{Rules, TOUCHES};

/// How a structure's sets are kept. All but the last have a path of their own through lookups and fills, in which the
/// number of lines and the policy are constants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// LRU of up to 8 ways.
    Matrix,
    /// LRU of up to 14 ways.
    Order,
    /// LRU of 15 or 16 ways.
    LongOrder,
    /// Tree pseudo-LRU of up to 14 ways.
    Tree,
    /// Tree pseudo-LRU of up to 30 ways.
    LongTree,
    /// Everything else: more lines, or a state that is not one word.
    Other,
}

/// Sets of one or two lines whose replacement state is their word.
pub(super) trait Kept {
    /// Whether there is a second line.
    const LONG: bool;

    /// The word after a touch.
    fn touched(rules: &Rules, word: u64, way: usize) -> u64;

    /// The way that a full set gives up.
    fn victim(rules: &Rules, word: u64) -> usize;
}

/// [`Form::Matrix`].
pub(super) struct InMatrix;
/// [`Form::Order`] and [`Form::LongOrder`].
pub(super) struct InOrder<const LONG: bool>;
/// [`Form::Tree`] and [`Form::LongTree`].
pub(super) struct InTree<const LONG: bool>;

impl Kept for InMatrix {
    const LONG: bool = false;

    #[inline(always)]
    fn touched(rules: &Rules, word: u64, way: usize) -> u64 {
        tabled(rules, word, way)
    }

    #[inline(always)]
    fn victim(_: &Rules, word: u64) -> usize {
        Matrix::victim(word)
    }
}

impl<const LONG: bool> Kept for InOrder<LONG> {
    const LONG: bool = LONG;

    #[inline(always)]
    fn touched(_: &Rules, word: u64, way: usize) -> u64 {
        Order::touch(word, way)
    }

    #[inline(always)]
    fn victim(rules: &Rules, word: u64) -> usize {
        rules.order.victim(word)
    }
}

impl<const LONG: bool> Kept for InTree<LONG> {
    const LONG: bool = LONG;

    #[inline(always)]
    fn touched(rules: &Rules, word: u64, way: usize) -> u64 {
        tabled(rules, word, way)
    }

    #[inline(always)]
    fn victim(rules: &Rules, word: u64) -> usize {
        rules.tree.victim(word)
    }
}

/// The word after a touch that is as the table says.
#[inline(always)]
pub(super) fn tabled(rules: &Rules, word: u64, way: usize) -> u64 {
    let (clears, sets) = rules.touches[way % TOUCHES];
    word & !clears | sets
}

/// Does something with the [`Kept`] of a form, or something else if it has none.
macro_rules! by_form {
    ($form:expr, $Kept:ident => $do:expr, $otherwise:expr) => {
        match $form {
            Form::Matrix => {
                type $Kept = form::InMatrix;
                $do
            }
            Form::Order => {
                type $Kept = form::InOrder<false>;
                $do
            }
            Form::LongOrder => {
                type $Kept = form::InOrder<true>;
                $do
            }
            Form::Tree => {
                type $Kept = form::InTree<false>;
                $do
            }
            Form::LongTree => {
                type $Kept = form::InTree<true>;
                $do
            }
            Form::Other => $otherwise,
        }
    };
}

pub(super) use by_form;
