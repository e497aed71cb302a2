//! Who may link to this server: a peer's user and password against the configured ones, or its
//! certificate. Not here: what it is told, the comparison with a hash, which takes long, and whether a
//! certificate is genuine.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use gannet_config::{LinkAuth, Secret, ServerUrl, TlsOptions};
use gannet_identity::{CertificateNames, LinkRule, NameKind};

/// What counts when a peer introduces itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Admission {
    /// User and password, if any are asked for.
    #[default]
    ByPassword,
    /// Its certificate, whatever user it says it is: one of the certificate's names is right, or none.
    ByCertificate(Option<Admitted>),
}

/// The name in a certificate that lets its owner in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    kind: NameKind,
    name: String,
}

/// `verify_and_map` and `verify_cert_and_check_known_urls`: which certificates let their owners in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRule {
    user: Option<String>,
    known_hosts: Option<Vec<String>>,
}

impl CertificateRule {
    /// The rule of a listener with these blocks, if it has one; `known` are all configured URLs.
    pub fn new<'a>(
        tls: &TlsOptions,
        auth: &LinkAuth,
        known: impl IntoIterator<Item = &'a ServerUrl>,
    ) -> Option<CertificateRule> {
        let hosts = || known.into_iter().map(|url| url.host.clone()).collect();
        (tls.map || tls.check_known_urls).then(|| CertificateRule {
            user: auth.user.clone().filter(|_| tls.map),
            known_hosts: tls.check_known_urls.then(hosts),
        })
    }

    /// What is thought of a peer with this certificate.
    pub fn admission(&self, names: &CertificateNames<'_>) -> Admission {
        let hosts: Option<Vec<&str>> = self
            .known_hosts
            .as_ref()
            .map(|hosts| hosts.iter().map(String::as_str).collect());
        let rule = LinkRule {
            user: self.user.as_deref(),
            known_hosts: hosts.as_deref(),
        };
        let admitted = rule.admit(names).map(|(kind, name)| Admitted {
            kind,
            name: name.to_string(),
        });
        Admission::ByCertificate(admitted)
    }
}

impl Admission {
    /// What is thought of a peer that says it is `user`; the line for the log (for debugging) if it is its
    /// certificate that counts.
    pub(crate) fn judge(
        &self,
        auth: &LinkAuth,
        user: &str,
        password: &Secret,
    ) -> (Verdict, Option<String>) {
        match self {
            Admission::ByPassword => (check(auth, user, password), None),
            Admission::ByCertificate(None) => (Verdict::Wrong, None),
            Admission::ByCertificate(Some(admitted)) => (Verdict::Right, Some(admitted.line())),
        }
    }
}

impl Admitted {
    fn line(&self) -> String {
        let what = match self.kind {
            NameKind::Email => "email found in cert",
            NameKind::Dns => "SAN found in cert",
            NameKind::Uri => "URI found in cert",
            NameKind::SubjectWithDomain => "RDNSequence",
            NameKind::Subject => "certificate subject",
        };
        alloc::format!(
            "Using {what} for auth [{}]",
            gannet_config::quoted(&self.name)
        )
    }
}

/// What is thought of a peer's credentials.
pub(crate) enum Verdict {
    /// They are right, or none are asked for.
    Right,
    /// They are wrong.
    Wrong,
    /// The configured password is a hash, which takes long to compare with.
    Hashed,
}

/// Compares what a peer sent with what is configured.
fn check(auth: &LinkAuth, user: &str, password: &Secret) -> Verdict {
    match auth.user.as_deref() {
        None | Some("") => return Verdict::Right,
        Some(wanted) if wanted != user => return Verdict::Wrong,
        Some(_) => {}
    }
    let (wanted, given) = (auth.password.expose(), password.expose());
    if is_bcrypt(wanted) {
        Verdict::Hashed
    } else if is_same(wanted.as_bytes(), given.as_bytes()) {
        Verdict::Right
    } else {
        Verdict::Wrong
    }
}

/// `$2a$`, `$2b$`, `$2x$` or `$2y$`, two digits for the cost, `$`.
fn is_bcrypt(password: &str) -> bool {
    matches!(
        password.as_bytes(),
        [
            b'$',
            b'2',
            b'a' | b'b' | b'x' | b'y',
            b'$',
            b'0'..=b'9',
            b'0'..=b'9',
            b'$',
            ..
        ]
    )
}

/// Compares without telling by its duration where the difference is.
fn is_same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |diff, (a, b)| diff | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use std::{string::ToString, vec};

    use super::*;

    #[test]
    fn a_rule_says_which_certificates_let_their_owners_in() {
        let dns = ["b.example.com".to_string()];
        let names = CertificateNames {
            dns_names: &dns,
            subject: "CN=b",
            ..CertificateNames::default()
        };
        let url = ServerUrl {
            scheme: "nats".into(),
            user: None,
            password: None,
            host: "b.example.com".into(),
            port: 1,
        };
        let auth = LinkAuth {
            user: Some("CN=b".into()),
            ..LinkAuth::default()
        };
        let verdict = |map, check_known_urls, auth: &LinkAuth, known: &[ServerUrl]| {
            let tls = TlsOptions {
                map,
                check_known_urls,
                ..TlsOptions::default()
            };
            let rule = CertificateRule::new(&tls, auth, known)?;
            match rule.admission(&names) {
                Admission::ByPassword => None,
                Admission::ByCertificate(admitted) => {
                    Some(admitted.map_or("nobody".into(), |admitted| admitted.line()))
                }
            }
        };
        let (by_name, by_host) = (
            "Using certificate subject for auth [\"CN=b\"]",
            "Using SAN found in cert for auth [\"b.example.com\"]",
        );
        let (nobody, known) = (LinkAuth::default(), vec![url]);
        for (map, check, auth, known, wanted) in [
            (false, false, &auth, &known[..], None),
            (true, false, &auth, &[], Some(by_name)),
            (true, false, &nobody, &known, Some("nobody")),
            (false, true, &auth, &known, Some(by_host)),
            (false, true, &auth, &[], Some("nobody")),
            (true, true, &auth, &[], Some(by_name)),
        ] {
            let found = verdict(map, check, auth, known);
            assert_eq!(found.as_deref(), wanted, "{map} {check}");
        }
    }

    #[test]
    fn a_hash_is_told_from_a_password() {
        for (text, expect) in [
            (
                "$2a$11$PWIFAL8RsWyGI3jVZtO9Nu8.6jOxzxfZo7c/W0eLk017hjgUKWrhy",
                true,
            ),
            ("$2y$04$x", true),
            ("$2a$1$x", false),
            ("$2c$11$x", false),
            ("secret", false),
            ("", false),
        ] {
            assert_eq!(is_bcrypt(text), expect, "{text}");
        }
    }
}
