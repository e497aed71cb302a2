//! Proofs that certificates are not revoked: the question, which answers count, and proofs shown in handshakes.

use std::time::Duration;

use der::asn1::{BitString, Null, OctetString};
use der::{Any, Decode as _, Encode as _, Sequence};
use gannet_rt::Rt;
use gannet_rt::tls::{
    OcspError, OcspLink, OcspStatus, StapleDemand, TlsContext, TlsError, TlsSettings,
};
use gannet_units::WallTime;
use rcgen::{
    CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, KeyPair, SigningKey as _,
};
use x509_ocsp::{
    BasicOcspResponse, CertStatus, OcspGeneralizedTime, OcspRequest, OcspResponse, ResponderId,
    ResponseData, SingleResponse, Version,
};

use crate::certificates::*;
use crate::common::*;

const HOUR: Duration = Duration::from_secs(3600);

/// How an answer is made.
struct Says<'a> {
    status: CertStatus,
    next: Option<Duration>,
    signer: &'a KeyPair,
    /// Certificates that come along, in PEM.
    along: Vec<String>,
}

fn good(authority: &Authority) -> Says<'_> {
    Says {
        status: CertStatus::good(),
        next: Some(HOUR),
        signer: authority.key(),
        along: Vec::new(),
    }
}

fn time(at: WallTime) -> OcspGeneralizedTime {
    let since_1970 = Duration::from_secs(at.as_unix_nanos() as u64 / 1_000_000_000);
    der::DateTime::from_unix_duration(since_1970)
        .expect("a date")
        .into()
}

/// What an authority answers to `request` at `now`.
fn answer(request: &[u8], now: WallTime, says: Says<'_>) -> Vec<u8> {
    #[derive(Sequence)]
    struct Algorithm {
        oid: der::asn1::ObjectIdentifier,
    }
    let request = OcspRequest::from_der(request).expect("a question");
    let data = ResponseData {
        version: Version::V1,
        responder_id: ResponderId::ByKey(OctetString::new([0; 20]).expect("a name")),
        produced_at: time(now),
        responses: vec![SingleResponse {
            cert_id: request.tbs_request.request_list[0].req_cert.clone(),
            cert_status: says.status,
            this_update: time(now),
            next_update: says.next.map(|next| time(now + next)),
            single_extensions: None,
        }],
        response_extensions: None,
    };
    let signature = says
        .signer
        .sign(&data.to_der().expect("DER"))
        .expect("a signature");
    let algorithm = Algorithm {
        oid: "1.2.840.10045.4.3.2".parse().expect("a name"),
    };
    let along = says.along.iter().map(|pem| {
        let (_, der) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).expect("PEM");
        der::Decode::from_der(&der.contents).expect("a certificate")
    });
    let basic = BasicOcspResponse {
        tbs_response_data: data,
        signature_algorithm: der::Decode::from_der(&algorithm.to_der().expect("DER")).expect("ok"),
        signature: BitString::from_bytes(&signature).expect("bits"),
        certs: (!says.along.is_empty()).then(|| along.collect()),
    };
    OcspResponse::successful(basic)
        .expect("an answer")
        .to_der()
        .expect("DER")
}

/// A certificate with a responder that wants proofs, and whose serial number begins with a bit.
fn asked_about(params: &mut CertificateParams) {
    named_a(params);
    params.serial_number = Some(vec![0x81, 2, 3].into());
    // AuthorityInfoAccess: caIssuers and three of OCSP, one of them not of the web.
    let access = |method: u8, url: &str| {
        let mut der = vec![0x30, url.len() as u8 + 12, 6, 8];
        der.extend([0x2b, 6, 1, 5, 5, 7, 0x30, method, 0x86, url.len() as u8]);
        der.extend(url.bytes());
        der
    };
    let all = [
        access(2, "http://a.example.com/ca"),
        access(1, "http://a.example.com/ocsp"),
        access(1, "ldap://a.example.com"),
        access(1, "https://b.example.com"),
    ];
    let content = all.concat();
    let der = [vec![0x30, 0x81, content.len() as u8], content].concat();
    params.custom_extensions = vec![
        CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], der),
        CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 24], vec![0x30, 3, 2, 1, 5]),
    ];
}

fn link(rt: &Rt, settings: &TlsSettings) -> OcspLink {
    let context = TlsContext::load(rt, settings).expect("settings");
    context.own_link(0).expect("it is known who issued it")
}

#[test]
fn what_a_certificate_says_of_proofs_is_read() {
    in_both_worlds(async |place| {
        let files = Files::new(&place.server);
        let ca = Authority::new("ca");
        let settings = |who: &str, say| settings(&files, who, &ca, say, &ca);
        let asked = link(&place.server, &settings("asked", asked_about));
        assert_eq!(
            asked.responders,
            ["http://a.example.com/ocsp", "https://b.example.com"]
        );
        assert!(asked.must_staple);
        assert_eq!(
            (asked.subject.as_str(), asked.sha256.len()),
            ("CN=a,O=Gulls\\, Inc.,C=XX", 64)
        );
        let plain = link(&place.server, &settings("plain", named_a));
        assert_eq!((plain.responders.len(), plain.must_staple), (0, false));
        let nobodys = TlsSettings {
            ca_file: Some(files.write("other.pem", &Authority::new("other").pem)),
            ..settings("nobodys", named_a)
        };
        let context = TlsContext::load(&place.server, &nobodys).expect("settings");
        assert_eq!(context.own_link(0), None);
    });
}

#[test]
fn a_question_names_the_certificate_as_all_responders_know_it() {
    in_the_real_world(async |place| {
        let files = Files::new(&place.server);
        let ca = Authority::new("ca");
        let link = link(&place.server, &settings(&files, "x", &ca, asked_about, &ca));
        let question = OcspRequest::from_der(&link.request().expect("a question")).expect("DER");
        let asked = &question.tbs_request.request_list[0].req_cert;
        assert_eq!(asked.hash_algorithm.oid.to_string(), "1.3.14.3.2.26");
        assert_eq!(
            asked.hash_algorithm.parameters,
            Some(Any::encode_from(&Null).expect("null"))
        );
        assert_eq!(asked.serial_number.as_bytes(), [0, 0x81, 2, 3]);
        assert_eq!(asked.issuer_name_hash.as_bytes().len(), 20);
    });
}

#[test]
fn only_genuine_answers_about_the_certificate_count() {
    in_both_worlds(async |place| {
        let files = Files::new(&place.server);
        let (ca, stranger) = (Authority::new("ca"), Authority::new("ca"));
        let of = |who: &str, say| link(&place.server, &settings(&files, who, &ca, say, &ca));
        let (asked, other) = (of("asked", asked_about), of("other", named_a));
        let now = place.server.wall();
        let question = asked.request().expect("a question");
        let read = |says| asked.read(&answer(&question, now, says), now);
        let found = read(good(&ca)).expect("good");
        assert_eq!(found.status, OcspStatus::Good);
        assert_eq!(found.this_update, now_in_seconds(now));
        assert_eq!(found.next_update, Some(now_in_seconds(now) + HOUR));
        let unset = Says {
            next: None,
            status: CertStatus::unknown(),
            ..good(&ca)
        };
        let found = read(unset).expect("unknown");
        assert_eq!(
            (found.status, found.next_update),
            (OcspStatus::Unknown, None)
        );
        // Somebody of the same name, somebody's word about another certificate, and noise.
        assert_eq!(read(good(&stranger)), Err(OcspError::Signature));
        let about_other = answer(&other.request().expect("a question"), now, good(&ca));
        assert_eq!(asked.read(&about_other, now), Err(OcspError::Stranger));
        let refusal = OcspResponse::unauthorized().to_der().expect("DER");
        assert_eq!(
            asked.read(&refusal, now),
            Err(OcspError::Refused("unauthorized"))
        );
        let mut broken = answer(&question, now, good(&ca));
        for at in 0..broken.len() {
            broken[at] ^= 1;
            assert!(asked.read(&broken, now).is_err(), "byte {at}");
            broken[at] ^= 1;
            assert!(asked.read(&broken[..at], now).is_err(), "{at} bytes");
        }
        let long = vec![0; 70_000];
        assert!(matches!(
            asked.read(&long, now),
            Err(OcspError::Malformed(_))
        ));
    });
}

fn now_in_seconds(now: WallTime) -> WallTime {
    let nanos = now.as_unix_nanos();
    WallTime::from_unix_nanos(nanos - nanos % 1_000_000_000)
}

#[test]
fn a_signer_of_answers_is_named_by_the_authority() {
    in_both_worlds(async |place| {
        let files = Files::new(&place.server);
        let (ca, stranger) = (Authority::new("ca"), Authority::new("ca"));
        let asked = link(&place.server, &settings(&files, "x", &ca, asked_about, &ca));
        let (now, question) = (place.server.wall(), asked.request().expect("a question"));
        let signs: Say = |p| p.extended_key_usages = vec![ExtendedKeyUsagePurpose::OcspSigning];
        let ended: Say = |p| {
            p.extended_key_usages = vec![ExtendedKeyUsagePurpose::OcspSigning];
            p.not_after = rcgen::date_time_ymd(2001, 2, 3);
        };
        for (by, say, wanted) in [
            (&ca, signs, Ok(OcspStatus::Good)),
            (&ca, named_a as Say, Err(OcspError::Delegation)),
            (&ca, ended, Err(OcspError::Delegation)),
            (&stranger, signs, Err(OcspError::Signature)),
        ] {
            let (certificate, key) = by.issue(say);
            let says = Says {
                signer: &KeyPair::from_pem(&key).expect("a key"),
                along: vec![certificate],
                ..good(&ca)
            };
            let found = asked.read(&answer(&question, now, says), now);
            assert_eq!(found.map(|answer| answer.status), wanted);
        }
    });
}

#[test]
fn proofs_are_shown_and_demanded_in_handshakes() {
    in_both_worlds(async |place| {
        let files = Files::new(&place.server);
        let ca = Authority::new("ca");
        let server = settings(&files, "server", &ca, asked_about, &ca);
        let rule = |answer: &gannet_rt::tls::OcspAnswer, now| match answer.next_update {
            Some(next) if next < now => Err("old".to_string()),
            _ => Ok(()),
        };
        let client = TlsSettings {
            staples: Some(StapleDemand {
                kind: "Router",
                rule,
            }),
            ..settings(&files, "client", &ca, named_b, &ca)
        };
        let now = place.server.wall();
        let context = TlsContext::load(&place.server, &server).expect("settings");
        assert!(context.wants_staple(0) && !context.wants_staple(1));
        let dialler = TlsContext::load(&place.server, &client).expect("settings");
        let question = context
            .own_link(0)
            .and_then(|link| link.request())
            .expect("a question");
        let shake = async || {
            let outcome = shake_with(&place, &dialler, &context, "a.example.com").await;
            outcome.client.map_err(|error| match error {
                TlsError::BadStatus(why) => why,
                other => format!("{other:?}"),
            })
        };
        let says = |text: &str| Err(text.to_string());
        assert_eq!(shake().await, says("Router peer missing OCSP Staple"));
        let revoked = x509_ocsp::RevokedInfo {
            revocation_time: time(now),
            revocation_reason: None,
        };
        let with = |status, next| Says {
            status,
            next,
            ..good(&ca)
        };
        for (says_it, wanted) in [
            (good(&ca), Ok(())),
            (with(CertStatus::good(), None), Ok(())),
            (
                with(CertStatus::revoked(revoked), Some(HOUR)),
                says("bad status for OCSP Staple from Router peer: revoked"),
            ),
            (
                with(CertStatus::good(), Some(Duration::ZERO)),
                says("OCSP staple from Router peer not current"),
            ),
        ] {
            context.set_staple(0, answer(&question, now, says_it), None);
            if wanted == says("OCSP staple from Router peer not current") {
                place.server.sleep(Duration::from_millis(1100)).await;
            }
            assert_eq!(shake().await, wanted);
        }
        // What counts no longer is not shown any more, and the certificate neither.
        context.set_staple(0, answer(&question, now, good(&ca)), Some(now));
        place.server.sleep(Duration::from_millis(2)).await;
        assert!(
            shake().await.is_err_and(|why| why.contains("Refused")),
            "it is old"
        );
        context.set_staple(0, answer(&question, now, good(&ca)), Some(now + HOUR));
        assert_eq!(shake().await, Ok(()));
    });
}

#[test]
fn the_links_of_a_peer_lead_to_an_authority() {
    in_both_worlds(async |place| {
        let files = Files::new(&place.server);
        let ca = Authority::new("ca");
        let server = settings(&files, "server", &ca, named_a, &ca);
        let client = settings(&files, "client", &ca, asked_about, &ca);
        let context = TlsContext::load(&place.server, &server).expect("settings");
        let dialler = TlsContext::load(&place.server, &client).expect("settings");
        let outcome = shake_with(&place, &dialler, &context, "a.example.com").await;
        assert_eq!(outcome.texts(), ("ok".into(), "ok".into()));
        let links = outcome.streams.1.links(&context).expect("a way");
        let subjects: Vec<&str> = links.iter().map(|link| link.subject.as_str()).collect();
        assert_eq!(subjects, ["CN=a,O=Gulls\\, Inc.,C=XX"]);
        assert_eq!(links[0].responders.len(), 2);
        // One that is trusted itself is nobody's to vouch for.
        let itself = TlsSettings {
            ca_file: Some(client.certificates[0].0.clone()),
            ..server
        };
        let itself = TlsContext::load(&place.server, &itself).expect("settings");
        assert_eq!(outcome.streams.1.links(&itself), Some(Vec::new()));
    });
}
