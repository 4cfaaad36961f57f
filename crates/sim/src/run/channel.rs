//! Messages between the policies of a machine's layers.
//!
//! The rule: a message reaches only a layer of the machine that it came from, and its receiver hears of it at its next
//! tick.

use terrace_addr::{Hpa, Hva};
use terrace_policy::{Event, Message, Role, SpaceId};

use super::layer::LayerState;
use super::layers::Layers;
use super::stage::{Ground, Stage};

type Host = LayerState<Hva, Hpa>;

impl Layers {
    /// Delivers the messages of a machine's policies, and of the host's to all machines.
    pub(crate) fn deliver(&mut self, vm: usize) {
        let host = match &mut self.ground {
            Ground::Host(host) => host,
            Ground::Native(layer) => {
                // Nobody is below.
                let _unheard = layer.kernel.take_messages();
                return;
            }
        };
        upward(host, &mut self.stages[vm]);
        for message in host.kernel.take_messages() {
            if let Some(stage) = self.stages.iter_mut().find(|stage| stage.space() == Some(message.space)) {
                downward(stage, message);
            }
        }
    }
}

/// From a machine's layers to those below them, and from its guest hypervisor to its guest.
fn upward(host: &mut Host, machine: &mut Stage) {
    let Some(outer) = machine.space() else { return };
    let mut at_host = |from: Role, message: Message| tell(host, from, outer, message);
    match machine {
        Stage::Native => {}
        Stage::Extended(stage) => {
            for message in stage.guest.kernel.take_messages() {
                at_host(Role::Guest, message);
            }
        }
        Stage::Shadow(stage) => {
            for message in stage.guest.kernel.take_messages() {
                at_host(Role::Guest, message);
            }
        }
        Stage::Nested(stage) => {
            for message in stage.guest.kernel.take_messages() {
                if message.peer == Role::Hypervisor {
                    tell(&mut stage.hypervisor, Role::Guest, stage.inner.space(), message);
                } else {
                    at_host(Role::Guest, message);
                }
            }
            for message in stage.hypervisor.kernel.take_messages() {
                if message.peer == Role::Guest {
                    tell(&mut stage.guest, Role::Hypervisor, stage.inner.space(), message);
                } else {
                    at_host(Role::Hypervisor, message);
                }
            }
        }
    }
}

/// From the host to a machine's layers.
fn downward(machine: &mut Stage, message: Message) {
    let space = message.space;
    match machine {
        Stage::Native => {}
        Stage::Extended(stage) => tell(&mut stage.guest, Role::Host, space, message),
        Stage::Shadow(stage) => tell(&mut stage.guest, Role::Host, space, message),
        Stage::Nested(stage) if message.peer == Role::Hypervisor => {
            tell(&mut stage.hypervisor, Role::Host, space, message);
        }
        Stage::Nested(stage) => tell(&mut stage.guest, Role::Host, space, message),
    }
}

fn tell<U: terrace_addr::Space, L: terrace_addr::Space>(
    layer: &mut LayerState<U, L>,
    from: Role,
    space: SpaceId,
    message: Message,
) {
    layer.kernel.tell(Event::Message(Message { peer: from, space, ..message }));
}
