//! Publishes encoded ahead of time: one buffer of equal frames in which only sequence number and subject number change.

use super::shape::{DIGITS, Shape};

/// A buffer of `PUB`/`HPUB` frames of equal length, stamped anew before every write.
#[derive(Debug)]
pub(crate) struct Batch {
    bytes: Vec<u8>,
    frame: usize,
    sequence_at: usize,
    number_at: Option<usize>,
    cycle: Vec<[u8; DIGITS]>,
    next: u64,
}

impl Batch {
    /// As many frames as fit `target` bytes, at least one; the first is number 0.
    pub(crate) fn new(shape: &Shape, target: usize) -> Self {
        let headers = shape.header_block();
        let line = if headers.is_empty() {
            format!("PUB {} {}\r\n", shape.subject(0), shape.payload)
        } else {
            format!(
                "HPUB {} {} {}\r\n",
                shape.subject(0),
                headers.len(),
                headers.len() + shape.payload
            )
        };
        let verb = if headers.is_empty() {
            "PUB ".len()
        } else {
            "HPUB ".len()
        };
        let mut frame = line.into_bytes();
        frame.extend_from_slice(&headers);
        let sequence_at = frame.len();
        frame.extend_from_slice(&shape.payload_template());
        frame.extend_from_slice(b"\r\n");
        let count = (target / frame.len()).max(1);
        Batch {
            bytes: frame.repeat(count),
            frame: frame.len(),
            sequence_at,
            number_at: shape.numbered().then(|| verb + shape.number_at()),
            cycle: shape.cycle(),
            next: 0,
        }
    }

    /// Messages in one batch.
    pub(crate) fn len(&self) -> u64 {
        (self.bytes.len() / self.frame) as u64
    }

    /// Bytes of one message on the wire.
    pub(crate) fn frame_len(&self) -> usize {
        self.frame
    }

    /// Messages handed out so far, which is also the next one's sequence number.
    pub(crate) fn stamped(&self) -> u64 {
        self.next
    }

    /// The buffer as last stamped.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Stamps the whole buffer with the next sequence numbers.
    pub(crate) fn stamp(&mut self) {
        let first = self.next;
        for (frame, sequence) in self.bytes.chunks_exact_mut(self.frame).zip(first..) {
            frame[self.sequence_at..self.sequence_at + 8].copy_from_slice(&sequence.to_le_bytes());
        }
        if let Some(at) = self.number_at {
            let mut turn = (first % self.cycle.len() as u64) as usize;
            for frame in self.bytes.chunks_exact_mut(self.frame) {
                frame[at..at + DIGITS].copy_from_slice(&self.cycle[turn]);
                turn = if turn + 1 == self.cycle.len() {
                    0
                } else {
                    turn + 1
                };
            }
        }
        self.next += self.len();
    }
}

#[cfg(test)]
mod tests {
    use super::super::shape::Subscription;
    use super::*;

    #[test]
    fn frames_carry_consecutive_numbers_across_batches() {
        let shape = Shape {
            payload: 16,
            headers: 0,
            subjects: 1,
            subscription: Subscription::Literal,
            publisher: 1,
            run: 2,
        };
        let frame = |sequence: u64| {
            let mut bytes = b"PUB load.p1 16\r\n".to_vec();
            bytes.extend_from_slice(&sequence.to_le_bytes());
            bytes.extend_from_slice(&[1, 0, 0, 0, 2, 0, 0, 0, b'\r', b'\n']);
            bytes
        };
        let mut batch = Batch::new(&shape, 80);
        assert_eq!((batch.len(), batch.frame_len()), (2, 34));
        batch.stamp();
        assert_eq!(batch.bytes(), [frame(0), frame(1)].concat());
        batch.stamp();
        assert_eq!(batch.bytes(), [frame(2), frame(3)].concat());
        assert_eq!(batch.stamped(), 4);
    }

    #[test]
    fn numbered_subjects_follow_the_cycle_and_wrap() {
        let shape = Shape {
            payload: 16,
            headers: 0,
            subjects: 3,
            subscription: Subscription::Wildcard,
            publisher: 0,
            run: 0,
        };
        let cycle = shape.cycle();
        let mut batch = Batch::new(&shape, 100);
        let mut seen = Vec::new();
        for _ in 0..2 {
            batch.stamp();
            seen.extend(
                batch
                    .bytes()
                    .chunks(batch.frame_len())
                    .map(|frame| frame[12..18].to_vec()),
            );
        }
        assert_eq!(
            seen,
            [&cycle[0][..], &cycle[1], &cycle[2], &cycle[0]][..seen.len()]
        );
        assert_eq!(seen.len(), 4);
    }

    #[test]
    fn headers_go_before_the_stamp() {
        let shape = Shape {
            payload: 20,
            headers: 64,
            subjects: 1,
            subscription: Subscription::Literal,
            publisher: 0,
            run: 0,
        };
        let mut batch = Batch::new(&shape, 1);
        batch.stamp();
        let bytes = batch.bytes();
        assert!(bytes.starts_with(b"HPUB load.p0 64 84\r\nNATS/1.0\r\n"));
        assert_eq!(bytes.len(), b"HPUB load.p0 64 84\r\n".len() + 84 + 2);
        assert_eq!(batch.len(), 1);
    }
}
