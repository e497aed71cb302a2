//! The claims of decentralised security: what operators, accounts and users say of themselves and of each
//! other in signed JWTs.
//!
//! What lives here: taking tokens apart, their signatures, what they say, whether that is sound, and what
//! follows from it for an account and for a user. What does not: which of an account's tokens counts
//! (`crate::operator`), where tokens come from, clocks, zones of time.

mod account;
mod activation;
mod admission;
mod convert;
mod data;
mod exports;
mod generic;
mod imports;
mod issues;
mod keys;
mod limits;
mod mappings;
mod operator;
mod permissions;
mod revocations;
mod signing_keys;
mod sources;
mod subjects;
mod template;
mod times;
mod token;
mod user;

pub use account::{Account, AccountClaims, Authorization, Trace};
pub use activation::ActivationClaims;
pub use admission::{Admitted, Refusal, Visitor};
pub use convert::{ImportRefusal, activation_of};
pub use data::ClaimsData;
pub use exports::{ExportClaims, ExportType, LatencyClaims};
pub use generic::GenericClaims;
pub use imports::ImportClaims;
pub use issues::{Issue, Issues};
pub use keys::{KeyKind, is_public_key, verifies};
pub use limits::{JetStreamLimits, OperatorLimits};
pub use mappings::WeightedMapping;
pub use operator::{Operator, OperatorClaims};
pub use permissions::{PermissionClaims, ResponseClaims, SubjectPermissionClaims};
pub use revocations::Revocations;
pub use signing_keys::{SigningKeys, UserScope};
pub use template::TemplateError;
pub use times::{TimeRange, Zones};
pub use token::{DecodeError, MAX_TOKEN};
pub use user::{User, UserClaims, UserLimits};
