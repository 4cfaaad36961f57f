//! What the parts of the simulator beside the MMU cost on this machine: `cargo bench -p terrace-sim --bench parts`.
//!
//! `-- tables` runs the benches whose names contain `tables`; `-- --test` runs each once, unmeasured.

mod replays;
mod tables;
mod traces;

fn main() {
    divan::main();
}
