//! What else becomes of messages on one subject than delivery along their plan: it is decided together with
//! the plan, so that messages without any of it pay for one look. Not here: the plan itself.

use gannet_units::Moment;

use crate::peer::Peer;

/// What more there is to do.
#[derive(Debug)]
pub(crate) struct Beyond {
    permission: Permission,
}

/// Whether the sender may publish on the subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Permission {
    /// In answer to what it was sent.
    Answers,
    /// Not at all.
    Never,
}

impl Beyond {
    /// For messages of `from` on `subject`; `None` if there is nothing more to do.
    pub(crate) fn of(from: &Peer, subject: &[u8]) -> Option<Beyond> {
        let rights = from.rights()?;
        if rights.may_publish(subject) {
            return None;
        }
        let permission = match rights.responses() {
            Some(_) => Permission::Answers,
            None => Permission::Never,
        };
        Some(Beyond { permission })
    }

    /// Whether this message may be published; counts it if it is an answer.
    pub(crate) fn permits(&self, from: &Peer, subject: &[u8], now: Moment) -> bool {
        match self.permission {
            Permission::Answers => from.may_answer(subject, now),
            Permission::Never => false,
        }
    }
}
