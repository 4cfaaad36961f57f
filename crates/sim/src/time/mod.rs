//! How time passes.
//!
//! The MMU counts references and adds up their latencies, as if a core waited for each. A real core does not, and
//! its neighbours make it wait longer. This module says how long an interval took, in three steps that a caller may
//! use apart:
//! 1. [`CoreModel`]: the time of one virtual CPU from what it did ([`Interval`]) and what its workload says of itself
//!    ([`Program`]). The plain sum stands beside it.
//! 2. [`share`]: several virtual CPUs share the bandwidth of memory nodes, so each one's latencies depend on the
//!    traffic of all.
//! 3. [`Order`]: who runs next, and what an invalidation costs whom.
//!
//! **The rule.** Whatever decides is integers or `+ − × ÷` of 64-bit floating-point numbers, which IEEE 754 rounds the
//! same everywhere, in one fixed sequence: the same input gives the same bytes on every platform. Counts are exact
//! below 2⁵³.
//!
//! ```
//! use terrace_machine::builtin;
//! use terrace_mmu::NodeReferences;
//! use terrace_sim::time::{Interval, Program, Vcpu, share};
//!
//! let machine = builtin("broadwell-e5-2620v4", &[])?;
//! // A million accesses, each a page walk of 40 cycles in the caches and a line from memory (95 ns are 199 cycles).
//! let interval = Interval {
//!     accesses: 1_000_000,
//!     walks: 1_000_000,
//!     walk_cycles: 40_000_000,
//!     data_references: 1_000_000,
//!     data_cycles: 199_000_000,
//!     nodes: vec![NodeReferences { table: 0, data: 1_000_000 }],
//!     ..Interval::default()
//! };
//! let chase = Vcpu { cpu: 0, program: Program::pointer_chase(5.0)?, interval: interval.clone() };
//! let alone = share(&machine, &[chase]);
//! // 5 core cycles, 195 beyond a first-level hit, 40 of the walk, and next to no wait for the memory.
//! assert_eq!((alone.duration / 1e6).round(), 240.0);
//! // A program with ten misses in flight on all threads of a socket asks for more than its node can move.
//! let program = Program::new(5.0, 10.0)?;
//! let on = |cpu| Vcpu { cpu, program, interval: interval.clone() };
//! let threads: Vec<_> = (0..8).chain(16..24).map(on).collect();
//! let shared = share(&machine, &threads);
//! assert!(shared.nodes[0].utilisation > 0.95);
//! assert!(shared.duration > 1.25 * share(&machine, &[on(0)]).duration);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Times that may hold a fraction of a cycle are `f64` in cycles of the machine's core; clocks are whole
//! [`Cycles`](terrace_addr::Cycles).

mod core_model;
mod interval;
mod order;
mod program;
mod queue;
mod tiers;

pub use core_model::{CoreModel, CoreTime, Parts};
pub use interval::Interval;
pub use order::{Charge, Order, OrderError, ShootDown, Turn, flush_cycles};
pub use program::{InvalidProgram, Program};
pub(crate) use tiers::socket_of;
pub use tiers::{NodeLoad, Shared, Vcpu, share};

use terrace_addr::convert;

/// A count as a floating-point number.
const fn number(count: u64) -> f64 {
    convert::ratio(count, 1)
}
