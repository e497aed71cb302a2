//! Which of the imports that are asked for are carried out: each in its turn, those of streams first, as
//! the reference server does. Not here: how accounts come to share otherwise than before (`define`).

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use gannet_config::{Import, ImportKind};
use gannet_units::WallTime;

use super::Shares;
use super::cycles::{Found, Graph, Visit, check_service, check_stream};
use super::exports::Exports;
use super::imports::{Refusal, ServiceImport, StreamImport, local_subject, pattern};
use super::near::Near;
use crate::account::Account;

/// So many imports are gone through one by one.
const FEW: usize = 16;

/// An import that is not carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct RefusedImport {
    /// The importing account's name.
    pub account: String,
    /// What was asked for.
    pub import: Import,
    /// Why it is not done.
    pub why: Refusal,
}

/// One account as it will share.
struct Draft {
    account: Arc<Account>,
    /// How it shares now.
    before: Option<Arc<Shares>>,
    imports: Vec<Import>,
    after: Shares,
    streams: List<StreamImport>,
    services: List<ServiceImport>,
}

/// Imports of one kind that are carried out.
#[derive(Debug)]
struct List<T> {
    all: Vec<Arc<T>>,
    /// Where each is, by the subject that a search for cycles asks for; made once there are many.
    near: Option<Near>,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        List {
            all: Vec::new(),
            near: None,
        }
    }
}

impl<T> List<T> {
    fn push(&mut self, import: Arc<T>, subject: impl Fn(&T) -> &[u8]) {
        if self.all.len() >= FEW {
            let all = &self.all;
            let near = self.near.get_or_insert_with(|| {
                let mut near = Near::default();
                for (at, import) in all.iter().enumerate() {
                    near.insert(subject(import), at);
                }
                near
            });
            near.insert(subject(&import), self.all.len());
        }
        self.all.push(import);
    }

    fn visit(&self, subject: &[u8], visit: &mut dyn FnMut(&T) -> Found) -> Found {
        match &self.near {
            None => self.all.iter().try_for_each(|import| visit(import)),
            Some(near) => {
                let mut found = near.find(subject).into_iter();
                found.try_for_each(|at| visit(&self.all[at]))
            }
        }
    }
}

/// What one account imports already: by the exporter's name and the subject that must be new, the exporter's
/// subject.
type Seen = BTreeMap<(String, String), String>;

/// The accounts that will share otherwise, among all.
pub(crate) struct Drafts<'a> {
    accounts: &'a BTreeMap<Box<str>, Arc<Account>>,
    drafts: Vec<Draft>,
    by_name: BTreeMap<&'a str, usize>,
    now: WallTime,
}

impl<'a> Drafts<'a> {
    pub(crate) fn new(accounts: &'a BTreeMap<Box<str>, Arc<Account>>, now: WallTime) -> Self {
        Drafts {
            accounts,
            drafts: Vec::new(),
            by_name: BTreeMap::new(),
            now,
        }
    }

    /// An account that is to share so, and imports that are yet to be looked at.
    pub(crate) fn add(&mut self, name: &'a str, own: Shares, imports: Vec<Import>) {
        let Some(account) = self.accounts.get(name) else {
            return;
        };
        let draft = Draft {
            account: account.clone(),
            before: account.shares(),
            imports,
            after: own,
            streams: List::default(),
            services: List::default(),
        };
        match self.by_name.get(name) {
            Some(&at) => self.drafts[at] = draft,
            None => {
                self.by_name.insert(name, self.drafts.len());
                self.drafts.push(draft);
            }
        }
    }

    /// Looks at all imports. Answers what each account is to share, and what was refused.
    pub(crate) fn evaluate(mut self) -> (Vec<(Arc<Account>, Shares)>, Vec<RefusedImport>) {
        let mut refused = Vec::new();
        let mut kept: Vec<Vec<Import>> = Vec::new();
        kept.resize_with(self.drafts.len(), Vec::new);
        let is_stream = |import: &Import| matches!(import.kind, ImportKind::Stream { .. });
        for streams in [true, false] {
            for (at, kept) in kept.iter_mut().enumerate() {
                let imports = core::mem::take(&mut self.drafts[at].imports);
                let (these, others) = imports.into_iter().partition(|i| is_stream(i) == streams);
                self.drafts[at].imports = others;
                let mut seen = Seen::new();
                for import in these {
                    if let Err(why) = self.import(at, &import, &mut seen) {
                        refused.push(RefusedImport {
                            account: self.drafts[at].account.to_name(),
                            import: import.clone(),
                            why,
                        });
                        kept.push(import);
                    }
                }
            }
        }
        let finish = |(draft, kept): (Draft, Vec<Import>)| {
            let shares = Shares {
                streams: draft.streams.all.into(),
                services: draft.services.all.into(),
                refused: kept.into(),
                ..draft.after
            };
            (draft.account, shares)
        };
        let drafts = core::mem::take(&mut self.drafts);
        (drafts.into_iter().zip(kept).map(finish).collect(), refused)
    }

    fn import(&mut self, at: usize, import: &Import, seen: &mut Seen) -> Result<(), Refusal> {
        self.check_allowed(at, import)?;
        let exporter = self.accounts.get(&*import.account);
        let exporter = exporter.map(Arc::downgrade).unwrap_or_default();
        match import.kind {
            ImportKind::Stream { .. } => {
                let stream = self.stream(at, import, exporter, seen)?;
                self.drafts[at].streams.push(stream, |stream| &stream.local);
            }
            ImportKind::Service { .. } => {
                let service = self.service(at, import, exporter, seen)?;
                self.drafts[at]
                    .services
                    .push(service, |service| &service.remote);
            }
        }
        Ok(())
    }

    fn check_allowed(&self, at: usize, import: &Import) -> Result<(), Refusal> {
        let mut asked = import.clone();
        // What is asked for is a part of what is offered; which one says a wildcard.
        asked.subject = String::from_utf8_lossy(&pattern(&import.subject)).into_owned();
        let importer = self.drafts[at].account.name();
        let allow = |exports: &Exports| exports.allow(importer, &asked, self.now);
        if self.with_exports(&import.account, allow) == Some(true) {
            return Ok(());
        }
        Err(match import.kind {
            ImportKind::Stream { .. } => Refusal::StreamNotAuthorized,
            ImportKind::Service { .. } => Refusal::ServiceNotAuthorized,
        })
    }

    fn with_exports<R>(&self, account: &str, ask: impl Fn(&Exports) -> R) -> Option<R> {
        match self.by_name.get(account) {
            Some(&at) => Some(ask(&self.drafts[at].after.exports)),
            None => {
                let shares = self.accounts.get(account)?.shares()?;
                Some(ask(&shares.exports))
            }
        }
    }

    fn stream(
        &self,
        at: usize,
        import: &Import,
        exporter: Weak<Account>,
        seen: &mut Seen,
    ) -> Result<Arc<StreamImport>, Refusal> {
        let draft = &self.drafts[at];
        let importer = draft.account.name();
        let local = pattern(local_subject(import));
        check_stream(self, importer, &import.account, &local)?;
        check_stream(self, importer, &import.account, import.subject.as_bytes())?;
        let key = (import.account.clone(), import.subject.clone());
        if seen.insert(key, import.subject.clone()).is_some() {
            return Err(Refusal::DuplicateStream);
        }
        // What goes on as before keeps what hangs on it.
        let known = draft.before.as_ref().and_then(|shares| {
            let is = |known: &&Arc<StreamImport>| known.source == *import;
            let same_place = shares.streams.get(draft.streams.all.len()).filter(is);
            same_place.or_else(|| shares.streams.iter().find(is))
        });
        match known {
            Some(known) => Ok(known.clone()),
            None => {
                let importer = Arc::downgrade(&draft.account);
                let stream = StreamImport::new(import.clone(), importer, exporter)?;
                Ok(Arc::new(stream))
            }
        }
    }

    fn service(
        &self,
        at: usize,
        import: &Import,
        exporter: Weak<Account>,
        seen: &mut Seen,
    ) -> Result<Arc<ServiceImport>, Refusal> {
        let draft = &self.drafts[at];
        let service = ServiceImport::new(import.clone(), exporter)?;
        check_service(self, draft.account.name(), &import.account, &service.local)?;
        let local = String::from_utf8_lossy(&service.local).into_owned();
        let key = (import.account.clone(), local.clone());
        if let Some(subject) = seen.insert(key, import.subject.clone()) {
            return Err(Refusal::DuplicateService {
                local,
                account: import.account.clone(),
                subject,
            });
        }
        let known = draft.before.as_ref().and_then(|shares| {
            let is = |known: &&Arc<ServiceImport>| ***known == service;
            let same_place = shares.services.get(draft.services.all.len()).filter(is);
            same_place.or_else(|| shares.services.iter().find(is))
        });
        match known {
            Some(known) => Ok(known.clone()),
            None => Ok(Arc::new(service)),
        }
    }
}

impl Graph for Drafts<'_> {
    fn offers_stream(&self, account: &str, pattern: &[u8]) -> bool {
        let pattern = String::from_utf8_lossy(pattern);
        let offers = |exports: &Exports| exports.have_stream(&pattern);
        self.with_exports(account, offers).unwrap_or(false)
    }

    fn streams(&self, account: &str, subject: &[u8], visit: &mut Visit<'_>) -> Found {
        let mut visit = |import: &StreamImport| {
            let remote = import.source.subject.as_bytes();
            visit(&import.source.account, &import.local, remote)
        };
        match self.by_name.get(account) {
            Some(&at) => self.drafts[at].streams.visit(subject, &mut visit),
            None => {
                let shares = self.accounts.get(account).and_then(|a| a.shares());
                let mut streams = shares.iter().flat_map(|shares| &shares.streams);
                streams.try_for_each(|import| visit(import))
            }
        }
    }

    fn services(&self, account: &str, subject: &[u8], visit: &mut Visit<'_>) -> Found {
        let mut visit =
            |import: &ServiceImport| visit(&import.source.account, &import.local, &import.remote);
        match self.by_name.get(account) {
            Some(&at) => self.drafts[at].services.visit(subject, &mut visit),
            None => {
                let shares = self.accounts.get(account).and_then(|a| a.shares());
                let mut services = shares.iter().flat_map(|shares| &shares.services);
                services.try_for_each(|import| visit(import))
            }
        }
    }
}
