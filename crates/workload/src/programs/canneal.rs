//! Simulated annealing of a chip's layout: random pairs of elements, whose neighbours' places are read, and which change
//! places now and then (PARSEC's canneal).
//!
//! An element names its neighbours and points to its place; places are a table of their own, as in PARSEC. Who is a
//! neighbour of whom is chosen at random once and stays.

use terrace_addr::{Bytes, convert};

use super::common::{
    ADVICE, CHOICE, CONTENT, INITIALISE, OPERATIONS, assumed, bytes, core_cycles, count, instructions,
    parallelism, part, touch,
};
use crate::plan::{Body, Plan, facts};
use crate::random::{Stream, mix, scaled};
use crate::registry::{Entry, Parameter, Settings};
use crate::steps::WORD_BYTES;
use crate::{Bases, Program, RegionId, RegionSpec, Steps, WorkloadError};

pub(crate) const ENTRY: Entry = Entry {
    name: "canneal",
    summary: "random pairs of elements of a netlist: their neighbours' places are read, and some pairs change places",
    parameters: PARAMETERS,
    parts: &[],
    make,
};

pub(crate) const PARAMETERS: &[Parameter] = &[
    bytes(1 << 30, "elements and places together", CHOICE),
    count(
        "neighbours",
        5,
        1,
        64,
        "neighbours of an element",
        assumed("nets of a few pins; PARSEC's inputs list a handful of inputs for each element", 3.0, 10.0),
    ),
    part(
        "accepted",
        0.1,
        "the part of the pairs that changes places",
        assumed("late in annealing few swaps are taken; early about half", 0.02, 0.5),
    ),
    INITIALISE,
    ADVICE,
    CONTENT,
    OPERATIONS,
    core_cycles(6.0, assumed("distances are sums of differences; random numbers for each pair", 3.0, 15.0)),
    parallelism(3.0, assumed("neighbours are independent, but each is a pointer and then a place", 1.5, 6.0)),
    instructions(8.0, assumed("two pointers followed, four differences, for two accesses", 4.0, 16.0)),
];

/// Bytes of an element besides its neighbours: its name, its place, and the sizes of its lists.
const HEAD: u64 = 64;

/// Bytes of a place: two coordinates.
const PLACE: u64 = 8;

fn make(settings: &Settings) -> Result<Box<dyn Program>, WorkloadError> {
    let mut plan = Plan::new(settings);
    let bodies = bodies(settings, &mut plan)?;
    Ok(plan.program(facts(settings, None), settings.whole(OPERATIONS.name), bodies))
}

pub(crate) fn bodies(settings: &Settings, plan: &mut Plan) -> Result<Vec<Box<dyn Body>>, WorkloadError> {
    let neighbours = settings.whole("neighbours");
    let element_bytes = HEAD + neighbours * WORD_BYTES;
    let count = settings.whole("bytes") / (element_bytes + PLACE);
    if count < 2 {
        let expected = format!("two elements of {element_bytes} bytes and their places");
        return Err(settings.conflict("bytes", expected));
    }
    let touch = touch(settings);
    let elements = plan.region(RegionSpec::new("elements", Bytes::new(count * element_bytes)), touch);
    let places = plan.region(RegionSpec::new("places", Bytes::new(count * PLACE)), touch);
    let accepted = settings.real("accepted");
    let nets = plan.seed("canneal nets");
    Ok(plan.bodies("canneal", |_, stream| Anneal {
        elements,
        places,
        count,
        neighbours,
        element_bytes,
        accepted,
        nets,
        stream,
    }))
}

/// An operation is a pair.
struct Anneal {
    elements: RegionId,
    places: RegionId,
    count: u64,
    neighbours: u64,
    element_bytes: u64,
    accepted: f64,
    nets: u64,
    stream: Stream,
}

impl Body for Anneal {
    fn run(&mut self, most: u64, bases: &Bases, out: &mut Steps) -> u64 {
        // For each of two elements its place, and for each neighbour a pointer, its element and its place; two stores.
        let each = convert::index(2 * (2 + 3 * self.neighbours) + 2);
        let pairs = most.min(convert::count(out.room() / each));
        for _ in 0..pairs {
            let first = self.stream.below(self.count);
            // Another one: any of the others, counted on from the first.
            let second = (first + 1 + self.stream.below(self.count - 1)) % self.count;
            self.cost(first, bases, out);
            self.cost(second, bases, out);
            if self.stream.chance(self.accepted) {
                for element in [first, second] {
                    out.store(bases.of(self.elements).offset_by(element * self.element_bytes));
                }
            }
        }
        pairs
    }
}

impl Anneal {
    /// Reads what the cost of an element's place depends on.
    fn cost(&self, element: u64, bases: &Bases, out: &mut Steps) {
        let (elements, places) = (bases.of(self.elements), bases.of(self.places));
        let own = elements.offset_by(element * self.element_bytes);
        out.load(own);
        out.load(places.offset_by(self.place(element) * PLACE));
        for neighbour in 0..self.neighbours {
            out.load(own.offset_by(HEAD + neighbour * WORD_BYTES));
            let other = self.neighbour(element, neighbour);
            out.load(elements.offset_by(other * self.element_bytes));
            out.load(places.offset_by(self.place(other) * PLACE));
        }
    }

    /// The element that `element` names as neighbour number `number`.
    fn neighbour(&self, element: u64, number: u64) -> u64 {
        scaled(mix(mix(self.nets ^ element).wrapping_add(number)), self.count)
    }

    /// Where an element is placed. Swaps are not followed: places are random before and after.
    fn place(&self, element: u64) -> u64 {
        scaled(mix(self.nets.wrapping_sub(element)), self.count)
    }
}

#[cfg(test)]
mod tests {
    use crate::programs::run;
    use std::collections::BTreeMap;
    use terrace_addr::AccessKind;

    #[test]
    fn an_element_has_the_same_neighbours_whenever_it_is_drawn() {
        let arguments =
            run::arguments(1, 9).with("bytes", "64 KiB").with("accepted", 0.0).with("operations", 5000_u64);
        let accesses = &run::steady("canneal", &arguments)[0];
        let mut seen: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        let mut again = 0;
        for element in accesses.chunks(17) {
            let rest: Vec<u64> = element[1..].iter().map(|access| access.addr.get()).collect();
            if let Some(before) = seen.insert(element[0].addr.get(), rest.clone()) {
                assert_eq!(before, rest);
                again += 1;
            }
        }
        assert!(again > 1000 && seen.len() > 500);
    }

    #[test]
    fn accepted_pairs_change_places() {
        let arguments =
            run::arguments(1, 9).with("accepted", 0.25).with("bytes", "1 MiB").with("initialise", "nothing");
        let accesses = &run::steady("canneal", &arguments.with("operations", 10_000_u64))[0];
        let stores = accesses.iter().filter(|access| access.kind == AccessKind::Store).count();
        // Four standard deviations of a binomial of 10,000 draws at a quarter are 173 pairs.
        assert!(stores.abs_diff(5000) < 346, "{stores}");
    }
}
