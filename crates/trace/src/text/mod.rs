//! Plain text and CSV: a line for each access, for traces that other tools or people write.
//!
//! A line is `address[,size[,kind[,thread]]]`. The rules:
//! - Fields are separated by a comma, with or without blanks beside it, or by blanks (spaces, tabs); a line does not
//!   mix the two.
//! - The address is hexadecimal, with or without `0x`. The size is a decimal number of bytes up to 65535, 1 if it is
//!   left out. The kind is `r`, `w` or `x`, or `load`, `store` or `fetch`, in any case, and `r` if left out. The
//!   thread is a decimal id, 0 if left out.
//! - Before the first access one line may name the fields, in this order and in any case: `address,size,kind,thread`
//!   or its beginning. If it calls the first one `address_decimal`, addresses without `0x` are decimal. Nothing else
//!   makes them so: digits alone never tell, and [`Source::notes`](crate::Source::notes) says how they were read.
//! - What follows `#` on a line is a comment. Lines with nothing else, or with nothing, are passed over and counted.
//! - Lines end with a line feed, or a carriage return and a line feed; the last one may have no end, as other tools
//!   leave it. Anything else is an error.
//! - A fetch counts as an instruction. Threads are numbered as they appear.

mod file;
mod line;

pub(crate) use file::{TraceFile, starts_like_a_trace};
