//! A server's identity: a public key in the nkey form, which clients and tools parse.

use alloc::string::String;

use nkeys::{KeyPair, KeyPairType};

/// The public server nkey (56 characters, beginning with `N`) that belongs to `seed`: 32 bytes of fresh
/// entropy.
pub fn server_id(seed: [u8; 32]) -> String {
    KeyPair::new_from_raw(KeyPairType::Server, seed)
        .map(|pair| pair.public_key())
        .expect("any 32 bytes are an ed25519 seed")
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_id_has_the_form_that_tools_expect() {
        let id = super::server_id([7; 32]);
        assert_eq!((id.len(), &id[..1]), (56, "N"));
        assert_ne!(id, super::server_id([8; 32]));
    }
}
