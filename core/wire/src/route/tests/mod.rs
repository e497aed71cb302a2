//! Transcripts and properties of the route codec.

mod lines;
mod properties;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{Decoded, Form, Interest, Limits, RouteOp, decode};

const LIMITS: Limits = Limits {
    control_line: 4096,
    payload: 1024 * 1024,
};

/// A pooled route between servers of today.
const POOLED: Form<'static> = Form {
    account: None,
    unsub_origin: true,
};

/// The route of account `P`.
const DEDICATED: Form<'static> = Form {
    account: Some(b"P"),
    ..POOLED
};

/// Every operation of `bytes` in a readable form, and the error that ended it.
fn transcript(bytes: &[u8], form: &Form<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        match decode(rest, form, &LIMITS) {
            Ok(Decoded::Op { op, used }) => {
                lines.push(show(&op));
                rest = &rest[used..];
            }
            Ok(Decoded::Incomplete { need }) => {
                lines.push(format!("needs {}", need - rest.len()));
                break;
            }
            Err(e) => {
                lines.push(format!("{e} | {:?}", e.peer_text()));
                break;
            }
        }
    }
    lines
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).to_string()
}

fn show(op: &RouteOp<'_>) -> String {
    match op {
        RouteOp::Message(m) => {
            let queues: Vec<String> = m.queues.iter().map(text).collect();
            format!(
                "message {}{} {} reply={} queues={} header={:?} {:?} tail={:?}",
                origin(m.origin),
                text(m.account),
                text(m.subject),
                text(m.reply),
                queues.join(","),
                m.header_len,
                text(m.payload),
                text(m.tail)
            )
        }
        RouteOp::Interest(i) => format!("+ {}", show_interest(i)),
        RouteOp::NoInterest(i) => format!("- {}", show_interest(i)),
        RouteOp::Info(json) => format!("info {}", text(json)),
        RouteOp::Connect(json) => format!("connect {}", text(json)),
        RouteOp::Err(e) => format!("err {}", text(e)),
        RouteOp::Ping => "ping".to_string(),
        RouteOp::Pong => "pong".to_string(),
        RouteOp::Ok => "ok".to_string(),
        RouteOp::Nothing => "nothing".to_string(),
    }
}

fn origin(name: Option<&[u8]>) -> String {
    name.map(|name| format!("from {} ", text(name)))
        .unwrap_or_default()
}

fn show_interest(i: &Interest<'_>) -> String {
    let leaf = if i.leaf { "leaf " } else { "" };
    let queue = i.queue.map(text).unwrap_or_default();
    let (account, subject) = (text(i.account), text(i.subject));
    let from = origin(i.origin);
    format!("{leaf}{from}{account} {subject} {queue} {}", i.weight)
}
