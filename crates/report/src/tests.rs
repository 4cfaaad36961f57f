//! Pages of results that were made by hand.
