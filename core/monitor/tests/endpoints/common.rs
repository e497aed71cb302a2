//! What the tests of several endpoints share: times from their text, and comparing an answer
//! with one captured from the reference server (ids shortened, internal subscriptions removed).

use gannet_monitor::{Request, Response, request};
use gannet_units::WallTime;

/// The point in time that an RFC 3339 text names.
pub(crate) fn at(text: &str) -> WallTime {
    let time: jiff::Timestamp = text.parse().expect("a time written in a test");
    WallTime::from_unix_nanos(i64::try_from(time.as_nanosecond()).expect("a time of this century"))
}

/// A server id as the captured answers have it.
pub(crate) fn server_id(letter: char) -> String {
    std::iter::once('N')
        .chain(std::iter::repeat_n(letter, 55))
        .collect()
}

/// What a path and query ask, which must not be refused.
pub(crate) fn asked(path: &str, query: &str) -> Request {
    request("", path, query).unwrap_or_else(|refused| panic!("{path}?{query}: {refused:?}"))
}

/// The text of a 400 answer.
pub(crate) fn refused(path: &str, query: &str) -> String {
    let response = request("", path, query)
        .expect_err("the query is bad")
        .response;
    assert_eq!(response.status, 400, "{path}?{query}");
    assert_eq!(
        response.headers,
        [("Content-Type", "text/plain; charset=utf-8".into())]
    );
    text(&response)
}

/// The body as text.
pub(crate) fn text(response: &Response) -> String {
    String::from_utf8(response.body.clone()).expect("answers are UTF-8")
}

/// Asserts that the answer is 200 with exactly the captured JSON.
pub(crate) fn assert_json(response: &Response, captured: &str) {
    assert_eq!(response.status, 200);
    assert_eq!(
        response.headers,
        [
            ("Content-Type", "application/json".into()),
            ("Access-Control-Allow-Origin", "*".into())
        ]
    );
    let got = text(response);
    for (number, (ours, theirs)) in got.lines().zip(captured.lines()).enumerate() {
        assert_eq!(ours, theirs, "line {}", number + 1);
    }
    assert_eq!(got, captured);
}
