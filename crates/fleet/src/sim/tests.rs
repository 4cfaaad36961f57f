//! Whole simulations against scans over all servers, and against what must always hold.

use std::cmp::Reverse;

use proptest::prelude::*;
use terrace_addr::Nanos;

use super::fleet::At;
use super::*;
use crate::server::Room;
use crate::spec::{Demand, ServerClass};
use crate::trace::{Shape, TraceBuilder, VmId};
use crate::units::Cores;

const CORES: Cores = Cores::whole(8);
const MEMORY: u64 = 64;

fn fleet(servers: u32) -> FleetSpec {
    FleetSpec::alike(servers, CORES, Bytes::new(MEMORY))
}

fn same(cores: u32, memory: u64) -> Shape {
    Shape::Same(Demand { cores: Cores::whole(cores), memory })
}

/// (arrival, lifetime, cores, memory, when it changes its size and to what)
type Life = (u64, u64, u32, u64, Option<(u64, u32, u64)>);

fn life() -> impl Strategy<Value = Life> {
    let resize = proptest::option::weighted(0.4, (0..200_u64, 1..8_u32, 1..40_u64));
    (0..300_u64, 1..200_u64, 1..6_u32, 1..40_u64, resize)
}

fn trace(lives: &[Life]) -> Trace {
    let mut builder = TraceBuilder::new();
    for &(arrival, lifetime, cores, memory, resize) in lives {
        let shape = builder.shape(same(cores, memory));
        let vm = builder.add(shape, Nanos::new(arrival), Some(Nanos::new(arrival + lifetime))).unwrap();
        if let Some((after, cores, memory)) = resize.filter(|(after, ..)| *after < lifetime) {
            let shape = builder.shape(same(cores, memory));
            builder.push(Nanos::new(arrival + after), vm, Change::Resize(shape));
        }
    }
    builder.sorted()
}

/// The server that the policy's words describe, by looking at all of them.
fn scan(policy: ServerPolicy, rooms: &[(At, Room)], servers: usize, demand: Demand) -> Option<Chosen> {
    let room = || rooms.iter().filter(|(_, room)| room.holds(demand));
    let run = || room().filter(|(_, room)| room.run >= demand.memory);
    let off = (rooms.len() < servers).then_some(Chosen::Off);
    let on = |found: Option<&(At, Room)>| found.map(|(at, _)| Chosen::On(*at));
    match policy {
        ServerPolicy::Spread => on(room().min_by_key(|(at, room)| (Reverse(room.memory), *at))).or(off),
        ServerPolicy::Stack => on(room().min_by_key(|(at, room)| (room.memory, *at))).or(off),
        ServerPolicy::Contiguity => on(run().next()).or(off).or(on(room().next())),
        ServerPolicy::ContiguityCode => on(run().next()).or(on(room().next_back())).or(off),
        ServerPolicy::Snug => on(run().min_by_key(|(at, room)| (room.cores, *at)))
            .or(off)
            .or(on(room().min_by_key(|(at, room)| (Reverse(room.memory), *at)))),
        ServerPolicy::Tight => on(run().min_by_key(|(at, room)| (room.run, *at)))
            .or(off)
            .or(on(room().min_by_key(|(at, room)| (Reverse(room.memory), *at)))),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chosen {
    On(At),
    Off,
}

fn setup(policy: ServerPolicy, servers: u32) -> Setup {
    Setup { interval: Nanos::new(10), ..Setup::new(fleet(servers), policy) }
}

/// Runs a trace, looks at every event, and audits after it.
fn audited(trace: &Trace, setup: &Setup, mut see: impl FnMut(&mut Simulation<'_>, &crate::Event)) -> Outcome {
    let mut simulation = Simulation::new(trace, setup).unwrap();
    for event in trace.events() {
        simulation.pass(event.time);
        see(&mut simulation, event);
        simulation.fleet.audit();
    }
    simulation.pass(trace.end());
    simulation.fleet.audit();
    simulation.finish(true)
}

fn step(simulation: &mut Simulation<'_>, event: &crate::Event) {
    match event.change {
        Change::Arrive(shape) => simulation.arrive(event.vm, shape),
        Change::Resize(shape) => simulation.resize(event.vm, shape),
        Change::Depart => simulation.depart(event.vm),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Every placement of every policy is the one that a scan over all servers finds.
    #[test]
    fn placements_are_those_of_a_scan(
        lives in proptest::collection::vec(life(), 1..70),
        policy in prop::sample::select(ServerPolicy::ALL.to_vec()),
        extents in prop::sample::select(ExtentPolicy::ALL.to_vec()),
    ) {
        let setup = Setup { extents, ..setup(policy, 5) };
        let trace = trace(&lives);
        audited(&trace, &setup, |simulation, event| {
            let Change::Arrive(shape) = event.change else {
                step(simulation, event);
                return;
            };
            let before = simulation.fleet.rooms();
            let demand = trace.shapes()[shape.index()].demand(0).unwrap();
            let expected = scan(policy, &before, 5, demand);
            step(simulation, event);
            let found = simulation.fleet.placed(event.vm).map(|placed| placed.at);
            let known = |at: &At| before.iter().any(|(it, _)| it == at);
            let found = found.map(|at| if known(&at) { Chosen::On(at) } else { Chosen::Off });
            assert_eq!(found, expected, "{policy:?} {demand:?} {before:?}");
        });
    }

    /// Whatever moves, no byte and no core is lost or doubled, and every VM is counted once.
    #[test]
    fn repair_and_changes_of_size_lose_nothing(
        lives in proptest::collection::vec(life(), 1..70),
        policy in prop::sample::select(ServerPolicy::ALL.to_vec()),
        extents in prop::sample::select(ExtentPolicy::ALL.to_vec()),
        means in prop::sample::select(Means::ALL.to_vec()),
        budget in prop::sample::select(vec![0, 1 << 40, 1 << 60]),
    ) {
        let repair = Repair { means, budget: Bytes::new(budget) };
        let setup = Setup { extents, repair, ..setup(policy, 4) };
        let trace = trace(&lives);
        let outcome = audited(&trace, &setup, step);
        let tally = &outcome.tally;
        prop_assert_eq!(tally.arrivals, convert::count(lives.len()));
        prop_assert_eq!(tally.arrivals, tally.failed + tally.placed());
        prop_assert_eq!(tally.departures, tally.placed());
        let resized = tally.resized_in_place + tally.resized_scattered + tally.resized_moved + tally.resized_refused;
        prop_assert_eq!(tally.resizes, resized);
        if means == Means::Nothing || budget == 0 {
            prop_assert_eq!(tally.repair_bytes + tally.repaired_locally + tally.repaired_by_migration, 0);
        }
        prop_assert_eq!(&outcome, &simulate(&trace, &setup, &mut Unwatched).unwrap());
        prop_assert!(outcome.samples.is_sorted_by_key(|sample| sample.end));
    }
}

fn life_of(builder: &mut TraceBuilder, shape: Shape, from: u64, to: Option<u64>) -> VmId {
    let shape = builder.shape(shape);
    builder.add(shape, Nanos::new(from), to.map(Nanos::new)).unwrap()
}

/// A server with holes of 16 at 0, and of 24 at 40: a VM of 32 gets two blocks.
fn scattered() -> TraceBuilder {
    let mut builder = TraceBuilder::new();
    for (memory, leaves) in [(16, true), (24, false), (24, true)] {
        life_of(&mut builder, same(1, memory), 0, leaves.then_some(5));
    }
    life_of(&mut builder, same(1, 32), 6, None);
    builder.until(Nanos::new(100));
    builder
}

fn repaired(means: Means, budget: u64, servers: u32, builder: TraceBuilder) -> Tally {
    let repair = Repair { means, budget: Bytes::new(budget) };
    let setup = Setup { repair, ..setup(ServerPolicy::Stack, servers) };
    let trace = builder.sorted();
    let outcome = audited(&trace, &setup, step);
    assert!(outcome.complete);
    outcome.tally
}

/// In an hour of 3.6e12 ns an interval of 10 ns may copy a part in 3.6e11 of the budget.
const PLENTY: u64 = 1 << 50;

#[test]
fn a_neighbour_makes_room_if_it_fits_elsewhere() {
    let without = repaired(Means::Nothing, PLENTY, 1, scattered());
    assert_eq!((without.one_block, without.two_blocks, without.more_blocks), (3, 1, 0));
    // The 8 bytes that are free behind the VM hold no neighbour of 24: nothing can be done.
    let stuck = repaired(Means::Local, PLENTY, 1, scattered());
    assert_eq!((stuck.repaired_locally, stuck.repair_bytes), (0, 0));
    // A neighbour of 4 instead of one of 24 fits there.
    let mut builder = TraceBuilder::new();
    for (memory, leaves) in [(24, true), (4, false), (20, true), (8, false)] {
        life_of(&mut builder, same(1, memory), 0, leaves.then_some(5));
    }
    // Two blocks, at 0 and at 28; the largest free extents are 12 at 36 and 8 at 56.
    life_of(&mut builder, same(1, 40), 6, None);
    builder.until(Nanos::new(100));
    let moved = repaired(Means::Local, PLENTY, 1, builder);
    assert_eq!((moved.two_blocks, moved.repaired_locally, moved.neighbours_moved), (1, 1, 1));
    assert_eq!(moved.repair_bytes, 44);
}

#[test]
fn a_vm_moves_within_its_server_when_there_is_room() {
    let mut builder = scattered();
    // The neighbour leaves.
    builder.push(Nanos::new(30), VmId::new(1), Change::Depart);
    let tally = repaired(Means::Local, PLENTY, 1, builder);
    assert_eq!((tally.repaired_locally, tally.repair_bytes, tally.neighbours_moved), (1, 32, 0));
    assert!(tally.contiguous_vm_nanos < tally.vm_nanos);
}

#[test]
fn a_vm_migrates_where_an_extent_holds_it() {
    let migrating = || {
        let mut builder = scattered();
        // One that does not fit the first server switches a second one on.
        life_of(&mut builder, same(8, 20), 1, Some(20));
        builder
    };
    let tally = repaired(Means::Migrate, PLENTY, 2, migrating());
    assert_eq!((tally.repaired_by_migration, tally.repair_bytes), (1, 32));
    // The same, but the ten intervals of the trace may copy 3 bytes each.
    let tally = repaired(Means::Migrate, 3 * HOUR.get() / 10, 2, migrating());
    assert_eq!((tally.repaired_by_migration, tally.repair_bytes), (0, 0));
}

#[test]
fn a_vm_grows_at_its_end_or_scatters_or_moves() {
    let resized = |means, servers, memory, cores| {
        let mut builder = TraceBuilder::new();
        let first = life_of(&mut builder, same(1, 16), 0, None);
        life_of(&mut builder, same(1, 16), 0, None);
        let shape = builder.shape(same(cores, memory));
        builder.push(Nanos::new(20), first, Change::Resize(shape));
        builder.until(Nanos::new(50));
        repaired(means, PLENTY, servers, builder)
    };
    let shrunk = resized(Means::Nothing, 1, 4, 1);
    assert_eq!((shrunk.resized_in_place, shrunk.resize_bytes), (1, 0));
    let scattered = resized(Means::Nothing, 1, 24, 1);
    assert_eq!((scattered.resized_scattered, scattered.resize_bytes), (1, 0));
    let moved = resized(Means::Local, 1, 24, 1);
    assert_eq!((moved.resized_moved, moved.resize_bytes), (1, 16));
    let refused = resized(Means::Local, 1, 60, 1);
    assert_eq!((refused.resized_refused, refused.resized_moved), (1, 0));
    let elsewhere = resized(Means::Nothing, 2, 60, 1);
    assert_eq!((elsewhere.resized_moved, elsewhere.resize_bytes, elsewhere.servers_used), (1, 16, 2));
    let cores = resized(Means::Nothing, 2, 16, 8);
    assert_eq!((cores.resized_moved, cores.servers_used), (1, 2));
}

/// A type runs only where the trace says so, and takes there what it says.
#[test]
fn kinds_of_servers_differ() {
    let class = |name: &str, count| ServerClass {
        name: name.into(),
        count,
        cores: CORES,
        memory: Bytes::new(MEMORY),
    };
    let fleet = FleetSpec { classes: vec![class("a", 1), class("b", 1)], granule: Bytes::new(10) };
    let mut builder = TraceBuilder::new();
    builder.classes(vec!["a".into(), "b".into()]);
    let demand = |memory| Some(Demand { cores: Cores::whole(1), memory });
    let only_second = Shape::ByClass([None, demand(1)].into());
    let both = Shape::ByClass([demand(25), demand(60)].into());
    for shape in [only_second, both.clone(), both.clone(), both] {
        life_of(&mut builder, shape, 0, None);
    }
    let setup = Setup { interval: Nanos::new(10), ..Setup::new(fleet, ServerPolicy::Stack) };
    let outcome = audited(&builder.sorted(), &setup, step);
    // Of 64 bytes 60 are given out in tens; the second server has 50 left, which hold no third one.
    assert_eq!((outcome.tally.placed(), outcome.tally.failed), (3, 1));
    assert_eq!(outcome.samples.last().unwrap().free, 50);
}

#[test]
fn what_cannot_be_simulated_is_an_error() {
    let trace = trace(&[(0, 10, 3, 30, None)]);
    let error = |setup: Setup| simulate(&trace, &setup, &mut Unwatched).unwrap_err().to_string();
    let small = Setup::new(FleetSpec::alike(3, CORES, Bytes::new(20)), ServerPolicy::Spread);
    let text = error(small);
    assert!(text.contains("found a VM of 3 cores") && text.contains("expected at most"), "{text}");
    assert!(error(setup(ServerPolicy::Spread, 0)).contains("found 0 servers"));
    let mut endless = setup(ServerPolicy::Spread, 1);
    endless.interval = Nanos::ZERO;
    assert!(error(endless).contains("an interval of 0 ns"));
}

#[test]
fn a_simulation_that_is_stopped_keeps_what_it_has() {
    struct Impatient;
    impl Watch for Impatient {
        fn advance(&mut self, events: u64) -> Next {
            if events > 0 { Next::Stop } else { Next::Go }
        }
    }
    let lives: Vec<Life> = (0..20_000).map(|number| (number, 5, 1, 1, None)).collect();
    let outcome = simulate(&trace(&lives), &setup(ServerPolicy::Contiguity, 2), &mut Impatient).unwrap();
    assert!(!outcome.complete);
    assert!((1..20_000).contains(&outcome.tally.arrivals), "{}", outcome.tally.arrivals);
    assert!(outcome.end < Nanos::new(20_000) && !outcome.samples.is_empty());
}
