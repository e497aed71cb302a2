//! `gannet config diff`: what a reload would make of another configuration.

use std::process::ExitCode;

use gannet_config::{Diff, Difference};
use serde_json::json;

use super::{failed, load};
use crate::configuration::{Configured, Failure};
use crate::flags::Invocation;

/// A reload would be refused.
const REFUSED: u8 = 2;
/// A reload would end connections.
const DROPS: u8 = 3;

pub(super) fn diff(invocation: &Invocation, old: &str, new: &str, as_json: bool) -> ExitCode {
    let load = |file| valid(invocation, file, as_json);
    let (old, mut new) = match load(old).and_then(|old| Ok((old, load(new)?))) {
        Ok(both) => both,
        Err(code) => return code,
    };
    new.options.keep_ports(&old.options);
    let diff = Diff::between(&old.options, &new.options);
    let differences = diff.differences(&old.options, &new.options);
    if as_json {
        crate::say(&shown_as_json(&diff, &differences).to_string());
    } else {
        crate::say(&shown(&diff, &differences));
        old.warn();
        new.warn();
    }
    match (diff.refused.is_empty(), diff.dropped.is_empty()) {
        (false, _) => ExitCode::from(REFUSED),
        (true, false) => ExitCode::from(DROPS),
        (true, true) => ExitCode::SUCCESS,
    }
}

/// A configuration that a server could go by.
fn valid(invocation: &Invocation, file: &str, json: bool) -> Result<Configured, ExitCode> {
    let configured = load(invocation, Some(file), json)?;
    match configured.options.validate() {
        Ok(()) => Ok(configured),
        Err(error) => {
            let failure = Failure::File(error.into());
            Err(failed(invocation, Some(file), &failure, json))
        }
    }
}

fn shown(diff: &Diff, differences: &[Difference]) -> String {
    let mut lines = Vec::new();
    for difference in differences {
        lines.push(format!("{:<8}{difference}", difference.verdict.word()));
    }
    if differences.is_empty() {
        lines.push("Both files say the same.".into());
    } else if !diff.refused.is_empty() {
        lines.push("A reload would be refused, and nothing would change:".into());
        lines.extend(diff.refused.iter().map(|refused| format!("  {refused}")));
    } else if diff.dropped.is_empty() {
        lines.push("A reload would do it, and no connection would end.".into());
    } else {
        lines.push("A reload would do it, and end these connections:".into());
        lines.extend(diff.dropped.iter().map(|dropped| format!("  {dropped}")));
    }
    lines.join("\n")
}

fn shown_as_json(diff: &Diff, differences: &[Difference]) -> serde_json::Value {
    let changes = differences.iter().map(|difference| {
        json!({
            "key": difference.key.to_string(),
            "old": difference.old,
            "new": difference.new,
            "verdict": difference.verdict.word(),
        })
    });
    let refused = diff.refused.iter().map(ToString::to_string);
    // Nothing ends where nothing changes.
    let dropped = diff.dropped.iter().filter(|_| diff.refused.is_empty());
    json!({
        "changes": changes.collect::<Vec<_>>(),
        "refused": refused.collect::<Vec<_>>(),
        "dropped": dropped.map(ToString::to_string).collect::<Vec<_>>(),
    })
}
