//! The trace: every event folded into a hash, and on request kept as text.

use std::collections::VecDeque;

/// Lines kept; older ones are dropped.
const MAX_LINES: usize = 20_000;

/// What happened; the numbers are those of tasks, sockets, hosts and bytes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mark {
    Spawn {
        task: u64,
        host: usize,
    },
    Poll {
        task: u64,
    },
    End {
        task: u64,
    },
    Abort {
        task: u64,
    },
    Timer {
        timer: u64,
    },
    Listen {
        listener: u64,
        host: usize,
    },
    Dial {
        socket: u64,
        host: usize,
    },
    Arrive {
        socket: u64,
        bytes: usize,
    },
    Fin {
        socket: u64,
    },
    Connected {
        client: u64,
        server: u64,
    },
    Refused {
        socket: u64,
    },
    Held {
        from: usize,
        to: usize,
    },
    Lost {
        from: usize,
        to: usize,
    },
    Ack {
        socket: u64,
        bytes: usize,
    },
    Reset {
        socket: u64,
    },
    TimedOut {
        socket: u64,
    },
    Read {
        socket: u64,
        bytes: usize,
    },
    Write {
        socket: u64,
        bytes: usize,
    },
    Shutdown {
        socket: u64,
    },
    Close {
        socket: u64,
    },
    Control {
        what: &'static str,
        a: usize,
        b: usize,
    },
    Random {
        host: usize,
    },
}

impl Mark {
    /// A number for the kind and up to two for the rest.
    fn numbers(self) -> (u64, u64, u64) {
        match self {
            Mark::Spawn { task, host } => (1, task, host as u64),
            Mark::Poll { task } => (2, task, 0),
            Mark::End { task } => (3, task, 0),
            Mark::Abort { task } => (4, task, 0),
            Mark::Timer { timer } => (5, timer, 0),
            Mark::Listen { listener, host } => (6, listener, host as u64),
            Mark::Dial { socket, host } => (7, socket, host as u64),
            Mark::Arrive { socket, bytes } => (8, socket, bytes as u64),
            Mark::Fin { socket } => (9, socket, 0),
            Mark::Connected { client, server } => (10, client, server),
            Mark::Refused { socket } => (11, socket, 0),
            Mark::Held { from, to } => (12, from as u64, to as u64),
            Mark::Lost { from, to } => (13, from as u64, to as u64),
            Mark::Ack { socket, bytes } => (14, socket, bytes as u64),
            Mark::Reset { socket } => (15, socket, 0),
            Mark::TimedOut { socket } => (16, socket, 0),
            Mark::Read { socket, bytes } => (17, socket, bytes as u64),
            Mark::Write { socket, bytes } => (18, socket, bytes as u64),
            Mark::Shutdown { socket } => (19, socket, 0),
            Mark::Close { socket } => (20, socket, 0),
            Mark::Control { what, a, b } => {
                let kind = what
                    .bytes()
                    .fold(0, |h: u64, b| h.wrapping_mul(31) + u64::from(b));
                (kind, a as u64, b as u64)
            }
            Mark::Random { host } => (21, host as u64, 0),
        }
    }
}

pub(super) struct Trace {
    hash: u64,
    events: u64,
    lines: Option<VecDeque<String>>,
}

impl Trace {
    pub(super) fn new() -> Trace {
        Trace {
            hash: 0x6a09_e667_f3bc_c908,
            events: 0,
            lines: None,
        }
    }

    pub(super) fn mark(&mut self, now: u64, mark: Mark) {
        let (kind, a, b) = mark.numbers();
        for n in [now, kind, a, b] {
            self.fold(n);
        }
        self.events += 1;
        if self.lines.is_some() {
            self.push(format!("{now:>15} {mark:?}"));
        }
    }

    /// Folds in what was read or written, so that equal traces mean equal bytes.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            self.fold(u64::from_le_bytes(
                chunk.try_into().expect("chunks of eight"),
            ));
        }
        for byte in chunks.remainder() {
            self.fold(u64::from(*byte));
        }
    }

    pub(super) fn note(&mut self, now: u64, text: &str) {
        self.fold(now);
        self.bytes(text.as_bytes());
        self.events += 1;
        if self.lines.is_some() {
            self.push(format!("{now:>15} {text}"));
        }
    }

    fn fold(&mut self, n: u64) {
        let mixed = (self.hash ^ n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.hash = mixed ^ (mixed >> 29);
    }

    fn push(&mut self, line: String) {
        if let Some(lines) = &mut self.lines {
            if lines.len() == MAX_LINES {
                lines.pop_front();
            }
            lines.push_back(line);
        }
    }

    pub(super) fn hash(&self) -> u64 {
        self.hash
    }

    pub(super) fn events(&self) -> u64 {
        self.events
    }

    pub(super) fn keep_text(&mut self, on: bool) {
        self.lines = on.then(VecDeque::new);
    }

    pub(super) fn take_text(&mut self) -> Vec<String> {
        match &mut self.lines {
            Some(lines) => std::mem::take(lines).into(),
            None => Vec::new(),
        }
    }
}
