//! Conversations written down as text: the form of most protocol tests.
//!
//! ```text
//! # several clients, named by a word; the first mention connects and consumes the INFO line
//! a connect {"headers":true}      CONNECT (quiet unless told otherwise) and PING, PONG comes back
//! a login bob                     the same as the user bob with the password p, who takes headers and is told if nobody responds
//! a> SUB foo 1                    send a line (CRLF is added)
//! a>> PUB foo 2\r\nh              send bytes, nothing is added
//! a fence                         PING, and nothing but PONG comes back
//! a< MSG foo 1 2                  expect a line; <*> stands for anything
//! a< MSG svc 1 <reply> 2          <word> stands for one token at its first mention, and for that token from then on,
//! b> PUB <reply> 2                also in what is sent
//! a closed                        the server closes without another word
//! a open                          connect only
//! a leave                         close from our side
//! ```
//! Escapes in what is sent and expected: `\r \n \t \0 \\ \xNN`.

use crate::server::Server;
use crate::wire::{Wire, matches};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Plays `script` with all clients on `server`.
///
/// # Panics
/// At the first line that the server does not answer as written, naming the line.
pub fn play(server: &Server, script: &str) {
    play_on(&[("", server)], script);
}

/// Plays `script`; a client whose name starts with a given prefix talks to the server beside it.
///
/// # Panics
/// As [`play`].
pub fn play_on(servers: &[(&str, &Server)], script: &str) {
    let mut clients: BTreeMap<String, Wire> = BTreeMap::new();
    let mut known = Tokens::default();
    for (number, line) in script.lines().map(str::trim).enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let end = line
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(line.len());
        let (name, step) = line.split_at(end);
        let client = clients.entry(name.to_owned()).or_insert_with(|| {
            let place = servers.iter().find(|(prefix, _)| name.starts_with(prefix));
            let (_, server) = place.unwrap_or_else(|| panic!("no server for client {name}"));
            let mut wire = Wire::open(&server.client_address());
            wire.info();
            wire
        });
        if let Err(problem) = take_step(client, step, &mut known) {
            panic!(
                "line {} of the script: {line}\n{problem}\n{}",
                number + 1,
                client.story()
            );
        }
        if step.trim() == "leave" {
            clients.remove(name);
        }
    }
}

/// Tokens that were heard, by the words that stand for them.
#[derive(Default)]
struct Tokens(BTreeMap<String, String>);

impl Tokens {
    /// `text` with the tokens that are known in it.
    fn fill_in(&self, text: &str) -> String {
        (self.0.iter()).fold(text.to_owned(), |text, (word, token)| {
            text.replace(&format!("<{word}>"), token)
        })
    }

    /// Whether `heard` is what `expected` says; the first word in it that is not known yet is from then on.
    fn matches(&mut self, expected: &str, heard: &str) -> bool {
        let expected = self.fill_in(expected);
        let Some((before, word, after)) = first_word(&expected) else {
            return matches(&expected, heard);
        };
        let Some(rest) = heard.strip_prefix(before) else {
            return false;
        };
        let (token, rest) = rest.split_at(rest.find(' ').unwrap_or(rest.len()));
        self.0.insert(word.to_owned(), token.to_owned());
        matches(after, rest)
    }
}

/// The first `<word>` of `text`, with what is before and after it.
fn first_word(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('<')?;
    let (word, after) = rest.split_once('>')?;
    let is_word = !word.is_empty() && word.chars().all(|letter| letter.is_ascii_lowercase());
    is_word.then_some((before, word, after))
}

fn take_step(client: &mut Wire, step: &str, known: &mut Tokens) -> Result<(), String> {
    if let Some(raw) = step.strip_prefix(">>") {
        client.send_bytes(&unescape(&known.fill_in(raw.trim_start())));
        return Ok(());
    }
    if let Some(text) = step.strip_prefix('>') {
        let mut bytes = unescape(&known.fill_in(text.strip_prefix(' ').unwrap_or(text)));
        bytes.extend_from_slice(b"\r\n");
        client.send_bytes(&bytes);
        return Ok(());
    }
    if let Some(text) = step.strip_prefix('<') {
        let expected =
            String::from_utf8_lossy(&unescape(text.strip_prefix(' ').unwrap_or(text))).into_owned();
        let heard = client.line();
        return if known.matches(&expected, &heard) {
            Ok(())
        } else {
            Err(format!("heard {heard:?}"))
        };
    }
    let (word, options) = step.trim().split_once(' ').unwrap_or((step.trim(), "{}"));
    match word {
        "connect" => {
            client.connect_with(&serde_json::from_str(options).map_err(|error| error.to_string())?)
        }
        "login" => client.connect_with(&login(options)),
        "fence" => client.fence(),
        "closed" => client.expect_closed(),
        "open" | "leave" => {}
        other => return Err(format!("unknown step {other:?}")),
    }
    Ok(())
}

/// What a client says of itself that is the user `name` with the password `p`, takes headers, and wants to be told if
/// nobody responds.
pub fn login(name: &str) -> Value {
    json!({"user": name, "pass": "p", "headers": true, "no_responders": true})
}

/// Replaces `\r \n \t \0 \\ \xNN`; any other backslash stays.
pub fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        let (byte, taken) = match rest.as_bytes().get(at + 1) {
            Some(b'r') => (b'\r', 2),
            Some(b'n') => (b'\n', 2),
            Some(b't') => (b'\t', 2),
            Some(b'0') => (0, 2),
            Some(b'\\') => (b'\\', 2),
            Some(b'x') => match rest
                .get(at + 2..at + 4)
                .and_then(|hex| u8::from_str_radix(hex, 16).ok())
            {
                Some(byte) => (byte, 4),
                None => (b'\\', 1),
            },
            _ => (b'\\', 1),
        };
        bytes.push(byte);
        rest = &rest[at + taken..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::{Tokens, unescape};

    #[test]
    fn a_word_stands_for_the_token_that_came_first() {
        let mut known = Tokens::default();
        assert!(known.matches("MSG svc 1 <reply> 2", "MSG svc 1 _R_.a.b 2"));
        assert!(known.matches("MSG <reply> 9 <*>", "MSG _R_.a.b 9 2"));
        assert!(!known.matches("MSG <reply> 9 <*>", "MSG _R_.a.c 9 2"));
        assert!(!known.matches("MSG <other>", "HMSG x"));
        assert_eq!(known.fill_in("PUB <reply> 2"), "PUB _R_.a.b 2");
    }

    #[test]
    fn escapes_become_bytes_and_other_backslashes_stay() {
        assert_eq!(unescape(r"a\r\n\t\0\\\x41\q\xZZ"), b"a\r\n\t\0\\A\\q\\xZZ");
    }
}
