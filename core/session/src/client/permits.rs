//! What one client may do: the permissions of its user, the bounds of its user and account, and what is said
//! when it does more. Not here: the permissions' meaning (`gannet_identity`), and who must ask for what.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use gannet_identity::{Action, Reason, Rights};
use gannet_wire::client::encode;

/// Bounds of a client's user and account; `None` is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Subscriptions of the connection.
    pub subscriptions: Option<usize>,
    /// Bytes of a message.
    pub payload: Option<usize>,
}

/// Something that a client was not allowed to do: a line for the log, at error level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The line.
    pub log: String,
}

/// What a client may do.
#[derive(Clone, Debug, Default)]
pub(super) struct Permits {
    /// Everything, if there are none.
    pub(super) rights: Option<Arc<Rights>>,
    pub(super) bounds: Bounds,
}

impl Permits {
    /// Whether messages on `subject` may be published, as far as that does not depend on what the client was asked.
    pub(super) fn may_publish(&self, subject: &[u8]) -> bool {
        let rights = self.rights.as_ref();
        rights.is_none_or(|rights| rights.may_publish(subject))
    }

    /// Whether no message on `subject` may be published, whatever the client was asked.
    pub(super) fn never_publishes(&self, subject: &[u8]) -> bool {
        let rights = self.rights.as_ref();
        rights.is_some_and(|rights| rights.responses().is_none() && !rights.may_publish(subject))
    }

    /// Tells the client that it may not publish on `subject`.
    pub(super) fn refuse_publish(&self, subject: &[u8], out: &mut Vec<u8>) -> Violation {
        let shown = text(subject);
        encode::err(
            out,
            &format!("Permissions Violation for Publish to \"{shown}\""),
        );
        let why = self.why(Action::Publish, subject);
        Violation {
            log: format!("Publish Violation - Subject {shown:?}{why}"),
        }
    }

    /// Tells the client that messages may not have this reply.
    pub(super) fn refuse_reply(reply: &[u8], out: &mut Vec<u8>) -> Violation {
        let shown = text(reply);
        encode::err(
            out,
            &format!("Permissions Violation for Publish with Reply of \"{shown}\""),
        );
        Violation {
            log: format!("Publish Violation - Reply {shown:?}"),
        }
    }

    /// Tells the client that it may not subscribe, if that is so.
    pub(super) fn refuse_subscription(
        &self,
        subject: &[u8],
        queue: Option<&[u8]>,
        sid: &[u8],
        out: &mut Vec<u8>,
    ) -> Option<Violation> {
        let rights = self.rights.as_ref();
        let is_allowed = rights.is_none_or(|rights| rights.may_subscribe(subject, queue));
        if is_allowed && queue != Some(SYSTEM_GROUP) {
            return None;
        }
        let why = self.why(Action::Subscribe { queue }, subject);
        let (subject, sid) = (text(subject), text(sid));
        let (using, queue) = match queue.map(text) {
            Some(queue) => (
                format!(" using queue \"{queue}\""),
                format!(", Queue: {queue:?}"),
            ),
            None => Default::default(),
        };
        encode::err(
            out,
            &format!("Permissions Violation for Subscription to \"{subject}\"{using}"),
        );
        Some(Violation {
            log: format!(
                "Subscription Violation - Subject {subject:?}{queue}, SID {}{why}",
                sid.escape_debug()
            ),
        })
    }

    /// Which entry of the permissions is the reason, for the log.
    fn why(&self, action: Action<'_>, subject: &[u8]) -> String {
        let reason = self
            .rights
            .as_ref()
            .map(|rights| rights.explain(action, subject));
        match reason {
            Some(Reason::Denied(entry)) => format!(", denied by {entry:?}"),
            Some(Reason::OtherQueue(entry)) => format!(", allowed are others: {entry:?}"),
            Some(Reason::NotAllowed) => ", not among what is allowed".into(),
            Some(Reason::Unrestricted | Reason::Allowed(_)) | None => String::new(),
        }
    }
}

/// Tells a client that it may not keep this subscription any more. Answers the line for the log, about the user
/// `who`.
pub(super) fn take_away(
    subject: &[u8],
    queue: Option<&[u8]>,
    sid: &[u8],
    who: &str,
    out: &mut Vec<u8>,
) -> String {
    let (subject, sid) = (text(subject), text(sid));
    let using = queue.map_or_else(String::new, |queue| {
        format!(" using queue \"{}\"", text(queue))
    });
    encode::err(
        out,
        &format!("Permissions Violation for Subscription to \"{subject}\"{using} (sid \"{sid}\")"),
    );
    format!("Removed sub \"{subject}\"{using} (sid \"{sid}\") for {who} - not authorized")
        .chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}

/// A queue group that servers have among themselves.
const SYSTEM_GROUP: &[u8] = b"_sys_";

/// Bytes of a peer as text, for a message to it or to the log.
pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
