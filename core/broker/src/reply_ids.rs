//! Reply subjects of requests that go to another account, `_R_.<account>.<request>`: nobody can guess one, and
//! every server of the mesh knows them for what they are by their beginning. Not here: what they stand for
//! (`responses`).

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};

/// What they begin with.
const MARK: &[u8] = b"_R_.";
/// Characters that stand for an account of this server.
const ACCOUNT: usize = 6;
/// Characters that stand for one request.
const REQUEST: usize = 8;
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// What stands for one request.
pub(crate) type RequestId = [u8; REQUEST];

/// Where the numbers come from: hashes of a secret and a counter.
#[derive(Debug)]
pub(crate) struct ReplyIds {
    secret: u64,
    next: AtomicU64,
}

impl ReplyIds {
    pub(crate) fn new(secret: u64) -> ReplyIds {
        ReplyIds {
            secret,
            next: AtomicU64::new(0),
        }
    }

    fn draw<const N: usize>(&self) -> [u8; N] {
        let count = self.next.fetch_add(1, Ordering::Relaxed);
        let mut hash = Sha256::new();
        hash.update(b"service replies");
        hash.update(self.secret.to_le_bytes());
        hash.update(count.to_le_bytes());
        let hash = hash.finalize();
        let mut number = u64::from_le_bytes(core::array::from_fn(|at| hash[at]));
        core::array::from_fn(|_| {
            let digit = DIGITS[(number % 62) as usize];
            number /= 62;
            digit
        })
    }

    /// What the replies of an account begin with.
    pub(crate) fn new_prefix(&self) -> Box<[u8]> {
        let account: [u8; ACCOUNT] = self.draw();
        [MARK, &account, b"."].concat().into()
    }

    pub(crate) fn new_request(&self) -> RequestId {
        self.draw()
    }
}

/// The pattern of all replies that begin so.
pub(crate) fn pattern(prefix: &[u8]) -> Vec<u8> {
    [prefix, b">"].concat()
}

/// The request that a reply subject with this prefix stands for.
pub(crate) fn request_of(prefix: &[u8], subject: &[u8]) -> Option<RequestId> {
    let rest = subject.strip_prefix(prefix)?;
    let id = rest.split(|byte| *byte == b'.').next()?;
    RequestId::try_from(id).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_are_the_same_and_each_finds_its_request() {
        let ids = ReplyIds::new(7);
        let prefix = ids.new_prefix();
        assert_eq!((prefix.len(), &prefix[..4]), (11, MARK));
        assert_ne!(prefix, ids.new_prefix());
        let (one, two) = (ids.new_request(), ids.new_request());
        assert_ne!(one, two);
        let subject = [&*prefix, &one].concat();
        assert_eq!(request_of(&prefix, &subject), Some(one));
        assert_eq!(request_of(&prefix, &subject[..subject.len() - 1]), None);
        assert_eq!(request_of(b"_R_.other.", &subject), None);
    }
}
