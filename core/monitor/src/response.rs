//! What goes back over HTTP, without an HTTP library.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;

use crate::json;

/// An answer: status, headers and body. Length and date are left to the HTTP library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status code.
    pub status: u16,
    /// Header names and values.
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    /// The body, complete.
    pub body: Vec<u8>,
}

impl Response {
    fn json_bytes(status: u16, body: Vec<u8>) -> Response {
        let headers = [
            ("Content-Type", "application/json"),
            ("Access-Control-Allow-Origin", "*"),
        ];
        Response {
            status,
            headers: headers.map(|(name, value)| (name, value.into())).to_vec(),
            body,
        }
    }

    /// 200 with indented JSON.
    pub(crate) fn json(value: &impl Serialize) -> Response {
        Response::json_bytes(200, json::pretty(value))
    }

    /// Any status with JSON on one line.
    pub(crate) fn compact_json(status: u16, value: &impl Serialize) -> Response {
        Response::json_bytes(status, json::compact(value))
    }

    /// 200 with a page.
    pub(crate) fn html(page: String) -> Response {
        Response {
            status: 200,
            headers: [("Content-Type", "text/html; charset=utf-8".into())].to_vec(),
            body: page.into_bytes(),
        }
    }

    /// 400 with the reason as text.
    pub(crate) fn bad_request(text: String) -> Response {
        Response {
            status: 400,
            headers: [("Content-Type", "text/plain; charset=utf-8".into())].to_vec(),
            body: text.into_bytes(),
        }
    }

    /// 404 for a path that names nothing.
    pub fn not_found() -> Response {
        let headers = [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("X-Content-Type-Options", "nosniff"),
        ];
        Response {
            status: 404,
            headers: headers.map(|(name, value)| (name, value.into())).to_vec(),
            body: b"404 page not found\n".to_vec(),
        }
    }

    /// 404 for the page of a part that is not built yet: whoever asks learns that the page is no mistake of theirs.
    pub(crate) fn unbuilt(page: &str, part: &str) -> Response {
        let text =
            format!("{page} is known but not supported yet by this version of Gannet ({part})\n");
        Response {
            body: text.into_bytes(),
            ..Response::not_found()
        }
    }

    /// 307 to the same page under its clean path.
    pub(crate) fn moved(path: &str, query: &str) -> Response {
        let target = if query.is_empty() {
            path.into()
        } else {
            format!("{path}?{query}")
        };
        let shown = target
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&#34;");
        Response {
            status: 307,
            headers: [
                ("Content-Type", "text/html; charset=utf-8".into()),
                ("Location", target.into()),
            ]
            .to_vec(),
            body: format!("<a href=\"{shown}\">Temporary Redirect</a>.\n\n").into_bytes(),
        }
    }
}
