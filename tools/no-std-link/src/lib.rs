//! Holds the crates that promise `no_std` to it.
//!
//! This static library brings its own panic handler. If a crate pulls in `std`, which has one too, rustc refuses
//! to build it ("found duplicate lang item `panic_impl`"). `main.c` calls it, so that a linker also finds every
//! symbol, and the crates run without Rust's runtime.
#![no_std]

extern crate alloc;

mod bump;
mod translate;

use core::panic::PanicInfo;

use terrace_addr::{Addr, Bytes, Hpa};
use terrace_frames::{Memory, Mobility, NodeId, NodeSpec, Order};
use terrace_machine::{Shape, array_seed};
use terrace_policy::{Role, System, Values};
use terrace_raw::vector::{Lanes, Vector};
use terrace_raw::{Buffer, Vectors, Work};

/// Translates `address` through a page table that maps its 4 KiB page to the frame at 2 MiB; 0 if that fails.
#[unsafe(no_mangle)]
pub extern "C" fn terrace_translate(address: u64) -> u64 {
    translate::through_one_page(address).unwrap_or(0)
}

/// The set that `page` would be in, in a zeroed tag array of `entries` entries in `ways` ways; `u32::MAX` if
/// there is no such array.
#[unsafe(no_mangle)]
pub extern "C" fn terrace_set_of(entries: u32, ways: u32, page: u32) -> u32 {
    let Ok(shape) = Shape::new(entries, ways) else { return u32::MAX };
    let set = page & (shape.sets() - 1);
    let arrays = Buffer::<Lanes>::zeroed(1);
    if Vectors::best().run(Compare(&arrays[0])) == 0 { u32::MAX } else { set }
}

/// Which tags are 0.
struct Compare<'a>(&'a Lanes);

impl Work for Compare<'_> {
    type Output = u32;

    #[inline]
    fn run<V: Vector>(self, vector: V) -> u32 {
        vector.matches(self.0, 0)
    }
}

/// The seed of core 0's second-level TLB in a run with `seed`.
#[unsafe(no_mangle)]
pub extern "C" fn terrace_seed(seed: u64) -> u64 {
    array_seed(seed, 0, "tlb.stlb")
}

/// Where the first block of 2 MiB lies that a memory of 64 MiB gives out; `u64::MAX` if it gives none.
#[unsafe(no_mangle)]
pub extern "C" fn terrace_first_block() -> u64 {
    let node = NodeSpec { start: Addr::<Hpa>::ZERO, bytes: Bytes::new(64 << 20) };
    let Ok(mut memory) = Memory::new(&[node]) else { return u64::MAX };
    let block = memory.allocate(NodeId::new(0), Order::HUGE, Mobility::Movable);
    block.map_or(u64::MAX, Addr::get)
}

/// How many systems can be built for a host with their defaults.
#[unsafe(no_mangle)]
pub extern "C" fn terrace_systems_built() -> u64 {
    let builds = |system: &&System| (system.build)(Role::Host, &Values::defaults(system.parameters)).is_ok();
    terrace_addr::convert::count(terrace_systems::registry().iter().filter(builds).count())
}

// SAFETY: the declaration is the C standard's; it takes nothing and never returns, so that any call is sound.
unsafe extern "C" {
    safe fn abort() -> !;
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    abort()
}
