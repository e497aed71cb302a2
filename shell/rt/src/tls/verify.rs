//! Who counts as who they say they are: chains of trust, in both directions.
//!
//! The checks are webpki's. Added here is what the reference server does beyond it: a certificate that
//! is itself in the file of authorities is trusted as it stands (a self-signed one, say).

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use gannet_units::WallTime;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, RootCertStore,
    SignatureScheme,
};
use x509_parser::parse_x509_certificate;

use super::error::BadStatus;
use super::ocsp::StapleDemand;

/// What we trust.
#[derive(Debug)]
pub(super) struct Trust {
    pub(super) roots: Arc<RootCertStore>,
    /// The same, whole: a peer may show one of them itself.
    pub(super) whole: Vec<CertificateDer<'static>>,
}

/// Checks servers that we dialled.
#[derive(Debug)]
pub(super) struct ServerVerifier {
    trust: Arc<Trust>,
    /// None if nothing is trusted.
    chains: Option<Arc<WebPkiServerVerifier>>,
    /// Neither chain nor name count.
    insecure: bool,
    staples: Option<StapleDemand>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerVerifier {
    pub(super) fn new(
        trust: &Arc<Trust>,
        insecure: bool,
        staples: Option<StapleDemand>,
        provider: &Arc<CryptoProvider>,
    ) -> ServerVerifier {
        let builder =
            WebPkiServerVerifier::builder_with_provider(trust.roots.clone(), provider.clone());
        ServerVerifier {
            trust: trust.clone(),
            // The only error is that there is nothing to trust.
            chains: builder.build().ok(),
            insecure,
            staples,
            algorithms: provider.signature_verification_algorithms,
        }
    }
}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.insecure {
            return Ok(ServerCertVerified::assertion());
        }
        self.verify_chain(end_entity, intermediates, server_name, now)?;
        if let Some(demand) = self.staples {
            let chain: Vec<_> = [end_entity]
                .into_iter()
                .chain(intermediates)
                .cloned()
                .collect();
            let now = WallTime::from_unix_nanos(0) + Duration::from_secs(now.as_secs());
            let checked = demand.check(ocsp_response, &chain, &self.trust.known(), now);
            checked.map_err(|why| CertificateError::Other(OtherError(Arc::new(BadStatus(why)))))?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl ServerVerifier {
    fn verify_chain(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        if self.trust.holds(end_entity) {
            in_its_time(end_entity, now)?;
            return verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name);
        }
        match &self.chains {
            Some(chains) => chains
                .verify_server_cert(end_entity, intermediates, server_name, &[], now)
                .map(drop),
            None => Err(CertificateError::UnknownIssuer.into()),
        }
    }
}

/// Checks peers that dialled us; they have to show a certificate.
#[derive(Debug)]
pub(super) struct ClientVerifier {
    trust: Arc<Trust>,
    /// None if nothing is trusted.
    chains: Option<Arc<dyn ClientCertVerifier>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientVerifier {
    pub(super) fn new(trust: &Arc<Trust>, provider: &Arc<CryptoProvider>) -> ClientVerifier {
        let builder =
            WebPkiClientVerifier::builder_with_provider(trust.roots.clone(), provider.clone());
        ClientVerifier {
            trust: trust.clone(),
            // The only error is that there is nothing to trust.
            chains: builder.build().ok(),
            algorithms: provider.signature_verification_algorithms,
        }
    }
}

impl ClientCertVerifier for ClientVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.chains
            .as_ref()
            .map_or(&[], |chains| chains.root_hint_subjects())
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if self.trust.holds(end_entity) {
            in_its_time(end_entity, now)?;
            return Ok(ClientCertVerified::assertion());
        }
        match &self.chains {
            Some(chains) => chains.verify_client_cert(end_entity, intermediates, now),
            None => Err(CertificateError::UnknownIssuer.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl Trust {
    /// The certificates of those whom we trust. The operating system's are only read when they are asked for:
    /// they are many, and as good as never asked for.
    pub(super) fn known(&self) -> Cow<'_, [CertificateDer<'static>]> {
        match self.whole.as_slice() {
            [] => rustls_native_certs::load_native_certs().certs.into(),
            whole => whole.into(),
        }
    }

    fn holds(&self, certificate: &CertificateDer<'_>) -> bool {
        self.whole.iter().any(|trusted| trusted == certificate)
    }
}

fn in_its_time(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let Ok((_, parsed)) = parse_x509_certificate(certificate) else {
        return Err(CertificateError::BadEncoding.into());
    };
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let validity = parsed.validity();
    if now < validity.not_before.timestamp() || now > validity.not_after.timestamp() {
        return Err(CertificateError::Expired.into());
    }
    Ok(())
}
