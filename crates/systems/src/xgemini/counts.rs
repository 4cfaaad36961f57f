//! What xGemini's host half counts.

use crate::counting::counts;

counts! {
    /// What xGemini's host half counts.
    unbacked: "pages that a nested guest touched before anything backed them: they went to their places (case a)",
    backed_at_write: "pages that were backed when the guest hypervisor's mapping of them was trapped (case b)",
    backed_at_use: "pages that were backed when the nested guest's use of them was heard of (case b)",
    in_place: "pages of case b that lay at their places already",
    moved: "pages of case b that were copied to their places",
    place_taken: "pages that could not go to their places, because something else lies there",
    no_free_block: "pages of blocks for which there was no free block of memory",
    aliases: "pages that another address of a nested guest has in its place: they stay there",
    taken_over: "pages that the guest hypervisor mapped anew, and that left another address's place for that",
    splits: "huge pages of the host that were split to move a part of them",
    homes: "blocks of memory that were put aside for a block of a nested guest",
    homes_adopted: "blocks of memory in which the pages of a block lay at their places already",
    expired: "blocks that were put aside and not used up in time",
    given_up: "blocks that were given back under pressure",
    joins_asked: "pseudo huge pages that were asked for",
    joined: "pseudo huge pages that were made",
    refused: "pseudo huge pages that the composed table refused",
    parted: "pseudo huge pages that became base pages again",
    collapsed: "blocks that the guest hypervisor maps hugely and that became huge below it",
}
