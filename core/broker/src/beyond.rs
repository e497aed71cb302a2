//! What else becomes of messages on one subject than delivery along their plan: it is decided together with
//! the plan, so that messages without any of it pay for one look. Not here: the plan itself.

use alloc::boxed::Box;
use alloc::sync::Arc;

use gannet_subject::matches;
use gannet_units::Moment;

use crate::account::Account;
use crate::peer::Peer;
use crate::plan::Plan;
use crate::publish::Maker;
use crate::sharing::imports::ServiceImport;

/// What more there is to do.
#[derive(Debug)]
pub(crate) struct Beyond {
    /// The subject that they are published on instead of their own.
    subject: Option<Box<[u8]>>,
    /// Which subject that is differs from message to message.
    is_by_chance: bool,
    permission: Permission,
    /// Services of other accounts that are asked.
    services: Box<[Arc<ServiceImport>]>,
    is_response: bool,
}

/// Whether the sender may publish on the subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Permission {
    Always,
    /// In answer to what it was sent.
    Answers,
    /// Not at all.
    Never,
}

impl Beyond {
    /// For messages of `from` on `subject`, which go along `plan`; `None` if there is nothing more to do.
    pub(crate) fn of(
        account: &Account,
        from: &Peer,
        subject: &[u8],
        plan: &Plan,
        maker: Maker,
    ) -> Option<Beyond> {
        let permission = match maker.is_client() {
            true => Permission::of(from, subject),
            false => Permission::Always,
        };
        let services = match maker {
            // The server that the request came to first has asked.
            Maker::Link => Box::default(),
            _ => services(account, subject),
        };
        let is_all = permission == Permission::Always && services.is_empty() && !plan.is_response;
        (!is_all).then(|| Beyond {
            subject: None,
            is_by_chance: false,
            permission,
            services,
            is_response: plan.is_response,
        })
    }

    /// For messages whose subject becomes now this, now that.
    pub(crate) fn by_chance() -> Beyond {
        Beyond {
            subject: None,
            is_by_chance: true,
            permission: Permission::Always,
            services: Box::default(),
            is_response: false,
        }
    }

    /// Messages are published on `subject` instead of their own.
    pub(crate) fn mapped_to(mut self, subject: &[u8]) -> Beyond {
        self.subject = Some(subject.into());
        self
    }

    pub(crate) fn is_by_chance(&self) -> bool {
        self.is_by_chance
    }

    /// The subject that a message on `subject` is published on.
    pub(crate) fn subject<'a>(&'a self, subject: &'a [u8]) -> &'a [u8] {
        self.subject.as_deref().unwrap_or(subject)
    }

    /// Whether this message may be published; counts it if it is an answer.
    pub(crate) fn permits(&self, from: &Peer, subject: &[u8], now: Moment) -> bool {
        match self.permission {
            Permission::Always => true,
            Permission::Answers => from.may_answer(subject, now),
            Permission::Never => false,
        }
    }

    pub(crate) fn services(&self) -> &[Arc<ServiceImport>] {
        &self.services
    }

    /// Whether messages answer a request of another account.
    pub(crate) fn is_response(&self) -> bool {
        self.is_response
    }
}

impl Permission {
    fn of(from: &Peer, subject: &[u8]) -> Permission {
        match from.rights() {
            None => Permission::Always,
            Some(rights) if rights.may_publish(subject) => Permission::Always,
            Some(rights) if rights.responses().is_some() => Permission::Answers,
            Some(_) => Permission::Never,
        }
    }
}

fn services(account: &Account, subject: &[u8]) -> Box<[Arc<ServiceImport>]> {
    let Some(shares) = account.shares() else {
        return Box::default();
    };
    let asked = shares
        .services
        .iter()
        .filter(|service| matches(&service.local, subject));
    asked.cloned().collect()
}
