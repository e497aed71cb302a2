//! What a trace shows of what this server says. The bytes are our own, so they are well-formed; but they come
//! in pieces.

use alloc::format;
use alloc::vec::Vec;
use core::mem;

use super::{Say, Shown, one_line, sizes};

/// What this server says to one peer.
#[derive(Debug, Default)]
pub struct Outgoing {
    shown: Shown,
    /// The beginning of an operation whose end has not come yet.
    begun: Vec<u8>,
}

impl Outgoing {
    /// What this server says to one peer.
    pub fn new(shown: Shown) -> Outgoing {
        Outgoing {
            shown,
            begun: Vec::new(),
        }
    }

    /// Shows the operations that end in `bytes`, which follow those of the last call.
    pub fn show(&mut self, bytes: &[u8], say: Say<'_>) {
        if self.begun.is_empty() {
            let used = self.show_whole(bytes, say);
            self.begun.extend_from_slice(&bytes[used..]);
            return;
        }
        let mut all = mem::take(&mut self.begun);
        all.extend_from_slice(bytes);
        let used = self.show_whole(&all, say);
        all.drain(..used);
        if !all.is_empty() {
            self.begun = all;
        }
    }

    /// Shows the operations that are there in full; answers their bytes.
    fn show_whole(&self, bytes: &[u8], say: Say<'_>) -> usize {
        let mut at = 0;
        while let Some(used) = self.show_first(&bytes[at..], say) {
            at += used;
        }
        at
    }

    fn show_first(&self, bytes: &[u8], say: Say<'_>) -> Option<usize> {
        let line_len = bytes.iter().position(|&byte| byte == b'\n')? + 1;
        let line = bytes[..line_len].trim_ascii_end();
        let (verb, args) = match line.iter().position(|&byte| byte == b' ') {
            Some(at) => (&line[..at], &line[at + 1..]),
            None => (line, &line[line.len()..]),
        };
        match verb {
            b"MSG" | b"RMSG" | b"LMSG" | b"HMSG" => {
                let (header_len, size) = sizes(args, verb == b"HMSG")?;
                let len = line_len + size + 2;
                let message = bytes.get(..len)?.get(line_len..len - 2)?;
                say(&format!("->> [{}]", one_line(line)));
                if let Some(payload) = self.shown.message("->>", header_len, message) {
                    say(&payload);
                }
                return Some(len);
            }
            // The first carries secrets, the other is the same for everybody.
            b"CONNECT" | b"INFO" => {}
            b"+OK" => say("->> [OK]"),
            b"-ERR" => {
                let text = args.strip_prefix(b"'").unwrap_or(args);
                let text = text.strip_suffix(b"'").unwrap_or(text);
                say(&format!("->> [-ERR {}]", one_line(text)));
            }
            _ => say(&format!("->> [{}]", one_line(line))),
        }
        Some(line_len)
    }
}
