//! Lines that say the same again and again. Not here: which lines are looked at for that.

use std::collections::BTreeMap;
use std::time::Duration;

use gannet_units::Moment;

/// The same text is worth a line once in this time.
const WINDOW: Duration = Duration::from_secs(1);
/// Texts that are remembered. With more of them, some are repeated sooner.
const MOST: usize = 1024;

/// The texts of the last moment.
#[derive(Debug, Default)]
pub(super) struct Repeats(BTreeMap<String, Moment>);

impl Repeats {
    /// Whether `text` has been written a moment ago; if not, it is going to be now.
    pub(super) fn contain(&mut self, text: &str, now: Moment) -> bool {
        let is_recent = |at: &Moment| now.since(*at) < WINDOW;
        if self.0.get(text).is_some_and(is_recent) {
            return true;
        }
        if self.0.len() >= MOST {
            self.0.retain(|_, at| is_recent(at));
        }
        if self.0.len() < MOST {
            self.0.insert(text.to_string(), now);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Moment {
        Moment::START + Duration::from_millis(millis)
    }

    #[test]
    fn each_text_is_written_once_a_second() {
        let mut repeats = Repeats::default();
        let written = [0, 1, 999, 1000, 1500, 2100].map(|ms| !repeats.contain("a", at(ms)));
        assert_eq!(written, [true, false, false, true, false, true]);
        assert!(!repeats.contain("b", at(2100)));
    }

    #[test]
    fn no_more_texts_are_remembered_than_there_is_room_for() {
        let mut repeats = Repeats::default();
        for number in 0..MOST + 10 {
            assert!(!repeats.contain(&number.to_string(), at(0)));
        }
        assert_eq!(repeats.0.len(), MOST);
        assert!(!repeats.contain("new", at(1000)));
        assert_eq!(repeats.0.len(), 1);
    }
}
