//! The series of runs, kept until they can be written in the order of the runs.

use std::io::Write;

use terrace_addr::Nanos;
use terrace_result::{ResultError, ScopeName, SeriesWriter};

/// The values of one run, interval by interval.
#[derive(Debug, Default)]
pub(super) struct Series {
    scopes: Vec<Scope>,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    end: Nanos,
    /// Its place in `scopes`.
    scope: usize,
    metric: &'static str,
    value: f64,
}

/// A [`ScopeName`] that owns its names.
#[derive(Debug)]
enum Scope {
    Run,
    Vm(String),
    Layer(Option<String>, String),
    Program(String, String),
}

impl Scope {
    fn new(name: ScopeName<'_>) -> Self {
        match name {
            ScopeName::Run => Self::Run,
            ScopeName::Vm(vm) => Self::Vm(vm.to_owned()),
            ScopeName::Layer(vm, layer) => Self::Layer(vm.map(str::to_owned), layer.to_owned()),
            ScopeName::Program(vm, program) => Self::Program(vm.to_owned(), program.to_owned()),
        }
    }

    fn name(&self) -> ScopeName<'_> {
        match self {
            Self::Run => ScopeName::Run,
            Self::Vm(vm) => ScopeName::Vm(vm),
            Self::Layer(vm, layer) => ScopeName::Layer(vm.as_deref(), layer),
            Self::Program(vm, program) => ScopeName::Program(vm, program),
        }
    }
}

impl Series {
    /// Keeps a value.
    pub(super) fn push(&mut self, end: Nanos, scope: ScopeName<'_>, metric: &'static str, value: f64) {
        // Values of one scope come one after the other.
        let last = self.rows.last().map(|row| row.scope).filter(|&last| self.scopes[last].name() == scope);
        let known = last.or_else(|| self.scopes.iter().position(|known| known.name() == scope));
        let scope = known.unwrap_or_else(|| {
            self.scopes.push(Scope::new(scope));
            self.scopes.len() - 1
        });
        self.rows.push(Row { end, scope, metric, value });
    }

    /// Writes the rows of run `number`.
    pub(super) fn write<W: Write + Send>(
        &self,
        number: u32,
        writer: &mut SeriesWriter<W>,
    ) -> Result<(), ResultError> {
        for row in &self.rows {
            writer.push(number, row.end, self.scopes[row.scope].name(), row.metric, row.value)?;
        }
        Ok(())
    }
}
