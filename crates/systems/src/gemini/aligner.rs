//! HA, the huge aligner of xGemini: where a new region goes.

use terrace_addr::PageSize;
use terrace_policy::{Advice, MapRequest, VirtualPlacement};

/// How regions are placed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Aligner {
    /// Regions are made of whole huge pages, if so much of the last one is asked for.
    pub(super) whole: Option<f64>,
    /// Where a region of 2 MiB or more goes that is not made of whole huge pages.
    pub(super) large: VirtualPlacement,
}

impl Aligner {
    pub(super) fn place(&self, request: &MapRequest) -> VirtualPlacement {
        let size = PageSize::Size2M.bytes();
        let (bytes, last) = (request.bytes.get(), request.bytes.get() % size);
        let otherwise = if bytes >= size { self.large } else { VirtualPlacement::Default };
        match self.whole {
            Some(_) if request.advice == Advice::NoHugePage => otherwise,
            Some(_) if last == 0 => VirtualPlacement::Aligned,
            Some(share) if terrace_addr::convert::ratio(last, size) > share => VirtualPlacement::Whole,
            Some(_) if bytes >= size => VirtualPlacement::Aligned,
            Some(_) | None => otherwise,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use terrace_addr::Bytes;
    use terrace_policy::SpaceId;

    #[test]
    fn a_region_is_made_of_whole_huge_pages_where_enough_of_the_last_is_asked_for() {
        let place = |whole, pages: u64, advice| {
            let request = MapRequest { space: SpaceId(0), bytes: Bytes::new(pages << 12), advice };
            Aligner { whole, large: VirtualPlacement::Default }.place(&request)
        };
        let default = Advice::Default;
        for (whole, pages, advice, expected) in [
            (None, 5120, default, VirtualPlacement::Default),
            (Some(0.0), 1, default, VirtualPlacement::Whole),
            (Some(0.0), 1024, default, VirtualPlacement::Aligned),
            (Some(0.7), 100, default, VirtualPlacement::Default),
            (Some(0.7), 512 + 100, default, VirtualPlacement::Aligned),
            (Some(0.7), 358, default, VirtualPlacement::Default),
            (Some(0.7), 359, default, VirtualPlacement::Whole),
            (Some(0.0), 600, Advice::NoHugePage, VirtualPlacement::Default),
        ] {
            assert_eq!(place(whole, pages, advice), expected, "{whole:?} {pages}");
        }
    }
}
