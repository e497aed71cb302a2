//! Times and durations the way the reference server writes them.

use alloc::format;
use alloc::string::{String, ToString};
use core::time::Duration;

use gannet_units::WallTime;
use jiff::Timestamp;

/// How long something has been running: `1d2h3m4s`, in whole seconds, years having 365 days.
pub fn uptime(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (s, minutes) = (seconds % 60, seconds / 60);
    let (m, hours) = (minutes % 60, minutes / 60);
    let (h, days) = (hours % 24, hours / 24);
    let (d, years) = (days % 365, days / 365);
    match () {
        () if years > 0 => format!("{years}y{d}d{h}h{m}m{s}s"),
        () if days > 0 => format!("{days}d{h}h{m}m{s}s"),
        () if hours > 0 => format!("{hours}h{m}m{s}s"),
        () if minutes > 0 => format!("{minutes}m{s}s"),
        () => format!("{s}s"),
    }
}

/// A round trip: `466µs`, `1.104001ms`. Between 1 µs and 1 ms only whole microseconds are shown.
pub fn rtt(rtt: Duration) -> String {
    let micro = Duration::from_micros(1);
    if rtt > micro && rtt < Duration::from_millis(1) {
        return exact(Duration::from_micros(
            u64::try_from(rtt.as_micros()).unwrap_or(0),
        ));
    }
    exact(rtt)
}

/// A duration in full: `0s`, `250ms`, `1m5.2s`, `27h0m0s`; the form of durations in Go programs.
pub fn exact(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    match nanos {
        0 => "0s".to_string(),
        1..1_000 => format!("{nanos}ns"),
        1_000..1_000_000 => format!("{}µs", fraction(nanos, 3)),
        1_000_000..1_000_000_000 => format!("{}ms", fraction(nanos, 6)),
        _ => {
            let seconds = fraction(nanos % 60_000_000_000, 9);
            let minutes = nanos / 60_000_000_000;
            match (minutes / 60, minutes % 60) {
                (0, 0) => format!("{seconds}s"),
                (0, m) => format!("{m}m{seconds}s"),
                (h, m) => format!("{h}h{m}m{seconds}s"),
            }
        }
    }
}

/// `value` divided by ten to the power of `digits`, without zeros at the end.
fn fraction(value: u128, digits: usize) -> String {
    let scale = 10u128.pow(u32::try_from(digits).unwrap_or(0));
    let (whole, rest) = (value / scale, value % scale);
    if rest == 0 {
        return whole.to_string();
    }
    let rest = format!("{rest:0digits$}");
    format!("{whole}.{}", rest.trim_end_matches('0'))
}

/// A point in time as RFC 3339 in UTC, with as many digits below the second as it takes.
pub fn time(at: WallTime) -> String {
    // Every 64-bit number of nanoseconds is a year between 1677 and 2262, which jiff can say.
    Timestamp::from_nanosecond(i128::from(at.as_unix_nanos()))
        .map(|t| t.to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uptime_grows_by_units() {
        let cases = [
            (0, "0s"),
            (59, "59s"),
            (65, "1m5s"),
            (3_600, "1h0m0s"),
            (93_784, "1d2h3m4s"),
            (31_536_000 + 86_400 + 1, "1y1d0h0m1s"),
        ];
        for (seconds, expect) in cases {
            assert_eq!(
                uptime(Duration::from_secs(seconds) + Duration::from_millis(999)),
                expect
            );
        }
    }

    #[test]
    fn durations_are_exact() {
        let cases: [(u64, &str); 11] = [
            (0, "0s"),
            (1, "1ns"),
            (1_000, "1µs"),
            (466_000, "466µs"),
            (1_104_001, "1.104001ms"),
            (250_000_000, "250ms"),
            (1_000_000_000, "1s"),
            (1_050_000_000, "1.05s"),
            (65_200_000_000, "1m5.2s"),
            (97_200_000_000_000, "27h0m0s"),
            (1_234, "1.234µs"),
        ];
        for (nanos, expect) in cases {
            assert_eq!(exact(Duration::from_nanos(nanos)), expect);
        }
    }

    #[test]
    fn a_round_trip_below_a_millisecond_is_whole_microseconds() {
        let cases: [(u64, &str); 6] = [
            (0, "0s"),
            (999, "999ns"),
            (1_000, "1µs"),
            (466_789, "466µs"),
            (1_104_001, "1.104001ms"),
            (2_000_000_000, "2s"),
        ];
        for (nanos, expect) in cases {
            assert_eq!(rtt(Duration::from_nanos(nanos)), expect);
        }
    }

    #[test]
    fn times_drop_zeros_at_the_end() {
        let cases = [
            (0, "1970-01-01T00:00:00Z"),
            (1_795_381_979_640_668_110, "2026-11-22T21:12:59.64066811Z"),
            (951_782_400_000_000_001, "2000-02-29T00:00:00.000000001Z"),
            (-1, "1969-12-31T23:59:59.999999999Z"),
            (i64::MAX, "2262-04-11T23:47:16.854775807Z"),
        ];
        for (nanos, expect) in cases {
            assert_eq!(time(WallTime::from_unix_nanos(nanos)), expect);
        }
    }
}
