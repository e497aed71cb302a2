//! A monitoring request: one GET, read to the end.

use crate::wait::PATIENCE;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};

/// What came back.
#[derive(Debug)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Header lines as sent.
    pub headers: Vec<String>,
    /// Body.
    pub body: String,
}

impl Response {
    /// Value of the header `name`, if it was sent.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("not JSON ({error}): {self:?}"))
    }
}

/// GETs `path`, or says why that failed.
pub fn try_get(address: impl ToSocketAddrs, path: &str) -> Result<Response, String> {
    let exchange = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        // HTTP/1.0: the server closes at the end and does not use chunks.
        stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").as_bytes())?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text)
    };
    let text = exchange().map_err(|error| format!("GET {path}: {error}"))?;
    let (head, body) = text
        .split_once("\r\n\r\n")
        .ok_or_else(|| format!("GET {path}: no header end in {text:?}"))?;
    let mut lines = head.lines().map(str::to_owned);
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1)?.parse().ok())
        .ok_or_else(|| format!("GET {path}: bad status line in {head:?}"))?;
    Ok(Response {
        status,
        headers: lines.collect(),
        body: body.to_owned(),
    })
}

/// GETs `path`.
///
/// # Panics
/// When there is no HTTP answer.
pub fn get(address: impl ToSocketAddrs, path: &str) -> Response {
    try_get(address, path).unwrap_or_else(|error| panic!("{error}"))
}
