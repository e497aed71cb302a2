//! Messages for accounts that this server has never heard of: the sender is told so once per account
//! (`A-`), as the reference server does.
//!
//! Servers before 2.9 send what nobody refused, and are told of subjects without interest (`RS-`), too.
//! That cannot happen here: every known account is switched to interest-only when the link is
//! registered, before the first message is taken, and every later one when it becomes known, and in
//! that mode the reference server answers nothing either.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use gannet_wire::gateway::encode;

/// Accounts remembered at most, and bytes of their names together; more than that are refused in silence.
const MOST: (usize, usize) = (4096, 256 * 1024);

/// The accounts refused on one inbound link.
#[derive(Debug, Default)]
pub struct Refusals {
    accounts: BTreeSet<Box<[u8]>>,
    /// Bytes of the names.
    bytes: usize,
}

impl Refusals {
    /// A message for unknown account `account` came: appends `A-` to `out` the first time.
    pub fn unknown_account(&mut self, account: &[u8], out: &mut Vec<u8>) {
        let full = self.accounts.len() >= MOST.0 || self.bytes + account.len() > MOST.1;
        if full || self.accounts.contains(account) {
            return;
        }
        self.bytes += account.len();
        self.accounts.insert(account.into());
        encode::no_account_interest(out, account);
    }

    /// The account has become known and is switched to interest-only on the link, which takes the
    /// refusal back: should it disappear, it is refused anew.
    pub fn known_account(&mut self, account: &[u8]) {
        if self.accounts.remove(account) {
            self.bytes -= account.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_account_is_refused_once_until_it_has_been_known() {
        let mut refusals = Refusals::default();
        let mut out = Vec::new();
        refusals.unknown_account(b"NOPE", &mut out);
        refusals.unknown_account(b"NOPE", &mut out);
        refusals.unknown_account(b"NADA", &mut out);
        refusals.known_account(b"NOPE");
        refusals.unknown_account(b"NOPE", &mut out);
        assert_eq!(out, b"A- NOPE\r\nA- NADA\r\nA- NOPE\r\n");
    }

    #[test]
    fn a_flood_of_names_is_bounded() {
        let mut refusals = Refusals::default();
        let mut out = Vec::new();
        for n in 0..MOST.0 + 10 {
            refusals.unknown_account(alloc::format!("{n}").as_bytes(), &mut out);
        }
        assert_eq!(out.split(|&b| b == b'\n').count() - 1, MOST.0);
    }

    #[test]
    fn a_flood_of_long_names_is_bounded_too() {
        let mut refusals = Refusals::default();
        let mut out = Vec::new();
        let name = |n: u8| [n; 64 * 1024];
        for n in 0..9 {
            refusals.unknown_account(&name(n), &mut out);
        }
        assert_eq!(out.split(|&b| b == b'\n').count() - 1, 4);
        out.clear();
        refusals.known_account(&name(1));
        refusals.known_account(&name(8));
        refusals.unknown_account(&name(8), &mut out);
        assert_eq!(out.len(), "A- \r\n".len() + 64 * 1024);
    }
}
