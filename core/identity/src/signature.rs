//! Signatures of nonces: who holds the key behind a public nkey. Not here: who that is.

use alloc::vec::Vec;

use data_encoding::{BASE64, BASE64URL_NOPAD};
use nkeys::KeyPair;

use crate::admission::Denial;

/// How many random bytes there are in a nonce.
pub const NONCE_BYTES: usize = 11;

/// A nonce as INFO has it, made of fresh entropy.
pub fn nonce(entropy: [u8; NONCE_BYTES]) -> alloc::string::String {
    BASE64URL_NOPAD.encode(&entropy)
}

/// Whether `sig`, in base64 of one of the two kinds that clients use, is `nonce` signed with the key behind
/// `public`.
pub(crate) fn verify(public: &str, nonce: &str, sig: &str) -> Result<(), Denial> {
    if sig.is_empty() {
        return Err(Denial::SignatureMissing);
    }
    let sig = decode(sig).ok_or(Denial::SignatureNotBase64)?;
    is_signed(public, nonce, &sig)
}

/// The same for a proxy's signature, of which there is one kind.
pub(crate) fn verify_proxy(public: &str, nonce: &str, sig: &str) -> Result<(), Denial> {
    let sig = BASE64URL_NOPAD.decode(sig.as_bytes());
    let sig = sig.map_err(|_| Denial::SignatureNotBase64)?;
    is_signed(public, nonce, &sig)
}

fn is_signed(public: &str, nonce: &str, sig: &[u8]) -> Result<(), Denial> {
    let key = KeyPair::from_public_key(public).map_err(|_| Denial::SignatureWrong)?;
    let verified = key.verify(nonce.as_bytes(), sig);
    verified.map_err(|_| Denial::SignatureWrong)
}

fn decode(sig: &str) -> Option<Vec<u8>> {
    let sig = sig.as_bytes();
    let plain = BASE64URL_NOPAD.decode(sig);
    plain.or_else(|_| BASE64.decode(sig)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use nkeys::KeyPairType;

    #[test]
    fn a_signature_counts_in_both_kinds_of_base64() {
        let pair = KeyPair::new_from_raw(KeyPairType::User, [9; 32]).expect("a key");
        let (public, nonce) = (pair.public_key(), nonce([3; NONCE_BYTES]));
        assert_eq!(nonce.len(), 15);
        let sig = pair.sign(nonce.as_bytes()).expect("signs");
        let other = pair.sign(b"another nonce").expect("signs");
        let url = BASE64URL_NOPAD.encode(&sig);
        for (sig, want) in [
            (url.as_str(), Ok(())),
            (&BASE64.encode(&sig), Ok(())),
            ("", Err(Denial::SignatureMissing)),
            ("%", Err(Denial::SignatureNotBase64)),
            ("AAAA", Err(Denial::SignatureWrong)),
            (&BASE64URL_NOPAD.encode(&other), Err(Denial::SignatureWrong)),
        ] {
            assert_eq!(verify(&public, &nonce, sig), want, "{sig}");
        }
        assert_eq!(verify("no key", &nonce, &url), Err(Denial::SignatureWrong));
        let proxied = |sig| verify_proxy(&public, &nonce, sig);
        assert_eq!(proxied(&url), Ok(()));
        assert_eq!(
            proxied(&BASE64.encode(&sig)),
            Err(Denial::SignatureNotBase64)
        );
    }
}
