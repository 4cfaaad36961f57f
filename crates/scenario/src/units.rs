//! Sizes and times as a scenario file has them: texts with their unit.

use serde::Serializer;
use terrace_addr::Nanos;
use terrace_machine::quantity::Time;

/// A size.
pub(crate) mod bytes {
    use serde::{Deserialize, Deserializer, Serializer};
    use terrace_addr::Bytes;
    use terrace_machine::quantity::Size;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over by reference")]
    pub(crate) fn serialize<S: Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Size::new(*bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        Size::deserialize(deserializer).map(Size::bytes)
    }
}

/// A size that may be left out.
pub(crate) mod some_bytes {
    use serde::{Deserializer, Serializer};
    use terrace_addr::Bytes;

    #[expect(clippy::ref_option, reason = "serde hands fields over by reference")]
    pub(crate) fn serialize<S: Serializer>(bytes: &Option<Bytes>, serializer: S) -> Result<S::Ok, S::Error> {
        match bytes {
            Some(bytes) => super::bytes::serialize(bytes, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Bytes>, D::Error> {
        super::bytes::deserialize(deserializer).map(Some)
    }
}

/// A time.
pub(crate) mod nanos {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};
    use terrace_addr::Nanos;
    use terrace_machine::quantity::Time;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over by reference")]
    pub(crate) fn serialize<S: Serializer>(nanos: &Nanos, serializer: S) -> Result<S::Ok, S::Error> {
        super::write_nanos(*nanos, serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Nanos, D::Error> {
        let time = Time::deserialize(deserializer)?;
        super::whole_nanos(time)
            .ok_or_else(|| D::Error::custom(format_args!("found \"{time}\"; expected a whole number of ns")))
    }
}

fn write_nanos<S: Serializer>(nanos: Nanos, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&text_of_nanos(nanos))
}

/// The nanoseconds of a time, if they are whole.
pub(crate) fn whole_nanos(time: Time) -> Option<Nanos> {
    time.picoseconds().is_multiple_of(1000).then(|| Nanos::new(time.picoseconds() / 1000))
}

/// A time in the largest unit that gives a whole number.
pub(crate) fn text_of_nanos(nanos: Nanos) -> String {
    let scale = [("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000), ("ns", 1_u64)];
    let count = nanos.get();
    let fits = |unit: &u64| count.is_multiple_of(*unit);
    let (symbol, unit) = scale.into_iter().find(|(_, unit)| fits(unit)).unwrap_or(scale[3]);
    format!("{} {symbol}", count / unit)
}
