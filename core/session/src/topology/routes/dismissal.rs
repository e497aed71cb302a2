//! Servers that have sent us away: they were told by their operator to have no routes to us any more, and say so. Not
//! here: servers that we send away ourselves (`moves`).
//!
//! Others may know nothing of that yet, and tell us of such a server again. It is not looked for until all have had
//! time to hear of it; it may come itself at any time.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use gannet_units::Moment;

use super::{Output, Routes};

/// How long nobody's word makes us look for a server that has sent us away: longer than it takes to change the
/// configurations of a cluster one after the other.
const KEPT_AWAY: Duration = Duration::from_secs(60);
/// Servers that are remembered for that.
const MOST: usize = 1024;

impl Routes {
    /// A server has sent us away: unless its address is configured here, it is not looked for.
    pub(super) fn sent_away(&mut self, server_id: &str, now: Moment, out: &mut Vec<Output>) {
        self.kept_away.retain(|_, until| *until > now);
        if self.kept_away.len() < MOST {
            let until = now + KEPT_AWAY;
            self.kept_away.insert(server_id.to_string(), until);
        }
        let leads = self.remotes.iter().filter(|(_, remote)| {
            let is_lead = remote.leads_to(server_id);
            is_lead && !remote.is_explicit()
        });
        let addresses: Vec<String> = leads.map(|(address, _)| address.clone()).collect();
        for address in addresses {
            self.forget_address(&address, out);
        }
    }

    /// Whether a server has sent us away, not long ago.
    pub(super) fn is_kept_away(&self, server_id: &str, now: Moment) -> bool {
        let until = self.kept_away.get(server_id);
        until.is_some_and(|until| *until > now)
    }
}
