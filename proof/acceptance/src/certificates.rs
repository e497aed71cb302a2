//! Authorities and certificates made on the spot, the blocks of a configuration that name them, and a peer that
//! speaks TLS.

use crate::wait::PATIENCE;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, PublicKeyData, SanType, date_time_ymd,
};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, ServerConfig, ServerConnection,
    SignatureScheme, StreamOwned, SupportedProtocolVersion,
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// When all certificates end.
pub const NOT_AFTER: &str = "2049-12-31T00:00:00Z";

/// Who vouches for certificates, and the folder that they are kept in.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    folder: Arc<TempDir>,
}

/// A certificate and its key, in files.
#[derive(Clone, Debug)]
pub struct Certificate {
    cert: PathBuf,
    key: PathBuf,
    ca: PathBuf,
    /// Where the files are.
    _folder: Arc<TempDir>,
    /// SHA-256 of its public key, as `pinned_certs` has it.
    pub pin: String,
    /// Its serial number.
    pub serial: Vec<u8>,
}

impl Authority {
    /// A new authority `name`.
    ///
    /// # Panics
    /// When no files can be written.
    pub fn new(name: &str) -> Authority {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        std::fs::write(folder.path().join("ca.pem"), pem).expect("a file can be written");
        Authority {
            issuer: Issuer::new(params, key),
            folder: Arc::new(folder),
        }
    }

    /// A certificate with subject `CN=name` for these hosts (names or addresses), in files called after `name`: made
    /// again, they are written again.
    ///
    /// # Panics
    /// When no files can be written.
    pub fn issue(&self, name: &str, hosts: &[&str]) -> Certificate {
        self.issue_with(name, hosts, |_| {})
    }

    /// [`Authority::issue`] of a certificate that may be asked about at `responder`, and wants proofs to be shown with it
    /// if it `must_staple`.
    ///
    /// # Panics
    /// As [`Authority::issue`].
    pub fn issue_asked(
        &self,
        name: &str,
        hosts: &[&str],
        responder: &str,
        must_staple: bool,
    ) -> Certificate {
        self.issue_with(name, hosts, |params| {
            let length = u8::try_from(responder.len()).expect("a short URL");
            // AuthorityInfoAccess with one entry, the responder.
            let mut access = vec![0x30, length + 14, 0x30, length + 12, 6, 8];
            access.extend([0x2b, 6, 1, 5, 5, 7, 0x30, 1, 0x86, length]);
            access.extend(responder.bytes());
            let oid = [1, 3, 6, 1, 5, 5, 7, 1];
            let extension = |last, content| {
                let oid = [&oid[..], &[last]].concat();
                CustomExtension::from_oid_content(&oid, content)
            };
            params.custom_extensions.push(extension(1, access));
            if must_staple {
                params
                    .custom_extensions
                    .push(extension(24, vec![0x30, 3, 2, 1, 5]));
            }
        })
    }

    /// [`Authority::issue`] of a certificate that says something else, too.
    ///
    /// # Panics
    /// As [`Authority::issue`].
    pub fn issue_with(
        &self,
        name: &str,
        hosts: &[&str],
        say: impl FnOnce(&mut CertificateParams),
    ) -> Certificate {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_after = date_time_ymd(2049, 12, 31);
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        params.subject_alt_names = hosts
            .iter()
            .map(|host| match host.parse() {
                Ok(address) => SanType::IpAddress(address),
                Err(_) => SanType::DnsName((*host).try_into().expect("a host name")),
            })
            .collect();
        let key = KeyPair::generate().expect("a key");
        let mut serial = Sha256::digest(key.public_key_raw())[..8].to_vec();
        // Neither negative nor with zeros in front.
        serial[0] = serial[0] & 0x3f | 0x40;
        params.serial_number = Some(serial.clone().into());
        say(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let made = Certificate {
            cert: self.folder.path().join(format!("{name}.pem")),
            key: self.folder.path().join(format!("{name}.key")),
            ca: self.folder.path().join("ca.pem"),
            _folder: self.folder.clone(),
            pin: hex(&Sha256::digest(key.subject_public_key_info())),
            serial,
        };
        std::fs::write(&made.cert, certificate.pem()).expect("a file can be written");
        std::fs::write(&made.key, key.serialize_pem()).expect("a file can be written");
        made
    }

    /// The key that it signs with.
    pub(crate) fn key(&self) -> KeyPair {
        KeyPair::from_pem(&self.issuer.key().serialize_pem()).expect("a key")
    }

    /// The authority's own certificate.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

impl Certificate {
    /// A `tls` block with this certificate, trust in the authority that issued it, and more `lines`.
    pub fn block(&self, lines: &str) -> String {
        self.block_trusting(&self.ca, lines)
    }

    /// [`Certificate::block`] with trust in another authority.
    pub fn block_trusting(&self, ca: &Path, lines: &str) -> String {
        let (cert, key, ca) = (self.cert.display(), self.key.display(), ca.display());
        format!(
            "tls {{\n cert_file: \"{cert}\"\n key_file: \"{key}\"\n ca_file: \"{ca}\"\n {lines}\n }}\n"
        )
    }

    /// The files of this certificate and of the authority that issued it, as
    /// [`Agent::connect_with`](crate::Agent::connect_with) takes them.
    pub fn files(&self) -> Value {
        serde_json::json!({ "ca": self.ca, "cert": self.cert, "key": self.key })
    }

    /// The file of the certificate.
    pub fn cert_file(&self) -> &Path {
        &self.cert
    }

    /// The file of its key.
    pub fn key_file(&self) -> &Path {
        &self.key
    }

    /// SHA-256 of the certificate.
    pub fn digest(&self) -> String {
        hex(&Sha256::digest(&self.read().0[0]))
    }

    fn chain(&self) -> Vec<CertificateDer<'static>> {
        CertificateDer::pem_file_iter(&self.cert)
            .expect("the file is there")
            .collect::<Result<_, _>>()
            .expect("the file is PEM")
    }

    fn read(&self) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let key = PrivateKeyDer::from_pem_file(&self.key).expect("the file is a key");
        (self.chain(), key)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A peer that speaks TLS and takes any certificate.
pub struct TlsPeer {
    stream: Secured,
    unread: Vec<u8>,
    /// What was shown with the other side's certificate.
    proof: Arc<Mutex<Option<Vec<u8>>>>,
}

/// Which side of the handshake the peer is.
enum Secured {
    Dialled(Box<StreamOwned<ClientConnection, TcpStream>>),
    Answered(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Secured {
    fn read(&mut self, chunk: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Secured::Dialled(stream) => stream.read(chunk),
            Secured::Answered(stream) => stream.read(chunk),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match self {
            Secured::Dialled(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
            Secured::Answered(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
        }
    }

    fn certificates(&self) -> Option<&[CertificateDer<'static>]> {
        match self {
            Secured::Dialled(stream) => stream.conn.peer_certificates(),
            Secured::Answered(stream) => stream.conn.peer_certificates(),
        }
    }
}

impl TlsPeer {
    /// Dials `address`, showing `certificate`.
    ///
    /// # Panics
    /// When there is no connection. The handshake happens with the first line.
    pub fn dial(address: &str, certificate: &Certificate) -> TlsPeer {
        let stream = crate::eventually(&format!("a connection to {address}"), || {
            TcpStream::connect(address).map_err(|error| error.to_string())
        });
        TlsPeer::begin(stream, Some(certificate))
    }

    /// Begins TLS on a connection that we have dialled, showing `certificate`, if there is one.
    ///
    /// # Panics
    /// When the certificate cannot be used. The handshake happens with the first line.
    pub fn begin(stream: TcpStream, certificate: Option<&Certificate>) -> TlsPeer {
        TlsPeer::begin_as(stream, certificate, &Dialling::default())
    }

    /// [`TlsPeer::begin`], in another way.
    ///
    /// # Panics
    /// As [`TlsPeer::begin`].
    pub fn begin_as(
        stream: TcpStream,
        certificate: Option<&Certificate>,
        dialling: &Dialling,
    ) -> TlsPeer {
        let Dialling {
            name,
            versions,
            provider,
        } = dialling;
        let proof = Arc::<Mutex<Option<Vec<u8>>>>::default();
        let builder = ClientConfig::builder_with_provider(Arc::new(provider.clone()))
            .with_protocol_versions(versions)
            .expect("they fit together")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anybody(proof.clone())));
        let config = match certificate.map(Certificate::read) {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => builder
                .with_client_auth_cert(chain, key)
                .expect("the key fits"),
        };
        let name = ServerName::try_from(name.clone()).expect("a name");
        let connection = ClientConnection::new(Arc::new(config), name).expect("a connection");
        let stream = Secured::Dialled(Box::new(StreamOwned::new(connection, patient(stream))));
        TlsPeer::over(stream, proof)
    }

    /// Answers whoever has dialled with `certificate`.
    ///
    /// # Panics
    /// When the certificate cannot be used.
    pub fn answer(stream: TcpStream, certificate: &Certificate) -> TlsPeer {
        let (chain, key) = certificate.read();
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("the key fits");
        let connection = ServerConnection::new(Arc::new(config)).expect("a connection");
        let stream = Secured::Answered(Box::new(StreamOwned::new(connection, patient(stream))));
        TlsPeer::over(stream, Arc::default())
    }

    fn over(stream: Secured, proof: Arc<Mutex<Option<Vec<u8>>>>) -> TlsPeer {
        TlsPeer {
            stream,
            unread: Vec::new(),
            proof,
        }
    }

    /// What was shown with the other side's certificate: a proof that it is good, if anything.
    pub fn proof(&self) -> Option<Vec<u8>> {
        let proof = self.proof.lock().expect("nobody panics with it").clone();
        proof.filter(|proof| !proof.is_empty())
    }

    /// Ends the handshake; answers version and cipher suite, or what is wrong.
    pub fn shake(&mut self) -> Result<(String, String), String> {
        let problem = |error: std::io::Error| error.to_string();
        let version = |state: &rustls::CommonState| {
            let version = state.protocol_version().expect("it is over");
            let suite = state.negotiated_cipher_suite().expect("it is over").suite();
            (format!("{version:?}"), format!("{suite:?}"))
        };
        match &mut self.stream {
            Secured::Dialled(stream) => {
                while stream.conn.is_handshaking() {
                    stream.conn.complete_io(&mut stream.sock).map_err(problem)?;
                }
                Ok(version(&stream.conn))
            }
            Secured::Answered(stream) => {
                while stream.conn.is_handshaking() {
                    stream.conn.complete_io(&mut stream.sock).map_err(problem)?;
                }
                Ok(version(&stream.conn))
            }
        }
    }

    /// Sends `text` as it is.
    pub fn send(&mut self, text: &str) {
        self.stream
            .write(text.as_bytes())
            .expect("the peer listens");
    }

    /// Sends `text`, if the peer still listens.
    ///
    /// # Errors
    /// When it does not.
    pub fn try_send(&mut self, text: &str) -> std::io::Result<()> {
        self.stream.write(text.as_bytes())
    }

    /// The next line without its end; `None` if the connection has ended.
    pub fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.unread.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.unread.drain(..=end).collect();
                return Some(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            let mut chunk = [0; 4096];
            match self.stream.read(&mut chunk) {
                Ok(length) if length > 0 => self.unread.extend_from_slice(&chunk[..length]),
                _ => return None,
            }
        }
    }

    /// The next line, which is `verb` and JSON.
    ///
    /// # Panics
    /// When it is not.
    pub fn json(&mut self, verb: &str) -> Value {
        let line = self.line().unwrap_or_default();
        line.strip_prefix(verb)
            .and_then(|rest| serde_json::from_str(rest).ok())
            .unwrap_or_else(|| panic!("expected {verb} and JSON, heard {line:?}"))
    }

    /// Whether the other side has shown `certificate`, as it is in its file now.
    pub fn has_shown(&self, certificate: &Certificate) -> bool {
        let shown = self.stream.certificates().and_then(<[_]>::first);
        shown.is_some() && shown == certificate.chain().first()
    }
}

impl fmt::Debug for TlsPeer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsPeer").finish_non_exhaustive()
    }
}

fn patient(stream: TcpStream) -> TcpStream {
    stream
        .set_read_timeout(Some(PATIENCE))
        .expect("an open socket takes options");
    stream
}

/// How a peer dials.
#[derive(Clone, Debug)]
pub struct Dialling {
    /// The name that it asks for.
    pub name: String,
    /// The versions that it speaks.
    pub versions: Vec<&'static SupportedProtocolVersion>,
    /// Its cipher suites and curves.
    pub provider: CryptoProvider,
}

impl Default for Dialling {
    fn default() -> Dialling {
        Dialling {
            name: "localhost".to_owned(),
            versions: rustls::ALL_VERSIONS.to_vec(),
            provider: rustls::crypto::ring::default_provider(),
        }
    }
}

/// Takes any certificate, and notes what was shown with it.
#[derive(Debug)]
struct Anybody(Arc<Mutex<Option<Vec<u8>>>>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        proof: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        *self.0.lock().expect("nobody panics with it") = Some(proof.to_vec());
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![
            SignatureScheme::ECDSA_NISTP256_SHA256,
            SignatureScheme::ECDSA_NISTP384_SHA384,
            SignatureScheme::ED25519,
        ]
    }
}
