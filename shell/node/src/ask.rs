//! One question over HTTP: to the monitoring port of another server, or to whomever else. Not here: our own port
//! (`monitor`), and what answers mean.

use std::fmt;
use std::io;

use bytes::Bytes;
use gannet_rt::{Rt, Stream};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::Request;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

/// Most bytes of an answer.
const MOST: usize = 8 << 20;

/// What a monitoring port has answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status code.
    pub status: u16,
    /// The page.
    pub body: Vec<u8>,
}

/// GETs `page` at `host` and `port`, where a plain monitoring port listens. How long that may take is the caller's
/// affair.
///
/// # Errors
///
/// If nobody answers there in HTTP, or too much.
pub async fn ask(rt: &Rt, host: &str, port: u16, page: &str) -> io::Result<Answer> {
    let request = Request::get(page)
        .header("Host", crate::addresses::joined(host, port))
        .header("Connection", "close")
        .body(Full::default())
        .map_err(other)?;
    let stream = dial(rt, host, port).await?;
    exchange(rt, stream, request, MOST).await
}

/// A connection to `host`, which may be a name or an address.
pub(crate) async fn dial(rt: &Rt, host: &str, port: u16) -> io::Result<Stream> {
    let mut stream = Err(io::Error::other("no address"));
    for addr in rt.resolve(host, port).await? {
        stream = rt.connect(addr).await;
        if stream.is_ok() {
            break;
        }
    }
    stream
}

/// Sends `request`; answers what came back, if its body has no more than `most` bytes.
pub(crate) async fn exchange(
    rt: &Rt,
    stream: Stream,
    request: Request<Full<Bytes>>,
    most: usize,
) -> io::Result<Answer> {
    let io = TokioIo::new(stream.into_io());
    let (mut sender, connection) = http1::handshake(io).await.map_err(other)?;
    drop(rt.spawn(async move {
        // Its errors are the request's, too.
        let _ = connection.await;
    }));
    let response = sender.send_request(request).await.map_err(other)?;
    let status = response.status().as_u16();
    let body = Limited::new(response.into_body(), most).collect().await;
    let body = body.map_err(other)?.to_bytes().to_vec();
    Ok(Answer { status, body })
}

pub(crate) fn other(error: impl fmt::Display) -> io::Error {
    io::Error::other(error.to_string())
}
