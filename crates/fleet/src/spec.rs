//! What a fleet is made of.

use serde::{Deserialize, Serialize};
use terrace_addr::Bytes;

use crate::FleetError;
use crate::units::Cores;

/// What a VM needs of its server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Demand {
    /// Cores.
    pub cores: Cores,
    /// Memory, in bytes; at least 1.
    pub memory: u64,
}

/// Servers of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerClass {
    /// Its name.
    pub name: String,
    /// How many there are.
    pub count: u32,
    /// The cores of each.
    pub cores: Cores,
    /// The memory of each.
    pub memory: Bytes,
}

/// A fleet: servers by kind. In the order of all servers (the first, the last, which is switched on next) those of each
/// kind are spread evenly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetSpec {
    /// The kinds.
    pub classes: Vec<ServerClass>,
    /// Memory is given out in multiples of this: a VM's is rounded up to one, a server's down.
    pub granule: Bytes,
}

/// The servers of the thesis's simulation (Yuhala 2018, its committed code): 24 cores and 192 GB each.
pub const THESIS_CORES: Cores = Cores::whole(24);
/// Their memory.
pub const THESIS_MEMORY: Bytes = Bytes::new(192 << 30);
/// How many there are.
pub const THESIS_SERVERS: u32 = 20_000;

impl FleetSpec {
    /// Servers that are all alike, with memory that is given out byte by byte.
    pub fn alike(count: u32, cores: Cores, memory: Bytes) -> Self {
        let class = ServerClass { name: "server".to_owned(), count, cores, memory };
        Self { classes: vec![class], granule: Bytes::new(1) }
    }

    /// How many servers there are.
    pub fn servers(&self) -> u64 {
        self.classes.iter().map(|class| u64::from(class.count)).sum()
    }

    /// Checks that there is a server, that every server has something to give, and that numbers of servers and bytes fit.
    ///
    /// # Errors
    /// If not.
    pub fn check(&self) -> Result<(), FleetError> {
        let wrong = |found: String, expected: &'static str| Err(FleetError::Fleet { found, expected });
        if self.servers() == 0 || self.servers() > MOST_SERVERS {
            return wrong(format!("{} servers", self.servers()), "from 1 to 100000000 servers");
        }
        if self.granule == Bytes::ZERO {
            return wrong("a granule of 0 bytes".to_owned(), "at least 1 byte");
        }
        let mut rest = Some(MOST_MEMORY);
        for class in self.classes.iter().filter(|class| class.count > 0) {
            rest =
                class.memory.get().checked_mul(u64::from(class.count)).and_then(|all| rest?.checked_sub(all));
            if class.cores == Cores::ZERO || self.memory(class) == 0 || rest.is_none() {
                let found = format!("servers `{}` of {} cores and {}", class.name, class.cores, class.memory);
                return wrong(
                    found,
                    "some cores, at least a granule of memory, and at most 4 EiB in all servers",
                );
            }
        }
        Ok(())
    }

    /// The memory of a server that can be given out, in bytes.
    pub fn memory(&self, class: &ServerClass) -> u64 {
        let granule = self.granule.get().max(1);
        class.memory.get() / granule * granule
    }

    /// A demand, as it is given out.
    pub fn rounded(&self, demand: Demand) -> Demand {
        let granule = self.granule.get().max(1);
        let memory = demand.memory.max(1).div_ceil(granule).saturating_mul(granule);
        Demand { memory, ..demand }
    }

    /// Whether an empty server of this kind holds it.
    pub fn holds(&self, class: &ServerClass, demand: Demand) -> bool {
        class.count > 0 && class.cores >= demand.cores && self.memory(class) >= self.rounded(demand).memory
    }
}

/// The most servers: what is known of so many is some gigabytes, and their numbers leave a bit of 32.
const MOST_SERVERS: u64 = 100_000_000;
/// The most memory of all servers: sums of it stay within 64 bits.
const MOST_MEMORY: u64 = 1 << 62;

/// How a result names a kind of servers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassUsed {
    /// Its name.
    pub name: String,
    /// How many there are.
    pub count: u32,
    /// The cores of each.
    pub cores: f64,
    /// The memory of each.
    pub memory_bytes: u64,
}

impl From<&ServerClass> for ClassUsed {
    fn from(class: &ServerClass) -> Self {
        Self {
            name: class.name.clone(),
            count: class.count,
            cores: class.cores.as_f64(),
            memory_bytes: class.memory.get(),
        }
    }
}
