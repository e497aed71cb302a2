//! A certificate's subject as text, in the form that users write into configurations.
//!
//! The form is RFC 2253's, of the attributes that the reference server knows: the most specific first,
//! several values of one kind joined by `+`, whatever the order in the certificate.

use x509_parser::der_parser::asn1_rs::Oid;
use x509_parser::oid_registry as oids;
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

/// The attributes that are shown, in their order.
fn shown() -> [(Oid<'static>, &'static str); 9] {
    [
        (oids::OID_X509_SERIALNUMBER, "SERIALNUMBER"),
        (oids::OID_X509_COMMON_NAME, "CN"),
        (oids::OID_X509_POSTAL_CODE, "POSTALCODE"),
        (oids::OID_X509_STREET_ADDRESS, "STREET"),
        (oids::OID_X509_LOCALITY_NAME, "L"),
        (oids::OID_X509_STATE_OR_PROVINCE_NAME, "ST"),
        (oids::OID_X509_ORGANIZATIONAL_UNIT, "OU"),
        (oids::OID_X509_ORGANIZATION_NAME, "O"),
        (oids::OID_X509_COUNTRY_NAME, "C"),
    ]
}

/// `CN=a,OU=b,O=c`.
pub(super) fn rfc2253(name: &X509Name<'_>) -> String {
    let mut parts = Vec::new();
    for (oid, label) in shown() {
        // Of names and serial numbers the last one counts.
        let single = matches!(label, "CN" | "SERIALNUMBER");
        let mut values: Vec<String> = texts(name, &oid)
            .map(|text| format!("{label}={}", escaped(text)))
            .collect();
        if single && values.len() > 1 {
            values.drain(..values.len() - 1);
        }
        if !values.is_empty() {
            parts.push(values.join("+"));
        }
    }
    parts.join(",")
}

/// `DC=a,DC=b`, in the order of the certificate; empty if there are none.
pub(super) fn domain_components(name: &X509Name<'_>) -> String {
    let parts: Vec<String> = texts(name, &oids::OID_DOMAIN_COMPONENT)
        .map(|text| format!("DC={text}"))
        .collect();
    parts.join(",")
}

/// The whole subject, the last part of the certificate's first: `CN=a,OU=b+L=c,DC=d`. `None` if one of its
/// attributes is none of those that the reference server understands.
pub(super) fn distinguished_name(name: &X509Name<'_>) -> Option<String> {
    let known = shown();
    let attribute = |attribute: &AttributeTypeAndValue<'_>| {
        let oid = attribute.attr_type();
        let label = match known.iter().find(|(known, _)| known == oid) {
            Some((_, label)) => label,
            None if *oid == oids::OID_DOMAIN_COMPONENT => "DC",
            None => return None,
        };
        Some(format!("{label}={}", escaped(attribute.as_str().ok()?)))
    };
    let mut parts = Vec::new();
    for part in name.iter_rdn() {
        let attributes: Option<Vec<String>> = part.iter().map(attribute).collect();
        parts.push(attributes?.join("+"));
    }
    parts.retain(|part| !part.is_empty());
    parts.reverse();
    Some(parts.join(","))
}

fn texts<'a>(name: &'a X509Name<'_>, oid: &'a Oid<'static>) -> impl Iterator<Item = &'a str> {
    name.iter_attributes()
        .filter(move |attribute| attribute.attr_type() == oid)
        .filter_map(|attribute| attribute.as_str().ok())
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let last = text.chars().count().saturating_sub(1);
    for (at, c) in text.chars().enumerate() {
        let special = matches!(c, ',' | '+' | '"' | '\\' | '<' | '>' | ';')
            || (c == '#' && at == 0)
            || (c == ' ' && (at == 0 || at == last));
        if special {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn what_has_a_meaning_is_escaped() {
        for (text, wanted) in [
            ("plain", "plain"),
            ("a,b+c", "a\\,b\\+c"),
            ("#1 #2", "\\#1 #2"),
            (" a ", "\\ a\\ "),
            ("<\";\\>", "\\<\\\"\\;\\\\\\>"),
            ("", ""),
        ] {
            assert_eq!(escaped(text), wanted);
        }
    }
}
