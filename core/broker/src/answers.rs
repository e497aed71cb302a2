//! Requests that a client was sent and may answer, though it may not publish there otherwise
//! (`allow_responses`). Not here: replies mapped for gateways (`replies`).

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};

use gannet_config::ResponsePermission;
use gannet_units::Moment;

/// Requests one connection remembers at most; the oldest go first.
const MOST: usize = 16 * 1024;

type Subject = Box<[u8]>;

#[derive(Clone, Copy, Debug)]
struct Request {
    came: Moment,
    answers: u32,
}

/// Reply subjects of what a client was sent.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    requests: BTreeMap<Subject, Request>,
    by_age: VecDeque<(Moment, Subject)>,
}

impl Answers {
    /// A message with this reply subject was delivered.
    pub(crate) fn expect(&mut self, reply: &[u8], now: Moment) {
        if self.by_age.len() >= MOST {
            self.drop_oldest();
        }
        let request = Request {
            came: now,
            answers: 0,
        };
        self.requests.insert(reply.into(), request);
        self.by_age.push_back((now, reply.into()));
    }

    /// Whether one (more) message may be sent there; counts it.
    pub(crate) fn take(
        &mut self,
        subject: &[u8],
        allowed: ResponsePermission,
        now: Moment,
    ) -> bool {
        let is_late = |came: Moment| {
            allowed
                .expires
                .is_some_and(|expires| now.since(came) > expires)
        };
        while self.by_age.front().is_some_and(|(came, _)| is_late(*came)) {
            self.drop_oldest();
        }
        let Some(request) = self.requests.get_mut(subject) else {
            return false;
        };
        request.answers = request.answers.saturating_add(1);
        if allowed.messages.is_none_or(|most| request.answers <= most) {
            return true;
        }
        self.requests.remove(subject);
        false
    }

    fn drop_oldest(&mut self) {
        let Some((came, subject)) = self.by_age.pop_front() else {
            return;
        };
        // A later request with the same reply subject has a later entry of its own.
        let known = self.requests.get(&subject);
        if known.is_some_and(|request| request.came == came) {
            self.requests.remove(&subject);
        }
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::from_nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn a_request_may_be_answered_so_often_and_so_long() {
        let allowed = ResponsePermission {
            messages: Some(2),
            expires: Some(Duration::from_secs(10)),
        };
        let mut answers = Answers::default();
        answers.expect(b"r", at(0));
        answers.expect(b"s", at(1));
        assert!(!answers.take(b"x", allowed, at(1)));
        assert!(answers.take(b"r", allowed, at(1)));
        assert!(answers.take(b"r", allowed, at(10)));
        assert!(!answers.take(b"r", allowed, at(10)), "both are used up");
        assert!(answers.take(b"s", allowed, at(11)));
        assert!(!answers.take(b"s", allowed, at(12)), "too late");
        assert!(answers.requests.is_empty() && answers.by_age.is_empty());
    }

    #[test]
    fn the_oldest_request_makes_room() {
        let any = ResponsePermission {
            messages: None,
            expires: None,
        };
        let mut answers = Answers::default();
        for n in 0..=MOST {
            answers.expect(alloc::format!("{n}").as_bytes(), at(n as u64));
        }
        assert!(!answers.take(b"0", any, at(0)));
        assert!(answers.take(b"1", any, at(0)) && answers.take(b"1", any, at(0)));
        assert_eq!((answers.requests.len(), answers.by_age.len()), (MOST, MOST));
    }
}
