//! What an account offers, and who may take it. Not here: what is taken (`imports`).

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use gannet_config::{Access, Activation, Export, ExportKind, Import, ImportKind};
use gannet_subject::{covers, has_wildcard, tokens};
use gannet_units::WallTime;

/// All that one account offers, streams and services.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Exports {
    streams: Table,
    services: Table,
}

/// Exports of one kind: patterns in their order, then literal subjects sorted.
#[derive(Clone, Debug, Default, PartialEq)]
struct Table {
    exports: Box<[Export]>,
    patterns: usize,
}

impl Table {
    fn new(exports: Vec<Export>) -> Table {
        let is_pattern = |export: &Export| has_wildcard(export.subject.as_bytes());
        let (mut all, mut literals): (Vec<_>, Vec<_>) = exports.into_iter().partition(is_pattern);
        literals.sort_by(|a, b| a.subject.cmp(&b.subject));
        let patterns = all.len();
        all.append(&mut literals);
        Table {
            exports: all.into(),
            patterns,
        }
    }

    /// The export that `subject`, which may be a pattern, belongs to: that very one, or the first that covers it.
    fn find(&self, subject: &str) -> Option<&Export> {
        let (patterns, literals) = self.exports.split_at(self.patterns);
        if let Ok(at) = literals.binary_search_by(|export| (*export.subject).cmp(subject)) {
            return literals.get(at);
        }
        let wide = |export: &&Export| covers(export.subject.as_bytes(), subject.as_bytes());
        let same = patterns.iter().find(|export| export.subject == subject);
        same.or_else(|| patterns.iter().find(wide))
    }
}

impl Exports {
    pub(crate) fn new(exports: &[Export]) -> Exports {
        let is_stream = |export: &Export| matches!(export.kind, ExportKind::Stream);
        let (streams, services) = exports.iter().cloned().partition(is_stream);
        Exports {
            streams: Table::new(streams),
            services: Table::new(services),
        }
    }

    /// Whether the account `importer` may import so at `now`.
    pub(crate) fn allow(&self, importer: &str, import: &Import, now: WallTime) -> bool {
        let table = match import.kind {
            ImportKind::Stream { .. } => &self.streams,
            ImportKind::Service { .. } => &self.services,
        };
        table
            .find(&import.subject)
            .is_some_and(|export| is_import_allowed(export, importer, import, now))
    }

    /// Whether a stream is offered that has all of `pattern`.
    pub(crate) fn have_stream(&self, pattern: &str) -> bool {
        self.streams.find(pattern).is_some()
    }

    /// The service that `subject` belongs to.
    pub(crate) fn service(&self, subject: &str) -> Option<&gannet_config::ServiceExport> {
        match &self.services.find(subject)?.kind {
            ExportKind::Service(service) => Some(service),
            ExportKind::Stream => None,
        }
    }
}

/// Whether the account `importer` may take `export`, or a part of it, so at `now`.
pub fn is_import_allowed(export: &Export, importer: &str, import: &Import, now: WallTime) -> bool {
    let names_importer = |position: u32| {
        let at = (position as usize).checked_sub(1);
        at.and_then(|at| tokens(import.subject.as_bytes()).nth(at)) == Some(importer.as_bytes())
    };
    match &export.access {
        Access::Public => true,
        Access::Accounts(accounts) => accounts.iter().any(|account| account == importer),
        Access::TokenPosition(position)
        // As in the reference server, the position is enough where both are asked for.
        | Access::Activated {
            token_position: Some(position),
            ..
        } => names_importer(*position),
        Access::Activated { revoked, .. } => import
            .activation
            .as_ref()
            .is_some_and(|shown| is_valid(shown, importer, revoked, now)),
    }
}

/// Whether an activation counts at `now`.
fn is_valid(shown: &Activation, importer: &str, revoked: &[(String, i64)], now: WallTime) -> bool {
    let seconds = now.as_unix_nanos().div_euclid(1_000_000_000);
    let is_revoked = revoked
        .iter()
        .any(|(who, until)| (who == importer || who == "*") && shown.issued <= *until);
    shown.expires.is_none_or(|end| seconds < end) && !is_revoked
}
