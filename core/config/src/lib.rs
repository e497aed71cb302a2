//! The NATS configuration language and the typed options of a server.
//!
//! What lives here: the lexer and parser of the language (with file, line and column on every key),
//! includes and variables, the digest of a configuration, and the way from the raw tree to
//! [`Options`], whose [`Default`] is the only home of default values. What does not: files and the
//! environment. They come through a [`Source`] that the shell implements.
//!
//! The usual door is [`load`]; [`parse`] gives the raw tree of a text.
#![no_std]
#![warn(missing_docs)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod diff;
mod digest;
mod error;
mod explain;
mod lex;
mod options;
mod origin;
mod read;
mod secret;
mod source;
mod text;
mod tree;

pub use gannet_units::ByteCount;

pub use diff::{Change, ClusterChange, Diff, Difference, Dropped, GatewayChange, Refused, Verdict};
pub use error::{ConfigError, ConfigWarning, HELP, Place, Problem, Rejected};
pub use explain::{Setting, Shown, as_file};
pub use options::{
    Access, AccountLimits, AccountOptions, Activation, AuthOptions, CacheResolver, CalloutOptions,
    CertificateFiles, ClusterOptions, ClusterPermissions, Compression, CompressionOptions,
    ConnectionType, Destination, Export, ExportKind, FullResolver, GLOBAL_ACCOUNT, GatewayOptions,
    GatewayUrl, HandshakeFirst, Import, ImportKind, LameDuckOptions, LatencyOptions, Limits,
    LinkAuth, LogFormat, LogLevel, LogLevels, LogTarget, LoggingOptions, Mapping, MappingFault,
    MonitoringOptions, OcspCacheOptions, OcspMode, OcspOptions, OcspPeerOptions, Operator,
    OperatorClaims, OperatorOptions, Options, Permissions, Port, ProfilingOptions, RemoteGateway,
    ResolverDelete, ResolverOptions, ResponsePermission, ResponseType, RttThresholds,
    SYSTEM_ACCOUNT, Sampling, ServerUrl, ServiceExport, Shared, SharingFault, SubjectPermission,
    Subsystem, TlsOptions, TlsVersion, User, WriteTimeout, sharing_faults,
};
pub use origin::{KeyPath, Origin, Origins, Step};
pub use read::{Loaded, Without, load, load_without};
pub use secret::Secret;
pub use source::Source;
pub use text::address::{advertised, split_host_port};
pub use text::duration::{format_duration, parse_duration};
pub use text::quote::{quoted, quoted_bytes};
pub use text::url::{UrlFault, parse_url, redacted};
pub use tree::{Map, Node, Value, Variable, parse};
