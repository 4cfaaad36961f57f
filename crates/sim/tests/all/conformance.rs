//! The simulated layers guarantee what the seam asks of any layer.

use terrace_addr::{AccessKind, Addr, Bytes, Gpa, Gva, Hpa, Hva, Space, Upper};
use terrace_frames::NodeSpec;
use terrace_kernel::{Hypervisor, Kernel, KernelCosts, Settings};
use terrace_policy::conformance::{BLOCKS, Subject, check};
use terrace_policy::{Abilities, Advice, Layer, Policy, Role, SpaceId};
use terrace_table::{LeafFlags, Levels};

/// The kernel's own choice for everything.
#[derive(Debug, Clone)]
struct Default;

impl Policy for Default {
    fn requires(&self) -> Abilities {
        Abilities::empty()
    }
}

struct Simulated<U: Space, L: Space> {
    kernel: Kernel<U, L>,
    space: SpaceId,
    first: Addr<U>,
}

impl<U: Space, L: Space> Simulated<U, L> {
    fn new(role: Role) -> Self {
        let settings = Settings {
            role,
            levels: Levels::Four,
            costs: KernelCosts::default(),
            areas_end: 0x7fff_0000_0000,
        };
        let nodes = [NodeSpec { start: Addr::ZERO, bytes: Bytes::new(64 << 20) }];
        let mut kernel = Kernel::new(settings, &nodes).unwrap();
        let space = kernel.begin_space().unwrap();
        let first = Addr::truncate(0x7000_0000_0000);
        let bytes = Bytes::new(BLOCKS << 21);
        kernel.map_at(space, first, bytes, Advice::Default, None).unwrap();
        Self { kernel, space, first }
    }
}

impl<U: Space, L: Space> Subject for Simulated<U, L> {
    fn layer(&mut self) -> &mut dyn Layer {
        &mut self.kernel
    }

    fn space(&self) -> SpaceId {
        self.space
    }

    fn first_block(&self) -> Addr<Upper> {
        self.first.reinterpret()
    }

    fn touch(&mut self, at: Addr<Upper>) {
        touch(&mut self.kernel, &mut Default, self.space, at);
    }

    fn touch_with(&mut self, policy: &mut dyn Policy, at: Addr<Upper>) {
        touch(&mut self.kernel, policy, self.space, at);
    }

    fn map_with(&mut self, policy: &mut dyn Policy, bytes: Bytes) -> Option<Addr<Upper>> {
        self.kernel.map(policy, self.space, bytes, Advice::Default).ok().map(Addr::reinterpret)
    }
}

fn touch<U: Space, L: Space>(
    kernel: &mut Kernel<U, L>,
    policy: &mut dyn Policy,
    space: SpaceId,
    at: Addr<Upper>,
) {
    let leaf = kernel.fault(policy, space, at.reinterpret(), AccessKind::Store).unwrap();
    // As the walk that follows does.
    let table = &mut kernel.space_mut(space).unwrap().table;
    let _stale = table.replace(leaf.page, leaf.frame, leaf.flags | LeafFlags::ACCESSED | LeafFlags::DIRTY);
}

/// A hypervisor's kernel with the tables of its machines: the layer that background work has.
struct WithTables {
    hypervisor: Hypervisor<'static, 'static, Hpa>,
    space: SpaceId,
    first: Addr<Hva>,
}

impl WithTables {
    fn new() -> Self {
        let Simulated { kernel, space, first } = Simulated::new(Role::Host);
        // A subject owns its layer, and this one borrows its kernel: a test may leak it.
        Self {
            hypervisor: Hypervisor { kernel: Box::leak(Box::new(kernel)), tables: Vec::new() },
            space,
            first,
        }
    }
}

impl Subject for WithTables {
    fn layer(&mut self) -> &mut dyn Layer {
        &mut self.hypervisor
    }

    fn space(&self) -> SpaceId {
        self.space
    }

    fn first_block(&self) -> Addr<Upper> {
        self.first.reinterpret()
    }

    fn touch(&mut self, at: Addr<Upper>) {
        touch(self.hypervisor.kernel, &mut Default, self.space, at);
    }

    fn touch_with(&mut self, policy: &mut dyn Policy, at: Addr<Upper>) {
        touch(self.hypervisor.kernel, policy, self.space, at);
    }

    fn map_with(&mut self, policy: &mut dyn Policy, bytes: Bytes) -> Option<Addr<Upper>> {
        let mapped = self.hypervisor.kernel.map(policy, self.space, bytes, Advice::Default);
        mapped.ok().map(Addr::reinterpret)
    }
}

#[test]
fn a_hypervisor_with_its_machines_tables_conforms() {
    assert_eq!(check(WithTables::new), []);
}

#[test]
fn a_guests_kernel_conforms() {
    let tried = Abilities::CHANGES
        | Abilities::COUNTERS
        | Abilities::CHOOSE_SIZE
        | Abilities::CHOOSE_FRAME
        | Abilities::CHOOSE_ADDRESS
        | Abilities::MESSAGES;
    assert!(Simulated::<Gva, Gpa>::new(Role::Guest).layer().abilities().contains(tried));
    assert_eq!(check(|| Simulated::<Gva, Gpa>::new(Role::Guest)), []);
}

#[test]
fn a_host_conforms() {
    assert_eq!(check(|| Simulated::<Hva, Hpa>::new(Role::Host)), []);
}
