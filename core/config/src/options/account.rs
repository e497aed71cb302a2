//! Accounts: what they share with each other, how they rename subjects, and their bounds. The same types
//! stand for accounts of a configuration and for those of JWTs. Not here: what the words mean while
//! messages flow (`gannet_broker`).

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::permissions::Permissions;

/// The account of everybody who is in no other.
pub const GLOBAL_ACCOUNT: &str = "$G";
/// The system account, unless another one is named.
pub const SYSTEM_ACCOUNT: &str = "$SYS";

/// One account.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AccountOptions {
    /// Its name: as configured, or the public key of an account with a JWT.
    pub name: String,
    /// `nkey`: its public key. Nothing follows from it.
    pub nkey: Option<String>,
    /// What it offers to other accounts.
    pub exports: Vec<Export>,
    /// What it takes from other accounts.
    pub imports: Vec<Import>,
    /// Subjects that it renames.
    pub mappings: Vec<Mapping>,
    /// Its bounds.
    pub limits: AccountLimits,
    /// `default_permissions`: of those of its users that have none of their own.
    pub default_permissions: Option<Permissions>,
}

/// What an account offers to others.
#[derive(Clone, Debug, PartialEq)]
pub struct Export {
    /// Which subjects, as a pattern.
    pub subject: String,
    /// Who may take it.
    pub access: Access,
    /// Messages that flow to the importer, or a service that answers it.
    pub kind: ExportKind,
}

/// What kind of thing is exported.
#[derive(Clone, Debug, PartialEq)]
pub enum ExportKind {
    /// Messages on the subject are delivered to importers.
    Stream,
    /// Importers' requests are answered.
    Service(ServiceExport),
}

/// Who may import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Every account.
    #[default]
    Public,
    /// The accounts of this list.
    Accounts(Vec<String>),
    /// `account_token_position`: everybody whose name stands at that token of the import's subject, counted
    /// from 1.
    TokenPosition(u32),
    /// Whoever shows an activation token; those are judged before they become options.
    Activated {
        /// Importers whose tokens were issued at these times (seconds) or before are refused; `*` stands for all.
        revoked: Vec<(String, i64)>,
        /// The importer's name must stand at that token besides, counted from 1.
        token_position: Option<u32>,
    },
}

/// How a service answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServiceExport {
    /// `response_type`.
    pub response: ResponseType,
    /// `response_threshold`: how long after the last sign of life a request may still be answered; two minutes
    /// if it is not set.
    pub threshold: Option<Duration>,
    /// `latency`.
    pub latency: Option<LatencyOptions>,
    /// `allow_trace`.
    pub allow_trace: bool,
}

/// How many answers one request can have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResponseType {
    /// One.
    #[default]
    Singleton,
    /// Any number, each a message.
    Stream,
    /// One, in any number of parts.
    Chunked,
}

/// Which requests to a service are measured, and where the figures go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LatencyOptions {
    /// Subject of the figures, in the exporting account.
    pub subject: String,
    /// Which.
    pub sampling: Sampling,
}

/// A choice of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// Those whose headers ask for it.
    Headers,
    /// So many of a hundred.
    Percent(u8),
}

/// What an account takes from another one.
#[derive(Clone, Debug, PartialEq)]
pub struct Import {
    /// The exporting account's name.
    pub account: String,
    /// The subject there, as a pattern.
    pub subject: String,
    /// Messages, or answers.
    pub kind: ImportKind,
    /// The activation token that was shown, for a private export of an account with a JWT.
    pub activation: Option<Activation>,
}

/// What kind of thing is imported.
#[derive(Clone, Debug, PartialEq)]
pub enum ImportKind {
    /// Messages arrive under another subject.
    Stream {
        /// The subject here: `prefix` followed by the subject there, or `to`; the subject there if empty. Wildcards
        /// of the subject there stand in it as `$1`, `$2`….
        to: String,
        /// `allow_trace`.
        allow_trace: bool,
    },
    /// Requests may be sent.
    Service {
        /// The subject here; that of the exporter if empty. The exporter's subject may name wildcards of this
        /// one as `$1`, `$2`….
        to: String,
        /// `share`: the service learns who asks.
        share: bool,
    },
}

/// What an activation token says that was found right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activation {
    /// When it was issued, in seconds since 1970.
    pub issued: i64,
    /// When it ends, in seconds since 1970.
    pub expires: Option<i64>,
}

/// A subject that publishers use and where its messages go instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The subject that is published to, as a pattern.
    pub source: String,
    /// Where messages go; each with its share.
    pub destinations: Vec<Destination>,
}

/// One destination of a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// A subject, with functions of the source's wildcards.
    pub subject: String,
    /// Its share in percent, 0 to 100.
    pub weight: u8,
    /// `cluster`: for messages published in that cluster alone.
    pub cluster: Option<String>,
}

/// An account's bounds; `None` is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountLimits {
    /// Clients at one time, over all servers.
    pub connections: Option<u32>,
    /// Leaf nodes at one time.
    pub leaf_nodes: Option<u32>,
    /// Subscriptions of each connection.
    pub subscriptions: Option<u32>,
    /// Bytes of a message.
    pub payload: Option<u32>,
}
