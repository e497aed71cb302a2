//! A server of the client protocol, just enough to be measured, which can be told to make one mistake.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// The delivery, counted from 0, at which the fault happens.
const FAULTY: u64 = 999;

struct Subscription {
    connection: usize,
    pattern: Vec<String>,
    queue: Option<String>,
    sid: String,
}

/// What all connections share.
struct Switch {
    fault: String,
    subscriptions: Vec<Subscription>,
    /// Literal subjects are found by hashing, as there may be thousands.
    literals: std::collections::BTreeMap<Vec<String>, Vec<usize>>,
    sockets: Vec<TcpStream>,
    deliveries: u64,
    held: Option<(usize, Vec<u8>)>,
    last: Option<(usize, Vec<u8>)>,
}

/// Serves until the process is ended; `words` are the fault, a directory for notes, and the server's flags.
pub(crate) fn serve(words: &str) {
    let words: Vec<&str> = words.split(' ').collect();
    let (fault, directory) = (words[0], words[1]);
    if fault == "refuse" {
        eprintln!("no such luck");
        std::process::exit(3);
    }
    let port = words
        .iter()
        .position(|word| *word == "-p")
        .map(|at| words[at + 1])
        .unwrap();
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).unwrap();
    let mut pids = OpenOptions::new()
        .create(true)
        .append(true)
        .open(format!("{directory}/pids"))
        .unwrap();
    pids.write_all(format!("{}\n", std::process::id()).as_bytes())
        .unwrap();
    let switch = Arc::new(Mutex::new(Switch {
        fault: fault.to_owned(),
        subscriptions: Vec::new(),
        literals: Default::default(),
        sockets: Vec::new(),
        deliveries: 0,
        held: None,
        last: None,
    }));
    for socket in listener.incoming().map_while(Result::ok) {
        let switch = Arc::clone(&switch);
        thread::spawn(move || converse(&socket, &switch));
    }
}

/// One connection; ends quietly with the peer.
fn converse(socket: &TcpStream, switch: &Mutex<Switch>) -> Option<()> {
    let _ = socket.set_nodelay(true);
    let mut writer = socket.try_clone().ok()?;
    writer
        .write_all(b"INFO {\"version\":\"0.0.0-fake\",\"headers\":true}\r\n")
        .ok()?;
    let own = {
        let mut switch = switch.lock().ok()?;
        switch.sockets.push(socket.try_clone().ok()?);
        switch.sockets.len() - 1
    };
    let mut reader = BufReader::with_capacity(1 << 16, socket.try_clone().ok()?);
    let mut line = String::new();
    loop {
        line.clear();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        match *words.first()? {
            "PING" => {
                // Under the lock, as deliveries to this connection come from other threads.
                let mut switch = switch.lock().ok()?;
                switch.last_fault();
                switch.sockets[own].write_all(b"PONG\r\n").ok()?;
            }
            "SUB" => switch.lock().ok()?.subscribe(own, &words),
            "UNSUB" => switch.lock().ok()?.unsubscribe(own, words[1]),
            verb @ ("PUB" | "HPUB") => {
                let size: usize = words.last()?.parse().ok()?;
                let mut body = vec![0; size + 2];
                reader.read_exact(&mut body).ok()?;
                let sizes = words.len() - if verb == "PUB" { 1 } else { 2 };
                let reply = words[2..sizes].first().copied();
                switch
                    .lock()
                    .ok()?
                    .publish(words[1], reply, &words[sizes..], &body)?;
            }
            _ => {}
        }
    }
}

impl Switch {
    fn subscribe(&mut self, connection: usize, words: &[&str]) {
        let pattern: Vec<String> = words[1].split('.').map(str::to_owned).collect();
        let queue = (words.len() == 4).then(|| words[2].to_owned());
        if !words[1].contains('*') {
            self.literals
                .entry(pattern.clone())
                .or_default()
                .push(self.subscriptions.len());
        }
        let sid = words[words.len() - 1].to_owned();
        self.subscriptions.push(Subscription {
            connection,
            pattern,
            queue,
            sid,
        });
    }

    fn unsubscribe(&mut self, connection: usize, sid: &str) {
        let gone = self
            .subscriptions
            .iter_mut()
            .filter(|kept| kept.connection == connection)
            .find(|kept| kept.sid == sid);
        if let Some(gone) = gone {
            self.literals.remove(&gone.pattern);
            gone.pattern.clear();
            gone.sid.clear();
        }
    }

    fn publish(
        &mut self,
        subject: &str,
        reply: Option<&str>,
        sizes: &[&str],
        body: &[u8],
    ) -> Option<()> {
        let tokens: Vec<String> = subject.split('.').map(str::to_owned).collect();
        let mut targets = self.literals.get(&tokens).cloned().unwrap_or_default();
        targets.extend((0..self.subscriptions.len().min(16)).filter(|index| {
            let pattern = &self.subscriptions[*index].pattern;
            let fits = |(wanted, found): (&String, &String)| wanted == "*" || wanted == found;
            pattern.iter().any(|token| token == "*")
                && pattern.len() == tokens.len()
                && pattern.iter().zip(&tokens).all(fits)
        }));
        if targets
            .first()
            .is_some_and(|index| self.subscriptions[*index].queue.is_some())
        {
            // Eight in a row to each member, so that a doubled message is easily told from one that moved.
            let member = (self.deliveries / 8) as usize % targets.len();
            targets = vec![targets[member]];
        }
        let verb = if sizes.len() == 2 { "HMSG" } else { "MSG" };
        for index in targets {
            let Subscription {
                sid, connection, ..
            } = &self.subscriptions[index];
            let (sid, connection) = (sid.clone(), *connection);
            let reply = reply.map(|reply| format!("{reply} ")).unwrap_or_default();
            let mut frame =
                format!("{verb} {subject} {sid} {reply}{}\r\n", sizes.join(" ")).into_bytes();
            frame.extend_from_slice(body);
            self.deliver(connection, frame)?;
        }
        Some(())
    }

    fn deliver(&mut self, connection: usize, mut frame: Vec<u8>) -> Option<()> {
        let number = self.deliveries;
        self.deliveries += 1;
        if self.fault.ends_with("-last") {
            return self.deliver_but_last(connection, frame);
        }
        let mut copies = 1;
        if number == FAULTY {
            match self.fault.as_str() {
                "lose" => copies = 0,
                "double" => copies = 2,
                "swap" => {
                    self.held = Some((connection, frame));
                    return Some(());
                }
                "change" => {
                    let at = frame.len() - 4;
                    frame[at] ^= 1;
                }
                "hangup" => {
                    let _ = self.sockets[connection].shutdown(std::net::Shutdown::Both);
                }
                "error" => frame = b"-ERR 'Slow Consumer'\r\n".to_vec(),
                _ => {}
            }
        }
        if self.fault == "silent" && number >= FAULTY {
            return Some(());
        }
        for _ in 0..copies {
            self.sockets[connection].write_all(&frame).ok()?;
        }
        if let Some((connection, held)) = self.held.take() {
            self.sockets[connection].write_all(&held).ok()?;
        }
        Some(())
    }

    /// Keeps the newest delivery back until the next one, or a `PING`, shows whether it was the last.
    fn deliver_but_last(&mut self, connection: usize, frame: Vec<u8>) -> Option<()> {
        let before = self.last.replace((connection, frame));
        if let Some((connection, frame)) = before {
            self.sockets[connection].write_all(&frame).ok()?;
        }
        Some(())
    }

    /// A `PING` after deliveries is the end of a run: what is held back is lost, or delivered twice.
    fn last_fault(&mut self) {
        if let Some((connection, frame)) = self.last.take() {
            let copies = if self.fault == "double-last" { 2 } else { 0 };
            for _ in 0..copies {
                let _ = self.sockets[connection].write_all(&frame);
            }
        }
    }
}
