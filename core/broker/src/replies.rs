//! Replies that must travel back over a gateway: for a short while after a request from another
//! cluster was delivered here, a message on its plain reply subject goes to the mapped one.
//! Bounded in number and time. Not here: the form of the mapped subject (`gannet_wire::reply_prefix`).

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use core::time::Duration;

use gannet_units::Moment;

/// How long a mapping is kept, as the reference server has it.
pub(crate) const KEEP: Duration = Duration::from_secs(2);
/// Mappings one connection holds at most; the oldest go first.
const MOST: usize = 16 * 1024;

type Subject = Box<[u8]>;

/// Mapped subjects by plain reply subject.
#[derive(Debug, Default)]
pub(crate) struct ReplyMap {
    mapped: BTreeMap<Subject, (Subject, Moment)>,
    by_age: VecDeque<(Moment, Subject)>,
}

impl ReplyMap {
    /// Remembers that `plain` stands for `mapped`.
    pub(crate) fn insert(&mut self, plain: &[u8], mapped: &[u8], now: Moment) {
        self.expire(now);
        if self.by_age.len() >= MOST {
            self.drop_oldest();
        }
        let until = now + KEEP;
        self.mapped.insert(plain.into(), (mapped.into(), until));
        self.by_age.push_back((until, plain.into()));
    }

    /// The mapped subject for `plain`, if it is still remembered.
    pub(crate) fn get(&mut self, plain: &[u8], now: Moment) -> Option<Subject> {
        self.expire(now);
        self.mapped.get(plain).map(|(mapped, _)| mapped.clone())
    }

    /// Whether nothing is remembered any more.
    pub(crate) fn is_empty(&self) -> bool {
        self.mapped.is_empty()
    }

    fn expire(&mut self, now: Moment) {
        while self.by_age.front().is_some_and(|(until, _)| *until <= now) {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        let Some((until, plain)) = self.by_age.pop_front() else {
            return;
        };
        // A later request with the same reply subject has a later entry of its own.
        if self
            .mapped
            .get(&plain)
            .is_some_and(|(_, kept)| *kept == until)
        {
            self.mapped.remove(&plain);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_lasts_two_seconds_and_a_newer_one_longer() {
        let at = |ms: u64| Moment::from_nanos(ms * 1_000_000);
        let mut map = ReplyMap::default();
        map.insert(b"r", b"one", at(0));
        map.insert(b"s", b"three", at(0));
        map.insert(b"r", b"two", at(1500));
        assert_eq!(map.get(b"r", at(1999)).as_deref(), Some(&b"two"[..]));
        assert_eq!(map.get(b"s", at(2000)), None);
        assert_eq!(map.get(b"r", at(3499)).as_deref(), Some(&b"two"[..]));
        assert_eq!(map.get(b"r", at(3500)), None);
        assert!(map.is_empty());
    }

    #[test]
    fn the_oldest_mapping_makes_room() {
        let mut map = ReplyMap::default();
        for n in 0..=MOST {
            map.insert(alloc::format!("{n}").as_bytes(), b"m", Moment::START);
        }
        assert_eq!(map.get(b"0", Moment::START), None);
        assert!(map.get(b"1", Moment::START).is_some());
        assert_eq!(map.mapped.len(), MOST);
        assert_eq!(map.by_age.len(), MOST);
    }
}
