//! TLS on top of a [`Stream`](crate::Stream), real or simulated.
//!
//! A stream becomes a TLS connection in place ([`Stream::accept_tls`](crate::Stream::accept_tls),
//! [`Stream::connect_tls`](crate::Stream::connect_tls)) and keeps its interface: whoever held it
//! before the handshake reads and writes through TLS after it. What lives here: certificates and keys
//! from PEM files ([`TlsContext`]), the handshake, the record layer behind `try_read` and `try_write`,
//! what is known about the peer ([`TlsFacts`]). What does not: who is allowed in, which files to
//! read when, whether a listener speaks TLS at all.

mod accept;
mod connection;
mod context;
mod error;
mod facts;
mod names;
mod ocsp;
mod pem;
mod shown;
mod subject;
mod verify;

pub use context::{TlsContext, TlsSettings, TlsVersion};
pub use error::{TlsError, TlsSettingsError};
pub use facts::{PeerCertificate, TlsFacts};

pub use ocsp::{OcspAnswer, OcspError, OcspLink, OcspStatus, StapleDemand, StapleRule};

pub(crate) use connection::TlsConnection;
