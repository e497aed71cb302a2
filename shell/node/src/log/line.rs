//! One line of the log, as text and as a JSON object. Not here: which lines there are, and where they go.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use gannet_config::{LogFormat, LoggingOptions, Subsystem};
use gannet_rt::Rt;
use gannet_units::WallTime;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{About, Level};

/// What the lines of a log look like.
#[derive(Clone)]
pub struct Form {
    rt: Rt,
    pid: u32,
    format: LogFormat,
    /// Lines say when.
    time: bool,
    zone: TimeZone,
}

impl Form {
    /// As the options want it.
    pub fn new(rt: &Rt, options: &LoggingOptions) -> Form {
        let zone = if options.time_utc {
            TimeZone::UTC
        } else {
            local_zone(rt)
        };
        Form {
            rt: rt.clone(),
            pid: gannet_rt::process::pid(rt),
            format: options.format,
            time: options.time,
            zone,
        }
    }

    /// A line of now about the server.
    pub fn line<'a>(self: &'a Arc<Form>, level: Level, text: fmt::Arguments<'a>) -> Line<'a> {
        Line {
            form: self,
            level,
            subsystem: Subsystem::Server,
            about: None,
            at: self.rt.wall(),
            text,
        }
    }
}

/// The zone that times in logs are of: this machine's, or UTC if it has none that can be read.
pub fn local_zone(rt: &Rt) -> TimeZone {
    gannet_rt::zone::local(rt)
        .and_then(|rules| TimeZone::tzif("Local", &rules).ok())
        .unwrap_or(TimeZone::UTC)
}

/// One line, without a line end. Its text ([`fmt::Display`]) is the whole of it.
#[derive(Clone, Copy)]
pub struct Line<'a> {
    pub(super) form: &'a Arc<Form>,
    pub(super) level: Level,
    pub(super) subsystem: Subsystem,
    pub(super) about: Option<&'a About>,
    pub(super) at: WallTime,
    pub(super) text: fmt::Arguments<'a>,
}

impl<'a> Line<'a> {
    /// How much it matters.
    pub fn level(&self) -> Level {
        self.level
    }

    /// When it was written.
    pub fn at(&self) -> WallTime {
        self.at
    }

    /// What it looks like, for more lines like it.
    pub fn form(&self) -> &'a Arc<Form> {
        self.form
    }

    /// Whether it is an object in JSON.
    pub fn is_json(&self) -> bool {
        self.form.format == LogFormat::Json
    }

    /// The line for those who know process, time and level already: the text alone, but all of an object in
    /// JSON. Of one with more than `most` bytes only the beginning.
    pub fn message(&self, most: usize) -> String {
        let text = self.plain();
        if !self.is_json() {
            return cut(text, most);
        }
        let text = self.text.to_string();
        let whole = self.object(&text);
        if whole.len() <= most {
            return whole;
        }
        // In an object, a byte may take six; what else is in it is of moderate length.
        self.object(&cut(text, most / 8))
    }

    /// The text, behind the one whom it is about.
    fn plain(&self) -> String {
        match self.about {
            Some(about) => format!("{about} - {}", self.text),
            None => self.text.to_string(),
        }
    }

    /// The object, with the text as it is.
    fn object(&self, text: &str) -> String {
        let form = self.form;
        let mut object = Object::default();
        if form.time {
            object.text("time", &rfc3339(self.at, &form.zone));
        }
        object.text("level", self.level.name());
        object.number("pid", form.pid.into());
        object.text("subsystem", self.subsystem.name());
        if let Some(about) = self.about {
            object.text("kind", about.kind.name());
            object.number(about.kind.id_name(), about.id);
            object.text("address", &about.address.to_string());
            object.text_if_any("client", &about.client);
            object.text_if_any("account", &about.account);
            object.text_if_any("user", &about.user);
        }
        object.text("text", text);
        object.done()
    }
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form = self.form;
        if self.is_json() {
            return f.write_str(&self.object(&self.text.to_string()));
        }
        write!(f, "[{}] ", form.pid)?;
        if form.time {
            write!(f, "{} ", format_time(self.at, &form.zone))?;
        }
        write!(f, "[{}] ", tag(self.level))?;
        if let Some(about) = self.about {
            write!(f, "{about} - ")?;
        }
        f.write_fmt(self.text)
    }
}

fn tag(level: Level) -> &'static str {
    match level {
        Level::Fatal => "FTL",
        Level::Error => "ERR",
        Level::Warn => "WRN",
        Level::Info => "INF",
        Level::Debug => "DBG",
        Level::Trace => "TRC",
    }
}

/// The first `most` bytes, or one or two less, so that no letter is torn apart.
fn cut(mut text: String, most: usize) -> String {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most));
    }
    text
}

/// An object in JSON while it grows.
#[derive(Default)]
struct Object(String);

impl Object {
    fn key(&mut self, key: &str) {
        let before = if self.0.is_empty() { '{' } else { ',' };
        // Writing to a text cannot fail; keys are names of ours.
        let _ = write!(self.0, "{before}\"{key}\":");
    }

    fn number(&mut self, key: &str, number: u64) {
        self.key(key);
        let _ = write!(self.0, "{number}");
    }

    fn text(&mut self, key: &str, text: &str) {
        self.key(key);
        // A text always has a form in JSON.
        self.0
            .push_str(&serde_json::to_string(text).unwrap_or_default());
    }

    fn text_if_any(&mut self, key: &str, text: &str) {
        if !text.is_empty() {
            self.text(key, text);
        }
    }

    fn done(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// `2006/01/02 15:04:05.000000`, in `zone`.
fn format_time(at: WallTime, zone: &TimeZone) -> String {
    formatted(at, zone, "%Y/%m/%d %H:%M:%S.%6f")
}

/// `2006-01-02T15:04:05.000000+01:00`, or with a `Z` in UTC.
fn rfc3339(at: WallTime, zone: &TimeZone) -> String {
    let text = formatted(at, zone, "%Y-%m-%dT%H:%M:%S.%6f%:z");
    match text.strip_suffix("+00:00") {
        Some(utc) => format!("{utc}Z"),
        None => text,
    }
}

fn formatted(at: WallTime, zone: &TimeZone, form: &str) -> String {
    let timestamp = Timestamp::from_nanosecond(i128::from(at.as_unix_nanos())).unwrap_or_default();
    timestamp.to_zoned(zone.clone()).strftime(form).to_string()
}

#[cfg(test)]
mod tests {
    use gannet_rt::sim::Sim;
    use serde_json::{Value, json};

    use super::super::about::Kind;
    use super::*;

    const AT: WallTime = WallTime::from_unix_nanos(1_136_214_245_000_042_999);

    fn east() -> TimeZone {
        TimeZone::fixed(jiff::tz::offset(9))
    }

    #[test]
    fn time_has_the_form_that_log_tools_parse() {
        let utc = TimeZone::UTC;
        assert_eq!(format_time(AT, &utc), "2006/01/02 15:04:05.000042");
        assert_eq!(rfc3339(AT, &utc), "2006-01-02T15:04:05.000042Z");
        assert_eq!(rfc3339(AT, &east()), "2006-01-03T00:04:05.000042+09:00");
    }

    fn client() -> About {
        About {
            address: ([127, 0, 0, 1], 5000).into(),
            kind: Kind::Client,
            id: 7,
            client: "v1.2:go:a \"b\"\n".into(),
            account: "$G".into(),
            user: "user:me".into(),
        }
    }

    /// What `see` makes of a line with this text, about a client.
    fn seen(format: LogFormat, time: bool, text: &str, see: impl Fn(Line<'_>) -> String) -> String {
        let options = LoggingOptions {
            format,
            time,
            ..LoggingOptions::default()
        };
        let form = Form {
            zone: east(),
            ..Form::new(&Sim::new(1).host("a").rt(), &options)
        };
        let form = Arc::new(form);
        let about = client();
        see(Line {
            subsystem: Subsystem::Clients,
            about: Some(&about),
            at: AT,
            ..form.line(Level::Warn, format_args!("{text}"))
        })
    }

    #[test]
    fn as_text_a_line_begins_with_process_time_level_and_the_one_it_is_about() {
        let label = r#"127.0.0.1:5000 - cid:7 - "v1.2:go:a \"b\"\n" - "$G/user:me""#;
        let whole = |time| seen(LogFormat::Text, time, "is odd", |line| line.to_string());
        let at = "2006/01/03 00:04:05.000042";
        assert_eq!(whole(true), format!("[1] {at} [WRN] {label} - is odd"));
        assert_eq!(whole(false), format!("[1] [WRN] {label} - is odd"));
        let message = seen(LogFormat::Text, true, "is odd", |line| line.message(999));
        assert_eq!(message, format!("{label} - is odd"));
    }

    #[test]
    fn as_json_a_line_is_an_object_with_all_that_is_known() {
        let text = "said \"\u{1}\"\nand left";
        let mut wanted = json!({
            "time": "2006-01-03T00:04:05.000042+09:00", "level": "warn", "pid": 1, "subsystem": "clients", "kind": "client",
            "cid": 7, "address": "127.0.0.1:5000", "client": "v1.2:go:a \"b\"\n", "account": "$G", "user": "user:me",
            "text": text,
        });
        let whole = seen(LogFormat::Json, true, text, |line| line.to_string());
        assert!(!whole.contains(char::is_control), "{whole}");
        assert_eq!(serde_json::from_str::<Value>(&whole).unwrap(), wanted);
        let message = seen(LogFormat::Json, true, text, |line| line.message(999));
        assert_eq!(message, whole);
        wanted.as_object_mut().unwrap().remove("time");
        let whole = seen(LogFormat::Json, false, text, |line| line.to_string());
        assert_eq!(serde_json::from_str::<Value>(&whole).unwrap(), wanted);
    }

    #[test]
    fn what_is_too_long_is_cut_between_letters_and_is_json_still() {
        let long = "\u{e4}\u{1}".repeat(5000);
        for most in 2000..2008 {
            let text = seen(LogFormat::Text, true, &long, |line| line.message(most));
            assert!((most - 1..=most).contains(&text.len()), "{}", text.len());
            let object = seen(LogFormat::Json, true, &long, |line| line.message(most));
            assert!(object.len() <= most, "{}", object.len());
            let object: Value = serde_json::from_str(&object).unwrap();
            let shown = object["text"].as_str().unwrap();
            assert!(long.starts_with(shown) && shown.len() > most / 10);
        }
    }
}
