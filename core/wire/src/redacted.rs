//! The JSON of a `CONNECT` as a log may show it. Not here: what a log shows else (`gannet_session::trace`).

use alloc::string::String;
use core::ops::Range;

/// Stands for what is not shown.
const REDACTED: &str = "[REDACTED]";
/// Names that begin so are those of secrets: `pass`, `password`, `auth_token`.
const SECRET_STARTS: [&str; 2] = ["pass", "auth_token"];
/// A user's JWT may be a bearer's, who needs nothing else to be let in.
const SECRETS: [&str; 4] = ["nkey", "sig", "proxy_sig", "jwt"];

/// The arguments of a `CONNECT`, without its secrets. The rest stays as the peer has written it; of what is no
/// JSON object nothing is shown, since nobody can tell where its secrets are.
pub fn redacted(json: &[u8]) -> String {
    let text = match core::str::from_utf8(json) {
        Ok(text) if is_object(text) => text,
        _ => return REDACTED.into(),
    };
    let mut out = String::with_capacity(text.len());
    let (mut at, mut shown) = (0, 0);
    while let Some(found) = next_string(text, at) {
        at = found.end;
        if !is_secret(&text[found]) {
            continue;
        }
        let Some(value) = value_behind(text, at) else {
            continue;
        };
        let is_string = text[value.clone()].starts_with('"');
        let quote = if is_string { "\"" } else { "" };
        out.push_str(&text[shown..value.start]);
        for part in [quote, REDACTED, quote] {
            out.push_str(part);
        }
        (at, shown) = (value.end, value.end);
    }
    out.push_str(&text[shown..]);
    out
}

fn is_object(text: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(text).is_ok_and(|value| value.is_object())
}

/// The next string of valid JSON from `from` on, a place outside of strings; with its quotes.
fn next_string(text: &str, from: usize) -> Option<Range<usize>> {
    let start = from + text[from..].find('"')?;
    let mut escaped = false;
    let inside = text[start + 1..].bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    Some(start..start + 1 + inside? + 1)
}

/// If the string that ends at `end` is a name, the value that it names.
fn value_behind(text: &str, end: usize) -> Option<Range<usize>> {
    let after = text[end..].trim_start().strip_prefix(':')?.trim_start();
    let start = text.len() - after.len();
    let mut values = serde_json::Deserializer::from_str(after).into_iter::<serde::de::IgnoredAny>();
    values.next()?.ok()?;
    Some(start..start + values.byte_offset())
}

/// Whether a name, with its quotes, is that of a secret. Clients may write it in any case, and with escapes.
fn is_secret(name: &str) -> bool {
    let Ok(name) = serde_json::from_str::<String>(name) else {
        return true;
    };
    // The two characters beyond ASCII that count as a letter of it where case does not matter.
    let name: String = (name.chars())
        .map(|c| match c {
            'ſ' => 's',
            '\u{212a}' => 'k',
            c => c.to_ascii_lowercase(),
        })
        .collect();
    SECRETS.contains(&&*name) || SECRET_STARTS.iter().any(|start| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::redacted;

    #[test]
    fn secrets_are_not_shown_and_the_rest_is_as_it_came() {
        let cases = [
            (
                r#"{"verbose":false, "name" : "n","lang":"l"}"#,
                r#"{"verbose":false, "name" : "n","lang":"l"}"#,
            ),
            (
                r#"{"user":"u","pass":"p\"q\\","auth_token" : "t","name":"pass"}"#,
                r#"{"user":"u","pass":"[REDACTED]","auth_token" : "[REDACTED]","name":"pass"}"#,
            ),
            (
                r#"{"nkey":"U","sig":"s","proxy_sig":"p","jwt":"e.y.J","x_sig":"shown"}"#,
                r#"{"nkey":"[REDACTED]","sig":"[REDACTED]","proxy_sig":"[REDACTED]","jwt":"[REDACTED]","x_sig":"shown"}"#,
            ),
            (
                r#"{"PASS":"a","pa\u0073sword":"b","paſſ":"c","n\u212aey":"d","Auth_Token":7}"#,
                r#"{"PASS":"[REDACTED]","pa\u0073sword":"[REDACTED]","paſſ":"[REDACTED]","n\u212aey":"[REDACTED]","Auth_Token":[REDACTED]}"#,
            ),
            (
                r#"{"a":{"pass":{"b":["c","}"]}},"pass":null}"#,
                r#"{"a":{"pass":[REDACTED]},"pass":[REDACTED]}"#,
            ),
            (r#"{"pass":"p"#, "[REDACTED]"),
            (r#"["pass","p"]"#, "[REDACTED]"),
            ("user=u pass=p", "[REDACTED]"),
            ("", "[REDACTED]"),
        ];
        for (json, wanted) in cases {
            assert_eq!(redacted(json.as_bytes()), wanted, "{json}");
        }
        assert_eq!(
            redacted(b"{\"name\":\"\xff\",\"pass\":\"p\"}"),
            "[REDACTED]"
        );
    }
}
