//! A history on both sides.

use terrace_addr::{Access, AccessKind, Addr, PageSize};
use terrace_mmu::Fault;
use terrace_table::LeafFlags;

use crate::both::{Both, address};
use crate::case::{Setting, Sums};
use crate::history::{Mend, Operation};
use crate::tables::FIRST_STORES;
use crate::worlds::{Mended, World};

/// A case being run.
pub(crate) struct Run<W> {
    both: Both,
    world: W,
}

/// Faults of one operation before its accesses are left out.
const PATIENCE: u32 = 40;

/// Everything allowed, in the smallest pages.
const PLAIN: Mend = Mend {
    pages: [PageSize::Size4K; 3],
    flags: [LeafFlags::everything(); 3],
    far: false,
    allow: false,
    empty_log: false,
};

impl<W: World> Run<W> {
    pub(crate) fn new(setting: &Setting) -> Self {
        Self { both: Both::new(setting, W::tag(0, 1, 1)), world: W::new(setting) }
    }

    /// Runs all operations; what happened, or what differed.
    pub(crate) fn all(mut self, history: &[Operation]) -> Result<Sums, String> {
        for (at, operation) in history.iter().enumerate() {
            self.apply(operation).map_err(|difference| format!("operation {at}: {difference}"))?;
        }
        self.world.equal()?;
        self.both.compare()
    }

    fn apply(&mut self, operation: &Operation) -> Result<(), String> {
        match *operation {
            Operation::Accesses { cpu, ref wanted, batch, mend } => {
                let width = self.world.width();
                let access = |want: &_| -> Access {
                    let crate::history::Wanted { at, size, kind } = *want;
                    Access { addr: address(at, width), size, kind }
                };
                let accesses: Vec<_> = wanted.iter().map(access).collect();
                self.accesses(cpu, &accesses, batch, mend, PATIENCE)
            }
            Operation::Change { layer, at, page, change } => {
                let mended = self.world.change(layer, at, page, change)?;
                self.reset_after(mended);
                Ok(())
            }
            Operation::Flush { cpu, flush } => {
                self.both.flush(cpu, flush, self.world.width());
                Ok(())
            }
            Operation::Context { cpu, pcid, vpid, root } => {
                let now = self.both.context(cpu);
                let (pcid, vpid) = (pcid.unwrap_or(now.pcid), vpid.unwrap_or(now.vpid));
                self.both.set_context(cpu, W::tag(pcid, vpid, root.unwrap_or(now.root)));
                Ok(())
            }
            Operation::DataLines(on) => {
                self.both.set_data_lines(on);
                Ok(())
            }
            Operation::KeepLog { cpu, on } => {
                self.both.keep_log(cpu, on);
                Ok(())
            }
            Operation::TakeLog { cpu } => self.both.take_log(cpu),
            Operation::FillLog { cpu } => self.fill_log(cpu),
            Operation::Direct { cpu, segment } => {
                let width = self.world.width();
                self.both.set_direct_segment(cpu, segment.and_then(|segment| segment.of(width)));
                if W::NEVER_STALE {
                    self.both.reset();
                }
                Ok(())
            }
            Operation::Segment { base, size } => {
                self.world.set_segment(base, size);
                Ok(())
            }
        }
    }

    fn reset_after(&mut self, mended: Mended) {
        if mended == Mended::WithReset {
            self.both.reset();
        }
    }

    fn accesses(
        &mut self,
        cpu: usize,
        accesses: &[Access],
        batch: bool,
        mend: Mend,
        patience: u32,
    ) -> Result<(), String> {
        let mut rest = accesses;
        let mut faults = 0;
        while !rest.is_empty() {
            let (stack, mut tables) = self.world.tables();
            let (translations, fault) = self.both.access(cpu, stack, &mut tables, rest, batch)?;
            for (access, found) in rest.iter().zip(&translations) {
                let direct = self.both.directly(cpu, access.addr);
                self.world.check(access.addr, direct, found.addr)?;
            }
            let Some(fault) = fault else { break };
            rest = &rest[translations.len()..];
            faults += 1;
            let mended = match fault {
                _ if faults > patience => Mended::No,
                Fault::LogFull { .. } if mend.empty_log => {
                    self.both.take_log(cpu)?;
                    Mended::Yes
                }
                _ => self.world.mend(fault, mend)?,
            };
            self.reset_after(mended);
            if mended == Mended::No {
                rest = &rest[1..];
            }
        }
        Ok(())
    }

    fn fill_log(&mut self, cpu: usize) -> Result<(), String> {
        let store = |page: u64| Access {
            addr: Addr::new(FIRST_STORES + (page << 12)),
            size: 8,
            kind: AccessKind::Store,
        };
        let stores: Vec<_> = (0..514).map(store).collect();
        self.accesses(cpu, &stores, true, PLAIN, u32::MAX)
    }
}
