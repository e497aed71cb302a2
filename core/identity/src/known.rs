//! The users that are configured, ready to be looked up. Not here: whether somebody is the one that he says.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use gannet_config::{ConnectionType, Options, Permissions, User};

use crate::certificate::{CertificateNames, NameKind};
use crate::distinguished_name::DistinguishedName;
use crate::rights::Rights;

/// One user.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) user: User,
    pub(crate) account: Option<Arc<str>>,
    /// Made of the permissions that hold: the user's own, or the default ones.
    pub(crate) rights: Option<Arc<Rights>>,
    permissions: Option<Permissions>,
    /// The name, if it is one that certificates have.
    distinguished: Option<DistinguishedName>,
}

impl Known {
    /// Whether the user may come by such a connection.
    pub(crate) fn may_come_by(&self, connection: ConnectionType) -> bool {
        let types = self.user.connection_types.as_deref();
        types.is_none_or(|types| types.is_empty() || types.contains(&connection))
    }
}

/// Two users are the same if they are configured alike.
impl PartialEq for Known {
    fn eq(&self, other: &Known) -> bool {
        self.user == other.user && self.permissions == other.permissions
    }
}

/// All users.
#[derive(Debug, Default)]
pub(crate) struct KnownUsers {
    by_name: BTreeMap<String, Known>,
    by_nkey: BTreeMap<String, Known>,
}

impl KnownUsers {
    pub(crate) fn new(options: &Options) -> KnownUsers {
        let maps_certificates = options.tls.as_ref().is_some_and(|tls| tls.map);
        let mut known = KnownUsers::default();
        let mut ready = Ready::default();
        for user in options.auth.users.iter().flatten() {
            let permissions = permissions(options, user);
            let entry = Known {
                account: user.account.as_deref().map(|name| ready.account(name)),
                rights: permissions.map(|permissions| ready.rights(permissions)),
                permissions: permissions.cloned(),
                distinguished: maps_certificates
                    .then(|| DistinguishedName::parse(&user.name))
                    .flatten(),
                user: user.clone(),
            };
            match &user.nkey {
                Some(nkey) => known.by_nkey.insert(nkey.clone(), entry),
                None => known.by_name.insert(user.name.clone(), entry),
            };
        }
        known
    }

    pub(crate) fn has_nkeys(&self) -> bool {
        !self.by_nkey.is_empty()
    }

    pub(crate) fn has_names(&self) -> bool {
        !self.by_name.is_empty()
    }

    pub(crate) fn named(&self, name: &str) -> Option<&Known> {
        self.by_name.get(name)
    }

    pub(crate) fn with_nkey(&self, nkey: &str) -> Option<&Known> {
        self.by_nkey.get(nkey)
    }

    /// The user that a certificate is for: a name among the alternative ones, the subject whatever the order of its
    /// parts, or the subject as the reference server writes it.
    pub(crate) fn of_certificate(
        &self,
        names: &CertificateNames<'_>,
        connection: ConnectionType,
    ) -> Option<&Known> {
        let may_come = |known: &&Known| known.may_come_by(connection);
        let called = |name: &str| self.named(name).filter(may_come);
        let is_subject = |kind| matches!(kind, NameKind::Subject | NameKind::SubjectWithDomain);
        let alternative = names.find(|kind, name| !is_subject(kind) && called(name).is_some());
        if let Some((_, name)) = alternative {
            return called(&name);
        }
        let subject = names.distinguished.and_then(DistinguishedName::parse);
        let by_subject = subject.and_then(|subject| {
            let find = |same: fn(&DistinguishedName, &DistinguishedName) -> bool| {
                let mut users = self.by_name.values().filter(may_come);
                users.find(|known| {
                    known
                        .distinguished
                        .as_ref()
                        .is_some_and(|dn| same(dn, &subject))
                })
            };
            find(DistinguishedName::is_same).or_else(|| find(DistinguishedName::has_same_parts))
        });
        by_subject.or_else(|| {
            let (_, name) = names.find(|kind, name| is_subject(kind) && called(name).is_some())?;
            called(&name)
        })
    }
}

/// The permissions that hold for a user.
fn permissions<'a>(options: &'a Options, user: &'a User) -> Option<&'a Permissions> {
    let defaults = || match &user.account {
        Some(account) => options.account(account)?.default_permissions.as_ref(),
        None => options.auth.default_permissions.as_ref(),
    };
    user.permissions.as_ref().or_else(defaults)
}

/// What users have in common is made once.
#[derive(Default)]
struct Ready<'a> {
    account: Option<Arc<str>>,
    /// The latest few: many users have the permissions of those next to them, or the default ones.
    rights: Vec<(&'a Permissions, Arc<Rights>)>,
}

impl<'a> Ready<'a> {
    /// How many permissions are looked at before they are made ready anew.
    const REMEMBERED: usize = 8;

    fn account(&mut self, name: &str) -> Arc<str> {
        match &self.account {
            Some(account) if **account == *name => account.clone(),
            _ => self.account.insert(name.into()).clone(),
        }
    }

    fn rights(&mut self, permissions: &'a Permissions) -> Arc<Rights> {
        let found = self.rights.iter().find(|(known, _)| *known == permissions);
        if let Some((_, rights)) = found {
            return rights.clone();
        }
        let rights = Arc::new(Rights::new(permissions));
        if self.rights.len() == Self::REMEMBERED {
            self.rights.remove(0);
        }
        self.rights.push((permissions, rights.clone()));
        rights
    }
}
