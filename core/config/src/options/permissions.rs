//! What a user may publish and subscribe to.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

/// Which subjects are allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubjectPermission {
    /// `allow`; all if there is no such list. For subscriptions, a queue's name may follow the subject.
    pub allow: Option<Vec<String>>,
    /// `deny`: taken away from those allowed.
    pub deny: Vec<String>,
}

/// What a user may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    /// `publish`; everything if there is none.
    pub publish: Option<SubjectPermission>,
    /// `subscribe`; everything if there is none.
    pub subscribe: Option<SubjectPermission>,
    /// `allow_responses`: replies to what the user got are allowed, besides `publish`.
    pub responses: Option<ResponsePermission>,
}

/// How many replies are allowed, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponsePermission {
    /// `max`: replies to one message; `None` is any number.
    pub messages: Option<u32>,
    /// `expires`: time in which they are allowed; `None` is for ever.
    pub expires: Option<Duration>,
}

impl Default for ResponsePermission {
    fn default() -> ResponsePermission {
        ResponsePermission {
            messages: Some(1),
            expires: Some(Duration::from_secs(120)),
        }
    }
}
