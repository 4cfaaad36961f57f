//! The Azure packing trace of 2020 (Hadary et al., "Protean", OSDI'20): a `SQLite` file, as published in a zip.
//!
//! `vm(vmId, tenantId, vmTypeId, priority, starttime, endtime)`: times in days of a window of 14; a negative start means that
//! the VM ran already; no end, that it outlived the 90 days for which ends were recorded. `vmType(id, vmTypeId, machineId,
//! core, memory, hdd, ssd, nic)`: what a type takes of a machine, as shares of it; where a type is not listed it cannot run.
//! How large machines are and how many of each type there are is not published: here all have the size that was asked for,
//! and there are equally many of each (assumed). Priorities are passed over: nothing is evicted. The trace ends with the
//! window.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

use rusqlite::{Connection, OpenFlags, types::ValueRef};
use tempfile::NamedTempFile;
use terrace_addr::{Nanos, convert};

use super::{Bad, Rows, failed, no_trace};
use crate::FleetError;
use crate::error::RowPlace;
use crate::spec::{Demand, FleetSpec, ServerClass};
use crate::trace::{Shape, ShapeId, Trace, TraceBuilder};
use crate::units::Cores;

/// How `SQLite` files begin.
pub(super) const SQLITE: &[u8] = b"SQLite format 3\0";
/// How zip files begin.
pub(super) const ZIP: &[u8] = b"PK\x03\x04";

/// The days of the window, and those for which ends were recorded.
const WINDOW: f64 = 14.0;
const RECORDED: f64 = 90.0;
const DAY: f64 = 86_400e9;

/// Tables, and the columns of them that are read.
const TABLES: [(&str, &[&str]); 2] = [
    ("vmType", &["vmTypeId", "machineId", "core", "memory"]),
    ("vm", &["vmId", "vmTypeId", "starttime", "endtime"]),
];

/// For each type of VMs and of machines, the shares of cores and memory.
type Types = BTreeMap<i64, BTreeMap<i64, (f64, f64)>>;

pub(super) fn read(
    rows: &mut Rows,
    path: &Path,
    fleet: &FleetSpec,
) -> Result<(Trace, FleetSpec), FleetError> {
    let unpacked = unpacked(path)?;
    let database = unpacked.as_ref().map_or(path, NamedTempFile::path);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let reader = Reader { path: path.to_path_buf() };
    let database = reader.did("opening it", Connection::open_with_flags(database, flags))?;
    reader.check(&database)?;
    let types = reader.types(rows, &database)?;
    let mut machines: Vec<i64> = types.values().flat_map(BTreeMap::keys).copied().collect();
    machines.sort_unstable();
    machines.dedup();
    let fleet = of_machines(fleet, &machines);
    let mut builder = TraceBuilder::new();
    builder.classes(fleet.classes.iter().map(|class| class.name.clone()).collect());
    let mut shapes = BTreeMap::new();
    for (id, shares) in &types {
        let demands = machines.iter().zip(&fleet.classes);
        let demands = demands.map(|(machine, class)| shares.get(machine).map(|share| demand(*share, class)));
        let shape = Shape::ByClass(demands.collect());
        match Bad::too_large(&shape, &fleet) {
            Some(bad) => shapes.insert(*id, Err((bad.found, bad.expected))),
            None => shapes.insert(*id, Ok(builder.shape(shape))),
        };
    }
    reader.vms(rows, &database, &shapes, &mut builder)?;
    builder.until(Nanos::new(convert::floor(WINDOW * DAY)));
    Ok((builder.sorted(), fleet))
}

/// What a share of a machine is: rounded up, so that shares that fill a machine may miss it by a thousandth of a core.
fn demand((cores, memory): (f64, f64), class: &ServerClass) -> Demand {
    let whole = f64::from(class.cores.in_thousandths());
    let cores = convert::low32(convert::floor(libm::round(cores * whole)).min(u64::from(u32::MAX)));
    let memory = libm::ceil(memory * convert::ratio(class.memory.get(), 1));
    Demand { cores: Cores::thousandths(cores), memory: convert::floor(memory).clamp(1, class.memory.get()) }
}

/// As many servers of each type of machines, of the size of the first kind of servers.
fn of_machines(fleet: &FleetSpec, machines: &[i64]) -> FleetSpec {
    let Some(size) = fleet.classes.first() else {
        return fleet.clone();
    };
    let kinds = convert::count(machines.len()).max(1);
    let classes = (0..).zip(machines).map(|(number, machine)| {
        // The first types have one more where they do not divide the servers.
        let count = fleet.servers() / kinds + u64::from(number < fleet.servers() % kinds);
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        ServerClass { name: format!("machine-{machine}"), count, ..size.clone() }
    });
    FleetSpec { classes: classes.collect(), granule: fleet.granule }
}

fn damaged(path: &Path) -> impl Fn(zip::result::ZipError) -> FleetError + use<> {
    let path = path.to_path_buf();
    move |error| match error {
        zip::result::ZipError::Io(cause) => failed(&path)(cause),
        other => {
            let expected = "a whole zip with the packing trace\nFetch it again.".to_owned();
            no_trace(&path, format!("a zip that cannot be read ({other})"), expected)
        }
    }
}

/// The database of a zip, in a file of its own.
fn unpacked(path: &Path) -> Result<Option<NamedTempFile>, FleetError> {
    let file = File::open(path).map_err(failed(path))?;
    let mut start = [0; 4];
    if io::Read::read_exact(&mut &file, &mut start).is_err() || start != *ZIP {
        return Ok(None);
    }
    let mut zip = zip::ZipArchive::new(BufReader::new(File::open(path).map_err(failed(path))?))
        .map_err(damaged(path))?;
    let names = zip.file_names().filter_map(|name| Some(name.ok()?.into_owned()));
    let is_database = |name: &String| {
        let ending = Path::new(name).extension();
        ending
            .is_some_and(|ending| ending.eq_ignore_ascii_case("sqlite") || ending.eq_ignore_ascii_case("db"))
    };
    let name = names.into_iter().find(is_database);
    let Some(name) = name else {
        let found = "a zip without a file that ends in .sqlite or .db".to_owned();
        return Err(no_trace(path, found, "the packing trace's".to_owned()));
    };
    let mut member = zip.by_name(&name).map_err(damaged(path))?;
    let mut file = NamedTempFile::new().map_err(failed(path))?;
    io::copy(&mut member, &mut file).map_err(failed(path))?;
    Ok(Some(file))
}

/// Reads the tables of one file.
struct Reader {
    path: std::path::PathBuf,
}

impl Reader {
    fn did<T>(&self, what: &'static str, result: rusqlite::Result<T>) -> Result<T, FleetError> {
        result.map_err(|cause| FleetError::Database { path: self.path.clone(), what, cause })
    }

    /// Checks that the tables and their columns are there.
    fn check(&self, database: &Connection) -> Result<(), FleetError> {
        let names = |query: &str| {
            let mut statement = database.prepare(query)?;
            let names = statement.query_map([], |row| row.get::<_, String>(0))?;
            names.collect::<rusqlite::Result<Vec<String>>>()
        };
        let tables = self
            .did("its tables", names("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"))?;
        for (table, columns) in TABLES {
            let listed = |what: &str, names: &[String]| {
                if names.is_empty() {
                    format!("no {what}")
                } else {
                    format!("the {what} {}", names.join(", "))
                }
            };
            if !tables.iter().any(|name| name == table) {
                let expected = "the tables vm and vmType of the packing trace".to_owned();
                return Err(no_trace(&self.path, listed("tables", &tables), expected));
            }
            let query = format!("SELECT name FROM pragma_table_info('{table}')");
            let found = self.did("the columns of its tables", names(&query))?;
            if let Some(missing) = columns.iter().find(|column| !found.iter().any(|name| name == *column)) {
                let found = format!("{} in the table {table}", listed("columns", &found));
                return Err(no_trace(&self.path, found, format!("a column {missing}")));
            }
        }
        Ok(())
    }

    fn types(&self, rows: &mut Rows, database: &Connection) -> Result<Types, FleetError> {
        let what = "the table vmType";
        let mut types = Types::new();
        let query = "SELECT rowid, vmTypeId, machineId, core, memory FROM vmType ORDER BY rowid";
        let mut statement = self.did(what, database.prepare(query))?;
        let mut found = self.did(what, statement.query([]))?;
        while let Some(row) = self.did(what, found.next())? {
            let number = self.did(what, row.get::<_, i64>(0))?;
            let read = || -> Result<_, Bad> {
                let shares = (share(row, 3, "core")?, share(row, 4, "memory")?);
                Ok((whole(row, 1, "vmTypeId")?, whole(row, 2, "machineId")?, shares))
            };
            match read() {
                Ok((vm, machine, shares)) => {
                    if types.entry(vm).or_default().insert(machine, shares).is_some() {
                        let found = format!("type {vm} on machine {machine} again");
                        rows.bad(
                            RowPlace::Row("vmType", number),
                            Bad::new("vmTypeId", found, "each pair once"),
                        )?;
                    }
                }
                Err(bad) => rows.bad(RowPlace::Row("vmType", number), bad)?,
            }
        }
        Ok(types)
    }

    fn vms(
        &self,
        rows: &mut Rows,
        database: &Connection,
        shapes: &BTreeMap<i64, Result<ShapeId, (String, String)>>,
        builder: &mut TraceBuilder,
    ) -> Result<(), FleetError> {
        let what = "the table vm";
        let mut seen = HashSet::new();
        let query = "SELECT rowid, vmId, vmTypeId, starttime, endtime FROM vm ORDER BY rowid";
        let mut statement = self.did(what, database.prepare(query))?;
        let mut found = self.did(what, statement.query([]))?;
        while let Some(row) = self.did(what, found.next())? {
            let number = self.did(what, row.get::<_, i64>(0))?;
            let mut read = || -> Result<(), Bad> {
                let (vm, kind) = (whole(row, 1, "vmId")?, whole(row, 2, "vmTypeId")?);
                let (start, end) = times(row)?;
                let shape = match shapes.get(&kind) {
                    Some(Ok(shape)) => *shape,
                    Some(Err((found, expected))) => {
                        return Err(Bad::new("size", found.clone(), expected.clone()));
                    }
                    None => {
                        return Err(Bad::new(
                            "vmTypeId",
                            kind.to_string(),
                            "a type that the table vmType has",
                        ));
                    }
                };
                if !seen.insert(vm) {
                    return Err(Bad::new("vmId", format!("{vm} again"), "each VM once"));
                }
                let added = builder.add(shape, start, end);
                added.map(drop).ok_or_else(|| Bad::new("vmId", "a further VM", "fewer than 2^32 VMs"))
            };
            if let Err(bad) = read() {
                rows.bad(RowPlace::Row("vm", number), bad)?;
            }
        }
        Ok(())
    }
}

/// When a VM arrives and, if that is within the window, when it leaves.
fn times(row: &rusqlite::Row<'_>) -> Result<(Nanos, Option<Nanos>), Bad> {
    let start = real(row, 3, "starttime")?;
    let end = match row.get_ref(4) {
        Ok(ValueRef::Null) => None,
        _ => Some(real(row, 4, "endtime")?),
    };
    // Some VMs of the published file start 7157 days before: whatever is negative ran already.
    if start > WINDOW {
        return Err(Bad::new("starttime", start.to_string(), "days up to 14"));
    }
    if let Some(end) = end.filter(|end| *end < start || *end < 0.0 || *end > RECORDED) {
        let found = format!("{end}, of a VM that started at {start}");
        return Err(Bad::new("endtime", found, "days up to 90, not before the window and its start"));
    }
    let nanos = |days: f64| Nanos::new(convert::floor(days.max(0.0) * DAY));
    let (start, end) = (nanos(start), end.filter(|end| *end < WINDOW).map(nanos));
    Ok((start, end.map(|end| if end == start { end + SECOND } else { end })))
}

/// The least that a VM lives: events at one time are sorted with departures first.
const SECOND: Nanos = Nanos::new(1_000_000_000);

fn whole(row: &rusqlite::Row<'_>, column: usize, what: &'static str) -> Result<i64, Bad> {
    row.get(column).map_err(|_| Bad::new(what, shown(row, column), "a whole number"))
}

fn real(row: &rusqlite::Row<'_>, column: usize, what: &'static str) -> Result<f64, Bad> {
    let value = match row.get_ref(column) {
        Ok(ValueRef::Real(value)) if value.is_finite() => Some(value),
        // Whole days may be stored as whole numbers.
        Ok(ValueRef::Integer(value)) => i32::try_from(value).ok().map(f64::from),
        _ => None,
    };
    value.ok_or_else(|| Bad::new(what, shown(row, column), "a number of days"))
}

fn share(row: &rusqlite::Row<'_>, column: usize, what: &'static str) -> Result<f64, Bad> {
    let expected = "a share of a machine, above 0 and at most 1";
    let value = real(row, column, what).map_err(|bad| Bad { expected: expected.to_owned(), ..bad })?;
    if value > 0.0 && value <= 1.0 { Ok(value) } else { Err(Bad::new(what, value.to_string(), expected)) }
}

fn shown(row: &rusqlite::Row<'_>, column: usize) -> String {
    match row.get_ref(column) {
        Ok(ValueRef::Null) => "nothing".to_owned(),
        Ok(ValueRef::Integer(value)) => value.to_string(),
        Ok(ValueRef::Real(value)) => value.to_string(),
        Ok(ValueRef::Text(text)) => {
            format!("`{}`", String::from_utf8_lossy(text).chars().take(40).collect::<String>())
        }
        Ok(ValueRef::Blob(bytes)) => format!("{} bytes", bytes.len()),
        Err(error) => error.to_string(),
    }
}
