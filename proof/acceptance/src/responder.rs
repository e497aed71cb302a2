//! An authority's responder: it answers over HTTP whether certificates are still good, and does as it is told.

use crate::certificates::{Authority, Certificate};
use data_encoding::BASE64;
use der::asn1::{BitString, ObjectIdentifier, OctetString};
use der::{DateTime, Decode, Encode, Sequence};
use rcgen::{KeyPair, SigningKey};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use x509_ocsp::{
    BasicOcspResponse, CertStatus, OcspGeneralizedTime, OcspRequest, OcspResponse, ResponderId,
    ResponseData, RevokedInfo, SingleResponse, Version,
};

/// What is said of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is good.
    Good,
    /// It is revoked.
    Revoked,
    /// Nobody knows it.
    Unknown,
}

/// A responder that runs until it is dropped. It says of all certificates that they are good, unless it is told
/// otherwise.
#[derive(Debug)]
pub struct Responder {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct State {
    key: KeyPair,
    others: Vec<(Vec<u8>, Standing)>,
    /// How long answers count.
    lasting: Option<Duration>,
    is_silent: bool,
    asked: usize,
}

impl Responder {
    /// One that answers for `authority`.
    ///
    /// # Panics
    /// When no port is free.
    pub fn start(authority: &Authority) -> Responder {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let state = Arc::new(Mutex::new(State {
            key: authority.key(),
            others: Vec::new(),
            lasting: Some(Duration::from_secs(3600)),
            is_silent: false,
            asked: 0,
        }));
        let ended = Arc::new(AtomicBool::new(false));
        let (its_state, its_end) = (state.clone(), ended.clone());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if its_end.load(Ordering::Acquire) {
                    return;
                }
                // A question that cannot be read gets no answer.
                let _ = serve(stream, &its_state);
            }
        });
        Responder {
            address,
            state,
            ended,
            thread: Some(thread),
        }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on, it says this of `certificate`.
    pub fn say(&self, certificate: &Certificate, standing: Standing) {
        let mut state = self.state();
        state
            .others
            .retain(|(serial, _)| *serial != certificate.serial);
        state.others.push((certificate.serial.clone(), standing));
    }

    /// How long its answers count; they don't say if there is no time.
    pub fn set_lasting(&self, lasting: Option<Duration>) {
        self.state().lasting = lasting;
    }

    /// Whether it answers at all.
    pub fn set_silent(&self, is_silent: bool) {
        self.state().is_silent = is_silent;
    }

    /// How many questions have come.
    pub fn asked(&self) -> usize {
        self.state().asked
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics with it")
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        // It waits for somebody to come.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What a proof says, without a look at who has signed it.
///
/// # Panics
/// When it is none.
pub fn standing_of(proof: &[u8]) -> Standing {
    let answer = OcspResponse::from_der(proof).expect("an answer");
    let bytes = answer.response_bytes.expect("a whole one");
    let basic = BasicOcspResponse::from_der(bytes.response.as_bytes()).expect("a basic one");
    match basic.tbs_response_data.responses[0].cert_status {
        CertStatus::Good(_) => Standing::Good,
        CertStatus::Revoked(_) => Standing::Revoked,
        CertStatus::Unknown(_) => Standing::Unknown,
    }
}

fn serve(mut stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut request = Vec::new();
    let question = loop {
        let mut chunk = [0; 4096];
        let length = stream.read(&mut chunk)?;
        request.extend_from_slice(&chunk[..length]);
        if let Some(question) = question_of(&request) {
            break question;
        }
        if length == 0 {
            return Ok(());
        }
    };
    let answer = {
        let mut state = state.lock().expect("nobody panics with it");
        state.asked += 1;
        (!state.is_silent).then(|| state.answer(&question))
    };
    match answer {
        Some(body) => {
            let head =
                "HTTP/1.1 200 OK\r\nContent-Type: application/ocsp-response\r\nConnection: close";
            stream.write_all(
                format!("{head}\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(),
            )?;
            stream.write_all(&body)
        }
        None => {
            stream.write_all(b"HTTP/1.1 503 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        }
    }
}

/// The question in an HTTP request; none as long as it is not whole.
fn question_of(request: &[u8]) -> Option<Vec<u8>> {
    let end = request.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&request[..end]).into_owned();
    let first = head.lines().next()?;
    if first.starts_with("POST") {
        let length: usize = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let is_length = name.eq_ignore_ascii_case("content-length");
            is_length.then(|| value.trim().parse().ok()).flatten()
        })?;
        return request.get(end + 4..end + 4 + length).map(<[u8]>::to_vec);
    }
    let path = first.split(' ').nth(1)?.strip_prefix('/')?;
    let text = path
        .replace("%2B", "+")
        .replace("%2F", "/")
        .replace("%3D", "=");
    BASE64.decode(text.as_bytes()).ok()
}

impl State {
    fn answer(&self, question: &[u8]) -> Vec<u8> {
        #[derive(Sequence)]
        struct Algorithm {
            oid: ObjectIdentifier,
        }
        let question = OcspRequest::from_der(question).expect("a question");
        let cert_id = question.tbs_request.request_list[0].req_cert.clone();
        let serial = cert_id.serial_number.as_bytes().to_vec();
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("it is after 1970");
        let told = self.others.iter().find(|(known, _)| *known == serial);
        let data = ResponseData {
            version: Version::V1,
            responder_id: ResponderId::ByKey(OctetString::new([7; 20]).expect("a name")),
            produced_at: time(now),
            responses: vec![SingleResponse {
                cert_id,
                cert_status: match told.map_or(Standing::Good, |(_, standing)| *standing) {
                    Standing::Good => CertStatus::good(),
                    Standing::Unknown => CertStatus::unknown(),
                    Standing::Revoked => CertStatus::Revoked(RevokedInfo {
                        revocation_time: time(now),
                        revocation_reason: None,
                    }),
                },
                this_update: time(now),
                next_update: self.lasting.map(|lasting| time(now + lasting)),
                single_extensions: None,
            }],
            response_extensions: None,
        };
        let signed = data.to_der().expect("DER");
        let ecdsa_with_sha256 = Algorithm {
            oid: ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2"),
        };
        let algorithm = ecdsa_with_sha256.to_der().expect("DER");
        let basic = BasicOcspResponse {
            tbs_response_data: data,
            signature_algorithm: Decode::from_der(&algorithm).expect("a name"),
            signature: BitString::from_bytes(&self.key.sign(&signed).expect("a signature"))
                .expect("bits"),
            certs: None,
        };
        let answer = OcspResponse::successful(basic).expect("an answer");
        answer.to_der().expect("DER")
    }
}

fn time(since_1970: Duration) -> OcspGeneralizedTime {
    let whole = Duration::from_secs(since_1970.as_secs());
    DateTime::from_unix_duration(whole).expect("a date").into()
}
