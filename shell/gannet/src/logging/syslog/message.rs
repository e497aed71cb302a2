//! A line of the log as a syslog message, byte for byte as the reference server sends it. Not here: sending.

use gannet_node::{Level, Line, local_zone};
use gannet_rt::{Rt, process};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::receiver::Receiver;

/// What the messages to one receiver have in common.
pub(super) struct Letterhead {
    facility: u8,
    /// What messages begin with behind the time: the machine's name if the receiver is on another one, and the
    /// program with its id.
    sender: String,
    /// Times have a form without year and zone.
    is_near: bool,
    zone: TimeZone,
    longest: usize,
}

impl Letterhead {
    /// For messages of `program` to `receiver`.
    pub(super) fn new(rt: &Rt, program: &str, receiver: &Receiver) -> Letterhead {
        let machine = || process::hostname(rt).unwrap_or_else(|| "localhost".to_string());
        let program = format!("{program}[{}]", process::pid(rt));
        let is_near = receiver.is_near();
        Letterhead {
            facility: receiver.facility(),
            sender: match is_near {
                true => program,
                false => format!("{} {program}", machine()),
            },
            is_near,
            // Syslog goes by the time of the machine; what the options say is for the line itself.
            zone: local_zone(rt),
            longest: receiver.longest(),
        }
    }

    /// The message for a line.
    pub(super) fn message(&self, line: &Line<'_>) -> Vec<u8> {
        let priority = self.facility | severity(line.level());
        let at = self.time(line);
        let text = on_one_line(line.message(self.longest));
        format!("<{priority}>{at} {}: {text}\n", self.sender).into_bytes()
    }

    /// `Jan  2 15:04:05`, or `2006-01-02T15:04:05+01:00` with a `Z` if the zone is that of UTC.
    fn time(&self, line: &Line<'_>) -> String {
        let nanos = i128::from(line.at().as_unix_nanos());
        let at = Timestamp::from_nanosecond(nanos).unwrap_or_default();
        let at = at.to_zoned(self.zone.clone());
        if self.is_near {
            return at.strftime("%b %e %H:%M:%S").to_string();
        }
        let text = at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
        match text.strip_suffix("+00:00") {
            Some(utc) => format!("{utc}Z"),
            None => text,
        }
    }
}

/// As the reference server has it; what it calls a notice is more than information to syslog.
fn severity(level: Level) -> u8 {
    match level {
        Level::Fatal => 2,
        Level::Error => 3,
        Level::Warn => 4,
        Level::Info | Level::Trace => 5,
        Level::Debug => 7,
    }
}

/// A line end would be the end of the message to some receivers, and what follows one of its own.
fn on_one_line(text: String) -> String {
    if !text.contains(['\n', '\r', '\0']) {
        return text;
    }
    text.replace('\n', "\\n")
        .replace('\r', "\\r")
        .replace('\0', "\\0")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use gannet_config::LoggingOptions;
    use gannet_node::Form;
    use gannet_rt::sim::Sim;

    use super::*;

    fn letterhead(receiver: &Receiver) -> Letterhead {
        let rt = Sim::new(1).host("a").rt();
        Letterhead {
            zone: TimeZone::fixed(jiff::tz::offset(9)),
            ..Letterhead::new(&rt, "nats-server", receiver)
        }
    }

    fn message(receiver: &Receiver, level: Level, text: &str) -> String {
        let rt = Sim::new(1).host("a").rt();
        let form = Arc::new(Form::new(&rt, &LoggingOptions::default()));
        let message = letterhead(receiver).message(&form.line(level, format_args!("{text}")));
        String::from_utf8(message).expect("a text")
    }

    #[test]
    fn each_kind_of_receiver_gets_messages_of_its_form() {
        let rt = Sim::new(1).host("a").rt();
        let now = Timestamp::from_nanosecond(rt.wall().as_unix_nanos().into()).expect("a time");
        let now = now.to_zoned(TimeZone::fixed(jiff::tz::offset(9)));
        let (short, long) = ("%b %e %H:%M:%S", "%Y-%m-%dT%H:%M:%S+09:00");
        for (receiver, begin, form, sender) in [
            (Receiver::of_this_machine(), "<29>", short, "nats-server[1]"),
            (Receiver::Unix("/x".into()), "<5>", short, "nats-server[1]"),
            (
                Receiver::Udp("h:1".into()),
                "<5>",
                long,
                "localhost nats-server[1]",
            ),
            (
                Receiver::Tcp("h:1".into()),
                "<5>",
                long,
                "localhost nats-server[1]",
            ),
        ] {
            let at = now.strftime(form);
            let wanted = format!("{begin}{at} {sender}: Server is ready\n");
            assert_eq!(message(&receiver, Level::Info, "Server is ready"), wanted);
        }
    }

    #[test]
    fn levels_are_severities() {
        let receiver = Receiver::Udp("h:1".into());
        let priorities = Level::ALL.map(|level| {
            let message = message(&receiver, level, "x");
            message.split('>').next().unwrap_or_default().to_string()
        });
        assert_eq!(priorities, ["<2", "<3", "<4", "<5", "<7", "<5"]);
    }

    #[test]
    fn a_text_of_several_lines_is_one_message() {
        let text = message(&Receiver::Tcp("h:1".into()), Level::Info, "a\r\n<0>b\0");
        assert!(text.ends_with(": a\\r\\n<0>b\\0\n"), "{text}");
    }

    #[test]
    fn a_text_that_is_longer_than_a_datagram_is_cut() {
        let text = message(
            &Receiver::Udp("h:1".into()),
            Level::Trace,
            &"x".repeat(70_000),
        );
        assert!((60_000..60_200).contains(&text.len()), "{}", text.len());
    }
}
