//! A virtual machine with all its layers but the host: what its CPUs walk, and who serves their faults.
//!
//! The rule: layers act downward only. What a kernel changes is settled in the layers below it, and in the composed
//! tables, before the access that caused it goes on.

use terrace_addr::{Access, AccessKind, Addr, Bytes, Ghpa, Gpa, Gva, Hpa, Hva, Span};
use terrace_kernel::{
    Composed, Decision, Kernel, KernelError, Pending, Placed, SecondaryTable, Shadow, Trap, Vm,
};
use terrace_mmu::{AsTheyAre, DirectSegment, Fault, Identity, Mmu, Stopped, Tables};
use terrace_policy::{Advice, Role, SpaceId};
use terrace_table::{Ept, X86};

use super::bill::{Bill, Exit, Flush};
use super::happened::Happened;
use super::layer::LayerState;

mod extended;
mod nested;
mod shadowed;

pub(crate) use extended::Extended;
pub(crate) use nested::Nested;
pub(crate) use shadowed::{FLUSH_CEILING, Shadowed};

/// A guest's kernel.
pub(crate) type Guest = LayerState<Gva, Gpa>;

/// What is below all virtual machines: the machine's memory, and who owns it.
#[derive(Debug, Clone)]
pub(crate) enum Ground {
    /// A kernel that runs programs itself.
    Native(Box<LayerState<Gva, Hpa>>),
    /// A hypervisor.
    Host(Box<LayerState<Hva, Hpa>>),
}

/// A virtual machine with all its layers but the host.
#[derive(Debug, Clone)]
pub(crate) enum Stage {
    /// None: its programs run on the host's kernel.
    Native,
    /// A guest on an extended page table.
    Extended(Box<Extended>),
    /// A guest whose page tables are shadowed.
    Shadow(Box<Shadowed>),
    /// A guest on a guest hypervisor, whose extended page table is shadowed.
    Nested(Box<Nested>),
}

/// What ended a run early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// A kernel could not go on.
    Kernel(Role, KernelError),
    /// A program touched what it had not mapped.
    Program(Addr<Gva>),
    /// A guest's kernel went beyond its memory.
    Outside(u64),
}

/// What a layer has to do for those above it.
pub(crate) fn at<T>(role: Role, result: Result<T, KernelError>) -> Result<T, End> {
    result.map_err(|error| match error {
        KernelError::NoArea { addr } if role == Role::Guest => End::Program(Addr::truncate(addr)),
        error => End::Kernel(role, error),
    })
}

impl Ground {
    /// The hypervisor.
    pub(crate) fn host(&mut self) -> &mut LayerState<Hva, Hpa> {
        match self {
            Self::Host(host) => host,
            Self::Native(_) => unreachable!("virtual machines are made on a host only"),
        }
    }
}

impl Stage {
    /// The address space of the host that holds this machine's memory.
    pub(crate) fn space(&self) -> Option<SpaceId> {
        match self {
            Self::Native => None,
            Self::Extended(stage) => Some(stage.vm.space()),
            Self::Shadow(stage) => Some(stage.vm.space()),
            Self::Nested(stage) => Some(stage.outer.space()),
        }
    }

    /// The EPT root that its CPUs walk; 0 for none.
    pub(crate) fn root(&self, vm: usize) -> u16 {
        match self {
            Self::Native | Self::Shadow(_) => 0,
            Self::Extended(stage) if stage.segments.is_some() => 0,
            Self::Extended(_) | Self::Nested(_) => super::flush::tag(vm),
        }
    }

    /// The memory that segments translate.
    pub(crate) fn segment_bytes(&self) -> Bytes {
        match self {
            Self::Extended(stage) => {
                stage.segments.map_or(Bytes::ZERO, |segments| segments.low.size + segments.high.size)
            }
            Self::Native | Self::Shadow(_) | Self::Nested(_) => Bytes::ZERO,
        }
    }

    /// A kernel of this machine touches a range of its memory itself.
    pub(crate) fn touch(&mut self, layer: Role, start: u64, bytes: u64) {
        let span = || Span { start: Addr::truncate(start), bytes };
        match (self, layer) {
            (Self::Extended(stage), Role::Guest) => stage.guest.kernel.pending().touched.push(span()),
            (Self::Shadow(stage), Role::Guest) => stage.guest.kernel.pending().touched.push(span()),
            (Self::Nested(stage), Role::Guest) => stage.guest.kernel.pending().touched.push(span()),
            (Self::Nested(stage), Role::Hypervisor) => {
                let span = Span { start: Addr::truncate(start), bytes };
                stage.hypervisor.kernel.pending().touched.push(span);
            }
            _ => {}
        }
    }

    /// Runs accesses of an address space on a CPU, in order, until one faults.
    pub(crate) fn run(
        &mut self,
        ground: &mut Ground,
        mmu: &mut Mmu,
        cpu: usize,
        space: SpaceId,
        accesses: &[Access],
    ) -> Result<(), (usize, Fault)> {
        let stopped = |stopped| match stopped {
            Stopped::Fault { at, fault } => (at, fault),
            Stopped::Populate { error, .. } => match error {},
        };
        let populate = &mut AsTheyAre;
        let gone = "a thread runs in an address space that is there";
        mmu.set_direct_segment(cpu, self.direct_segment(ground, space));
        match (self, ground) {
            (Self::Native, Ground::Native(kernel)) => {
                let first = &mut kernel.kernel.space_mut(space).expect(gone).table;
                mmu.run(cpu, Tables { first, below: &mut Identity }, accesses, populate).map_err(stopped)
            }
            (Self::Extended(stage), _) => {
                let first = &mut stage.guest.kernel.space_mut(space).expect(gone).table;
                match &mut stage.segments {
                    None => mmu.run(cpu, Tables { first, below: &mut stage.vm.ept }, accesses, populate),
                    Some(below) => mmu.run(cpu, Tables { first, below }, accesses, populate),
                }
                .map_err(stopped)
            }
            (Self::Shadow(stage), _) => {
                let first = &mut stage.shadows.get_mut(&space).expect(gone).table;
                mmu.run(cpu, Tables { first, below: &mut Identity }, accesses, populate).map_err(stopped)
            }
            (Self::Nested(stage), _) => {
                let first = &mut stage.guest.kernel.space_mut(space).expect(gone).table;
                let below = &mut stage.shadow.table;
                mmu.run(cpu, Tables { first, below }, accesses, populate).map_err(stopped)
            }
            (Self::Native, Ground::Host(_)) => unreachable!("a run is native as a whole"),
        }
    }

    /// The tables that its CPUs walk in place of that of the host's process. Nothing walks EPT01 of a nested machine: what
    /// its guest hypervisor touches itself is backed there as it does.
    pub(crate) fn tables(&mut self) -> Vec<Box<dyn SecondaryTable<Hva, Hpa> + '_>> {
        let mut tables: Vec<Box<dyn SecondaryTable<Hva, Hpa> + '_>> = Vec::new();
        match self {
            Self::Native => {}
            Self::Extended(stage) => tables.push(Box::new(&mut stage.vm)),
            Self::Shadow(stage) => {
                let vm = &stage.vm;
                for shadow in stage.shadows.values_mut() {
                    tables.push(Box::new(Composed { shadow, vm }));
                }
            }
            Self::Nested(stage) => {
                tables.push(Box::new(Composed { shadow: &mut stage.shadow, vm: &stage.outer }));
            }
        }
        tables
    }

    /// What a CPU that runs an address space has in its direct segment's registers.
    fn direct_segment(&self, ground: &Ground, space: SpaceId) -> Option<DirectSegment> {
        let segment = match (self, ground) {
            (Self::Native, Ground::Native(layer)) => layer.kernel.direct_segment(space),
            (Self::Extended(stage), _) => stage.guest.kernel.direct_segment(space),
            (Self::Nested(stage), _) => stage.guest.kernel.direct_segment(space),
            _ => None,
        }?;
        DirectSegment::new(segment.start.reinterpret(), segment.bytes, segment.base.get())
    }

    /// Serves a fault, and settles what that leaves in this machine.
    pub(crate) fn serve(
        &mut self,
        ground: &mut Ground,
        vm: usize,
        space: SpaceId,
        fault: Fault,
        kind: AccessKind,
        bill: &mut Bill,
    ) -> Result<(), End> {
        match self {
            Self::Native => {
                let Ground::Native(kernel) = ground else { unreachable!("a run is native as a whole") };
                let LayerState { kernel, policy, .. } = &mut **kernel;
                at(Role::Guest, kernel.fault(policy.as_mut(), space, page_of(fault), kind))?;
            }
            Self::Extended(stage) => stage.serve(ground.host(), space, fault, kind, bill)?,
            Self::Shadow(stage) => stage.serve(ground.host(), space, fault, kind, bill)?,
            Self::Nested(stage) => stage.serve(ground.host(), space, fault, kind, bill)?,
        }
        self.settle(ground, vm, bill)
    }

    /// Settles what this machine's kernels have left to be done.
    pub(crate) fn settle(&mut self, ground: &mut Ground, vm: usize, bill: &mut Bill) -> Result<(), End> {
        match self {
            Self::Native => {
                let Ground::Native(layer) = ground else { unreachable!("a run is native as a whole") };
                settle_flushes(&mut layer.kernel, vm, bill);
                Ok(())
            }
            Self::Extended(stage) => stage.settle(ground.host(), vm, bill),
            Self::Shadow(stage) => stage.settle(ground.host(), vm, bill),
            Self::Nested(stage) => stage.settle(ground.host(), vm, bill),
        }
    }

    /// Settles what the host, in another machine's turn, has left to be done in the tables that this machine's CPUs walk.
    pub(crate) fn settle_host(&mut self, ground: &mut Ground, vm: usize, bill: &mut Bill) {
        match (self, ground) {
            (Self::Native, _) | (_, Ground::Native(_)) => {}
            (Self::Extended(stage), _) => stage.settle_vm(vm, bill),
            (Self::Shadow(stage), _) => stage.settle_shadows(vm, bill),
            (Self::Nested(stage), Ground::Host(host)) => stage.settle_host(host, vm, bill),
        }
    }

    /// The host changed what backs a range of the process that holds this machine's memory.
    pub(crate) fn host_changed(&mut self, vm: usize, space: SpaceId, span: Span<Hva>, bill: &mut Bill) {
        if self.space() != Some(space) {
            return;
        }
        match self {
            Self::Native => {}
            Self::Extended(stage) => stage.host_changed(vm, span, bill),
            Self::Shadow(stage) => stage.host_changed(vm, span, bill),
            Self::Nested(stage) => stage.host_changed(vm, span, bill),
        }
    }

    /// A decision of the host about this machine's memory.
    pub(crate) fn host_decision(&self, placed: &Placed<Hva, Hpa>) -> Option<Happened> {
        let mut happened = Happened::new(Role::Host, placed);
        // What has no place yet lies at none.
        happened.hpa = Some(placed.lower).filter(|at| at.get() > 0 || placed.decision != Decision::GivenUp);
        let span = Span { start: placed.upper, bytes: placed.size.bytes() };
        if self.space() != Some(placed.space) {
            return None;
        }
        match self {
            Self::Native => {}
            Self::Extended(stage) => happened.gpa = stage.vm.guest_span(span).map(|span| span.start),
            Self::Shadow(stage) => happened.gpa = stage.vm.guest_span(span).map(|span| span.start),
            Self::Nested(stage) => {
                happened.ghpa = stage.outer.guest_span(span).map(|span| span.start);
                happened.gpa = placed.nested.map(Addr::truncate);
            }
        }
        Some(happened)
    }

    /// The kernel that runs programs.
    pub(crate) fn with_guest<T>(&mut self, ground: &mut Ground, work: impl GuestWork<T>) -> T {
        match (self, ground) {
            (Self::Native, Ground::Native(layer)) => work.on(layer),
            (Self::Extended(stage), _) => work.on(&mut stage.guest),
            (Self::Shadow(stage), _) => work.on(&mut stage.guest),
            (Self::Nested(stage), _) => work.on(&mut stage.guest),
            (Self::Native, Ground::Host(_)) => unreachable!("a run is native as a whole"),
        }
    }

    /// Begins a program: an address space.
    pub(crate) fn begin_space(&mut self, ground: &mut Ground) -> Result<SpaceId, End> {
        let space = at(Role::Guest, self.with_guest(ground, BeginSpace))?;
        if let Self::Shadow(stage) = self {
            stage.begin_space(ground.host(), space)?;
        }
        Ok(space)
    }

    /// Maps a region, with room to grow.
    pub(crate) fn map(
        &mut self,
        ground: &mut Ground,
        space: SpaceId,
        bytes: Bytes,
        room: Bytes,
        advice: Advice,
    ) -> Result<Addr<Gva>, End> {
        at(Role::Guest, self.with_guest(ground, Map { space, bytes, room, advice }))
    }

    /// Lets a region grow.
    pub(crate) fn grow(
        &mut self,
        ground: &mut Ground,
        space: SpaceId,
        start: Addr<Gva>,
        by: Bytes,
    ) -> Result<(), End> {
        at(Role::Guest, self.with_guest(ground, Grow { space, start, by }))
    }

    /// Unmaps a range.
    pub(crate) fn unmap(&mut self, ground: &mut Ground, space: SpaceId, span: Span<Gva>) -> Result<(), End> {
        at(Role::Guest, self.with_guest(ground, Unmap { space, span }))
    }
}

/// Work on the kernel that runs programs, whatever it takes for memory.
pub(crate) trait GuestWork<T> {
    fn on<L: terrace_addr::Space>(self, layer: &mut LayerState<Gva, L>) -> T;
}

struct BeginSpace;

impl GuestWork<Result<SpaceId, KernelError>> for BeginSpace {
    fn on<L: terrace_addr::Space>(self, layer: &mut LayerState<Gva, L>) -> Result<SpaceId, KernelError> {
        layer.begin_space()
    }
}

struct Map {
    space: SpaceId,
    bytes: Bytes,
    room: Bytes,
    advice: Advice,
}

impl GuestWork<Result<Addr<Gva>, KernelError>> for Map {
    fn on<L: terrace_addr::Space>(self, layer: &mut LayerState<Gva, L>) -> Result<Addr<Gva>, KernelError> {
        let Self { space, bytes, room, advice } = self;
        layer.kernel.map_with_room(layer.policy.as_mut(), space, bytes, room, advice)
    }
}

struct Grow {
    space: SpaceId,
    start: Addr<Gva>,
    by: Bytes,
}

impl GuestWork<Result<(), KernelError>> for Grow {
    fn on<L: terrace_addr::Space>(self, layer: &mut LayerState<Gva, L>) -> Result<(), KernelError> {
        layer.kernel.grow(self.space, self.start, self.by)
    }
}

struct Unmap {
    space: SpaceId,
    span: Span<Gva>,
}

impl GuestWork<Result<(), KernelError>> for Unmap {
    fn on<L: terrace_addr::Space>(self, layer: &mut LayerState<Gva, L>) -> Result<(), KernelError> {
        layer.kernel.unmap(layer.policy.as_mut(), self.space, self.span)
    }
}

/// The page that a fault is for.
fn page_of(fault: Fault) -> Addr<Gva> {
    match fault {
        Fault::Page { addr, .. } => addr,
        Fault::Extended { .. } | Fault::Segment { .. } | Fault::LogFull { .. } => {
            unreachable!("{fault} where there is one dimension")
        }
    }
}

/// Bills the work of a kernel that runs programs, and asks for the flushes that it needs.
fn settle_flushes<L: terrace_addr::Space>(kernel: &mut Kernel<Gva, L>, vm: usize, bill: &mut Bill) {
    let pending = kernel.pending();
    bill.work(Role::Guest, pending);
    for placed in &pending.placed {
        let mut happened = Happened::new(Role::Guest, placed);
        happened.gva = Some(placed.upper);
        happened.hpa = Some(placed.lower.reinterpret());
        bill.happened.push(happened);
    }
    for stale in &pending.stale {
        bill.flushes.push(Flush::Space { vm, stale: *stale });
    }
    pending.clear();
}

/// Backs what a kernel above has touched itself, through the extended page table of its machine.
fn back_through<G: terrace_addr::Space>(
    vm: &mut Vm<G, Hpa>,
    host: &mut LayerState<Hva, Hpa>,
    span: Span<G>,
    bill: &mut Bill,
) -> Result<(), End> {
    let end = span.start.get() + span.bytes;
    let mut next = span.start.get();
    while next < end {
        let addr = Addr::<G>::truncate(next);
        let page = if let Some(leaf) = vm.ept.lookup(addr) {
            leaf.page
        } else {
            bill.exit(Exit::EptViolation);
            let LayerState { kernel, policy, .. } = host;
            let served = vm.violation(kernel, policy.as_mut(), addr, AccessKind::Store);
            at(Role::Host, served)?.map_err(|_| End::Outside(next))?.page
        };
        next = page.start().get() + page.size().bytes();
    }
    Ok(())
}

/// Notes the decisions of a guest's kernel.
fn note_decisions(pending: &Pending<Gva, Gpa>, bill: &mut Bill) {
    for placed in &pending.placed {
        let mut happened = Happened::new(Role::Guest, placed);
        happened.gva = Some(placed.upper);
        happened.gpa = Some(placed.lower);
        bill.happened.push(happened);
    }
}

/// A write to a table that a hypervisor shadows.
fn bill_trap(trap: Trap, bill: &mut Bill) {
    if trap != Trap::None {
        bill.exit(Exit::WriteProtect);
    }
}

/// The composed table of shadow paging.
type ShadowTable = Shadow<Gva, Gpa, X86, Hpa>;
/// The composed table of nested virtualization, EPT02.
type NestedTable = Shadow<Gpa, Ghpa, Ept, Hpa>;
