//! Authorities and certificates made on the spot, and the files they are kept in.

use std::sync::Arc;

use gannet_rt::tls::{TlsContext, TlsError, TlsSettings};
use gannet_rt::{Rt, Stream, fs};
use gannet_units::Moment;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    SanType, date_time_ymd,
};
use tempfile::TempDir;

use crate::common::{Place, moment_ms};

/// A directory of PEM files, in whichever world.
pub(crate) struct Files {
    dir: TempDir,
    rt: Rt,
}

/// Who vouches for certificates.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
}

/// What a certificate says.
pub(crate) type Say = fn(&mut CertificateParams);

impl Files {
    pub(crate) fn new(rt: &Rt) -> Files {
        Files {
            dir: TempDir::new().expect("a directory"),
            rt: rt.clone(),
        }
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::write(&self.rt, &path, text).expect("a file");
        path
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }
}

impl Authority {
    pub(crate) fn new(name: &str) -> Authority {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Authority {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    pub(crate) fn key(&self) -> &KeyPair {
        self.issuer.key()
    }

    /// A certificate and its key, as PEM.
    pub(crate) fn issue(&self, say: Say) -> (String, String) {
        let mut params = CertificateParams::default();
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        say(&mut params);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        (certificate.pem(), key.serialize_pem())
    }
}

/// For the name `a.example.com`, with a subject.
pub(crate) fn named_a(params: &mut CertificateParams) {
    let subject = &mut params.distinguished_name;
    subject.push(DnType::CountryName, "XX");
    subject.push(DnType::OrganizationName, "Gulls, Inc.");
    subject.push(DnType::CommonName, "a");
    params.subject_alt_names = vec![
        SanType::DnsName("a.example.com".try_into().expect("a name")),
        SanType::Rfc822Name("a@example.com".try_into().expect("an address")),
        SanType::URI("spiffe://example.com/a".try_into().expect("a URI")),
    ];
}

/// For the names below `b.example.com`.
pub(crate) fn named_b(params: &mut CertificateParams) {
    params.distinguished_name.push(DnType::CommonName, "b");
    params.subject_alt_names = vec![SanType::DnsName(
        "*.b.example.com".try_into().expect("a name"),
    )];
}

/// For an address.
pub(crate) fn at_an_address(params: &mut CertificateParams) {
    params.subject_alt_names = vec![SanType::IpAddress([10, 9, 8, 7].into())];
}

/// That has ended.
pub(crate) fn expired(params: &mut CertificateParams) {
    named_a(params);
    params.not_after = date_time_ymd(2001, 2, 3);
}

/// One end's settings: a certificate that `authority` has issued, and trust in `trusted`.
pub(crate) fn settings(
    files: &Files,
    who: &str,
    authority: &Authority,
    say: Say,
    trusted: &Authority,
) -> TlsSettings {
    let (certificate, key) = authority.issue(say);
    TlsSettings {
        certificates: vec![(
            files.write(&format!("{who}-cert.pem"), &certificate),
            files.write(&format!("{who}-key.pem"), &key),
        )],
        ca_file: Some(files.write(&format!("{who}-ca.pem"), &trusted.pem)),
        verify_peers: true,
        ..TlsSettings::default()
    }
}

/// What both ends of a handshake say about it, or that it went well.
pub(crate) struct Outcome {
    pub(crate) client: Result<(), TlsError>,
    pub(crate) server: Result<(), TlsError>,
    pub(crate) streams: (Arc<Stream>, Arc<Stream>),
}

impl Outcome {
    pub(crate) fn texts(&self) -> (String, String) {
        let text = |r: &Result<(), TlsError>| {
            r.as_ref()
                .map_or_else(ToString::to_string, |()| "ok".to_string())
        };
        (text(&self.client), text(&self.server))
    }
}

/// A handshake between `client`, who dials `name`, and `server`. Settings whose files can't be read
/// fail the test.
pub(crate) async fn shake(
    place: &Place,
    client: &TlsSettings,
    server: &TlsSettings,
    name: &str,
) -> Outcome {
    let client = TlsContext::load(&place.server, client).expect("client's settings");
    let server = TlsContext::load(&place.server, server).expect("server's settings");
    shake_with(place, &client, &server, name).await
}

pub(crate) async fn shake_with(
    place: &Place,
    client: &TlsContext,
    server: &TlsContext,
    name: &str,
) -> Outcome {
    let (dialled, accepted) = place.pair().await;
    let (dialled, accepted) = (Arc::new(dialled), Arc::new(accepted));
    let (rt, context, stream) = (place.server.clone(), server.clone(), accepted.clone());
    let (tell, told) = gannet_rt::sync::oneshot::channel();
    place.server.spawn(async move {
        let deadline = late(&rt);
        let result = stream.accept_tls(&rt, &context, &[], deadline).await;
        let _ = tell.send(result.map(drop));
    });
    let client_result = dialled
        .connect_tls(&place.client, client, name, &[], late(&place.client))
        .await
        .map(drop);
    Outcome {
        client: client_result,
        server: told.await.expect("the server's task ends"),
        streams: (dialled, accepted),
    }
}

pub(crate) fn late(rt: &Rt) -> Moment {
    rt.now() + moment_ms(20_000).since(Moment::START)
}
