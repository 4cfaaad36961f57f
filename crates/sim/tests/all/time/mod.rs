//! Turns and shoot-downs of virtual CPUs, with real MMUs.

mod promises;
mod shoot_downs;
mod turns;
mod world;
