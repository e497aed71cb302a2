//! What a user may publish, subscribe to and receive.
//!
//! What lives here: the permissions of a user, made ready for quick answers and shared by all of the user's
//! connections; and why an answer is what it is. What does not: which permissions a user has, and which replies
//! a client has been asked for.
//!
//! The rules are the reference server's. A subscription with wildcards is held against the entries as if it
//! were a subject: an entry's `*` takes any one token of it, also `>`. So `foo.>` is allowed by `foo.*`.

mod entries;

use alloc::string::String;

use gannet_config::{Permissions, ResponsePermission, SubjectPermission};
use gannet_subject::has_wildcard;

use self::entries::{Entries, QueueVerdict};

/// What a user may do. Whoever has no `Rights` may do everything.
#[derive(Debug, Default)]
pub struct Rights {
    publish: Lists,
    subscribe: Lists,
    responses: Option<ResponsePermission>,
}

/// What is allowed in one direction.
#[derive(Debug, Default)]
struct Lists {
    /// Everything, if there is no such list.
    allow: Option<Entries>,
    deny: Entries,
}

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action<'a> {
    /// Send a message.
    Publish,
    /// Subscribe, as a member of a queue group or not.
    Subscribe {
        /// The group.
        queue: Option<&'a [u8]>,
    },
    /// Be delivered a message by a subscription, of a member of a queue group or not.
    Receive {
        /// The group.
        queue: Option<&'a [u8]>,
    },
}

/// Why something is allowed or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason<'a> {
    /// Allowed: no entry is against it, and there is no list of what is allowed.
    Unrestricted,
    /// Allowed by this entry of `allow`.
    Allowed(&'a str),
    /// Not allowed: no entry of `allow` is for it.
    NotAllowed,
    /// Not allowed: entries of `allow` for this subject, such as this one, are for other queue groups.
    OtherQueue(&'a str),
    /// Not allowed: this entry of `deny` is against it.
    Denied(&'a str),
}

impl Reason<'_> {
    /// Whether it is allowed.
    pub fn allows(self) -> bool {
        matches!(self, Reason::Unrestricted | Reason::Allowed(_))
    }
}

impl Rights {
    /// What `permissions` come down to. Entries that are spelled wrong are for nothing and against nothing.
    pub fn new(permissions: &Permissions) -> Rights {
        let mut publish = Lists::publish(permissions.publish.as_ref());
        if permissions.responses.is_some() && publish.allow.is_none() {
            // Who may reply may do nothing else, unless it is said what.
            publish.allow = Some(Entries::default());
        }
        Rights {
            publish,
            subscribe: Lists::subscribe(permissions.subscribe.as_ref()),
            responses: permissions.responses,
        }
    }

    /// Whether a message may be sent on `subject`. Replies that [`Rights::responses`] allows come on top.
    #[inline]
    pub fn may_publish(&self, subject: &[u8]) -> bool {
        self.publish.plain(subject).allows()
    }

    /// Whether every subject may be published on.
    pub fn may_publish_everything(&self) -> bool {
        self.publish.is_unrestricted()
    }

    /// Whether one may subscribe to `subject`, as a member of `queue` if there is one.
    pub fn may_subscribe(&self, subject: &[u8], queue: Option<&[u8]>) -> bool {
        self.subscribe.judge(subject, queue).allows()
    }

    /// Whether a subscription to `pattern` that is allowed can match subjects that are denied. If so, each message
    /// for it is to be asked of [`Rights::may_receive`].
    pub fn denies_deliveries_of(&self, pattern: &[u8], queue: Option<&[u8]>) -> bool {
        has_wildcard(pattern) && self.subscribe.deny.overlap(pattern, queue)
    }

    /// Whether a message on `subject` may be delivered by a subscription that was allowed, of a member of
    /// `queue` if there is one.
    #[inline]
    pub fn may_receive(&self, subject: &[u8], queue: Option<&[u8]>) -> bool {
        self.subscribe.against(subject, queue).is_none()
    }

    /// How many replies are allowed to messages whose reply subject [`Rights::may_publish`] does not allow.
    pub fn responses(&self) -> Option<ResponsePermission> {
        self.responses
    }

    /// Which entry decides on `action`.
    pub fn explain(&self, action: Action<'_>, subject: &[u8]) -> Reason<'_> {
        match action {
            Action::Publish => self.publish.plain(subject),
            Action::Subscribe { queue } => self.subscribe.judge(subject, queue),
            Action::Receive { queue } => match self.subscribe.against(subject, queue) {
                Some(entry) => Reason::Denied(entry),
                None => Reason::Unrestricted,
            },
        }
    }

    /// The permissions again, as far as they were spelled right.
    pub fn permissions(&self) -> Permissions {
        Permissions {
            publish: self.publish.permission(),
            subscribe: self.subscribe.permission(),
            responses: self.responses,
        }
    }
}

impl Lists {
    fn subscribe(permission: Option<&SubjectPermission>) -> Lists {
        Lists::new(permission, Entries::new, Entries::new)
    }

    /// A queue's name means nothing here: an entry with one allows nothing, but denies its subject.
    fn publish(permission: Option<&SubjectPermission>) -> Lists {
        Lists::new(permission, Entries::without_queues, Entries::whatever_queue)
    }

    fn new(
        permission: Option<&SubjectPermission>,
        allowing: impl Fn(&[String]) -> Entries,
        denying: impl Fn(&[String]) -> Entries,
    ) -> Lists {
        let Some(SubjectPermission { allow, deny }) = permission else {
            return Lists::default();
        };
        let allow = allow.as_deref().filter(|allow| !allow.is_empty());
        Lists {
            allow: allow.map(allowing),
            deny: denying(deny),
        }
    }

    fn is_unrestricted(&self) -> bool {
        self.allow.is_none() && self.deny.is_empty()
    }

    /// What is to be said of a subject without a queue group.
    #[inline]
    fn plain(&self, subject: &[u8]) -> Reason<'_> {
        let reason = match &self.allow {
            None => Reason::Unrestricted,
            Some(allow) => match allow.find(subject) {
                Some(entry) => Reason::Allowed(entry),
                None => return Reason::NotAllowed,
            },
        };
        match self.deny.find(subject) {
            Some(entry) => Reason::Denied(entry),
            None => reason,
        }
    }

    fn judge(&self, subject: &[u8], queue: Option<&[u8]>) -> Reason<'_> {
        let Some(name) = queue else {
            return self.plain(subject);
        };
        let reason = match &self.allow {
            None => Reason::Unrestricted,
            Some(allow) => match (allow.find_queue(subject, name), allow.find(subject)) {
                (QueueVerdict::Named(entry), _) => Reason::Allowed(entry),
                (QueueVerdict::OthersNamed(entry), _) => return Reason::OtherQueue(entry),
                (QueueVerdict::Unsaid, Some(entry)) => Reason::Allowed(entry),
                (QueueVerdict::Unsaid, None) => return Reason::NotAllowed,
            },
        };
        match self.against(subject, queue) {
            Some(entry) => Reason::Denied(entry),
            None => reason,
        }
    }

    /// The entry that denies `subject` to members of `queue`.
    #[inline]
    fn against(&self, subject: &[u8], queue: Option<&[u8]>) -> Option<&str> {
        self.deny
            .find(subject)
            .or_else(|| match self.deny.find_queue(subject, queue?) {
                QueueVerdict::Named(entry) => Some(entry),
                QueueVerdict::Unsaid | QueueVerdict::OthersNamed(_) => None,
            })
    }

    fn permission(&self) -> Option<SubjectPermission> {
        let list = |entries: &Entries| entries.iter().map(Into::into).collect();
        (!self.is_unrestricted()).then(|| SubjectPermission {
            allow: self.allow.as_ref().map(list),
            deny: list(&self.deny),
        })
    }
}
