//! What vendors call tables and their entries.

use terrace_machine::Vendor;

/// The name of an entry of the first table (Intel SDM vol. 3, "4-level paging and 5-level paging"; AMD APM vol. 2,
/// "Long-mode page translation").
pub const fn entry_name(vendor: Vendor, level: u32) -> &'static str {
    match (vendor, level) {
        (_, 1) => "PTE",
        (_, 2) => "PDE",
        (Vendor::Intel, 3) => "PDPTE",
        (Vendor::Amd, 3) => "PDPE",
        (_, 4) => "PML4E",
        _ => "PML5E",
    }
}

/// The name of the second table, whose entries are named as those of the first (Intel SDM vol. 3, "The extended page
/// table mechanism"; AMD APM vol. 2, "Nested paging").
pub const fn table_name(vendor: Vendor) -> &'static str {
    match vendor {
        Vendor::Intel => "EPT",
        Vendor::Amd => "nPT",
    }
}
