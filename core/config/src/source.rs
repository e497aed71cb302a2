//! The outside world as a configuration sees it.

use alloc::string::String;
use alloc::vec::Vec;

use crate::options::{OperatorClaims, TlsOptions};

/// Files and environment variables, handed in by the shell.
pub trait Source {
    /// The bytes of the file at `path` (they need not be UTF-8: the language is read as bytes).
    /// The error is the whole text that a user should see, such as
    /// `open a.conf: no such file or directory`.
    fn read(&self, path: &str) -> Result<Vec<u8>, String>;

    /// The value of the environment variable `name`, if it is set.
    fn env(&self, name: &str) -> Option<String>;

    /// Whether the files that `tls` names can be used: they exist, are what they should be, and fit
    /// together. The error is the whole text that a user should see. (This room can't read
    /// certificates.) A source without files to speak of finds nothing wrong.
    fn check_tls(&self, tls: &TlsOptions) -> Result<(), String> {
        let _ = tls;
        Ok(())
    }

    /// What the JWT of an operator says, whose signature must be right. The error is what is wrong with it, as a
    /// user should see it. (This room can't read JWTs.)
    fn operator(&self, jwt: &str) -> Result<OperatorClaims, String> {
        let _ = jwt;
        Ok(OperatorClaims::default())
    }

    /// Whether this is the JWT of an account, and its signature right.
    fn is_account(&self, jwt: &str) -> bool {
        let _ = jwt;
        true
    }
}
