//! Virtual machines and the programs in them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use terrace_addr::{Bytes, Nanos};

use crate::{Parameters, units};

/// A virtual machine; in mode native a group of programs that run on the host itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Vm {
    /// Its name, by which results and `--set` name it: letters, digits, `-` and `_`, no number and no key of a VM.
    /// Default `vm0` for the first one, `vm1` for the next, and so on.
    #[serde(default)]
    pub name: String,
    /// How its addresses are translated, a name of `terrace list modes`: `native`, `2d`, `shadow` or `nested`. A machine
    /// behind a base and a limit is one in mode `2d` whose host's system sets them. Default `2d`.
    #[serde(default = "default_mode")]
    pub mode: String,
    /// Its virtual CPUs; at least 1. Default 1.
    #[serde(default = "one")]
    pub vcpus: u32,
    /// The CPUs of the machine that its vCPUs are pinned to, one for each vCPU, from 0. Default, and if the list is
    /// empty: they are not pinned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cpus: Vec<u32>,
    /// The memory of the guest, `"8 GiB"`, a multiple of 4 KiB and at most 1023 GiB of one piece. Needed in every mode but native, where the programs
    /// have the host's and this is ignored.
    #[serde(default, with = "units::bytes")]
    #[schemars(with = "String")]
    pub memory: Bytes,
    /// The memory of the guest hypervisor, `"9 GiB"`, a multiple of 4 KiB; used in mode nested only, where it is at
    /// least `memory`. Default: `memory` and an eighth of it, or `memory` and 256 MiB if that is more (assumed: room
    /// for the hypervisor's own tables and kernel).
    #[serde(default, with = "units::bytes")]
    #[schemars(with = "String")]
    pub hypervisor_memory: Bytes,
    /// How far the host-virtual address of its memory lies behind a multiple of 2 MiB, `"4 KiB"`: a multiple of
    /// 4 KiB below 2 MiB. Default `"0 B"`: aligned.
    #[serde(default, with = "units::bytes")]
    #[schemars(with = "String")]
    pub slot_offset: Bytes,
    /// How much of the guest-physical addresses behind `hole_at` is no memory but left to devices, `"1 GiB"`: a multiple
    /// of 2 MiB; used in mode 2d only. A machine whose memory, at its largest, ends at `hole_at` or below has no hole; of
    /// others some memory must lie behind it from the beginning. Default `"0 B"`: none.
    #[serde(default, with = "units::bytes", skip_serializing_if = "is_none")]
    #[schemars(with = "String")]
    pub hole: Bytes,
    /// Where the hole begins, a multiple of 2 MiB and not 0. Default `"3 GiB"` (QEMU's machine `pc`: below 4 GiB).
    #[serde(default = "below_devices", with = "units::bytes", skip_serializing_if = "is_below_devices")]
    #[schemars(with = "String")]
    pub hole_at: Bytes,
    /// Changes of its memory while it runs, in the order of their times; in mode 2d only. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resize: Vec<Resize>,
    /// The programs that run in it; at least one.
    #[serde(default)]
    pub program: Vec<Program>,
}

/// A change of a virtual machine's memory: less is asked back from its guest (a balloon, or the end of its memory), more
/// is given back or plugged in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Resize {
    /// When, from the start of the simulation, `"200 ms"`; not before the change above it.
    #[serde(with = "units::nanos")]
    #[schemars(with = "String")]
    pub at: Nanos,
    /// How much memory the guest is to have from then on, `"1 GiB"`: a multiple of 4 KiB. A guest that cannot give so
    /// much up keeps what it has.
    #[serde(with = "units::bytes")]
    #[schemars(with = "String")]
    pub memory: Bytes,
}

/// A program of a virtual machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// What it does, a name of `terrace list workloads`.
    pub workload: String,
    /// Its threads; 1 to 1024. Default 1.
    #[serde(default = "one")]
    pub threads: u32,
    /// When it starts, from the start of the simulation, `"200 ms"`. Default `"0 s"`.
    #[serde(default, with = "units::nanos")]
    #[schemars(with = "String")]
    pub start: Nanos,
    /// Whether it starts only when the program before it in the list has ended, and then after the time `start`. That
    /// one needs an end: a trace has one, and other workloads where their parameter `operations` gives one. Default
    /// false.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub follows: bool,
    /// Requests that arrive in a second, over all threads, whether or not earlier ones are done (open loop). Only
    /// for workloads that serve requests. Default: none; the next request begins when the last one is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "f64")]
    pub rate: Option<f64>,
    /// Cycles of its own instructions for each access, first-level cache hits included; 0 or more. Default: what
    /// the workload says of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "f64")]
    pub core_cycles: Option<f64>,
    /// Misses that it has in flight at the same time; at least 1, which a pointer chase has. Default: what the
    /// workload says of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "f64")]
    pub parallelism: Option<f64>,
    /// Parameters of the workload, by the names that it declares: numbers, texts with a unit, or words. Default: for
    /// each what the workload declares.
    #[serde(default)]
    pub parameters: Parameters,
}

impl Vm {
    /// The mode whose VMs have no memory of their own.
    pub const NATIVE: &str = "native";
    /// The mode whose VMs run on a guest hypervisor.
    pub const NESTED: &str = "nested";
    /// The mode whose VMs run on an extended page table.
    pub const EXTENDED: &str = "2d";
}

fn default_mode() -> String {
    "2d".into()
}

const BELOW_DEVICES: Bytes = Bytes::new(3 << 30);

fn below_devices() -> Bytes {
    BELOW_DEVICES
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over by reference")]
fn is_below_devices(bytes: &Bytes) -> bool {
    *bytes == BELOW_DEVICES
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over by reference")]
fn is_none(bytes: &Bytes) -> bool {
    *bytes == Bytes::ZERO
}

fn one() -> u32 {
    1
}
