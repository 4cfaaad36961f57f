//! Memory nodes.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};

use terrace_addr::convert;

use super::{Problem, counted};
use crate::quantity::{Bandwidth, Time};
use crate::{MemoryNode, PerSocket};

const MAX_LATENCY: Time = Time::from_picoseconds(1_000_000_000_000);

pub(super) fn check(nodes: &BTreeMap<String, MemoryNode>, sockets: u32) -> Result<(), Problem> {
    if nodes.is_empty() {
        return Err(Problem::new(&["memory"], "no memory node", "at least one, as a table [memory.<name>]"));
    }
    for (name, node) in nodes {
        if node.kind.trim().is_empty() {
            let expected = "a word such as \"dram\", \"pmem\" or \"cxl\"";
            return Err(Problem::new(&["memory", name, "kind"], "an empty text", expected));
        }
        if node.size.bytes().get() == 0 {
            let problem = Problem::new(&["memory", name, "size"], node.size.to_string(), "at least 1 B");
            return Err(problem.with_help(format!(
                "to have none, leave [memory.{name}] out, or give --set memory.{name}=none"
            )));
        }
        one_a_socket(name, "latency", &node.latency, sockets)?;
        one_a_socket(name, "bandwidth", &node.bandwidth, sockets)?;
        if let Some(latency) = node.latency.values().iter().find(|latency| **latency > MAX_LATENCY) {
            let expected = format!("at most {MAX_LATENCY}");
            return Err(Problem::new(&["memory", name, "latency"], latency.to_string(), expected));
        }
        if node.bandwidth.values().contains(&Bandwidth::BytesPerSecond(0)) {
            let expected = "more than 0 B/s, or \"unlimited\"";
            return Err(Problem::new(&["memory", name, "bandwidth"], "0 B/s", expected));
        }
    }
    Ok(())
}

/// A list has one value for each socket.
fn one_a_socket<T>(name: &str, key: &str, values: &PerSocket<T>, sockets: u32) -> Result<(), Problem> {
    match values {
        PerSocket::Each(list) if list.len() != convert::index32(sockets) => {
            let found = format!("a list of {}", counted(convert::count(list.len()), "value", "values"));
            let expected = format!(
                "one value, or a list with one for each of {}",
                counted(sockets.into(), "socket", "sockets")
            );
            Err(Problem::new(&["memory", name, key], found, expected))
        }
        _ => Ok(()),
    }
}
