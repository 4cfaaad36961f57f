//! Memory nodes, and what differs between the sockets that reach them.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use terrace_addr::convert;

use crate::Source;
use crate::quantity::{Bandwidth, Quantity, Size, Time};

/// A memory node: memory that is equally far from a socket, all of it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemoryNode {
    /// What it is made of, in a word: `"dram"`, `"pmem"`, `"cxl"`. Nothing but its name depends on it.
    pub kind: String,
    /// How much it holds, `"64 GiB"`.
    pub size: Size,
    /// The time of an access that misses every cache, `"80 ns"`, from each socket.
    pub latency: PerSocket<Time>,
    /// What it transfers in a second, `"68.3 GB/s"`, to each socket.
    pub bandwidth: PerSocket<Bandwidth>,
    /// Where the numbers come from.
    pub source: Source,
}

/// A quantity for each socket.
///
/// In a machine file it is one value for all of them, `latency = "80 ns"`, or a list with one value a socket,
/// `latency = ["80 ns", "138 ns"]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PerSocket<T> {
    /// The same for every socket.
    All(T),
    /// That of socket 0, of socket 1, and so on.
    Each(Vec<T>),
}

impl<T: Copy> PerSocket<T> {
    /// That of `socket`; `None` if there is a list, and it ends before.
    pub fn of(&self, socket: u32) -> Option<T> {
        match self {
            Self::All(value) => Some(*value),
            Self::Each(values) => values.get(convert::index32(socket)).copied(),
        }
    }

    /// The values as they are written: one, or one a socket.
    pub fn values(&self) -> &[T] {
        match self {
            Self::All(value) => core::slice::from_ref(value),
            Self::Each(values) => values,
        }
    }
}

impl<'de, T: Quantity> Deserialize<'de> for PerSocket<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrList(PhantomData))
    }
}

/// Reads either form by hand: serde's untagged enums lose the reason why neither fits.
struct OneOrList<T>(PhantomData<T>);

impl<'de, T: Quantity> Visitor<'de> for OneOrList<T> {
    type Value = PerSocket<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with its unit, such as {:?}, or a list with one for each socket", T::WHAT, T::EXAMPLE)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<PerSocket<T>, E> {
        text.parse().map(PerSocket::All).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<PerSocket<T>, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        Ok(PerSocket::Each(values))
    }
}

#[cfg(all(test, feature = "files"))]
mod tests {
    use alloc::collections::BTreeMap;
    use alloc::string::ToString;

    use super::*;
    use crate::builtin;

    fn latency(text: &str) -> Result<PerSocket<Time>, String> {
        let table: Result<BTreeMap<String, PerSocket<Time>>, _> = toml::from_str(text);
        table.map(|mut table| table.remove("latency").unwrap()).map_err(|error| error.message().to_string())
    }

    fn time(text: &str) -> Time {
        text.parse().unwrap()
    }

    #[test]
    fn one_value_is_that_of_every_socket() {
        let all = latency(r#"latency = "80 ns""#).unwrap();
        assert_eq!(all, PerSocket::All(time("80 ns")));
        assert_eq!((all.of(0), all.of(7)), (Some(time("80 ns")), Some(time("80 ns"))));
        assert_eq!(all.values(), [time("80 ns")]);
    }

    #[test]
    fn a_list_has_a_value_for_each_socket() {
        let each = latency(r#"latency = ["80 ns", "138 ns"]"#).unwrap();
        assert_eq!((each.of(0), each.of(1), each.of(2)), (Some(time("80 ns")), Some(time("138 ns")), None));
        assert_eq!(each.values(), [time("80 ns"), time("138 ns")]);
    }

    #[test]
    fn what_is_neither_is_an_error() {
        let error = |text: &str| latency(text).unwrap_err();
        assert_eq!(
            error("latency = 80"),
            "invalid type: integer `80`, expected a time with its unit, such as \"80 ns\", or a list with one for \
             each socket"
        );
        assert_eq!(
            error("latency = [80]"),
            "invalid type: integer `80`, expected a time with its unit, such as \"80 ns\""
        );
        assert_eq!(
            error(r#"latency = ["80 ns", "138"]"#),
            r#"found "138" without a unit; expected a time in ps, ns, us, ms or s"#
        );
    }

    #[test]
    fn nodes_are_sorted_by_distance_from_socket_0_then_by_name() {
        let mut machine = builtin("broadwell-e5-2620v4", &[]).unwrap();
        let far = machine.memory["dram1"].clone();
        machine.memory.insert("a".into(), far.clone());
        machine.memory.insert("z".into(), MemoryNode { latency: PerSocket::All(time("1 ns")), ..far });
        let names = machine.nodes().iter().map(|(name, _)| *name).collect::<Vec<_>>();
        assert_eq!(names, ["z", "dram0", "a", "dram1"]);
    }

    #[test]
    fn latencies_of_nodes_are_whole_cycles_rounded_down() {
        let machine = builtin("broadwell-e5-2620v4", &[]).unwrap();
        let node = &machine.memory["dram1"];
        // 145 ns and 95 ns at 2.1 GHz: 304.5 and 199.5 cycles.
        assert_eq!(machine.node_latency(node, 0).get(), 304);
        assert_eq!(machine.node_latency(node, 1).get(), 199);
    }
}
