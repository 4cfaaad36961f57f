//! Which base pages a program has touched.

use std::collections::BTreeMap;

use terrace_addr::{Access, Bytes, PageSize, Span, convert};

/// Which base pages a program has touched: what it would have in memory if all pages were base pages.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    /// The place of each block of 2M.
    blocks: BTreeMap<u64, usize>,
    /// A bit for each base page of a block.
    bits: Vec<[u64; 8]>,
    /// The block that was touched last, and its place: memory is mostly touched for the first time from its start to its
    /// end.
    last: Option<(u64, usize)>,
    pages: u64,
}

impl Touched {
    /// Notes accesses. Those that touch a second page are noted at the first: programs' accesses do not cross pages.
    pub(crate) fn note(&mut self, accesses: &[Access]) {
        let Self { blocks, bits, last, pages } = self;
        let block = |access: &Access| access.addr.get() >> PageSize::Size2M.shift();
        for together in accesses.chunk_by(|one, next| block(one) == block(next)) {
            let number = block(&together[0]);
            let place = match *last {
                Some((last, place)) if last == number => place,
                _ => *blocks.entry(number).or_insert_with(|| {
                    bits.push([0; 8]);
                    bits.len() - 1
                }),
            };
            *last = Some((number, place));
            let bits = &mut bits[place];
            for access in together {
                let page = convert::index(access.addr.get() >> PageSize::Size4K.shift() & 511);
                let (word, bit) = (page / 64, page % 64);
                *pages += u64::from(bits[word] >> bit & 1 == 0);
                bits[word] |= 1 << bit;
            }
        }
    }

    /// A range was unmapped: none of its pages is touched any more.
    pub(crate) fn forget<S: terrace_addr::Space>(&mut self, span: Span<S>) {
        let first = span.start.get() >> PageSize::Size4K.shift();
        let end = (span.start.get() + span.bytes).div_ceil(PageSize::Size4K.bytes());
        for (&block, &place) in self.blocks.range(first / 512..end.div_ceil(512)) {
            let bits = &mut self.bits[place];
            for page in (block * 512).max(first)..((block + 1) * 512).min(end) {
                let place = convert::index(page % 512);
                let (word, bit) = (place / 64, place % 64);
                self.pages -= bits[word] >> bit & 1;
                bits[word] &= !(1 << bit);
            }
        }
    }

    /// How much that is.
    pub(crate) fn bytes(&self) -> Bytes {
        PageSize::Size4K.size().times(self.pages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use terrace_addr::{AccessKind, Addr, Gva};

    #[test]
    fn each_page_counts_once_until_it_is_unmapped() {
        let mut touched = Touched::default();
        let access = |addr| Access { addr: Addr::new(addr), size: 8, kind: AccessKind::Load };
        touched.note(&[access(0x1000), access(0x1ff8), access(0x20_0000), access(0x1008), access(0x3f_f000)]);
        assert_eq!(touched.bytes(), Bytes::new(3 * 4096));
        touched.note(&[access(0x3f_f800)]);
        assert_eq!(touched.bytes(), Bytes::new(3 * 4096));
        touched.forget(Span { start: Addr::<Gva>::new(0x1000), bytes: 0x20_0000 });
        assert_eq!(touched.bytes(), Bytes::new(4096));
        touched.note(&[access(0x1000)]);
        assert_eq!(touched.bytes(), Bytes::new(2 * 4096));
    }
}
