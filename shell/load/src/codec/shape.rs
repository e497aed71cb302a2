//! What one publisher's messages look like: the subject it publishes on and their sizes, shared by the encoder and the
//! checker so that both ends agree on every byte.

/// Bytes of payload that identify a message: its sequence number, its publisher and its run.
pub(crate) const STAMP: usize = 16;
/// Digits of a numbered subject or subscription id.
pub(crate) const DIGITS: usize = 6;
/// First digit of subscription ids that carry a subject's number, so that all have the same length.
const SID_LEAD: &str = "1";

/// How the receivers of a publisher subscribe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subscription {
    /// The one literal subject.
    Literal,
    /// The one literal subject, in a queue group.
    Queue,
    /// One wildcard over all of the publisher's subjects.
    Wildcard,
    /// One literal for one in so many of the publisher's subjects.
    EveryNth(u32),
}

/// What one publisher's messages look like on both sides of the server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// Payload bytes, at least [`STAMP`].
    pub(crate) payload: usize,
    /// Bytes of the header block, 0 for a message without headers.
    pub(crate) headers: usize,
    /// Subjects the publisher cycles through, at most a million; 1 for a single literal one.
    pub(crate) subjects: u32,
    /// How receivers subscribe.
    pub(crate) subscription: Subscription,
    /// The publisher's number within the run.
    pub(crate) publisher: u32,
    /// A number drawn for this run: a message left over from another run is not mistaken for one of ours.
    pub(crate) run: u32,
}

impl Shape {
    /// The subject without its number.
    fn stem(&self) -> String {
        format!("load.p{}", self.publisher)
    }

    /// Whether subjects carry a number.
    pub(crate) fn numbered(&self) -> bool {
        self.subjects > 1
    }

    /// The subject with the given number (ignored when there is one subject only).
    pub(crate) fn subject(&self, number: u32) -> String {
        if self.numbered() {
            format!("{}.{number:06}", self.stem())
        } else {
            self.stem()
        }
    }

    /// Position of the number in the subject.
    pub(crate) fn number_at(&self) -> usize {
        self.stem().len() + 1
    }

    /// The subscription id under which the numbered subject is delivered.
    pub(crate) fn sid(&self, number: u32) -> String {
        match self.subscription {
            Subscription::EveryNth(_) => format!("{SID_LEAD}{number:06}"),
            _ => "1".to_owned(),
        }
    }

    /// Position of the number within the subscription id, where it has one.
    pub(crate) fn sid_number_at(&self) -> Option<usize> {
        matches!(self.subscription, Subscription::EveryNth(_)).then_some(SID_LEAD.len())
    }

    /// The `SUB` lines of one receiver.
    pub(crate) fn subscribe(&self) -> Vec<u8> {
        let mut lines = String::new();
        match self.subscription {
            Subscription::Literal => lines = format!("SUB {} 1\r\n", self.subject(0)),
            Subscription::Queue => lines = format!("SUB {} workers 1\r\n", self.subject(0)),
            Subscription::Wildcard => lines = format!("SUB {}.* 1\r\n", self.stem()),
            Subscription::EveryNth(step) => {
                for number in (0..self.subjects).step_by(step as usize) {
                    lines += &format!("SUB {} {}\r\n", self.subject(number), self.sid(number));
                }
            }
        }
        lines.into_bytes()
    }

    /// Of how many consecutive messages one is delivered.
    pub(crate) fn step(&self) -> u64 {
        match self.subscription {
            Subscription::EveryNth(step) => u64::from(step),
            _ => 1,
        }
    }

    /// The digits of the subject of each message in turn, for one cycle: neighbours in time are far apart in the subject
    /// space, and with [`Subscription::EveryNth`] exactly the messages whose sequence number is divisible by the step hit
    /// a subscription.
    pub(crate) fn cycle(&self) -> Vec<[u8; DIGITS]> {
        if !self.numbered() {
            return Vec::new();
        }
        // A prime that divides none of the counts in use, so that the walk meets every subject once per cycle.
        const STRIDE: u64 = 76_543;
        (0..u64::from(self.subjects))
            .map(|turn| digits((turn * STRIDE) % u64::from(self.subjects)))
            .collect()
    }

    /// The header block, closing empty line included.
    pub(crate) fn header_block(&self) -> Vec<u8> {
        if self.headers == 0 {
            return Vec::new();
        }
        let mut block = b"NATS/1.0\r\nLoad: ".to_vec();
        let fill = self.headers.saturating_sub(block.len() + 4);
        block.extend(std::iter::repeat_n(b'h', fill));
        block.extend_from_slice(b"\r\n\r\n");
        block
    }

    /// The payload with a sequence number of zero; the rest of the bytes depend on publisher and run.
    pub(crate) fn payload_template(&self) -> Vec<u8> {
        let mut payload = vec![0; 8];
        payload.extend_from_slice(&self.publisher.to_le_bytes());
        payload.extend_from_slice(&self.run.to_le_bytes());
        let mut fill = self.run | 1;
        while payload.len() < self.payload {
            fill = fill.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            payload.push((fill >> 24) as u8);
        }
        payload
    }
}

fn digits(mut number: u64) -> [u8; DIGITS] {
    let mut text = [b'0'; DIGITS];
    for digit in text.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(subjects: u32, subscription: Subscription) -> Shape {
        Shape {
            payload: 16,
            headers: 0,
            subjects,
            subscription,
            publisher: 3,
            run: 7,
        }
    }

    #[test]
    fn a_cycle_meets_every_subject_once() {
        let mut cycle = shape(100_000, Subscription::Wildcard).cycle();
        cycle.sort();
        let expected: Vec<_> = (0..100_000).map(digits).collect();
        assert!(cycle == expected);
    }

    #[test]
    fn every_tenth_message_hits_a_subscription_and_no_other_does() {
        let shape = shape(1_000, Subscription::EveryNth(10));
        let lines = String::from_utf8(shape.subscribe()).unwrap();
        assert_eq!(lines.lines().count(), 100);
        for (turn, digits) in shape.cycle().iter().enumerate() {
            let subject = format!(" load.p3.{} ", std::str::from_utf8(digits).unwrap());
            assert_eq!(lines.contains(&subject), turn % 10 == 0, "{turn}");
        }
    }

    #[test]
    fn subscriptions_are_spelled_as_the_protocol_wants() {
        let line = |subjects, kind| String::from_utf8(shape(subjects, kind).subscribe()).unwrap();
        assert_eq!(line(1, Subscription::Literal), "SUB load.p3 1\r\n");
        assert_eq!(line(1, Subscription::Queue), "SUB load.p3 workers 1\r\n");
        assert_eq!(line(10, Subscription::Wildcard), "SUB load.p3.* 1\r\n");
        assert_eq!(
            line(20, Subscription::EveryNth(10)),
            "SUB load.p3.000000 1000000\r\nSUB load.p3.000010 1000010\r\n"
        );
    }

    #[test]
    fn header_block_and_payload_have_the_sizes_asked_for() {
        let shape = Shape {
            headers: 64,
            payload: 128,
            ..shape(1, Subscription::Literal)
        };
        let block = shape.header_block();
        assert_eq!(block.len(), 64);
        assert!(block.starts_with(b"NATS/1.0\r\n") && block.ends_with(b"\r\n\r\n"));
        assert_eq!(shape.payload_template().len(), 128);
    }
}
