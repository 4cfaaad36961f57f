//! Contiguous virtual machines, attacked by their guests: page tables that hold any frame number, at any place, in a host
//! that shrinks, grows, moves and repairs the machines meanwhile. No access, by a walk or by what is cached of one, may
//! reach a byte that is not the machine's own at that time.

mod guest;
mod host;

use host::{Attack, Host};

/// Runs a history; how often an access was let through, and how often a segment stopped one.
fn history(attacks: &[Attack]) -> (u64, u64) {
    let mut host = Host::new();
    for &attack in attacks {
        host.attacked(attack);
        host.nobody_shares();
    }
    (host.reached, host.stopped)
}

/// A thousand histories, of which many must come through and many be stopped: otherwise nothing would be tried.
#[test]
fn no_guest_reaches_beyond_its_block() {
    use rand_core::{Rng, SeedableRng};
    let mut sums = (0, 0);
    for seed in 0..1_000 {
        let mut random = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(seed);
        let bits = std::array::from_fn::<u64, 240, _>(|_| random.next_u64());
        let attacks: Vec<Attack> = bits
            .chunks(2)
            .map(|pair| {
                let [first, second, third, fourth, ..] = pair[0].to_le_bytes();
                (first, second, u16::from_le_bytes([third, fourth]), pair[1])
            })
            .collect();
        let (reached, stopped) = history(&attacks);
        sums = (sums.0 + reached, sums.1 + stopped);
    }
    assert!(sums.0 > 5_000 && sums.1 > 1_000, "{sums:?}");
}

/// The same for whatever a fuzzer thinks of.
#[test]
fn no_guest_that_is_fuzzed_reaches_beyond_its_block() {
    bolero::check!().with_type::<Vec<Attack>>().for_each(|attacks| {
        history(attacks);
    });
}
