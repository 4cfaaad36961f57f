//! Terrace's own CSV: an event a line, in the order of time.
//!
//! ```text
//! seconds,event,vm,cores,memory_bytes
//! 0,create,web-1,2,3758096384
//! 3600,resize,web-1,4,7516192768
//! 86400.5,delete,web-1,,
//! 90000,end,,,
//! ```
//!
//! The first line is that header. Times are seconds with at most nine digits behind the point and never fall; events at the
//! same time happen in the order of their lines. A VM is any text; once it was deleted its name may be used again. Cores
//! have at most three digits behind the point. `end`, as the last line, says how long the trace lasts; without it, that is
//! the time of the last event.

use std::collections::HashMap;
use std::io;

use terrace_addr::Nanos;

use super::table::{Line, Lines, cores, line, memory, quoted};
use super::{Bad, Rows, no_trace};
use crate::FleetError;
use crate::spec::{Demand, FleetSpec};
use crate::trace::{Change, Shape, Trace, TraceBuilder, VmId};

/// The first line.
pub const HEADER: &str = "seconds,event,vm,cores,memory_bytes";

pub(super) fn read(rows: &mut Rows, from: impl io::Read, fleet: &FleetSpec) -> Result<Trace, FleetError> {
    let mut lines = Lines::new(from, b',');
    let header = lines.next(rows)?.map(|(_, line)| line.shown());
    if header.as_deref() != Some(HEADER) {
        let found = header.map_or("no line".to_owned(), |header| format!("the first line `{header}`"));
        return Err(no_trace(rows.path(), found, format!("`{HEADER}`")));
    }
    let mut reader =
        Reader { builder: TraceBuilder::new(), live: HashMap::new(), now: 0, ended: false, fleet };
    while let Some((number, columns)) = lines.next(rows)? {
        if let Err(bad) = reader.event(&columns) {
            rows.bad(line(number), bad)?;
        }
    }
    Ok(reader.builder.in_order())
}

struct Reader<'a> {
    builder: TraceBuilder,
    live: HashMap<String, VmId>,
    now: u64,
    ended: bool,
    fleet: &'a FleetSpec,
}

impl Reader<'_> {
    fn event(&mut self, columns: &Line<'_>) -> Result<(), Bad> {
        columns.has(5)?;
        if self.ended {
            return Err(Bad::new("event", "a line behind `end`", "none"));
        }
        let time = nanos(columns.text(0, "seconds")?)?;
        if time < self.now {
            let found = format!("{}, before the line above", quoted(columns.text(0, "seconds")?));
            return Err(Bad::new("seconds", found, "times that never fall"));
        }
        let (at, vm) = (Nanos::new(time), columns.text(2, "vm")?);
        let live = self.live.get(vm).copied();
        let alive = || {
            live.ok_or_else(|| {
                Bad::new("vm", format!("{}, which does not live", quoted(vm)), "one that does")
            })
        };
        match columns.text(1, "event")? {
            "create" => {
                if vm.is_empty() || live.is_some() {
                    let found = if vm.is_empty() {
                        "nothing".to_owned()
                    } else {
                        format!("{}, which lives", quoted(vm))
                    };
                    return Err(Bad::new("vm", found, "a VM that does not live yet"));
                }
                let shape = self.shape(columns)?;
                let shape = self.builder.shape(shape);
                let id = self.builder.arrive(shape, at);
                let id = id.ok_or_else(|| Bad::new("vm", "a further VM", "fewer than 2^32 VMs"))?;
                self.live.insert(vm.to_owned(), id);
            }
            "resize" => {
                let id = alive()?;
                let shape = self.shape(columns)?;
                let shape = self.builder.shape(shape);
                self.builder.push(at, id, Change::Resize(shape));
            }
            "delete" => {
                self.builder.push(at, alive()?, Change::Depart);
                self.live.remove(vm);
            }
            "end" => {
                self.builder.until(at);
                self.ended = true;
            }
            other => return Err(Bad::new("event", quoted(other), "create, resize, delete or end")),
        }
        self.now = time;
        Ok(())
    }

    fn shape(&self, columns: &Line<'_>) -> Result<Shape, Bad> {
        let cores = cores(columns.text(3, "cores")?)?;
        let memory = memory(columns.text(4, "memory")?, 1.0, "bytes")?;
        let shape = Shape::Same(Demand { cores, memory });
        match Bad::too_large(&shape, self.fleet) {
            Some(bad) => Err(bad),
            None => Ok(shape),
        }
    }
}

/// Seconds with digits behind the point, exactly.
fn nanos(text: &str) -> Result<u64, Bad> {
    let bad = || {
        Bad::new(
            "seconds",
            quoted(text),
            "a number of seconds from 0, with at most nine digits behind the point",
        )
    };
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || rest.len() > 9 || !digits(whole) || !digits(rest) {
        return Err(bad());
    }
    let whole: u64 = whole.parse().map_err(|_| bad())?;
    let rest: u64 = format!("{rest:0<9}").parse().map_err(|_| bad())?;
    whole.checked_mul(1_000_000_000).and_then(|whole| whole.checked_add(rest)).ok_or_else(bad)
}
