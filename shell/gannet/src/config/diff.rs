//! `gannet config diff`: what a reload would make of another configuration.

use std::collections::BTreeMap;
use std::process::ExitCode;

use gannet_config::{Diff, KeyPath, Options, Origins, Setting, Shown, Verdict};
use serde_json::json;

use super::{failed, json, load};
use crate::configuration::{Configured, Failure};
use crate::flags::Invocation;

/// A reload would be refused.
const REFUSED: u8 = 2;
/// A reload would end connections.
const DROPS: u8 = 3;

/// A setting that differs.
struct Difference {
    key: String,
    old: Shown,
    new: Shown,
    verdict: Verdict,
}

pub(super) fn diff(invocation: &Invocation, old: &str, new: &str, as_json: bool) -> ExitCode {
    let load = |file| valid(invocation, file, as_json);
    let (old, mut new) = match load(old).and_then(|old| Ok((old, load(new)?))) {
        Ok(both) => both,
        Err(code) => return code,
    };
    new.options.keep_ports(&old.options);
    let diff = Diff::between(&old.options, &new.options);
    let differences = differences(&diff, &old.options, &new.options);
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

fn differences(diff: &Diff, old: &Options, new: &Options) -> Vec<Difference> {
    let settings = |options: &Options| options.settings(&Origins::default());
    let (old, new) = (settings(old), settings(new));
    let by_key = |settings: &[Setting]| -> BTreeMap<KeyPath, Setting> {
        let entries = settings.iter().map(|s| (s.key.clone(), s.clone()));
        entries.collect()
    };
    let (before, after) = (by_key(&old), by_key(&new));
    let gone = old
        .iter()
        .filter(|setting| !after.contains_key(&setting.key));
    let all = new.iter().chain(gone).map(|setting| &setting.key);
    let compare = |key: &KeyPath| {
        let (old, new) = (before.get(key), after.get(key));
        let follows = |setting: Option<&Setting>| setting.and_then(|s| s.follows.clone());
        // What follows another one goes without saying: that one is in the list.
        let is_said = follows(old).is_some() && follows(old) == follows(new);
        let value = |setting: Option<&Setting>| setting.map_or(Shown::Unset, |s| s.value.clone());
        let (old, new) = (value(old), value(new));
        (old != new && !is_said).then(|| Difference {
            key: key.to_string(),
            old,
            new,
            verdict: diff.verdict(key),
        })
    };
    all.filter_map(compare).collect()
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Live => "live",
        Verdict::Refused => "refused",
        Verdict::Ignored => "ignored",
    }
}

fn shown(diff: &Diff, differences: &[Difference]) -> String {
    let mut lines = Vec::new();
    for difference in differences {
        let Difference {
            key,
            old,
            new,
            verdict,
        } = difference;
        let change = match (old, new) {
            (Shown::Unset, Shown::Secret(_)) => "(secret) is set".into(),
            (Shown::Secret(_), Shown::Unset) => "(secret) is no longer set".into(),
            (Shown::Secret(_), Shown::Secret(_)) => "(secret) is another one".into(),
            (Shown::Unset, new) => format!("is {new}"),
            (old, Shown::Unset) => format!("is no longer {old}"),
            (old, new) => format!("{old} -> {new}"),
        };
        lines.push(format!("{:<8}{key} {change}", word(*verdict)));
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
            "key": difference.key,
            "old": json::value(&difference.old),
            "new": json::value(&difference.new),
            "verdict": word(difference.verdict),
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
