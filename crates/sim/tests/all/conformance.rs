//! The simulated layers guarantee what the seam asks of any layer.

use terrace_addr::{AccessKind, Addr, Bytes, Gpa, Gva, Hpa, Hva, Space, Upper};
use terrace_frames::NodeSpec;
use terrace_kernel::{Kernel, KernelCosts, Settings};
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
        let leaf = self.kernel.fault(&mut Default, self.space, at.reinterpret(), AccessKind::Store).unwrap();
        // As the walk that follows does.
        let table = &mut self.kernel.space_mut(self.space).unwrap().table;
        let _stale =
            table.replace(leaf.page, leaf.frame, leaf.flags | LeafFlags::ACCESSED | LeafFlags::DIRTY);
    }
}

#[test]
fn a_guests_kernel_conforms() {
    assert_eq!(check(|| Simulated::<Gva, Gpa>::new(Role::Guest)), []);
}

#[test]
fn a_host_conforms() {
    assert_eq!(check(|| Simulated::<Hva, Hpa>::new(Role::Host)), []);
}
