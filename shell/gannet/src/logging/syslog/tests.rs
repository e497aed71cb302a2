//! Syslog as its receiver sees it: what arrives when it goes, comes back, or is deaf.

use std::io::{BufRead as _, BufReader};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::PathBuf;
use std::time::Duration;

use gannet_node::Level;
use gannet_rt::Runtime;

use super::*;

/// Longer than any pause between attempts.
const PATIENCE: Duration = Duration::from_secs(20);

struct Fixture {
    dir: tempfile::TempDir,
    runtime: Runtime,
}

impl Fixture {
    fn new() -> Fixture {
        Fixture {
            dir: tempfile::tempdir().expect("a temporary folder"),
            runtime: Runtime::new(Some(1)).expect("a runtime"),
        }
    }

    fn place(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    /// A receiver of datagrams, and the way to it.
    fn datagrams(&self) -> (UnixDatagram, Sender<'_>) {
        let receiver = UnixDatagram::bind(self.place()).expect("a socket");
        receiver
            .set_read_timeout(Some(PATIENCE))
            .expect("a timeout");
        (receiver, self.sender(Receiver::Local(vec![self.place()])))
    }

    /// A receiver that takes connections, the first one, and the way to it.
    fn connection(&self) -> (UnixListener, BufReader<UnixStream>, Sender<'_>) {
        let listener = self.listener();
        let place = self.place().to_str().expect("UTF-8").to_string();
        let sender = self.sender(Receiver::Unix(place));
        let stream = accept(&listener);
        (listener, stream, sender)
    }

    fn listener(&self) -> UnixListener {
        UnixListener::bind(self.place()).expect("a listener")
    }

    fn sender(&self, receiver: Receiver) -> Sender<'_> {
        let (rt, options) = (self.runtime.rt(), LoggingOptions::default());
        let opened = self.runtime.block_on(Syslog::of(&rt, receiver, &options));
        Sender {
            runtime: &self.runtime,
            syslog: opened.unwrap_or_else(|why| panic!("{why}")),
            form: Arc::new(Form::new(&rt, &options)),
        }
    }
}

struct Sender<'a> {
    runtime: &'a Runtime,
    syslog: Syslog,
    form: Arc<Form>,
}

impl Sender<'_> {
    fn say(&self, text: &str) {
        let form = &self.form;
        self.syslog
            .write_line(&form.line(Level::Info, format_args!("{text}")));
    }

    fn finish(&self) {
        self.runtime.block_on(self.syslog.finish());
    }
}

fn accept(listener: &UnixListener) -> BufReader<UnixStream> {
    let (stream, _) = listener.accept().expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    BufReader::new(stream)
}

/// The text of a message.
fn text(message: &str) -> &str {
    let (_, text) = message.split_once("]: ").expect("a sender");
    text.strip_suffix('\n').expect("an end")
}

/// The text of the next datagram.
fn hear(receiver: &UnixDatagram) -> String {
    let mut buffer = [0; 1000];
    let length = receiver.recv(&mut buffer).expect("a message in time");
    text(str::from_utf8(&buffer[..length]).expect("a text")).to_string()
}

/// The text of the next message over a connection.
fn read(receiver: &mut BufReader<UnixStream>) -> String {
    let mut line = String::new();
    receiver.read_line(&mut line).expect("a message in time");
    text(&line).to_string()
}

#[test]
fn lines_arrive_in_their_order_and_the_last_ones_too() {
    let fixture = Fixture::new();
    let (_listener, mut receiver, sender) = fixture.connection();
    let said: Vec<String> = (0..=200).map(|number| number.to_string()).collect();
    for line in &said {
        sender.say(line);
    }
    sender.finish();
    sender.say("too late");
    let heard: Vec<String> = said.iter().map(|_| read(&mut receiver)).collect();
    assert_eq!(heard, said);
    let mut rest = String::new();
    let more = receiver.read_line(&mut rest).expect("an end in time");
    assert_eq!(more, 0, "{rest}");
}

#[test]
fn a_receiver_that_comes_back_gets_what_was_logged_meanwhile() {
    let fixture = Fixture::new();
    let (listener, mut receiver, sender) = fixture.connection();
    sender.say("one");
    assert_eq!(read(&mut receiver), "one");
    std::fs::remove_file(fixture.place()).expect("removed");
    drop((listener, receiver));
    // What went into the socket before its end was seen is lost; from there on, lines wait.
    let rt = fixture.runtime.rt();
    let deadline = rt.now() + PATIENCE;
    let mut said = 0_u64;
    while sender.syslog.queue.left() < 3 {
        assert!(rt.now() < deadline, "the connection's end is not seen");
        sender.say(&said.to_string());
        said += 1;
        std::thread::yield_now();
    }
    sender.say("last");
    let mut receiver = accept(&fixture.listener());
    let mut heard = Vec::new();
    let last = loop {
        let line = read(&mut receiver);
        match line.parse::<u64>() {
            Ok(number) => heard.push(number),
            Err(_) => break line,
        }
    };
    assert_eq!(last, "last");
    let first = said - heard.len() as u64;
    assert_eq!(heard, (first..said).collect::<Vec<_>>());
    // And mostly one more, which was in hand: but the task may have had no turn yet.
    assert!(heard.len() >= 3, "three in the queue: {heard:?}");
}

#[test]
fn a_deaf_receiver_holds_nobody_up_and_hears_how_much_it_has_missed() {
    // A socket of this kind holds some messages, the queue some thousands.
    const SAID: u64 = 20_000;
    let fixture = Fixture::new();
    let (receiver, sender) = fixture.datagrams();
    for number in 0..SAID {
        sender.say(&number.to_string());
    }
    let mut heard = 0;
    let lost = loop {
        let line = hear(&receiver);
        match line.split_once(" log lines were lost here") {
            Some((count, _)) => break count.parse::<u64>().expect("a number"),
            None => assert_eq!(line, heard.to_string()),
        }
        heard += 1;
    };
    assert_eq!(heard + lost, SAID);
}

#[test]
fn an_end_without_a_receiver_does_not_last() {
    let fixture = Fixture::new();
    let (listener, receiver, sender) = fixture.connection();
    std::fs::remove_file(fixture.place()).expect("removed");
    drop((listener, receiver));
    sender.say("nobody hears this");
    sender.say("nor this");
    // This comes back.
    sender.finish();
}
