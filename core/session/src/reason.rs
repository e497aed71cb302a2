//! Why a connection ended: the closed list, with the texts that monitoring shows. Not here: who
//! decides it.

use core::fmt;

/// Why a connection ended. The texts are the reference server's: dashboards and tests compare them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The peer closed the connection.
    ClientClosed,
    /// The peer did not authenticate in time.
    AuthenticationTimeout,
    /// The peer's credentials were refused.
    AuthenticationViolation,
    /// The time for which the peer's credentials hold is over.
    AuthenticationExpired,
    /// The proxy that the client came through is not trusted.
    ProxyNotTrusted,
    /// The client did not come through a proxy, and had to.
    ProxyRequired,
    /// The TLS handshake failed.
    TlsHandshakeError,
    /// The peer left more bytes waiting than it may.
    SlowConsumerPendingBytes,
    /// The peer took nothing for longer than it may.
    SlowConsumerWriteDeadline,
    /// Writing to the connection failed.
    WriteError,
    /// Reading from the connection failed.
    ReadError,
    /// The peer reported an error, or sent bytes that are no operation.
    ParseError,
    /// The peer left too many pings unanswered.
    StaleConnection,
    /// The peer broke the protocol.
    ProtocolViolation,
    /// The client speaks a protocol level that does not exist.
    BadClientProtocolVersion,
    /// The peer belongs on another port.
    WrongPort,
    /// The server has as many clients as it may have.
    MaxConnectionsExceeded,
    /// The account has as many clients as it may have.
    MaxAccountConnectionsExceeded,
    /// A message was too large.
    MaxPayloadExceeded,
    /// A control line was too long.
    MaxControlLineExceeded,
    /// The connection has as many subscriptions as it may have.
    MaxSubscriptionsExceeded,
    /// This server is going down.
    ServerShutdown,
    /// The peer is a gateway that does not belong here.
    WrongGateway,
    /// A command named no account.
    MissingAccount,
    /// One of the server's own clients.
    InternalClient,
    /// A message had headers where none are understood.
    MsgHeaderViolation,
    /// The client asked for no-responders without headers.
    NoRespondersRequiresHeaders,
    /// Another server has the same name.
    DuplicateServerName,
    /// There is a link to the same server already.
    DuplicateLink,
    /// The peer's cluster has another name, or ours has changed.
    ClusterNameConflict,
    /// The link is not wanted any more: the configuration was changed.
    RouteRemoved,
    /// The peer is too old.
    MinimumVersionRequired,
    /// An operator ended the connection.
    Kicked,
}

impl CloseReason {
    /// The text that monitoring and logs show.
    pub const fn text(self) -> &'static str {
        match self {
            CloseReason::ClientClosed => "Client Closed",
            CloseReason::AuthenticationTimeout => "Authentication Timeout",
            CloseReason::AuthenticationViolation => "Authentication Failure",
            CloseReason::AuthenticationExpired => "Authentication Expired",
            CloseReason::ProxyNotTrusted => "Proxy Not Trusted",
            CloseReason::ProxyRequired => "Proxy Required",
            CloseReason::TlsHandshakeError => "TLS Handshake Failure",
            CloseReason::SlowConsumerPendingBytes => "Slow Consumer (Pending Bytes)",
            CloseReason::SlowConsumerWriteDeadline => "Slow Consumer (Write Deadline)",
            CloseReason::WriteError => "Write Error",
            CloseReason::ReadError => "Read Error",
            CloseReason::ParseError => "Parse Error",
            CloseReason::StaleConnection => "Stale Connection",
            CloseReason::ProtocolViolation => "Protocol Violation",
            CloseReason::BadClientProtocolVersion => "Bad Client Protocol Version",
            CloseReason::WrongPort => "Incorrect Port",
            CloseReason::MaxConnectionsExceeded => "Maximum Connections Exceeded",
            CloseReason::MaxAccountConnectionsExceeded => "Maximum Account Connections Exceeded",
            CloseReason::MaxPayloadExceeded => "Maximum Message Payload Exceeded",
            CloseReason::MaxControlLineExceeded => "Maximum Control Line Exceeded",
            CloseReason::MaxSubscriptionsExceeded => "Maximum Subscriptions Exceeded",
            CloseReason::ServerShutdown => "Server Shutdown",
            CloseReason::WrongGateway => "Wrong Gateway",
            CloseReason::MissingAccount => "Missing Account",
            CloseReason::InternalClient => "Internal Client",
            CloseReason::MsgHeaderViolation => "Message Header Violation",
            CloseReason::NoRespondersRequiresHeaders => "No Responders Requires Headers",
            CloseReason::DuplicateServerName => "Duplicate Server Name",
            CloseReason::DuplicateLink => "Duplicate Route",
            CloseReason::ClusterNameConflict => "Cluster Name Conflict",
            CloseReason::RouteRemoved => "Route Removed",
            CloseReason::MinimumVersionRequired => "Minimum Version Required",
            CloseReason::Kicked => "Kicked",
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}
