//! Whether what accounts offer and take goes together: the checks over the whole list of accounts, in the
//! reference's words. Not here: what a single export or import can get wrong (`read`), and carrying imports out
//! (`gannet_broker`).
//!
//! Each import is looked at in its turn, those of streams first, and against those that were found right before
//! it, so that of two that form a cycle the second is at fault.

mod cycles;
mod patterns;

use alloc::borrow::Cow;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use gannet_subject::{
    Transform, has_wildcard, is_valid_literal, is_valid_pattern, with_numbers, with_wildcards,
};

use super::account::{
    Access, AccountOptions, Export, ExportKind, GLOBAL_ACCOUNT, Import, ImportKind, ResponseType,
    ServiceExport,
};
use crate::text::quote::quoted;
use cycles::{Search, Way};
use patterns::Patterns;

/// An export or import that cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharingFault {
    /// The account in the list.
    pub account: usize,
    /// Which of its exports or imports.
    pub part: Shared,
    /// What is wrong, in the reference's words.
    pub text: String,
}

/// An entry of an account's exports or imports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shared {
    /// Of its exports.
    Export(usize),
    /// Of its imports.
    Import(usize),
}

/// Everything that is wrong with what these accounts share. Without a system account, nothing can be measured.
pub fn sharing_faults(accounts: &[AccountOptions], has_system_account: bool) -> Vec<SharingFault> {
    let mut check = Check::new(accounts);
    for streams in [true, false] {
        check.each(|check, at, account| check.exports(at, account, streams, has_system_account));
    }
    for streams in [true, false] {
        check.each(|check, at, account| check.imports(at, account, streams));
    }
    check.faults
}

/// What is known of one account.
#[derive(Default)]
struct Known<'a> {
    /// The streams that it exports.
    streams: Patterns<'a, Offer<'a>>,
    /// The services that it exports.
    services: Patterns<'a, Offer<'a>>,
    /// The streams that it takes, by their subjects here.
    taken_streams: Patterns<'a, Way<'a>>,
    /// The services that it uses, by their subjects there.
    taken_services: Patterns<'a, Way<'a>>,
}

/// Who may take an export.
struct Offer<'a> {
    access: &'a Access,
    /// The accounts of a list.
    names: BTreeSet<&'a str>,
}

impl<'a> Known<'a> {
    fn new(account: &'a AccountOptions) -> Known<'a> {
        let mut known = Known::default();
        for export in &account.exports {
            let patterns = match export.kind {
                ExportKind::Stream => &mut known.streams,
                ExportKind::Service(_) => &mut known.services,
            };
            let subject = export.subject.as_str();
            let names = match &export.access {
                Access::Accounts(names) => names.iter().map(String::as_str).collect(),
                _ => BTreeSet::new(),
            };
            let access = &export.access;
            patterns.push(subject, subject.into(), Offer { access, names });
        }
        known
    }
}

struct Check<'a> {
    accounts: &'a [AccountOptions],
    by_name: BTreeMap<&'a str, usize>,
    known: Vec<Known<'a>>,
    /// Which streams are taken already: importer, exporter, subject there.
    streams: BTreeSet<(usize, usize, &'a str)>,
    /// Which services are used already: importer, exporter, subject here; with the subject there.
    services: BTreeMap<(usize, usize, Cow<'a, str>), &'a str>,
    faults: Vec<SharingFault>,
}

impl<'a> Check<'a> {
    fn new(accounts: &'a [AccountOptions]) -> Check<'a> {
        let names = accounts
            .iter()
            .map(|account| account.name.as_str())
            .zip(0..);
        Check {
            accounts,
            // The global account shares nothing.
            by_name: names.filter(|(name, _)| *name != GLOBAL_ACCOUNT).collect(),
            known: accounts.iter().map(Known::new).collect(),
            streams: BTreeSet::new(),
            services: BTreeMap::new(),
            faults: Vec::new(),
        }
    }

    fn each(&mut self, mut check: impl FnMut(&mut Self, usize, &'a AccountOptions)) {
        for (at, account) in self.accounts.iter().enumerate() {
            check(self, at, account);
        }
    }

    fn fault(&mut self, account: usize, part: Shared, text: String) {
        self.faults.push(SharingFault {
            account,
            part,
            text,
        });
    }

    fn exports(&mut self, at: usize, account: &'a AccountOptions, streams: bool, measures: bool) {
        let exports = account.exports.iter().enumerate();
        for (number, export) in exports.filter(|(_, export)| is_stream(export) == streams) {
            let kind = if streams { "stream" } else { "service" };
            let subject = quoted(&export.subject);
            let part = Shared::Export(number);
            if let Access::Accounts(names) = &export.access {
                for name in names {
                    if !self.by_name.contains_key(name.as_str()) {
                        let name = quoted(name);
                        let text = format!("{name} account not defined for {kind} export");
                        self.fault(at, part, text);
                    }
                }
            }
            if !has_wildcard_at(&export.subject, &export.access) {
                let text =
                    format!("Error adding {kind} export {subject}: sublist: invalid subject");
                self.fault(at, part, text);
            } else if let ExportKind::Service(service) = &export.kind
                && let Some(why) = self.latency_fault(at, service, measures)
            {
                let text = format!("Error adding service latency sampling for {subject}{why}");
                self.fault(at, part, text);
            }
        }
    }

    /// Why the service cannot be measured, if it should be.
    fn latency_fault(&self, at: usize, service: &ServiceExport, measures: bool) -> Option<String> {
        let latency = service.latency.as_ref()?;
        if !measures {
            return Some(": system account not setup".into());
        }
        let results = latency.subject.as_str();
        let own = self.known[at].services.covering(results).next();
        let why = if is_valid_literal(results.as_bytes()).is_err() || own.is_some() {
            "invalid publish subject"
        } else if service.response != ResponseType::Singleton {
            "bad service response type"
        } else {
            return None;
        };
        Some(format!(" on subject {}: {why}", quoted(results)))
    }

    fn imports(&mut self, at: usize, account: &'a AccountOptions, streams: bool) {
        for (number, import) in account.imports.iter().enumerate() {
            let (kind, to) = match &import.kind {
                ImportKind::Stream { to, .. } if streams => ("stream", to),
                ImportKind::Service { to, .. } if !streams => ("service", to),
                _ => continue,
            };
            let to = if to.is_empty() { &import.subject } else { to };
            let Some(exporter) = self.by_name.get(import.account.as_str()).copied() else {
                let name = quoted(&import.account);
                let text = format!("{name} account not defined for {kind} import");
                self.fault(at, Shared::Import(number), text);
                continue;
            };
            let done = if streams {
                self.stream_import(at, exporter, import, to)
            } else {
                self.service_import(at, exporter, import, to)
            };
            if let Err(why) = done {
                let subject = quoted(&import.subject);
                let text = format!("Error adding {kind} import {subject}: {why}");
                self.fault(at, Shared::Import(number), text);
            }
        }
    }

    fn stream_import(
        &mut self,
        importer: usize,
        exporter: usize,
        import: &'a Import,
        to: &'a str,
    ) -> Result<(), String> {
        let from = import.subject.as_str();
        if !is_valid(from) || !self.is_allowed(importer, exporter, import) {
            return Err("stream import not authorized".into());
        }
        if !is_valid(to) {
            return Err("invalid subject".into());
        }
        for subject in [to, from] {
            Search::of(&self.known, importer).stream(exporter, subject)?;
        }
        let mut local = Cow::Borrowed(to);
        if has_wildcard(from.as_bytes()) && to != from {
            let made = Transform::import(from, &with_numbers(to));
            made.map_err(|why| {
                let (from, to) = (quoted(from), quoted(to));
                format!(
                    "failed to create mapping transform for stream import subject from {from} to {to}: {why}"
                )
            })?;
            local = Cow::Owned(with_wildcards(to));
        }
        if !self.streams.insert((importer, exporter, from)) {
            return Err("stream import already exists".into());
        }
        let way = Way {
            local: local.clone(),
            exporter,
        };
        self.known[importer].taken_streams.push(to, local, way);
        Ok(())
    }

    fn service_import(
        &mut self,
        importer: usize,
        exporter: usize,
        import: &'a Import,
        from: &'a str,
    ) -> Result<(), String> {
        let to = import.subject.as_str();
        if !is_valid(from) || !is_valid(to) {
            return Err("sublist: invalid subject".into());
        }
        if !self.is_allowed(importer, exporter, import) {
            return Err("service import not authorized".into());
        }
        let is_wide = has_wildcard(to.as_bytes());
        let local = if is_wide {
            Cow::Owned(with_wildcards(from))
        } else {
            Cow::Borrowed(from)
        };
        Search::of(&self.known, importer).service(exporter, &local)?;
        if let Some(before) = self.services.get(&(importer, exporter, from.into())) {
            let (from, account, before) = (quoted(from), quoted(&import.account), quoted(before));
            return Err(format!(
                "duplicate service import subject {from}, previously used in import for account {account}, subject {before}"
            ));
        }
        let mut remote = Cow::Borrowed(to);
        if is_wide && to != from {
            remote = Cow::Owned(with_wildcards(to));
            let made = Transform::import(&remote, &with_numbers(from));
            made.map_err(|why| {
                let (from, to) = (quoted(from), quoted(&remote));
                format!(
                    "failed to create mapping transform for service import subject from {from} to {to}: {why}"
                )
            })?;
        }
        self.services
            .insert((importer, exporter, local.clone()), to);
        let way = Way { local, exporter };
        self.known[importer].taken_services.push(to, remote, way);
        Ok(())
    }

    /// Whether the exporter offers this to the importer.
    fn is_allowed(&self, importer: usize, exporter: usize, import: &Import) -> bool {
        let known = &self.known[exporter];
        let offered = match import.kind {
            ImportKind::Stream { .. } => &known.streams,
            ImportKind::Service { .. } => &known.services,
        };
        let subject = import.subject.as_str();
        // The very same subject counts more than one that has it in it, and the first one more than others.
        let found = offered.covering(subject);
        let Some((_, offer)) = found.min_by_key(|(pattern, _)| *pattern != subject) else {
            return false;
        };
        let importer = self.accounts[importer].name.as_str();
        match offer.access {
            Access::Public => true,
            Access::Accounts(_) => offer.names.contains(importer),
            Access::TokenPosition(position)
            | Access::Activated {
                token_position: Some(position),
                ..
            } => token(subject, *position) == Some(importer),
            Access::Activated { .. } => import.activation.is_some(),
        }
    }
}

fn is_stream(export: &Export) -> bool {
    matches!(export.kind, ExportKind::Stream)
}

fn is_valid(subject: &str) -> bool {
    is_valid_pattern(subject.as_bytes()).is_ok()
}

/// The token at this position, counted from 1.
fn token(subject: &str, position: u32) -> Option<&str> {
    let at = usize::try_from(position).ok()?.checked_sub(1)?;
    subject.split('.').nth(at)
}

/// Whether the importer's name can stand where it must.
fn has_wildcard_at(subject: &str, access: &Access) -> bool {
    match access {
        Access::TokenPosition(position) => token(subject, *position) == Some("*"),
        _ => true,
    }
}
