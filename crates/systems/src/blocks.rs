//! The blocks of 2M of address spaces.

use terrace_addr::{Addr, Page, PageSize, Span, Upper};
use terrace_policy::{Advice, Region};

/// The bytes of a block.
pub(crate) const BLOCK: u64 = PageSize::Size2M.bytes();
/// The bytes of a base page.
pub(crate) const BASE: u64 = PageSize::Size4K.bytes();
/// The base pages of a block.
pub(crate) const PAGES: u64 = PageSize::Size2M.base_pages();

/// The start of the block that holds an address.
pub(crate) const fn block_of(at: u64) -> u64 {
    at & !(BLOCK - 1)
}

/// A block as a page.
pub(crate) const fn huge_page(block: u64) -> Page<Upper> {
    Page::containing(Addr::truncate(block), PageSize::Size2M)
}

/// A block as a range.
pub(crate) const fn span(block: u64) -> Span<Upper> {
    Span { start: Addr::truncate(block), bytes: BLOCK }
}

/// The first address behind a region.
pub(crate) const fn end_of(region: &Region) -> u64 {
    region.span.start.get().saturating_add(region.span.bytes)
}

/// Whether the block around an address lies wholly in a region where huge pages may be.
pub(crate) fn may_be_huge(region: &Region, at: u64) -> bool {
    let block = block_of(at);
    region.advice != Advice::NoHugePage
        && region.span.start.get() <= block
        && block.saturating_add(BLOCK) <= end_of(region)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_blocks_of_regions_that_permit_it_may_be_huge() {
        let span = Span { start: Addr::new(BLOCK / 2), bytes: 2 * BLOCK };
        let region = Region { span, advice: Advice::Default, guest_start: None };
        let whole = [0, BLOCK - 1, BLOCK, 2 * BLOCK - 1, 2 * BLOCK].map(|at| may_be_huge(&region, at));
        assert_eq!(whole, [false, false, true, true, false]);
        assert!(!may_be_huge(&Region { advice: Advice::NoHugePage, ..region }, BLOCK));
    }
}
