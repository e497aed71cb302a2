//! Times of day that a user may be connected at.
//!
//! What lives here: whether it is such a time, and how long it still is. What does not: zones of time, which
//! the caller knows.

use alloc::format;
use alloc::string::String;
use core::time::Duration;

use gannet_units::WallTime;
use serde::Deserialize;

use super::issues::Issues;

/// From one time of day to another, `15:04:05`; past midnight if the end is before the start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct TimeRange {
    /// The first.
    pub start: String,
    /// The last.
    pub end: String,
}

/// What the caller knows about zones of time.
pub trait Zones {
    /// How many seconds local time is ahead of UTC at `at` in the zone of that name; the server's own zone if it is
    /// empty. `None` if there is no such zone.
    fn ahead(&self, zone: &str, at: WallTime) -> Option<i32>;
}

const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;

impl TimeRange {
    pub(super) fn check(&self, issues: &mut Issues) {
        for (text, name) in [(&self.start, "start"), (&self.end, "end")] {
            if text.is_empty() {
                let article = if name == "start" { "a" } else { "an" };
                issues.error(format!("time ranges {name} must contain {article} {name}"));
            } else if of_day(text).is_none() {
                issues.error(format!("{name} in time range is invalid {text:?}"));
            }
        }
    }
}

/// Nanoseconds since midnight. Seconds may have a fraction, which does not count, and hours one digit.
fn of_day(text: &str) -> Option<i64> {
    let mut parts = text.split(':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let (seconds, fraction) = seconds.split_once(['.', ',']).unwrap_or((seconds, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let part = |text: &str, shortest: usize, end: i64| {
        let fits = digits(text) && (shortest..=2).contains(&text.len());
        let number: i64 = fits.then(|| text.parse().ok())??;
        (number < end).then_some(number)
    };
    if !digits(fraction) {
        return None;
    }
    let (hours, minutes) = (part(hours, 1, 24)?, part(minutes, 2, 60)?);
    Some((hours * 3600 + minutes * 60 + part(seconds, 2, 60)?) * SECOND)
}

/// How long a user may stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stay {
    /// Not a time at which one may be connected.
    No,
    /// So long.
    For(Duration),
    /// As long as one likes.
    Forever,
}

/// How long one may stay by these ranges, if one comes now.
pub(super) fn stay(ranges: &[TimeRange], zone: &str, now: WallTime, zones: &dyn Zones) -> Stay {
    if ranges.is_empty() {
        return Stay::Forever;
    }
    let Some(ahead) = zones.ahead(zone, now) else {
        return Stay::No;
    };
    let local = (now.as_unix_nanos()).saturating_add(i64::from(ahead) * SECOND);
    let (day, time) = (local.div_euclid(DAY), local.rem_euclid(DAY));
    let mut longest = None;
    for range in ranges {
        let (Some(start), Some(end)) = (of_day(&range.start), of_day(&range.end)) else {
            return Stay::No;
        };
        if let Some(end) = end_of(start, end, time) {
            longest = longest.max(Some(end));
        }
    }
    let Some(end) = longest else {
        return Stay::No;
    };
    // The clocks may be put forward or back before then.
    let end = WallTime::from_unix_nanos(day.saturating_mul(DAY).saturating_add(end));
    let guess = shifted(end, ahead);
    let end = zones
        .ahead(zone, guess)
        .map_or(guess, |then| shifted(end, then));
    match end.since(now) {
        Duration::ZERO => Stay::No,
        stay => Stay::For(stay),
    }
}

/// Local time as that of the world.
fn shifted(local: WallTime, ahead: i32) -> WallTime {
    let nanos = local.as_unix_nanos();
    WallTime::from_unix_nanos(nanos.saturating_sub(i64::from(ahead) * SECOND))
}

/// When the range ends that `time` lies in, counted from this day's midnight.
fn end_of(start: i64, end: i64, time: i64) -> Option<i64> {
    if start < time && time < end {
        return Some(end);
    }
    if start <= end {
        return None;
    }
    if time < end {
        return Some(end);
    }
    (start < time).then_some(end + DAY)
}

#[cfg(test)]
mod tests {
    use super::{SECOND, Stay, TimeRange, Zones, of_day, stay};
    use core::time::Duration;
    use gannet_units::WallTime;
    use std::vec::Vec;

    /// A zone that is two hours ahead until 10:00 UTC of the first day, and one hour from then on.
    struct Autumn;
    impl Zones for Autumn {
        fn ahead(&self, zone: &str, at: WallTime) -> Option<i32> {
            let summer = at.as_unix_nanos() < 10 * 3600 * SECOND;
            match zone {
                "" => Some(0),
                "Here" => Some(if summer { 7200 } else { 3600 }),
                _ => None,
            }
        }
    }

    fn stays(ranges: &[(&str, &str)], zone: &str, hour: i64) -> Stay {
        let ranges: Vec<TimeRange> = (ranges.iter())
            .map(|(start, end)| TimeRange {
                start: (*start).into(),
                end: (*end).into(),
            })
            .collect();
        let now = WallTime::from_unix_nanos(hour * 3600 * SECOND);
        stay(&ranges, zone, now, &Autumn)
    }

    fn hours(hours: u64) -> Stay {
        Stay::For(Duration::from_secs(hours * 3600))
    }

    #[test]
    fn one_may_stay_to_the_end_of_the_longest_range() {
        let (day, night) = (("11:00:00", "22:00:00"), ("22:00:00", "06:00:00"));
        for (ranges, zone, hour, wanted) in [
            (&[][..], "", 3, Stay::Forever),
            (&[day], "", 13, hours(9)),
            (&[day], "", 10, Stay::No),
            (&[day], "", 11, Stay::No),
            (&[day], "", 22, Stay::No),
            (&[night], "", 5, hours(1)),
            (&[night], "", 23, hours(7)),
            (&[night], "", 12, Stay::No),
            (&[day, ("00:00:00", "14:00:00")], "", 13, hours(9)),
            (&[day, ("x", "14:00:00")], "", 13, Stay::No),
            (&[day], "Here", 9 + 24, Stay::No),
            (&[day], "Here", 11 + 24, hours(10)),
            // In summer time until ten, so 22:00 comes an hour later than it seems.
            (&[("05:00:00", "22:00:00")], "Here", 8, hours(13)),
            (&[day], "Nowhere", 13, Stay::No),
        ] {
            assert_eq!(
                stays(ranges, zone, hour),
                wanted,
                "{ranges:?} {zone} {hour}"
            );
        }
    }

    #[test]
    fn a_time_of_day_has_three_parts() {
        for (text, wanted) in [
            ("00:00:01", Some(1)),
            ("1:00:00", Some(3600)),
            ("23:59:59", Some(86_399)),
            ("01:00:00.5", Some(3600)),
            ("24:00:00", None),
            ("12:60:00", None),
            ("12:00", None),
            ("12:0:00", None),
            ("12:00:00:00", None),
            ("+1:00:00", None),
            ("", None),
        ] {
            assert_eq!(of_day(text), wanted.map(|s| s * SECOND), "{text}");
        }
    }
}
