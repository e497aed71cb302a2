//! One question to a monitoring port. Not here: which port, and what the answer means.

use std::fmt;
use std::time::Duration;

use gannet_config::parse_url;
use gannet_rt::{Rt, Runtime};
use serde_json::Value;

use crate::words::reason;

/// How long a server may take to answer: it asks its connections.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long work that blocks may take when the question is over.
const GRACE: Duration = Duration::from_millis(100);

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum AskError {
    /// The address is none that can be asked.
    Address(String),
    /// Nobody answers there.
    Silent(String),
    /// Somebody answers, and does not know.
    Unknown(String),
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AskError::Address(text) | AskError::Silent(text) | AskError::Unknown(text) => {
                f.write_str(text)
            }
        }
    }
}

/// What the server whose monitoring port is at `url` says about a reload.
pub(super) fn ask(url: &str) -> Result<Value, AskError> {
    let Some(rest) = url.strip_prefix("http://") else {
        let text = format!("{url}: only a URL that begins with http:// can be asked");
        return Err(AskError::Address(text));
    };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if authority.contains('@') {
        // Not shown: it may hold a password.
        let text = "a monitoring port knows no users: leave out what stands before the @".into();
        return Err(AskError::Address(text));
    }
    let path = path.trim_end_matches('/');
    let page = match path.strip_suffix("reloadz") {
        Some(base) => format!("/{base}reloadz"),
        None if path.is_empty() => "/reloadz".into(),
        None => format!("/{path}/reloadz"),
    };
    let (host, port) = host_and_port(authority)
        .ok_or_else(|| AskError::Address(format!("{url}: host and port are missing")))?;
    let runtime = Runtime::new(None).map_err(|e| AskError::Silent(e.to_string()))?;
    let rt = runtime.rt();
    let answer = runtime.block_on(async {
        let asked = get(&rt, (&host, port), &page);
        match rt.timeout(PATIENCE, asked).await {
            Ok(answer) => answer,
            Err(_) => Err(AskError::Silent("no answer in time".into())),
        }
    });
    runtime.shutdown(GRACE);
    answer.map_err(|error| match error {
        AskError::Silent(why) => AskError::Silent(format!("{url}: {why}")),
        AskError::Unknown(why) => AskError::Unknown(format!("{url}: {why}")),
        other => other,
    })
}

fn host_and_port(authority: &str) -> Option<(String, u16)> {
    let url = parse_url(&format!("nats://{authority}")).ok()?;
    let explicit = gannet_config::split_host_port(authority).is_some();
    let port = if explicit { url.port } else { 80 };
    Some((url.host, port))
}

async fn get(rt: &Rt, (host, port): (&str, u16), page: &str) -> Result<Value, AskError> {
    let answer = gannet_node::ask(rt, host, port, page).await;
    let answer = answer.map_err(|error| AskError::Silent(reason(&error)))?;
    if answer.status != 200 {
        let text = format!(
            "status {} for {page}: this is no Gannet that could tell",
            answer.status
        );
        return Err(AskError::Unknown(text));
    }
    serde_json::from_slice(&answer.body).map_err(|e| AskError::Unknown(e.to_string()))
}
