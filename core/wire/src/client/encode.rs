//! Lines that a server writes to a client. Each function appends to a buffer of the caller's.

use alloc::vec::Vec;

/// `PING`.
pub const PING: &[u8] = b"PING\r\n";
/// `PONG`.
pub const PONG: &[u8] = b"PONG\r\n";
/// `+OK`.
pub const OK: &[u8] = b"+OK\r\n";

/// Appends `-ERR 'text'`.
pub fn err(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(b"-ERR '");
    out.extend_from_slice(text.as_bytes());
    out.extend_from_slice(b"'\r\n");
}

/// Appends the first part of a delivery, up to the subscription's id and a space:
/// `MSG subject sid ` or, with headers, `HMSG subject sid `.
pub fn delivery_prefix(out: &mut Vec<u8>, headers: bool, subject: &[u8], sid: &[u8]) {
    out.reserve(subject.len() + sid.len() + 7);
    out.extend_from_slice(if headers { b"HMSG " } else { b"MSG " });
    out.extend_from_slice(subject);
    out.push(b' ');
    out.extend_from_slice(sid);
    out.push(b' ');
}

/// Appends a decimal number.
pub fn decimal(out: &mut Vec<u8>, n: usize) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    let mut n = n;
    loop {
        at -= 1;
        digits[at] = b'0' + (n % 10) as u8;
        n /= 10;
        if n == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends the tail of a message: `[header_len ]size\r\n<payload>\r\n`.
pub fn tail(out: &mut Vec<u8>, header_len: Option<usize>, payload: &[u8]) {
    if let Some(len) = header_len {
        decimal(out, len);
        out.push(b' ');
    }
    decimal(out, payload.len());
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(payload);
    out.extend_from_slice(b"\r\n");
}

/// Appends the message that tells a requester that nobody took its request on `subject`: status 503
/// sent to its own subscription `sid` on the reply subject.
pub fn no_responders(out: &mut Vec<u8>, reply: &[u8], sid: &[u8], subject: &[u8]) {
    const STATUS: &[u8] = b"NATS/1.0 503\r\nNats-Subject: ";
    let len = STATUS.len() + subject.len() + 4;
    delivery_prefix(out, true, reply, sid);
    decimal(out, len);
    out.push(b' ');
    decimal(out, len);
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(STATUS);
    out.extend_from_slice(subject);
    out.extend_from_slice(b"\r\n\r\n\r\n");
}
