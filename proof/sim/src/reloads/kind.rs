//! The kinds of changes of options that running servers are told, as they are counted in the summary.

use std::fmt;

/// A kind of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReloadKind {
    /// What the log shows: the protocol as it is spoken, whole or in part, or not.
    Log,
    /// Bounds that nobody comes near, and when silent peers are given up.
    Limits,
    /// Users come, go or change whom no client is.
    Strangers,
    /// A user's password changes, and back: clients of that user have to go, and nobody else.
    Expulsion,
    /// A server's configuration does not name another cluster any more, and names it again later.
    Gateway,
    /// A server's configuration does not name another server of its cluster any more, and names it again later.
    Route,
    /// All servers of a cluster, one after the other, get another size of the pool, and perhaps the clients'
    /// account gets connections of its own, or loses them.
    Pool,
    /// A server's routes are compressed otherwise.
    Compression,
    /// What may cross routes changes, for subjects that nobody uses.
    Permissions,
    /// Something changes that cannot, and with it what would harm everybody: nothing may change.
    Refused,
    /// A server gets a new certificate, or all of them do, one after the other, from somebody else. This happens
    /// where something is encrypted, whatever other kinds there are.
    Certificates,
}

impl ReloadKind {
    /// All of them.
    pub const ALL: [ReloadKind; 11] = [
        ReloadKind::Log,
        ReloadKind::Limits,
        ReloadKind::Strangers,
        ReloadKind::Expulsion,
        ReloadKind::Gateway,
        ReloadKind::Route,
        ReloadKind::Pool,
        ReloadKind::Compression,
        ReloadKind::Permissions,
        ReloadKind::Refused,
        ReloadKind::Certificates,
    ];

    /// The kind's name, as the summary shows it.
    pub fn name(self) -> &'static str {
        match self {
            ReloadKind::Log => "log",
            ReloadKind::Limits => "limits",
            ReloadKind::Strangers => "strangers",
            ReloadKind::Expulsion => "expulsion",
            ReloadKind::Gateway => "gateway",
            ReloadKind::Route => "route",
            ReloadKind::Pool => "pool",
            ReloadKind::Compression => "compression",
            ReloadKind::Permissions => "permissions",
            ReloadKind::Refused => "refused",
            ReloadKind::Certificates => "certificates",
        }
    }
}

impl fmt::Display for ReloadKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
