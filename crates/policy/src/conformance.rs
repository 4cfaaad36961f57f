//! What any layer must guarantee of the abilities that it declares.
//!
//! Whoever makes a layer hands [`check`] a way to make a fresh [`Subject`] around it; each guarantee is tried on one of
//! its own. What a layer does not declare it must refuse as unsupported. Not tried is what takes more than a layer with
//! its policy: nested guests ([`NESTED`](Abilities::NESTED), [`TRAP_TABLES`](Abilities::TRAP_TABLES)), machines behind
//! segments ([`SEGMENT`](Abilities::SEGMENT)), and where unmovable memory goes
//! ([`HYBRID_BLOCKS`](Abilities::HYBRID_BLOCKS)).

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use terrace_addr::{Addr, Bytes, Lower, Nanos, Page, PageSize, Span, Upper};

use crate::{
    Abilities, AccessedOp, Action, Block, CollapseInto, Cursor, DirectSegment, Effort, Extent, Fault,
    FlushScope, Layer, Leaf, MapRequest, Message, Outcome, Placement, Policy, Refused, Region, SpaceId,
    VirtualPlacement,
};

/// A layer with one address space, in which a region of at least [`BLOCKS`] whole blocks of 2M is mapped and nothing
/// of it touched, and with free memory for twice as much.
pub trait Subject {
    /// The layer.
    fn layer(&mut self) -> &mut dyn Layer;

    /// The address space.
    fn space(&self) -> SpaceId;

    /// The first whole block of the region.
    fn first_block(&self) -> Addr<Upper>;

    /// Touches a base page as a program does: it is present then, as a base page, and accessed.
    fn touch(&mut self, at: Addr<Upper>);

    /// Touches a page as a program does, and the policy decides what serves the fault. A layer that lets no policy decide
    /// that need not have it.
    fn touch_with(&mut self, _policy: &mut dyn Policy, at: Addr<Upper>) {
        self.touch(at);
    }

    /// Maps a region, and the policy decides where; its address, or none if the layer lets no policy decide that.
    fn map_with(&mut self, _policy: &mut dyn Policy, _bytes: Bytes) -> Option<Addr<Upper>> {
        None
    }
}

/// A policy that always gives the same answers.
#[derive(Debug, Clone)]
struct Answers {
    fault: Placement,
    map: VirtualPlacement,
}

impl Answers {
    const fn to_faults(fault: Placement) -> Self {
        Self { fault, map: VirtualPlacement::Default }
    }

    const fn to_maps(map: VirtualPlacement) -> Self {
        Self { fault: Placement::Default, map }
    }
}

impl Policy for Answers {
    fn requires(&self) -> Abilities {
        Abilities::CHOOSE_SIZE | Abilities::CHOOSE_FRAME | Abilities::CHOOSE_ADDRESS
    }

    fn on_map(&mut self, _: &mut dyn Layer, _: &MapRequest) -> VirtualPlacement {
        self.map
    }

    fn on_fault(&mut self, _: &mut dyn Layer, _: &Fault) -> Placement {
        self.fault
    }
}

/// So many whole blocks of 2M the region of a [`Subject`] has.
pub const BLOCKS: u64 = 4;

type Checked = Result<(), String>;
type Check<S> = (&'static str, fn(&mut S) -> Checked);

/// Tries every guarantee; the name of each that does not hold, with what was found.
pub fn check<S: Subject>(mut make: impl FnMut() -> S) -> Vec<(&'static str, String)> {
    let checks: [Check<S>; 18] = [
        ("what is not declared is refused as unsupported", undeclared),
        ("leaves are listed once each, in order, in parts of any length", leaves),
        ("a block tells what it holds", block),
        ("accessed bits that were cleared are clear", accessed),
        ("what changed is told once", changes),
        ("what CPUs counted can be read", counters),
        ("a fault is served by a page of the size that was chosen", size),
        ("a fault is served by the frame that was chosen", frame),
        ("a region lies where it was chosen to", address),
        ("messages are taken", messages),
        ("a collapse in place moves nothing", collapse_in_place),
        ("a collapse by copy keeps every page mapped and frees what it had", collapse_by_copy),
        ("a split leaves every byte where it was", split),
        ("a page is migrated to the frame that was named", migrate),
        ("an exchange takes and frees no memory", exchange),
        ("a page is populated in the frame that was named", populate),
        ("a direct segment has its pages at their places", direct),
        ("reserved memory is not free, until it is released", reserve),
    ];
    let mut failed = Vec::new();
    for (name, check) in checks {
        if let Err(found) = check(&mut make()) {
            failed.push((name, found));
        }
    }
    failed
}

const HUGE: u64 = PageSize::Size2M.bytes();
const BASE: u64 = PageSize::Size4K.bytes();

fn has(subject: &mut impl Subject, abilities: Abilities) -> bool {
    subject.layer().abilities().contains(abilities)
}

#[expect(clippy::needless_pass_by_value, reason = "what is found is made where it is asked for")]
fn expect<T: PartialEq + core::fmt::Debug>(what: &str, found: T, expected: T) -> Checked {
    if found == expected { Ok(()) } else { Err(format!("{what}: found {found:?}, expected {expected:?}")) }
}

/// The value of an answer that has to come; who asks here pays nothing.
fn done<T>(what: &str, answer: Outcome<T>) -> Result<T, String> {
    answer.map(|charged| charged.value).map_err(|reason| format!("{what}: {reason}"))
}

/// All leaves of the space, asked for in parts of `most`.
fn all_leaves(subject: &mut impl Subject, most: usize) -> Result<Vec<Leaf>, String> {
    let mut leaves = Vec::new();
    let mut cursor = Some(Cursor { space: subject.space(), at: Addr::ZERO });
    while let Some(at) = cursor {
        cursor = done("leaves", subject.layer().leaves(at, most, &mut leaves))?;
    }
    Ok(leaves)
}

/// Where each base page of a block is, for those that are mapped.
fn frames(subject: &mut impl Subject, block: Addr<Upper>) -> Result<Vec<(u64, Addr<Lower>)>, String> {
    let leaves = all_leaves(subject, 64)?;
    let mut frames = Vec::new();
    for part in 0..512 {
        let at = block.offset_by(part * BASE);
        if let Some(leaf) = leaves.iter().find(|leaf| leaf.page.contains(at)) {
            frames.push((part, leaf.frame.offset_by(at.offset_in(leaf.size()))));
        }
    }
    Ok(frames)
}

fn touch_block(subject: &mut impl Subject, number: u64, pages: u64) -> Addr<Upper> {
    let block = subject.first_block().offset_by(number * HUGE);
    for page in 0..pages {
        subject.touch(block.offset_by(page * BASE));
    }
    block
}

fn free_bytes(subject: &mut impl Subject) -> Result<Bytes, String> {
    Ok(done("fragmentation", subject.layer().fragmentation())?.free)
}

fn collapse(
    subject: &mut impl Subject,
    block: Addr<Upper>,
    into: CollapseInto,
) -> Result<Addr<Lower>, String> {
    let action =
        Action::Collapse { space: subject.space(), page: Page::containing(block, PageSize::Size2M), into };
    let applied = done("collapse", subject.layer().apply(&action))?;
    applied.frame.ok_or_else(|| "a collapse named no frame".into())
}

fn undeclared(subject: &mut impl Subject) -> Checked {
    let space = subject.space();
    let page = Page::containing(subject.first_block(), PageSize::Size2M);
    let layer = subject.layer();
    let missing = |ability: Abilities, answer: Option<Refused>| {
        let refused = matches!(answer, Some(Refused::Unsupported(lacking)) if lacking == ability);
        expect("an answer to what was not declared", refused, true)
    };
    let abilities = layer.abilities();
    let actions = [
        Action::Collapse { space, page, into: CollapseInto::Any },
        Action::Split { space, page },
        Action::Migrate { space, page, to: None },
        Action::Exchange { space, pages: [page, page.next()] },
        Action::Direct { space, segment: None },
    ];
    for action in actions {
        if !abilities.contains(action.needs()) {
            missing(action.needs(), layer.apply(&action).err())?;
        }
    }
    if !abilities.contains(Abilities::SEE_LEAVES) {
        missing(Abilities::SEE_LEAVES, layer.block(space, page.start()).err())?;
    }
    if !abilities.contains(Abilities::RESERVE) {
        missing(Abilities::RESERVE, layer.reserve(Addr::ZERO, Nanos::new(1)).err())?;
    }
    if !abilities.contains(Abilities::COUNTERS) {
        missing(Abilities::COUNTERS, layer.counters().err())?;
    }
    Ok(())
}

fn leaves(subject: &mut impl Subject) -> Checked {
    if !has(subject, Abilities::SEE_LEAVES) {
        return Ok(());
    }
    let block = touch_block(subject, 0, 20);
    touch_block(subject, 2, 3);
    let whole = all_leaves(subject, 1000)?;
    expect("the number of leaves", whole.len(), 23)?;
    expect("the first leaf's page", whole[0].page, Page::containing(block, PageSize::Size4K))?;
    expect("rising addresses", whole.is_sorted_by(|one, next| one.page.start() < next.page.start()), true)?;
    for most in [1, 2, 7, 23] {
        expect("leaves in parts", all_leaves(subject, most)? == whole, true)?;
    }
    Ok(())
}

fn block(subject: &mut impl Subject) -> Checked {
    if !has(subject, Abilities::SEE_LEAVES) {
        return Ok(());
    }
    let space = subject.space();
    let block = subject.first_block();
    let ask = |subject: &mut dyn Layer, at| subject.block(space, at).map(|found| found.value);
    expect("an untouched block", ask(subject.layer(), block), Ok(Block::Empty))?;
    touch_block(subject, 0, 9);
    match ask(subject.layer(), block.offset_by(5 * BASE)) {
        Ok(Block::Base { present: 9, .. }) => {}
        other => return Err(format!("nine base pages: found {other:?}")),
    }
    if has(subject, Abilities::COLLAPSE) {
        collapse(subject, block, CollapseInto::Any)?;
        expect("a collapsed block", ask(subject.layer(), block), Ok(Block::Huge))?;
    }
    Ok(())
}

fn accessed(subject: &mut impl Subject) -> Checked {
    if !has(subject, Abilities::ACCESSED_BITS) {
        return Ok(());
    }
    let block = touch_block(subject, 0, 5);
    let (space, span) = (subject.space(), Span { start: block, bytes: HUGE });
    let mut used = |op| {
        let mut used = Vec::new();
        let asked = subject.layer().accessed(space, span, op, FlushScope::Pages, &mut used);
        done("accessed", asked)?;
        Ok::<_, String>(used.len())
    };
    expect("used pages", used(AccessedOp::Read)?, 5)?;
    expect("used pages, read again", used(AccessedOp::ReadAndClear)?, 5)?;
    expect("used pages after they were cleared", used(AccessedOp::Read)?, 0)
}

fn changes(subject: &mut impl Subject) -> Checked {
    if !has(subject, Abilities::CHANGES) {
        return Ok(());
    }
    let space = subject.space();
    let since = |subject: &mut dyn Layer, since| {
        let mut changed = Vec::new();
        let next = done("changes", subject.changes(since, &mut changed))?;
        Ok::<_, String>((changed, next))
    };
    let (listed, begins) = since(subject.layer(), u64::MAX)?;
    expect("what the number to begin with lists", listed, Vec::new())?;
    let block = touch_block(subject, 1, 2);
    let (changed, next) = since(subject.layer(), begins)?;
    expect("changes since a block was touched", changed, alloc::vec![Cursor { space, at: block }])?;
    expect("changes since then", since(subject.layer(), next)?, (Vec::new(), next))?;
    let other = touch_block(subject, 3, 1);
    let (changed, _) = since(subject.layer(), next)?;
    expect("changes since another was touched", changed, alloc::vec![Cursor { space, at: other }])
}

fn counters(subject: &mut impl Subject) -> Checked {
    if !has(subject, Abilities::COUNTERS) {
        return Ok(());
    }
    let before = done("counters", subject.layer().counters())?;
    touch_block(subject, 0, 1);
    let after = done("counters", subject.layer().counters())?;
    expect("whether walks were forgotten", after.walks < before.walks, false)
}

fn size(subject: &mut impl Subject) -> Checked {
    if !has(subject, Abilities::CHOOSE_SIZE | Abilities::SEE_LEAVES) {
        return Ok(());
    }
    let (space, first) = (subject.space(), subject.first_block());
    let second = first.offset_by(HUGE);
    subject.touch_with(&mut Answers::to_faults(Placement::Huge(Effort::Light)), first.offset_by(5 * BASE));
    subject.touch_with(&mut Answers::to_faults(Placement::Default), second);
    expect("a block with a huge page", done("block", subject.layer().block(space, first))?, Block::Huge)?;
    let base = done("block", subject.layer().block(space, second))?;
    expect("whether a base page is one", matches!(base, Block::Base { present: 1, .. }), true)?;
    // There is no room for a huge page beside it.
    let beside = second.offset_by(7 * BASE);
    subject.touch_with(&mut Answers::to_faults(Placement::Huge(Effort::Light)), beside);
    let base = done("block", subject.layer().block(space, second))?;
    expect("whether the next is one, too", matches!(base, Block::Base { present: 2, .. }), true)
}

fn frame(subject: &mut impl Subject) -> Checked {
    if !has(subject, Abilities::CHOOSE_FRAME | Abilities::SEE_LEAVES | Abilities::SEE_FREE) {
        return Ok(());
    }
    let first = subject.first_block();
    let mut extents = Vec::new();
    done("free", subject.layer().free(Bytes::new(2 * HUGE), &mut extents))?;
    let Some(extent) = extents.last() else { return Err("no free memory".into()) };
    let whole = Addr::<Lower>::truncate(extent.start.get().next_multiple_of(HUGE));
    subject.touch_with(&mut Answers::to_faults(Placement::HugeAt(whole)), first);
    let huge = frames(subject, first)?;
    let together = huge.iter().all(|&(part, at)| at == whole.offset_by(part * BASE));
    expect("whether a huge page lies in the block that was named", (huge.len(), together), (512, true))?;
    let second = first.offset_by(HUGE);
    done("free", subject.layer().free(Bytes::new(BASE), &mut extents))?;
    let Some(at) = extents.last().map(|extent| extent.start) else { return Err("no free memory".into()) };
    let mut named = Answers::to_faults(Placement::Frame(at));
    subject.touch_with(&mut named, second);
    expect("where a page is", frames(subject, second)?, alloc::vec![(0, at)])?;
    subject.touch_with(&mut named, second.offset_by(BASE));
    let found = frames(subject, second)?;
    let elsewhere = matches!(found[..], [(0, one), (1, other)] if one == at && other != at);
    expect("whether a page whose frame is used is elsewhere", elsewhere, true)
}

fn address(subject: &mut impl Subject) -> Checked {
    /// What is mapped: no whole blocks.
    const BYTES: u64 = 3 * HUGE + BASE;
    if !has(subject, Abilities::CHOOSE_ADDRESS | Abilities::SEE_LEAVES) {
        return Ok(());
    }
    let space = subject.space();
    let mut map = |answer| {
        let at = subject.map_with(&mut Answers::to_maps(answer), Bytes::new(BYTES));
        let mut regions: Vec<Region> = Vec::new();
        done("regions", subject.layer().regions(space, &mut regions))?;
        let region = regions.iter().find(|region| Some(region.span.start) == at);
        region.map(|region| region.span).ok_or_else(|| format!("no region at {at:?}"))
    };
    let aligned = map(VirtualPlacement::Aligned)?;
    expect("the start of an aligned region", aligned.start.get() % HUGE, 0)?;
    let whole = map(VirtualPlacement::Whole)?;
    expect("the start of a region of whole blocks", whole.start.get() % HUGE, 0)?;
    expect("its length", whole.bytes, 4 * HUGE)?;
    let there = Addr::truncate(whole.start.get() - 64 * HUGE);
    expect("the start that was named", map(VirtualPlacement::At(there))?.start, there)?;
    let taken = map(VirtualPlacement::At(there))?;
    expect("whether a region that has no room there is elsewhere", taken.start == there, false)
}

fn messages(subject: &mut impl Subject) -> Checked {
    if !has(subject, Abilities::MESSAGES) {
        return Ok(());
    }
    let (peer, space) = (subject.layer().role(), subject.space());
    let message = Message { peer, space, kind: 1, words: alloc::vec![2, 3] };
    done("send", subject.layer().send(message))
}

fn collapse_in_place(subject: &mut impl Subject) -> Checked {
    if !has(subject, Abilities::COLLAPSE | Abilities::SPLIT | Abilities::SEE_LEAVES) {
        return Ok(());
    }
    let block = touch_block(subject, 0, 512);
    collapse(subject, block, CollapseInto::Any)?;
    let action = Action::Split { space: subject.space(), page: Page::containing(block, PageSize::Size2M) };
    done("split", subject.layer().apply(&action))?;
    let before = frames(subject, block)?;
    collapse(subject, block, CollapseInto::InPlace)?;
    expect("the frames of all pages", frames(subject, block)?, before)
}

fn collapse_by_copy(subject: &mut impl Subject) -> Checked {
    if !has(subject, Abilities::COLLAPSE | Abilities::SEE_LEAVES | Abilities::SEE_FREE) {
        return Ok(());
    }
    let block = touch_block(subject, 0, 500);
    let free = free_bytes(subject)?;
    let frame = collapse(subject, block, CollapseInto::Any)?;
    let after = frames(subject, block)?;
    expect("pages that are mapped", after.len(), 512)?;
    let together = after.iter().all(|&(part, at)| at == frame.offset_by(part * BASE));
    expect("whether they lie in the block that was named", together, true)?;
    // Twelve pages more are mapped; a page table may have been given back.
    let spent = free.get().saturating_sub(free_bytes(subject)?.get());
    expect("whether what it had is free", spent <= 12 * BASE, true)
}

fn split(subject: &mut impl Subject) -> Checked {
    if !has(subject, Abilities::COLLAPSE | Abilities::SPLIT | Abilities::SEE_LEAVES) {
        return Ok(());
    }
    let block = touch_block(subject, 1, 512);
    collapse(subject, block, CollapseInto::Any)?;
    let before = frames(subject, block)?;
    let action = Action::Split { space: subject.space(), page: Page::containing(block, PageSize::Size2M) };
    done("split", subject.layer().apply(&action))?;
    expect("the frames of all pages", frames(subject, block)?, before)?;
    let again = subject.layer().apply(&action).map(|applied| applied.value);
    expect("splitting what is split", again, Err(Refused::Gone))
}

fn migrate(subject: &mut impl Subject) -> Checked {
    if !has(subject, Abilities::MIGRATE | Abilities::SEE_LEAVES | Abilities::SEE_FREE) {
        return Ok(());
    }
    let block = touch_block(subject, 0, 2);
    let mut extents: Vec<Extent> = Vec::new();
    done("free", subject.layer().free(Bytes::new(BASE), &mut extents))?;
    let Some(to) = extents.last().map(|extent| extent.start) else { return Err("no free memory".into()) };
    let space = subject.space();
    let page = Page::containing(block, PageSize::Size4K);
    let stays = frames(subject, block)?[1];
    let action = Action::Migrate { space, page, to: Some(to) };
    done("migrate", subject.layer().apply(&action))?;
    expect("where the pages are", frames(subject, block)?, alloc::vec![(0, to), stays])?;
    let taken = Action::Migrate { space, page, to: Some(stays.1) };
    let answer = subject.layer().apply(&taken).map(|applied| applied.value);
    expect("a migration to a frame that is used", answer, Err(Refused::Busy))?;
    expect("where the pages are after that", frames(subject, block)?, alloc::vec![(0, to), stays])
}

fn populate(subject: &mut impl Subject) -> Checked {
    if !has(subject, Abilities::CHOOSE_FRAME | Abilities::SEE_LEAVES | Abilities::SEE_FREE) {
        return Ok(());
    }
    let block = touch_block(subject, 0, 1);
    let mut extents: Vec<Extent> = Vec::new();
    done("free", subject.layer().free(Bytes::new(BASE), &mut extents))?;
    let Some(at) = extents.last().map(|extent| extent.start) else { return Err("no free memory".into()) };
    let (space, stays) = (subject.space(), frames(subject, block)?[0]);
    let page = Page::containing(block, PageSize::Size4K);
    let over = Action::Populate { space, page, at };
    let answer = subject.layer().apply(&over).map(|applied| applied.value);
    expect("a page that is there already", answer, Err(Refused::Busy))?;
    done("populate", subject.layer().apply(&Action::Populate { space, page: page.next(), at }))?;
    expect("where the pages are", frames(subject, block)?, alloc::vec![stays, (1, at)])?;
    let taken = Action::Populate { space, page: page.next().next(), at };
    let answer = subject.layer().apply(&taken).map(|applied| applied.value);
    expect("a frame that is used", answer, Err(Refused::Busy))?;
    expect("where the pages are after that", frames(subject, block)?, alloc::vec![stays, (1, at)])
}

fn direct(subject: &mut impl Subject) -> Checked {
    let abilities = Abilities::DIRECT | Abilities::MIGRATE | Abilities::SEE_LEAVES | Abilities::SEE_FREE;
    if !has(subject, abilities) {
        return Ok(());
    }
    let block = touch_block(subject, 0, 1);
    let (space, (_, base)) = (subject.space(), frames(subject, block)?[0]);
    let page = Page::containing(block, PageSize::Size4K);
    let set = |pages| {
        let segment = DirectSegment { start: block, base, bytes: Bytes::new(pages * BASE) };
        Action::Direct { space, segment: Some(segment) }
    };
    let longer = subject.layer().apply(&set(2)).map(|applied| applied.value);
    expect("a segment with a page that is not there", longer, Err(Refused::Denied))?;
    done("a direct segment", subject.layer().apply(&set(1)))?;
    let away = Action::Migrate { space, page, to: None };
    let answer = subject.layer().apply(&away).map(|applied| applied.value);
    expect("a migration out of a segment", answer, Err(Refused::Denied))?;
    done("no direct segment", subject.layer().apply(&Action::Direct { space, segment: None }))?;
    done("migrate", subject.layer().apply(&away)).map(|_| ())
}

fn exchange(subject: &mut impl Subject) -> Checked {
    if !has(subject, Abilities::EXCHANGE | Abilities::SEE_LEAVES | Abilities::SEE_FREE) {
        return Ok(());
    }
    let block = touch_block(subject, 0, 2);
    let (before, free) = (frames(subject, block)?, free_bytes(subject)?);
    let one = Page::containing(block, PageSize::Size4K);
    let action = Action::Exchange { space: subject.space(), pages: [one, one.next()] };
    done("exchange", subject.layer().apply(&action))?;
    let expected = alloc::vec![(0, before[1].1), (1, before[0].1)];
    expect("where the pages are", frames(subject, block)?, expected)?;
    expect("free memory", free_bytes(subject)?, free)
}

fn reserve(subject: &mut impl Subject) -> Checked {
    if !has(subject, Abilities::RESERVE | Abilities::SEE_FREE) {
        return Ok(());
    }
    let mut extents = Vec::new();
    done("free", subject.layer().free(Bytes::new(2 * HUGE), &mut extents))?;
    let Some(found) = extents.last() else { return Err("no free memory".into()) };
    let at = Addr::<Lower>::truncate(found.start.get().next_multiple_of(HUGE));
    let free = free_bytes(subject)?;
    let reserved = done("reserve", subject.layer().reserve(at, Nanos::new(u64::MAX)))?;
    expect("free memory", free_bytes(subject)?.get(), free.get() - HUGE)?;
    let again = subject.layer().reserve(at, Nanos::new(u64::MAX)).map(|id| id.value);
    expect("reserving it again", again, Err(Refused::Busy))?;
    let released = done("release", subject.layer().release(reserved))?;
    expect("what was released", released, Bytes::new(HUGE))?;
    expect("free memory after that", free_bytes(subject)?, free)?;
    let gone = subject.layer().release(reserved).map(|freed| freed.value);
    expect("releasing it again", gone, Err(Refused::Gone))
}
