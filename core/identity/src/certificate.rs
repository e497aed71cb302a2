//! Who a certificate says its owner is.
//!
//! What lives here: the order in which the names of a certificate are tried, and what servers at the
//! other end of a link must be called. What does not: reading certificates, and whether one is genuine.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;

/// The names in a certificate.
#[derive(Clone, Copy, Debug, Default)]
pub struct CertificateNames<'a> {
    /// E-mail addresses among the alternative names.
    pub emails: &'a [String],
    /// Host names among them; the first label may be `*`.
    pub dns_names: &'a [String],
    /// URIs among them.
    pub uris: &'a [String],
    /// The subject as RFC 2253 writes it: `CN=a,OU=b,O=c`.
    pub subject: &'a str,
    /// The domain components of the subject, `DC=a,DC=b`; often empty.
    pub domain_components: &'a str,
    /// The whole subject as RFC 4514 writes it, all attributes in their order; `None` if it has some that have
    /// no names there.
    pub distinguished: Option<&'a str>,
}

/// Which name of a certificate it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameKind {
    /// An e-mail address.
    Email,
    /// A host name.
    Dns,
    /// A URI.
    Uri,
    /// The subject, its domain components behind it.
    SubjectWithDomain,
    /// The subject alone.
    Subject,
}

impl<'a> CertificateNames<'a> {
    /// The first name that `accept` takes: addresses, host names and URIs in the order of the
    /// certificate, then the subject. Empty names are passed over.
    pub fn find(
        &self,
        accept: impl Fn(NameKind, &str) -> bool,
    ) -> Option<(NameKind, Cow<'a, str>)> {
        let of_kind = |kind| move |name: &'a String| (kind, Cow::Borrowed(name.as_str()));
        let alternatives = (self.emails.iter().map(of_kind(NameKind::Email)))
            .chain(self.dns_names.iter().map(of_kind(NameKind::Dns)))
            .chain(self.uris.iter().map(of_kind(NameKind::Uri)));
        let with_domain = (!self.domain_components.is_empty()).then(|| {
            let whole = format!("{},{}", self.subject, self.domain_components);
            (NameKind::SubjectWithDomain, Cow::Owned(whole))
        });
        alternatives
            .chain(with_domain)
            .chain([(NameKind::Subject, Cow::Borrowed(self.subject))])
            .find(|(kind, name)| !name.is_empty() && accept(*kind, name))
    }
}

/// What a server must be called that dials one of our links. With both set, one of the two will do; with
/// none, nobody is let in by a certificate.
#[derive(Clone, Copy, Debug, Default)]
pub struct LinkRule<'a> {
    /// `verify_and_map`: the name that the block's `authorization` demands.
    pub user: Option<&'a str>,
    /// `verify_cert_and_check_known_urls`: the hosts of all configured URLs.
    pub known_hosts: Option<&'a [&'a str]>,
}

impl LinkRule<'_> {
    /// The name by which the owner of the certificate is let in, if there is one.
    pub fn admit<'a>(&self, names: &CertificateNames<'a>) -> Option<(NameKind, Cow<'a, str>)> {
        names.find(|kind, name| {
            let known = kind == NameKind::Dns
                && self
                    .known_hosts
                    .is_some_and(|hosts| hosts.iter().any(|host| is_for_host(name, host)));
            known || self.user == Some(name)
        })
    }
}

/// Whether a certificate's host name is that of `host`. A star stands for the whole first label
/// (RFC 6125, 6.4.3).
fn is_for_host(name: &str, host: &str) -> bool {
    if name.split('.').count() != host.split('.').count() {
        return false;
    }
    let mut labels = name.split('.').zip(host.split('.')).enumerate();
    labels.all(|(at, (wanted, label))| {
        (at == 0 && wanted == "*") || wanted.to_lowercase() == label.to_lowercase()
    })
}

#[cfg(test)]
mod tests {
    use super::{CertificateNames, LinkRule, is_for_host};
    use std::string::{String, ToString};
    use std::{format, vec};

    /// The certificate of the tests.
    fn admitted(rule: LinkRule<'_>) -> String {
        let emails = ["a@example.com".to_string()];
        let dns_names = ["a.example.com", "*.b.example.com"].map(ToString::to_string);
        let uris = ["spiffe://example.com/a".to_string()];
        let names = CertificateNames {
            emails: &emails,
            dns_names: &dns_names,
            uris: &uris,
            subject: "CN=a,O=b",
            domain_components: "DC=example,DC=com",
            distinguished: None,
        };
        match rule.admit(&names) {
            Some((kind, name)) => format!("{kind:?} {name}"),
            None => "nobody".into(),
        }
    }

    #[test]
    fn a_user_may_be_any_name_of_the_certificate() {
        for (user, wanted) in [
            ("a@example.com", "Email a@example.com"),
            ("a.example.com", "Dns a.example.com"),
            ("spiffe://example.com/a", "Uri spiffe://example.com/a"),
            (
                "CN=a,O=b,DC=example,DC=com",
                "SubjectWithDomain CN=a,O=b,DC=example,DC=com",
            ),
            ("CN=a,O=b", "Subject CN=a,O=b"),
            ("O=b,CN=a", "nobody"),
            ("A.example.com", "nobody"),
            ("", "nobody"),
        ] {
            let rule = LinkRule {
                user: Some(user),
                known_hosts: None,
            };
            assert_eq!(admitted(rule), wanted, "{user}");
        }
        assert_eq!(admitted(LinkRule::default()), "nobody");
    }

    #[test]
    fn a_known_host_will_do() {
        for (host, wanted) in [
            ("A.Example.com", "Dns a.example.com"),
            ("x.b.example.com", "Dns *.b.example.com"),
            ("c.example.com", "nobody"),
            ("spiffe://example.com/a", "nobody"),
        ] {
            let hosts = vec!["other", host];
            let rule = LinkRule {
                user: None,
                known_hosts: Some(&hosts),
            };
            assert_eq!(admitted(rule), wanted, "{host}");
        }
        let rule = LinkRule {
            user: Some("CN=a,O=b"),
            known_hosts: Some(&["other"]),
        };
        assert_eq!(admitted(rule), "Subject CN=a,O=b");
    }

    #[test]
    fn nobody_without_a_name_is_let_in() {
        let rule = LinkRule {
            user: Some(""),
            known_hosts: Some(&[""]),
        };
        assert!(rule.admit(&CertificateNames::default()).is_none());
    }

    #[test]
    fn a_star_is_one_whole_first_label() {
        for (name, host, wanted) in [
            ("*.a.b", "x.a.b", true),
            ("*.a.b", "x.y.a.b", false),
            ("*.a.b", "a.b", false),
            ("x*.a.b", "xy.a.b", false),
            ("x.*.b", "x.a.b", false),
            ("*", "localhost", true),
            ("A.b", "a.B", true),
            ("a.b", "a.b.c", false),
        ] {
            assert_eq!(is_for_host(name, host), wanted, "{name} {host}");
        }
    }
}
