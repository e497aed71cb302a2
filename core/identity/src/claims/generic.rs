//! Claims of any kind, for what is asked of all of them: who, when, and a few fields. Not here: the kinds that
//! have a meaning of their own.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::data::ClaimsData;
use super::token::{DecodeError, Token};

/// What any claims say.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct GenericClaims {
    /// What all claims have.
    #[serde(flatten)]
    pub data: ClaimsData,
    /// The rest.
    pub nats: Map<alloc::string::String, Value>,
}

impl GenericClaims {
    /// Reads a token and verifies its signature. Who may issue it is for the caller to say.
    ///
    /// # Errors
    /// If it is none, or not signed by its issuer.
    pub fn decode(token: &str) -> Result<GenericClaims, DecodeError> {
        Token::read_any(token)?.claims()
    }
}
