//! The outside world as a configuration sees it.

use alloc::string::String;
use alloc::vec::Vec;

/// Files and environment variables, handed in by the shell.
pub trait Source {
    /// The bytes of the file at `path` (they need not be UTF-8: the language is read as bytes).
    /// The error is the whole text that a user should see, such as
    /// `open a.conf: no such file or directory`.
    fn read(&self, path: &str) -> Result<Vec<u8>, String>;

    /// The value of the environment variable `name`, if it is set.
    fn env(&self, name: &str) -> Option<String>;
}
