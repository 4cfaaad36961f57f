//! `--set path=value`.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use super::{Fault, MachineError, Origin};

/// A change to a machine: the value of one key, or a structure left out.
///
/// Written `tlb.stlb.entries=1024`. The value is TOML; what is no TOML value is taken as a text, so that
/// `memory.dram0.latency=90 ns` and `tlb.stlb.replacement=random` need no quotes within those of a shell.
/// `tlb.stlb=none` leaves the structure out, `cache=none` all of them.
///
/// The key has to exist in the machine. The source of a number that is changed becomes the override.
///
/// ```
/// use terrace_machine::{Override, builtin};
/// let machine = builtin("champsim", &["paging.levels=4".parse()?, "tlb.stlb=none".parse()?])?;
/// assert_eq!(machine.paging.levels, 4);
/// assert!(!machine.tlb.contains_key("stlb"));
/// # Ok::<(), terrace_machine::MachineError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    given: String,
    path: Vec<String>,
    value: Range<usize>,
}

impl Override {
    /// The keys that lead to the value.
    pub fn path(&self) -> &[String] {
        &self.path
    }

    /// The value as it was given.
    pub fn value(&self) -> &str {
        &self.given[self.value.clone()]
    }

    /// That this override gives `found` where `expected` has to be.
    pub fn error(&self, found: impl Into<String>, expected: impl Into<String>) -> Box<Fault> {
        Fault::new(Origin::Override(self.given.clone()), found, expected).on(self.path.clone())
    }
}

impl fmt::Display for Override {
    /// As it was given.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.given)
    }
}

impl FromStr for Override {
    type Err = MachineError;

    fn from_str(given: &str) -> Result<Self, MachineError> {
        let error = |found: &str| {
            let expected = "KEY=VALUE, such as tlb.stlb.entries=1024";
            MachineError::from(Fault::new(Origin::Override(given.into()), found, expected))
        };
        let Some((keys, value)) = given.split_once('=') else {
            return Err(error("no `=`"));
        };
        let path: Vec<String> = keys.split('.').map(|key| key.trim().to_owned()).collect();
        if path.iter().any(String::is_empty) {
            return Err(error("an empty key"));
        }
        let value = value.trim();
        if value.is_empty() {
            return Err(error("no value"));
        }
        let end = given.trim_end().len();
        Ok(Self { given: given.into(), path, value: end - value.len()..end })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_override_is_a_path_and_a_value() {
        let given: Override = "tlb.stlb.entries = 1024 ".parse().unwrap();
        assert_eq!(given.path(), ["tlb", "stlb", "entries"]);
        assert_eq!(given.value(), "1024");
        let given: Override = "tlb.l1d.source=a = b".parse().unwrap();
        assert_eq!(given.value(), "a = b");
    }

    #[test]
    fn what_is_none_says_how_one_looks() {
        let error = |text: &str| text.parse::<Override>().unwrap_err().to_string();
        let expected = "expected KEY=VALUE, such as tlb.stlb.entries=1024";
        assert_eq!(error("tlb.stlb"), format!("--set tlb.stlb: found no `=`; {expected}"));
        assert_eq!(error("tlb..ways=2"), format!("--set tlb..ways=2: found an empty key; {expected}"));
        assert_eq!(error("=2"), format!("--set =2: found an empty key; {expected}"));
        assert_eq!(error("tlb.stlb.ways= "), format!("--set tlb.stlb.ways= : found no value; {expected}"));
    }
}
