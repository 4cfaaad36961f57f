//! Arguments of `terrace walk`.

use clap::{Args, ValueEnum};
use terrace_addr::{AccessKind, Addr, Gva};
use terrace_sim::Mode;

use super::setup::SetupArguments;

const EXAMPLES: &str = "Examples:
  terrace walk 0x7f1234567abc
  terrace walk 0x7f1234567abc --mode native,nested --pages guest=2M,hypervisor=4K,host=2M
  terrace walk 0x7f1234567abc --mode segment --kind store --format json
  terrace walk 0x7f1234567abc --warm=0x7f1234566abc

The page is mapped as `terrace replay` maps it. Without --warm the machine has no TLBs, no paging-structure caches and no \
                        caches: every entry is read, from memory. With it the machine has them all, and another access \
                        comes first: to the same address, which then is in the TLB, or to one whose walk leaves \
                        something behind for this one.";

/// Arguments of `terrace walk`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct WalkArguments {
    /// The virtual address, hexadecimal, with 0x or without
    #[arg(value_name = "ADDRESS", value_parser = address)]
    pub(super) address: Addr<Gva>,

    /// Modes of translation, separated by commas (`terrace list modes`)
    #[arg(long = "mode", value_name = "MODE", value_delimiter = ',', default_value = "2d")]
    pub(super) modes: Vec<Mode>,

    /// What the access does: load, store or fetch
    #[arg(long, value_name = "KIND", default_value = "load")]
    pub(super) kind: AccessKind,

    /// Keep TLBs and caches, and access an address before: the same one if none is given
    #[arg(long, value_name = "ADDRESS", value_parser = first, num_args = 0..=1, require_equals = true,
        default_missing_value = SAME)]
    warm: Option<First>,

    #[command(flatten)]
    pub(super) setup: SetupArguments,

    /// How to print the steps
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = OutputFormat::Table)]
    pub(super) format: OutputFormat,
}

/// What is accessed before.
#[derive(Debug, Clone, Copy)]
enum First {
    Same,
    Other(Addr<Gva>),
}

impl WalkArguments {
    /// The address that is accessed before, if one is.
    pub(super) fn after(&self) -> Option<Addr<Gva>> {
        self.warm.map(|first| match first {
            First::Same => self.address,
            First::Other(address) => address,
        })
    }
}

/// How steps are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum OutputFormat {
    /// For people
    Table,
    /// Everything, with what it depends on
    Json,
}

/// What stands for the address itself. It is not hexadecimal.
const SAME: &str = "same";

fn first(text: &str) -> Result<First, String> {
    if text == SAME { Ok(First::Same) } else { address(text).map(First::Other) }
}

/// A hexadecimal virtual address.
fn address(text: &str) -> Result<Addr<Gva>, String> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    // The standard library's parser takes a sign too.
    let all_digits = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = u64::from_str_radix(digits, 16).ok().filter(|_| all_digits);
    let number = number.ok_or("expected a hexadecimal number of at most 64 bits, as in 0x7f1234567abc")?;
    Addr::try_new(number).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_hexadecimal_and_canonical() {
        for text in ["0x7f1234567abc", "7f1234567abc", "0X7F1234567ABC", "00007f1234567abc"] {
            assert_eq!(address(text), Ok(Addr::new(0x7f12_3456_7abc)), "{text}");
        }
        assert_eq!(address("ffffffff80000000"), Ok(Addr::new(0xffff_ffff_8000_0000)));
        for text in ["", "0x", "x", "0xg", "+5", "-5", "0x+5", "0x0x5", " 5", "0x10000000000000000"] {
            assert!(address(text).unwrap_err().contains("hexadecimal"), "{text}");
        }
        assert!(address("8000000000000000").unwrap_err().contains("canonical"));
    }
}
