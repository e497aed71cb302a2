//! What a server says about a reload, for a reader; and the exit code. Not here: finding it out.

use serde_json::Value;

/// What came of it, from the best to the worst; the worst of several servers is what counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outcome {
    /// No connection would end.
    Nothing,
    /// Some would.
    Drops,
    /// Nobody can say.
    Unknown,
    /// The reload would be refused.
    Refused,
    /// The configuration cannot be used, or the server could not be found.
    Failed,
}

impl Outcome {
    /// The exit code: that of `gannet config diff`, where it has one for it.
    pub(super) fn code(self) -> u8 {
        match self {
            Outcome::Nothing => 0,
            Outcome::Failed => 1,
            Outcome::Refused => 2,
            Outcome::Drops => 3,
            Outcome::Unknown => 4,
        }
    }
}

/// What came of it.
pub(super) fn outcome(answer: &Value) -> Outcome {
    match answer["verdict"].as_str() {
        Some("live" | "unchanged") if ends_nothing(answer) => Outcome::Nothing,
        Some("live" | "unchanged") => Outcome::Drops,
        Some("refused") => Outcome::Refused,
        Some("invalid") => Outcome::Failed,
        _ => Outcome::Unknown,
    }
}

fn ends_nothing(answer: &Value) -> bool {
    ending(answer) == 0 && list(&answer["unanswered"]).is_empty()
}

/// How many connections would end.
fn ending(answer: &Value) -> u64 {
    let counts = ["clients", "routes", "gateways"];
    let count = |kind: &str| answer["ending"][kind].as_u64().unwrap_or(0);
    counts.into_iter().map(count).sum()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The answer as text.
pub(super) fn text(answer: &Value) -> String {
    let mut lines = vec![title(answer)];
    for change in list(&answer["changes"]) {
        let (verdict, text) = (word(&change["verdict"]), word(&change["text"]));
        lines.push(format!("{verdict:<8}{text}"));
    }
    let reasons = list(&answer["reasons"]).iter().map(word);
    let indented = reasons.map(|reason| format!("  {reason}"));
    match outcome(answer) {
        Outcome::Failed => {
            lines.push("A reload would fail, and nothing would change:".into());
            lines.extend(indented);
        }
        Outcome::Refused => {
            lines.push("A reload would be refused, and nothing would change:".into());
            lines.extend(indented);
        }
        Outcome::Unknown => lines.extend(unknown(answer)),
        Outcome::Nothing | Outcome::Drops => lines.extend(done(answer)),
    }
    for warning in list(&answer["warnings"]) {
        lines.push(format!("Warning: {}", word(warning)));
    }
    lines.join("\n")
}

fn title(answer: &Value) -> String {
    let pid = &answer["pid"];
    match answer["server_name"].as_str() {
        Some(name) => format!("Process {pid}, server {name}"),
        None => format!("Process {pid}"),
    }
}

/// Of a server that could not be asked.
fn unknown(answer: &Value) -> Vec<String> {
    let file = word(&answer["config_file"]);
    let digest = match answer["config_digest"].as_str() {
        Some(digest) => format!(" ({digest})"),
        None => String::new(),
    };
    let mut lines = vec![
        format!("The configuration file {file} can be used{digest}."),
        "What it would change, and which connections would end, only the server itself can say:"
            .into(),
    ];
    let reasons = list(&answer["reasons"]).iter().map(word);
    lines.extend(reasons.map(|reason| format!("  {reason}")));
    lines.push(format!(
        "With the file as it was before, `gannet config diff OLD {file}` says what changes."
    ));
    lines
}

/// Of a reload that would be done.
fn done(answer: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    let is_same = answer["verdict"] == "unchanged";
    let (count, unanswered) = (ending(answer), list(&answer["unanswered"]));
    let what = match is_same {
        true => "The server goes by this configuration already; certificates would be read again",
        false => "A reload would do it",
    };
    lines.push(match count {
        0 if unanswered.is_empty() => format!("{what}, and no connection would end."),
        0 => format!("{what}."),
        1 => format!("{what}, and end one connection:"),
        count => format!("{what}, and end {count} connections:"),
    });
    let connections = list(&answer["ending"]["connections"]);
    lines.extend(connections.iter().map(|c| format!("  {}", connection(c))));
    let rest = count.saturating_sub(connections.len() as u64);
    if rest > 0 {
        lines.push(format!("  and {rest} more"));
    }
    if !unanswered.is_empty() {
        let ids: Vec<String> = unanswered.iter().map(ToString::to_string).collect();
        let ids = ids.join(", ");
        lines.push(format!(
            "These did not say in time what would become of them: {ids}"
        ));
    }
    lines
}

fn connection(c: &Value) -> String {
    let (ip, port) = (word(&c["ip"]), &c["port"]);
    let at = if ip.contains(':') {
        format!("[{ip}]:{port}")
    } else {
        format!("{ip}:{port}")
    };
    let mut text = format!("{} {} at {at}", word(&c["kind"]), c["cid"]);
    if let Some(name) = c["name"].as_str() {
        text.push_str(&format!(", {name:?}"));
    }
    if let Some(user) = c["user"].as_str() {
        text.push_str(&format!(", user {user:?}"));
    }
    if let Some(account) = c["account"].as_str() {
        text.push_str(&format!(", account {account}"));
    }
    text.push_str(&format!(": {}", word(&c["reason"])));
    match word(&c["then"]) {
        "made anew" => text.push_str(" (made anew)"),
        "moved" => text.push_str(" (after what it carries has moved)"),
        _ => {}
    }
    text
}
