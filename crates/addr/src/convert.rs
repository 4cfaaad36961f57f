//! The integer conversions of the workspace, each with the reason why it loses nothing that is wanted.
//!
//! Everywhere else `as` is refused by a lint, so that a truncation is always a call with a name.
#![expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "this module is where conversions live"
)]

const _: () =
    assert!(usize::BITS == 64, "terrace needs a 64-bit host: indices and addresses are 64 bits wide");

/// A 64-bit number as an index; `usize` is 64 bits wide (checked at compile time).
#[inline(always)]
pub const fn index(value: u64) -> usize {
    value as usize
}

/// A 32-bit number as an index.
#[inline(always)]
pub const fn index32(value: u32) -> usize {
    value as usize
}

/// A 16-bit number as an index.
#[inline(always)]
pub const fn index16(value: u16) -> usize {
    value as usize
}

/// A length or index as a 64-bit count.
#[inline(always)]
pub const fn count(value: usize) -> u64 {
    value as u64
}

/// A 16-bit number as 64 bits.
#[inline(always)]
pub const fn wide(value: u16) -> u64 {
    value as u64
}

/// The low 32 bits of `value`; the rest is dropped.
#[inline(always)]
pub const fn low32(value: u64) -> u32 {
    value as u32
}

/// The low 16 bits of `value`; the rest is dropped.
#[inline(always)]
pub const fn low16(value: u64) -> u16 {
    value as u16
}

/// The low 8 bits of `value`; the rest is dropped.
#[inline(always)]
pub const fn low8(value: u64) -> u8 {
    value as u8
}

/// The bits of a signed number.
#[inline(always)]
#[expect(clippy::cast_sign_loss, reason = "the bits are wanted")]
pub const fn bits(value: i64) -> u64 {
    value as u64
}

/// The number whose two's complement bits are `value`.
#[inline(always)]
#[expect(clippy::cast_possible_wrap, reason = "the bits are wanted")]
pub const fn signed(value: u64) -> i64 {
    value as i64
}

/// A length known to be below 2³² as 32 bits.
///
/// # Panics
/// If it is not: callers bound their lengths when they are built.
#[inline]
pub const fn narrow(value: usize) -> u32 {
    assert!(value <= u32::MAX as usize, "a length of 2^32 or more where 32 bits were reserved");
    value as u32
}

/// A count as a floating-point number, for ratios that are shown to people (exact below 2⁵³).
#[inline]
pub const fn ratio(numerator: u64, denominator: u64) -> f64 {
    numerator as f64 / denominator as f64
}

/// The whole part of a number that is not negative; 0 for one that is, or is none, and the largest count for one beyond.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the ends of the range are said above"
)]
pub const fn floor(value: f64) -> u64 {
    value as u64
}
