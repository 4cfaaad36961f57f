//! What a machine file can do without.

/// The tables that hold tables by name.
const BY_NAME: [&str; 6] = ["tlb", "walk_cache", "nested_tlb", "nested_walk_cache", "cache", "memory"];
/// The tables that a machine can lack as a whole.
const WHOLE: [&str; 3] = ["core", "cost", SCHEMES];
/// The table of which no key is needed, nor the table itself: values may be set where it is not.
pub(super) const SCHEMES: &str = "scheme";
const SCHEME_KEYS: [&str; 3] = ["third_level", "switch_level", "prefetch"];
/// The keys with a default.
const DEFAULT: [[&str; 3]; 2] = [["tlb", "*", "latency"], ["cache", "*", "serves"]];
/// The keys of what only some processors have.
const SOME_HAVE: [[&str; 3]; 6] = [
    ["cost", "exit", "log_full"],
    ["cost", "flush", "invvpid"],
    ["cost", "flush", "invept"],
    ["cost", "flush", "invlpga"],
    ["cost", "flush", "invlpgb"],
    ["cost", "flush", "tlbsync"],
];

/// Whether the keys of this table are names, each with a table of its own.
pub(super) fn holds_names(table: &str) -> bool {
    BY_NAME.contains(&table)
}

/// Whether `none` at this path leaves something out of the machine.
pub(super) fn can_be_removed(path: &[String]) -> bool {
    match path {
        [table] => holds_names(table) || WHOLE.contains(&table.as_str()),
        [table, key] => holds_names(table) || is_scheme(table, key),
        _ => SOME_HAVE.iter().any(|key| fits(path, key)),
    }
}

/// Whether a machine file may have the tables on this path without its last key.
pub(super) fn is_optional(path: &[String]) -> bool {
    match path {
        [table, key] => is_scheme(table, key),
        _ => DEFAULT.iter().chain(&SOME_HAVE).any(|key| fits(path, key)),
    }
}

fn is_scheme(table: &str, key: &str) -> bool {
    table == SCHEMES && SCHEME_KEYS.contains(&key)
}

/// Whether the keys of `path` are those of `pattern`, in which `*` stands for any.
fn fits(path: &[String], pattern: &[&str; 3]) -> bool {
    path.len() == pattern.len()
        && path.iter().zip(pattern).all(|(key, wanted)| *wanted == "*" || key == wanted)
}
