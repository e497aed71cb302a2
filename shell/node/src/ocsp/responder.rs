//! A question to an authority's responder, over HTTP: bounded in time and in size. Not here: what answers say.

use std::time::Duration;

use bytes::Bytes;
use data_encoding::BASE64;
use gannet_rt::Rt;
use gannet_rt::future::{Either, race};
use gannet_rt::tls::{TlsContext, TlsSettings};
use http_body_util::Full;
use hyper::{Request, Uri};

use crate::ask::{dial, exchange};

/// Most bytes of an answer.
const MOST: usize = 64 * 1024;

/// How a question is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// As the body of a request.
    Post,
    /// As the last part of the path.
    Get,
}

/// The answer of the responder at `url` to `question`, which must come within `timeout`; if none came, why.
pub(super) async fn ask(
    rt: &Rt,
    url: &str,
    question: &[u8],
    way: Way,
    timeout: Duration,
) -> Result<Vec<u8>, String> {
    match race(
        exchanged(rt, url, question, way, timeout),
        rt.sleep(timeout),
    )
    .await
    {
        Either::First(answer) => answer.map_err(|why| format!("{url}: {why}")),
        Either::Second(()) => Err(format!("{url}: no answer in time")),
    }
}

async fn exchanged(
    rt: &Rt,
    url: &str,
    question: &[u8],
    way: Way,
    timeout: Duration,
) -> Result<Vec<u8>, String> {
    let place = Place::of(url).ok_or("no URL of a responder")?;
    let request = place.request(question, way).map_err(|e| e.to_string())?;
    let stream = dial(rt, &place.host, place.port)
        .await
        .map_err(|e| e.to_string())?;
    if place.is_secure {
        let context = TlsContext::load(rt, &TlsSettings::default()).map_err(|e| e.to_string())?;
        let deadline = rt.now() + timeout;
        let shaken = stream
            .connect_tls(rt, &context, &place.host, &[], deadline)
            .await;
        shaken.map_err(|e| e.to_string())?;
    }
    let answer = exchange(rt, stream, request, MOST)
        .await
        .map_err(|e| e.to_string())?;
    match answer.status {
        200..=299 => Ok(answer.body),
        status => Err(format!("bad OCSP responder http status: [{status}]")),
    }
}

/// Where a responder is.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    is_secure: bool,
    host: String,
    port: u16,
    /// Without a slash at its end.
    path: String,
}

impl Place {
    fn of(url: &str) -> Option<Place> {
        let uri: Uri = url.parse().ok()?;
        let is_secure = match uri.scheme_str()? {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        let path = uri.path_and_query().map_or("", |path| path.as_str());
        Some(Place {
            is_secure,
            host: uri.host()?.trim_matches(['[', ']']).to_string(),
            port: uri.port_u16().unwrap_or(if is_secure { 443 } else { 80 }),
            path: path.trim_end_matches('/').to_string(),
        })
    }

    fn request(&self, question: &[u8], way: Way) -> hyper::http::Result<Request<Full<Bytes>>> {
        let builder = Request::builder()
            .header("Host", crate::addresses::joined(&self.host, self.port))
            .header("Accept", "application/ocsp-response")
            .header("Connection", "close");
        match way {
            Way::Post => builder
                .method("POST")
                .uri(if self.path.is_empty() {
                    "/"
                } else {
                    &self.path
                })
                .header("Content-Type", "application/ocsp-request")
                .header("Content-Length", question.len())
                .body(Full::new(Bytes::copy_from_slice(question))),
            Way::Get => builder
                .uri(format!("{}/{}", self.path, in_a_path(question)))
                .body(Full::default()),
        }
    }
}

/// `bytes` in base64, without what has a meaning in a URL.
fn in_a_path(bytes: &[u8]) -> String {
    let text = BASE64.encode(bytes);
    text.replace('+', "%2B")
        .replace('/', "%2F")
        .replace('=', "%3D")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responders_are_found_by_their_urls() {
        let place = |is_secure, host: &str, port, path: &str| {
            Some(Place {
                is_secure,
                host: host.into(),
                port,
                path: path.into(),
            })
        };
        for (url, wanted) in [
            (
                "http://a.example.com",
                place(false, "a.example.com", 80, ""),
            ),
            (
                "http://a.example.com/",
                place(false, "a.example.com", 80, ""),
            ),
            (
                "https://a.example.com/x/",
                place(true, "a.example.com", 443, "/x"),
            ),
            ("http://[::1]:8080/x/y", place(false, "::1", 8080, "/x/y")),
            ("ldap://a.example.com", None),
            ("a.example.com", None),
            ("http://", None),
            ("", None),
        ] {
            assert_eq!(Place::of(url), wanted, "{url}");
        }
    }

    #[test]
    fn a_question_is_a_body_or_part_of_the_path() {
        let place = Place::of("http://a:81/x/").expect("a place");
        let asked = |way| {
            let request = place
                .request(&[0xfb, 0xff, 0xfe, 1], way)
                .expect("a request");
            let header = |name| request.headers().get(name).map(|v| format!("{v:?}"));
            (
                request.method().to_string(),
                request.uri().to_string(),
                header("content-type"),
                header("host"),
            )
        };
        let host = Some("\"a:81\"".to_string());
        let kind = Some("\"application/ocsp-request\"".to_string());
        assert_eq!(
            asked(Way::Post),
            ("POST".into(), "/x".into(), kind, host.clone())
        );
        assert_eq!(
            asked(Way::Get),
            ("GET".into(), "/x/%2B%2F%2F%2BAQ%3D%3D".into(), None, host)
        );
    }
}
