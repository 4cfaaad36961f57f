//! The seed of each array that replaces at random.

/// The offset and prime of FNV-1a, 64 bits (Fowler, Noll, Vo; RFC 9923).
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// The increment of `SplitMix64` (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// The seed of the random stream of the array named `array` (`"tlb.stlb"`) of core number `core`, in a run with
/// `seed`.
///
/// It is mix(mix(FNV-1a(`array`) + `seed`) + (`core` + 1) × γ), all modulo 2⁶⁴, where mix is the finaliser of
/// `SplitMix64` and γ its increment. Arrays of different names, cores and runs draw from unrelated streams, and
/// adding a structure to a machine changes no other structure's stream. Part of the model: results depend on it.
pub fn array_seed(seed: u64, core: u32, array: &str) -> u64 {
    let name = array.bytes().fold(FNV_OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME));
    let of_core = (u64::from(core) + 1).wrapping_mul(GOLDEN_GAMMA);
    mix(mix(name.wrapping_add(seed)).wrapping_add(of_core))
}

/// The finaliser of `SplitMix64`: a bijection in which every input bit moves about half of the output bits.
const fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;

    use super::*;

    #[test]
    fn mix_is_that_of_splitmix64() {
        // The first output of SplitMix64 seeded with 0.
        assert_eq!(mix(GOLDEN_GAMMA), 0xe220_a839_7b1d_cdaf);
    }

    #[test]
    fn seeds_differ_by_run_core_and_name() {
        let mut seeds = BTreeSet::new();
        for seed in 0..20 {
            for core in 0..20 {
                for array in ["tlb.stlb", "tlb.l1d", "cache.l2", ""] {
                    seeds.insert(array_seed(seed, core, array));
                }
            }
        }
        assert_eq!(seeds.len(), 20 * 20 * 4);
    }

    #[test]
    fn seeds_are_part_of_the_model() {
        assert_eq!(array_seed(0, 0, "tlb.stlb"), 4_414_890_655_817_746_683);
    }
}
