//! Certificates of a run: which connections are encrypted, who vouches for whom, what lies on whose disk.
//!
//! Everything follows from numbers, the same in every process: keys (of Ed25519, whose signatures are all of one
//! length and need no luck) and serial numbers. So packets have the same lengths whenever a seed is run, and only
//! their ciphertext differs.
//!
//! Not here: when certificates are renewed (`reloads`), what clients are shown (`check`).

use std::net::IpAddr;

use gannet_config::{CertificateFiles, HandshakeFirst, Options, TlsOptions};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    PKCS_ED25519, SanType,
};

use crate::dice::Dice;
use crate::topology::Topology;

/// Where a machine has its own certificate.
pub(crate) const CERTIFICATE: &str = "/tls/certificate.pem";
/// Where it has the key of that.
pub(crate) const KEY: &str = "/tls/key.pem";
/// Where it has the certificates of those who vouch for others.
pub(crate) const AUTHORITIES: &str = "/tls/authorities.pem";
/// How many of them a run can see.
pub(crate) const AUTHORITY_COUNT: usize = 4;

/// Bytes of a PKCS #8 file in front of the 32 of an Ed25519 key.
const PKCS8: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];
/// Why none of this fails.
const SOUND: &str = "names and keys of our own are sound";

/// Which connections of a run are encrypted, at all servers alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Encrypted {
    pub(crate) routes: bool,
    pub(crate) gateways: bool,
    pub(crate) clients: bool,
    /// Clients begin with the handshake and hear INFO after it.
    pub(crate) handshake_first: bool,
}

impl Encrypted {
    /// Drawn from `seed`, of what there is in the topology: nothing at all in two of three runs.
    pub(crate) fn draw(seed: u64, topology: &Topology) -> Encrypted {
        let mut dice = Dice::derive(seed, "tls");
        let any = dice.per_mille(330);
        let mut some = |share| dice.per_mille(share) && any;
        Encrypted {
            routes: some(700) && topology.has_routes(),
            gateways: some(700) && topology.clusters() > 1,
            clients: some(600),
            handshake_first: some(500),
        }
    }

    /// Everything.
    pub(crate) fn everything() -> Encrypted {
        Encrypted {
            routes: true,
            gateways: true,
            clients: true,
            handshake_first: false,
        }
    }

    /// Whether there is anything encrypted.
    pub(crate) fn any(self) -> bool {
        self.routes || self.gateways || self.clients
    }

    /// Has a server encrypt what is to be encrypted.
    pub(crate) fn set(self, options: &mut Options) {
        let block = |handshake_first| TlsOptions {
            certificates: vec![CertificateFiles {
                cert_file: CERTIFICATE.to_owned(),
                key_file: KEY.to_owned(),
            }],
            ca_file: Some(AUTHORITIES.to_owned()),
            handshake_first,
            ..TlsOptions::default()
        };
        if self.routes {
            options.cluster.tls = Some(block(HandshakeFirst::No));
        }
        if let (true, Some(gateway)) = (self.gateways, &mut options.gateway) {
            gateway.tls = Some(block(HandshakeFirst::No));
        }
        if self.clients {
            let first = match self.handshake_first {
                true => HandshakeFirst::Always,
                false => HandshakeFirst::No,
            };
            options.tls = Some(block(first));
        }
    }
}

/// A certificate with its key, as files have them.
pub(crate) struct Certificate {
    pub(crate) certificate: String,
    pub(crate) key: String,
    /// Whose it is; no other certificate of the run has this subject.
    pub(crate) subject: String,
}

/// Those who vouch for the servers of a run, one after the other.
pub(crate) struct Authorities {
    all: Vec<(Issuer<'static, KeyPair>, String)>,
    issued: u64,
}

impl Authorities {
    pub(crate) fn new() -> Authorities {
        Authorities {
            all: (0..AUTHORITY_COUNT).map(authority).collect(),
            issued: 0,
        }
    }

    /// The certificates of some of them, as one file.
    pub(crate) fn file(&self, which: impl IntoIterator<Item = usize>) -> String {
        let files = which.into_iter().map(|number| self.all[number].1.as_str());
        files.collect()
    }

    /// A new certificate for a machine, with a new key.
    pub(crate) fn issue(&mut self, authority: usize, name: &str, ip: IpAddr) -> Certificate {
        self.issued += 1;
        let subject = format!("{name} certificate {}", self.issued);
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, &subject);
        params.subject_alt_names = vec![
            SanType::DnsName(name.try_into().expect(SOUND)),
            SanType::IpAddress(ip),
        ];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        params.serial_number = Some((1 << 32 | self.issued).into());
        let key = key(self.issued);
        let signed = params.signed_by(&key, &self.all[authority].0);
        Certificate {
            certificate: signed.expect(SOUND).pem(),
            key: key.serialize_pem(),
            subject: format!("CN={subject}"),
        }
    }
}

fn authority(number: usize) -> (Issuer<'static, KeyPair>, String) {
    let mut params = CertificateParams::default();
    let name = format!("authority {number}");
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.serial_number = Some((1 << 40 | number as u64).into());
    let key = key(u64::MAX - number as u64);
    let file = params.self_signed(&key).expect(SOUND).pem();
    (Issuer::new(params, key), file)
}

fn key(number: u64) -> KeyPair {
    let mut der = PKCS8.to_vec();
    der.extend([number; 4].map(u64::to_be_bytes).concat());
    KeyPair::from_pkcs8_der_and_sign_algo(&der.into(), &PKCS_ED25519).expect(SOUND)
}
