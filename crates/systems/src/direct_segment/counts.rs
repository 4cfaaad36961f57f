//! What direct segments count.

crate::counting::counts! {
    /// What direct segments count.
    segments: "primary regions that a direct segment translates",
    bytes: "their bytes",
    no_run: "primary regions that are paged, because there was no run of free memory for them",
}
