//! Operator mode: whose word about accounts is trusted, and where accounts' JWTs come from. Not here: what a
//! JWT says beyond what the configuration needs of it (`gannet_identity`).

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::TlsOptions;
use crate::secret::Secret;

/// Accounts and users whose JWTs are signed by operators. Nothing of it counts without `operators` or
/// `trusted_keys`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperatorOptions {
    /// `operator`: who signs accounts.
    pub operators: Vec<Operator>,
    /// `trusted_keys`: public keys of operators, without a JWT. Not beside `operators`, whose keys are
    /// [`OperatorOptions::keys`].
    pub trusted_keys: Vec<String>,
    /// `resolver`, or the one that the only operator names.
    pub resolver: Option<ResolverOptions>,
    /// `resolver_tls`: how a resolver that has a URL is spoken to.
    pub resolver_tls: Option<TlsOptions>,
    /// `resolver_preload`: JWTs of accounts by their public keys, in the order of the file.
    pub preload: Vec<(String, Secret)>,
    /// `resolver_pinned_accounts`: the only accounts that there are, by their public keys; any if empty. The
    /// system account is always one.
    pub pinned_accounts: BTreeSet<String>,
    /// `default_sentinel`: the user's JWT of clients that show none.
    pub default_sentinel: Option<Secret>,
}

impl OperatorOptions {
    /// Whether accounts are those of JWTs.
    pub fn is_on(&self) -> bool {
        !self.operators.is_empty() || !self.trusted_keys.is_empty()
    }

    /// The public keys that may have signed an account's JWT.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let of_operators = self.operators.iter().flat_map(|operator| {
            let claims = &operator.claims;
            let own = Some(&claims.subject).filter(|_| !claims.strict_signing_keys);
            own.into_iter().chain(&claims.signing_keys)
        });
        of_operators.chain(&self.trusted_keys).map(String::as_str)
    }
}

/// An operator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Operator {
    /// Its JWT, read from a file if the configuration named one.
    pub jwt: String,
    /// What the JWT says, as [`Source::operator`](crate::Source::operator) has found it right.
    pub claims: OperatorClaims,
}

/// What the configuration needs to know of an operator's JWT.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperatorClaims {
    /// `sub`: the operator's public key.
    pub subject: String,
    /// `signing_keys`: public keys that sign in its name.
    pub signing_keys: Vec<String>,
    /// `strict_signing_key_usage`: the operator's own key signs no accounts.
    pub strict_signing_keys: bool,
    /// `account_server_url`: where accounts' JWTs are found; empty if it does not say.
    pub account_server_url: String,
    /// `system_account`: its public key; empty if it does not say.
    pub system_account: String,
    /// `assert_server_version`: the oldest server that it is for; empty if any.
    pub server_version: String,
}

/// Where accounts' JWTs come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResolverOptions {
    /// `MEMORY`: those of `resolver_preload` are all.
    Memory,
    /// `URL(…)`: an HTTP server is asked for this URL, which ends with a slash, followed by the account's key. It may
    /// have credentials in it.
    Url(Secret),
    /// `type: full`: this server keeps the JWTs of all accounts.
    Full(FullResolver),
    /// `type: cache`: this server keeps JWTs that it has asked others for.
    Cache(CacheResolver),
}

/// How long whoever is asked for a JWT may take to answer, by default.
const FETCH_TIMEOUT: Duration = Duration::from_millis(1900);

/// `resolver { type: full }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FullResolver {
    /// `dir`: where JWTs are kept.
    pub dir: String,
    /// `allow_delete`, `hard_delete`: what becomes of accounts that are to be deleted.
    pub delete: ResolverDelete,
    /// `interval`: the time between two comparisons with the other servers.
    pub interval: Duration,
    /// `limit`: so many accounts at most; any number if there is none.
    pub limit: Option<u64>,
    /// `timeout`: how long others may take to answer.
    pub timeout: Duration,
}

impl Default for FullResolver {
    fn default() -> FullResolver {
        FullResolver {
            dir: String::new(),
            delete: ResolverDelete::No,
            interval: Duration::from_secs(60),
            limit: None,
            timeout: FETCH_TIMEOUT,
        }
    }
}

/// What becomes of accounts that are to be deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResolverDelete {
    /// Nothing: it is refused.
    #[default]
    No,
    /// Their files are renamed.
    Rename,
    /// Their files are removed.
    Remove,
}

/// `resolver { type: cache }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheResolver {
    /// `dir`: where JWTs are kept.
    pub dir: String,
    /// `limit`: so many accounts at most; those that have not been asked for the longest go first.
    pub limit: u64,
    /// `ttl`: how long a JWT is kept; for ever if there is none.
    pub ttl: Option<Duration>,
    /// `timeout`: how long others may take to answer.
    pub timeout: Duration,
}

impl Default for CacheResolver {
    fn default() -> CacheResolver {
        CacheResolver {
            dir: String::new(),
            limit: 1000,
            ttl: None,
            timeout: FETCH_TIMEOUT,
        }
    }
}
