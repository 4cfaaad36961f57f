//! What is counted.

crate::counting::counts! {
    /// What is counted.
    groups: "groups of pages that were given frames of their own at their first fault",
    grouped: "base pages that went to their place in the frames of their group",
    ungrouped: "base pages that went anywhere, because no memory could be put aside or their place was taken",
    given_up: "groups whose frames were given up because memory was short",
}
