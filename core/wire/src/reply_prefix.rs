//! Reply subjects that find their way back to another cluster by themselves:
//! `_GR_.<hash of the cluster>.<hash of the server>.<reply>`.
//!
//! Not here: which replies are mapped, and for how long the mapping is remembered.

use sha2::{Digest, Sha256};

/// What every mapped reply starts with.
pub const PREFIX: &[u8] = b"_GR_.";
/// What mapped replies started with before. Servers of the yardstick's version neither write nor
/// follow it, and drop messages on it.
pub const OLD_PREFIX: &[u8] = b"$GR.";
/// Characters of a hash.
pub const HASH_LEN: usize = 6;

const SERVER_AT: usize = PREFIX.len() + HASH_LEN + 1;
const SUBJECT_AT: usize = SERVER_AT + HASH_LEN + 1;
const OLD_SUBJECT_AT: usize = OLD_PREFIX.len() + 5;
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A cluster's or server's name in a mapped reply.
pub type Hash = [u8; HASH_LEN];

/// The hash of a cluster's name or a server's id: its SHA-256, the first six bytes modulo 62 as digits.
pub fn hash(name: &str) -> Hash {
    let sha = Sha256::digest(name.as_bytes());
    let mut hash = [0; HASH_LEN];
    for (out, byte) in hash.iter_mut().zip(sha) {
        *out = DIGITS[usize::from(byte) % DIGITS.len()];
    }
    hash
}

/// The prefix of one server's mapped replies, `_GR_.cluster.server.`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyPrefix([u8; SUBJECT_AT]);

impl ReplyPrefix {
    /// The prefix of server `server_id` in cluster `cluster`.
    pub fn new(cluster: &str, server_id: &str) -> ReplyPrefix {
        let mut bytes = [b'.'; SUBJECT_AT];
        bytes[..PREFIX.len()].copy_from_slice(PREFIX);
        bytes[PREFIX.len()..PREFIX.len() + HASH_LEN].copy_from_slice(&hash(cluster));
        bytes[SERVER_AT..SERVER_AT + HASH_LEN].copy_from_slice(&hash(server_id));
        ReplyPrefix(bytes)
    }

    /// The bytes to put before a reply subject.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Hash of the cluster.
    pub fn cluster(&self) -> &[u8] {
        &self.0[PREFIX.len()..PREFIX.len() + HASH_LEN]
    }

    /// Hash of the server.
    pub fn server(&self) -> &[u8] {
        &self.0[SERVER_AT..SERVER_AT + HASH_LEN]
    }
}

/// A mapped reply in its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapped<'a> {
    /// Hash of the cluster that the reply must go to.
    pub cluster: &'a [u8],
    /// Hash of the server of that cluster which has the requester.
    pub server: &'a [u8],
    /// The subject that the requester subscribed to.
    pub subject: &'a [u8],
}

/// Takes a mapped subject apart; `None` if it is not one. As the reference server does, it goes by
/// lengths and does not check that dots are where they should be.
#[inline]
pub fn parse(subject: &[u8]) -> Option<Mapped<'_>> {
    if subject.len() <= SUBJECT_AT || !subject.starts_with(PREFIX) {
        return None;
    }
    Some(Mapped {
        cluster: &subject[PREFIX.len()..PREFIX.len() + HASH_LEN],
        server: &subject[SERVER_AT..SERVER_AT + HASH_LEN],
        subject: &subject[SUBJECT_AT..],
    })
}

/// The subject without its mapping; the subject itself if it has none.
#[inline]
pub fn strip(subject: &[u8]) -> &[u8] {
    parse(subject).map_or(subject, |mapped| mapped.subject)
}

/// Whether clients may not use the subject, for publishing or as a reply: it starts with either prefix.
#[inline]
pub fn is_reserved(subject: &[u8]) -> bool {
    is_new(subject) || is_old(subject)
}

fn is_new(subject: &[u8]) -> bool {
    subject.len() > PREFIX.len() && subject.starts_with(PREFIX)
}

fn is_old(subject: &[u8]) -> bool {
    subject.len() > OLD_PREFIX.len() && subject.starts_with(OLD_PREFIX)
}

/// Whether the subject has the old form `$GR.<4 characters>.<reply>`: a message on it is dropped.
#[inline]
pub fn is_old_mapped(subject: &[u8]) -> bool {
    subject.len() > OLD_SUBJECT_AT && subject.starts_with(OLD_PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by a Go server 2.15.1 of cluster A.
    const GO_SERVER: &str = "NAFV7I3L76BATQO5KNKFQEWANYVU2QO5F4W65VPZLH7VVH5O74DFIASH";
    const GO_REPLY: &[u8] =
        b"_GR_.NUmM6c.V7ACAc._INBOX.gQH5IXDJnQ2vicqHvcrDao.gQH5IXDJnQ2vicqHvcrDfX1d95";

    #[test]
    fn a_go_servers_prefix_is_ours() {
        let prefix = ReplyPrefix::new("A", GO_SERVER);
        assert_eq!(prefix.as_bytes(), b"_GR_.NUmM6c.V7ACAc.");
        assert_eq!(prefix.cluster(), b"NUmM6c");
        assert_eq!(prefix.server(), b"V7ACAc");
        assert!(GO_REPLY.starts_with(prefix.as_bytes()));
    }

    #[test]
    fn a_mapped_reply_comes_apart() {
        let plain = b"_INBOX.gQH5IXDJnQ2vicqHvcrDao.gQH5IXDJnQ2vicqHvcrDfX1d95";
        assert_eq!(
            parse(GO_REPLY),
            Some(Mapped {
                cluster: b"NUmM6c",
                server: b"V7ACAc",
                subject: plain
            })
        );
        assert_eq!(strip(GO_REPLY), plain);
    }

    #[test]
    fn what_is_too_short_is_an_ordinary_subject() {
        for subject in [
            &b"_GR_.NUmM6c.V7ACAc."[..],
            b"_GR_.short",
            b"_GR_.",
            b"",
            b"foo",
            b"_gr_.NUmM6c.V7ACAc.x",
        ] {
            assert_eq!((parse(subject), strip(subject)), (None, subject));
        }
        assert_eq!(strip(b"_GR_.NUmM6c.V7ACAc.x"), b"x");
    }

    #[test]
    fn clients_may_use_neither_prefix() {
        for (subject, reserved, old) in [
            (&b"_GR_.NUmM6c.V7ACAc.x"[..], true, false),
            (b"_GR_.x", true, false),
            (b"_GR_.", false, false),
            (b"$GR.1234.inbox.1", true, true),
            (b"$GR.12", true, false),
            (b"$GRX.12", false, false),
            (b"foo", false, false),
        ] {
            assert_eq!(
                (is_reserved(subject), is_old_mapped(subject)),
                (reserved, old),
                "{subject:?}"
            );
        }
    }
}
