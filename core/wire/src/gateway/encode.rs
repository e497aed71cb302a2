//! Lines of a gateway link. Each function appends to a buffer of the caller's, which grows as needed
//! (`Vec<u8>` or `BytesMut`).

use bytes::BufMut;

use crate::server_info::{ServerConnect, ServerInfo};

/// `PING`.
pub const PING: &[u8] = b"PING\r\n";
/// `PONG`.
pub const PONG: &[u8] = b"PONG\r\n";

/// Appends `-ERR 'text'`.
pub fn err(out: &mut impl BufMut, text: &str) {
    out.put_slice(b"-ERR '");
    out.put_slice(text.as_bytes());
    out.put_slice(b"'\r\n");
}

/// Appends `INFO json`.
pub fn info(out: &mut impl BufMut, info: &ServerInfo) {
    out.put_slice(b"INFO ");
    out.put_slice(info.to_json().as_bytes());
    out.put_slice(b"\r\n");
}

/// Appends `CONNECT json`.
pub fn connect(out: &mut impl BufMut, connect: &ServerConnect) {
    out.put_slice(b"CONNECT ");
    out.put_slice(connect.to_json().as_bytes());
    out.put_slice(b"\r\n");
}

/// Appends `RS+ account subject [queue 1]`: a cluster's queue group counts as one member for others.
pub fn interest(out: &mut impl BufMut, account: &[u8], subject: &[u8], queue: Option<&[u8]>) {
    words(out, b"RS+ ", account, subject, queue);
    out.put_slice(if queue.is_some() { b" 1\r\n" } else { b"\r\n" });
}

/// Appends `RS- account subject [queue]`.
pub fn no_interest(out: &mut impl BufMut, account: &[u8], subject: &[u8], queue: Option<&[u8]>) {
    words(out, b"RS- ", account, subject, queue);
    out.put_slice(b"\r\n");
}

/// Appends `A+ account`.
pub fn account_interest(out: &mut impl BufMut, account: &[u8]) {
    out.put_slice(b"A+ ");
    out.put_slice(account);
    out.put_slice(b"\r\n");
}

/// Appends `A- account`.
pub fn no_account_interest(out: &mut impl BufMut, account: &[u8]) {
    out.put_slice(b"A- ");
    out.put_slice(account);
    out.put_slice(b"\r\n");
}

fn words(out: &mut impl BufMut, verb: &[u8], account: &[u8], subject: &[u8], queue: Option<&[u8]>) {
    out.put_slice(verb);
    out.put_slice(account);
    out.put_slice(b" ");
    out.put_slice(subject);
    if let Some(queue) = queue {
        out.put_slice(b" ");
        out.put_slice(queue);
    }
}

/// A message as its first line names it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Head<'a> {
    /// Name of the account.
    pub account: &'a [u8],
    /// Subject.
    pub subject: &'a [u8],
    /// Put before the reply: `_GR_.cluster.server.` if it must find its way back by itself, else empty.
    pub reply_prefix: &'a [u8],
    /// Reply subject; empty if there is none.
    pub reply: &'a [u8],
    /// Length of the header block; `None` if there is none, or the peer takes none.
    pub header_len: Option<usize>,
    /// Length of header block and body.
    pub size: usize,
}

/// Appends the first line of a message, `RMSG` or `HMSG`; the payload and a CRLF must follow.
pub fn message<'q>(
    out: &mut impl BufMut,
    head: &Head<'_>,
    queues: impl IntoIterator<Item = &'q [u8]>,
) {
    out.put_slice(if head.header_len.is_some() {
        b"HMSG "
    } else {
        b"RMSG "
    });
    out.put_slice(head.account);
    out.put_slice(b" ");
    out.put_slice(head.subject);
    out.put_slice(b" ");
    middle(out, head, queues);
    if let Some(len) = head.header_len {
        decimal(out, len);
        out.put_slice(b" ");
    }
    decimal(out, head.size);
    out.put_slice(b"\r\n");
}

/// Appends what stands between subject and sizes: `reply `, `+ reply queue.. ` or `| queue.. `.
fn middle<'q>(out: &mut impl BufMut, head: &Head<'_>, queues: impl IntoIterator<Item = &'q [u8]>) {
    let mut queues = queues.into_iter().peekable();
    let has_reply = !head.reply.is_empty();
    if queues.peek().is_some() {
        out.put_slice(if has_reply { b"+ " } else { b"| " });
    }
    if has_reply {
        out.put_slice(head.reply_prefix);
        out.put_slice(head.reply);
        out.put_slice(b" ");
    }
    for queue in queues {
        out.put_slice(queue);
        out.put_slice(b" ");
    }
}

pub(crate) fn decimal(out: &mut impl BufMut, mut n: usize) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (n % 10) as u8;
        n /= 10;
        if n == 0 {
            break;
        }
    }
    out.put_slice(&digits[at..]);
}
