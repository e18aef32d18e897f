//! Times and sizes as people write them: `30s`, `2GiB`.

use std::time::Duration;

/// `500ms`, `30s`, `5m`, `1h`. More than nothing.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let (count, unit) = split(text)?;
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    count.checked_mul(milliseconds).filter(|&total| total > 0).map(Duration::from_millis)
}

/// `1048576B`, `500MB`, `2GiB`, in bytes. More than nothing. Units in powers of 1000 (`kB`, `MB`, `GB`) and 1024 (`KiB`, `MiB`, `GiB`).
pub(super) fn size(text: &str) -> Option<u64> {
    let (count, unit) = split(text)?;
    let bytes = match unit {
        "B" => 1,
        "kB" | "KB" => 1000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    count.checked_mul(bytes).filter(|&total| total > 0)
}

/// The whole number that a text starts with, and the unit after it.
fn split(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|character: char| !character.is_ascii_digit())?;
    let (count, unit) = text.split_at(end);
    Some((count.parse().ok()?, unit.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_times() {
        let cases = [
            ("500ms", Some(500)),
            ("30s", Some(30_000)),
            ("30 s", Some(30_000)),
            ("5m", Some(300_000)),
            ("1h", Some(3_600_000)),
            ("0s", None),
            ("30", None),
            ("s", None),
            ("-1s", None),
            ("1.5s", None),
            ("1d", None),
            ("99999999999999999999s", None),
            ("9999999999999999999h", None),
        ];
        for (text, milliseconds) in cases {
            assert_eq!(duration(text), milliseconds.map(Duration::from_millis), "{text}");
        }
    }

    #[test]
    fn reads_sizes() {
        let cases = [
            ("1B", Some(1)),
            ("1kB", Some(1000)),
            ("500MB", Some(500_000_000)),
            ("3GB", Some(3_000_000_000)),
            ("1KiB", Some(1024)),
            ("2 MiB", Some(2_097_152)),
            ("2GiB", Some(2_147_483_648)),
            ("0B", None),
            ("2G", None),
            ("GiB", None),
            ("99999999999GiB", None),
        ];
        for (text, bytes) in cases {
            assert_eq!(size(text), bytes, "{text}");
        }
    }
}
