//! Small languages inside values: durations, addresses, URLs, paths, and quoting for messages.
//!
//! What lives here: pure text handling, with the reference's idea of what is valid. What does not:
//! anything that knows a configuration key.

pub(crate) mod address;
pub(crate) mod duration;
pub(crate) mod key;
pub(crate) mod path;
pub(crate) mod quote;
pub(crate) mod url;
