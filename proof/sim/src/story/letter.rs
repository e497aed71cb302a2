//! Messages of a story.

use crate::journal::MessageId;

/// A message, a request or an answer that somebody has sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Letter(pub(super) MessageId);
