//! One HTTP connection: requests in, answers out, an end to those that take too long. Not here: what
//! the answers are.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use gannet_rt::Stream;
use gannet_units::{Moment, WallTime};
use http_body_util::Full;
use hyper::header::{DATE, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Monitor, answer};

/// How long a peer may take to send its first request.
const FIRST_REQUEST: Duration = Duration::from_secs(10);
/// How long after an answer the peer may take to read it, and to send its next request.
const NEXT_REQUEST: Duration = Duration::from_secs(120);
/// How long a request under way may go on when the server stops.
const LAST_REQUEST: Duration = Duration::from_secs(2);
/// Most bytes of a request's head, and of an answer's part on its way to the socket.
const BUFFER_MOST: usize = 64 * 1024;

/// Serves one connection until either side ends it. An error is the peer's doing.
pub(super) async fn serve(monitor: &Arc<Monitor>, stream: Stream) -> Result<(), hyper::Error> {
    let rt = &monitor.shared.rt;
    let deadline = Deadline::new(rt.now() + FIRST_REQUEST);
    let service = service_fn(|request| respond(monitor, &deadline, request));
    // The date is ours: hyper would take it from the machine's clock, even in the simulator.
    let mut http = http1::Builder::new();
    http.auto_date_header(false)
        .max_buf_size(BUFFER_MOST)
        .title_case_headers(true);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream.into_io()), service));
    let mut sleep = rt.sleep_until(deadline.get());
    let mut stop = pin!(monitor.shared.stop.notified());
    let mut stopping = false;
    poll_fn(|cx| {
        loop {
            if let Poll::Ready(result) = connection.as_mut().poll(cx) {
                return Poll::Ready(result);
            }
            if !stopping && (monitor.shared.is_stopping() || stop.as_mut().poll(cx).is_ready()) {
                stopping = true;
                deadline.set(deadline.get().min(rt.now() + LAST_REQUEST));
                sleep.reset(deadline.get());
                connection.as_mut().graceful_shutdown();
                continue;
            }
            if pin!(&mut sleep).poll(cx).is_pending() {
                return Poll::Pending;
            }
            if rt.now() >= deadline.get() {
                return Poll::Ready(Ok(()));
            }
            sleep.reset(deadline.get());
        }
    })
    .await
}

/// When the connection is given up. Requests move it while the connection's own task looks at it.
struct Deadline(AtomicU64);

impl Deadline {
    fn new(at: Moment) -> Deadline {
        Deadline(AtomicU64::new(at.as_nanos()))
    }

    fn get(&self) -> Moment {
        Moment::from_nanos(self.0.load(Ordering::Relaxed))
    }

    fn set(&self, at: Moment) {
        self.0.store(at.as_nanos(), Ordering::Relaxed);
    }
}

async fn respond<B>(
    monitor: &Arc<Monitor>,
    deadline: &Deadline,
    request: Request<B>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let rt = &monitor.shared.rt;
    // Our own work takes as long as it takes.
    deadline.set(Moment::NEVER);
    let uri = request.uri();
    let answer = answer::answer(monitor, uri.path(), uri.query().unwrap_or_default()).await;
    let patience = if monitor.shared.is_stopping() {
        LAST_REQUEST
    } else {
        NEXT_REQUEST
    };
    deadline.set(rt.now() + patience);
    Ok(http_response(answer, rt.wall()))
}

fn http_response(answer: gannet_monitor::Response, now: WallTime) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(answer.body)));
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    for (name, value) in answer.headers {
        // A target to redirect to may hold what a header may not: then the page says where.
        if let (Ok(name), Ok(value)) = (
            HeaderName::try_from(name),
            HeaderValue::try_from(value.as_ref()),
        ) {
            headers.append(name, value);
        }
    }
    if let Ok(date) = HeaderValue::try_from(http_date(now)) {
        headers.insert(DATE, date);
    }
    response
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, 5.6.7).
fn http_date(at: WallTime) -> String {
    let timestamp = Timestamp::from_nanosecond(i128::from(at.as_unix_nanos())).unwrap_or_default();
    timestamp
        .to_zoned(TimeZone::UTC)
        .strftime("%a, %d %b %Y %H:%M:%S GMT")
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_has_the_form_of_http() {
        let at = WallTime::from_unix_nanos(784_111_777_999_999_999);
        assert_eq!(http_date(at), "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}
