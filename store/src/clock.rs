//! Time as the store keeps it.

/// Days since 1970, UTC.
pub(crate) fn day(now: jiff::Timestamp) -> u32 {
    u32::try_from(now.as_second() / 86_400).unwrap_or(0)
}

/// Now, as a receipt says it.
pub(crate) fn now_to_the_second() -> jiff::Timestamp {
    jiff::Timestamp::from_second(jiff::Timestamp::now().as_second()).expect("now is a time")
}
