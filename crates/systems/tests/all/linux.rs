//! Which faults take huge pages, and with what effort, in each mode of Linux (Documentation/admin-guide/mm/transhuge.rst,
//! and `vma_thp_gfp_mask` in `mm/huge_memory.c`).

use crate::one_layer;

use one_layer::{BLOCK, NODE, OneLayer, word};
use terrace_addr::{Bytes, PageSize};
use terrace_frames::Mobility;
use terrace_frames::fragment::Fragmenter;
use terrace_policy::Advice;

/// What becomes of a fault in a whole block of an area, while no block is free and all pages can be moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// It compacts memory, and takes a huge page.
    Direct,
    /// It takes a base page, and wakes kcompactd.
    Wake,
    /// It takes a base page. While a block is free it would take that.
    Light,
    /// It takes a base page, whatever is free.
    Base,
}

const ADVICE: [Advice; 3] = [Advice::Default, Advice::HugePage, Advice::NoHugePage];

/// Of each `defrag`, where huge pages may be used: in an area of which nothing was said, and in one with `MADV_HUGEPAGE`.
const EFFORTS: [(&str, [Fault; 2]); 5] = [
    ("always", [Fault::Direct, Fault::Direct]),
    ("defer", [Fault::Wake, Fault::Wake]),
    ("defer+madvise", [Fault::Wake, Fault::Direct]),
    ("madvise", [Fault::Light, Fault::Direct]),
    ("never", [Fault::Light, Fault::Light]),
];

/// Of each `enabled`, for which advice huge pages may be used.
const ENABLED: [(&str, [bool; 3]); 3] =
    [("always", [true, true, false]), ("madvise", [false, true, false]), ("never", [false; 3])];

/// Whether the first fault of an area takes a huge page, and the layer afterwards.
fn is_huge(
    enabled: &'static str,
    defrag: &'static str,
    advice: Advice,
    fragmentation: f64,
) -> (bool, OneLayer) {
    let modes = [("thp", word(enabled)), ("defrag", word(defrag)), ("khugepaged", word("off"))];
    let mut layer = OneLayer::new("linux", &modes, 16);
    let fragmenter = Fragmenter { node: NODE, wish: fragmentation, seed: 7, mobility: Mobility::Movable };
    let _held = fragmenter.drive(layer.kernel.memory_mut());
    let space = layer.begin();
    let OneLayer { kernel, policy, .. } = &mut layer;
    let start = kernel.map(&mut **policy, space, Bytes::new(BLOCK), advice).unwrap();
    let leaf = layer.touch(space, start);
    (leaf.page.size() == PageSize::Size2M, layer)
}

#[test]
fn each_mode_gives_each_advice_its_effort() {
    for (enabled, permitted) in ENABLED {
        for (defrag, efforts) in EFFORTS {
            for (place, advice) in ADVICE.into_iter().enumerate() {
                let expected = if permitted[place] { efforts[place] } else { Fault::Base };
                let (huge, mut layer) = is_huge(enabled, defrag, advice, 1.0);
                let compacted = layer.kernel.counts().compactions > 0;
                let woken = layer.kernel.compact_in_background();
                let (while_free, _) = is_huge(enabled, defrag, advice, 0.0);
                let found = match (huge, compacted, woken, while_free) {
                    (true, true, false, true) => Fault::Direct,
                    (false, false, true, true) => Fault::Wake,
                    (false, false, false, true) => Fault::Light,
                    (false, false, false, false) => Fault::Base,
                    other => panic!("thp {enabled}, defrag {defrag}, {advice:?}: {other:?}"),
                };
                assert_eq!(found, expected, "thp {enabled}, defrag {defrag}, {advice:?}");
            }
        }
    }
}
