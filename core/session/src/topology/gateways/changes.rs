//! Changes of the configuration: remotes that come, go or move.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use gannet_config::RemoteGateway;
use gannet_units::Moment;

use super::output::Output;
use super::remote::Remote;
use super::{Gateways, SHORTEST_ROUND, Settings};

impl Gateways {
    /// The configuration was changed. A remote that it names no longer is treated like one that was only
    /// heard of: it stays linked as long as it has links to us, unless such clusters are to be ignored, and
    /// is forgotten otherwise. Links that stand stay, also when the addresses of their remote change. Those
    /// that [`Output::Cancel`] names may be links that stand here.
    pub fn reload(
        &mut self,
        settings: Settings,
        configured: &[RemoteGateway],
        now: Moment,
        out: &mut Vec<Output>,
    ) {
        self.settings = settings;
        let own = self.settings.own.clone();
        let configured = || configured.iter().filter(|remote| remote.name != own);
        for (name, remote) in &mut self.remotes {
            if configured().all(|c| c.name != *name) {
                remote.unconfigure();
            }
        }
        for remote in configured() {
            match self.remotes.get_mut(&remote.name) {
                Some(known) => {
                    if known.configure(&remote.urls) {
                        known.start_over();
                        known.hasten(now, SHORTEST_ROUND);
                    }
                }
                None => {
                    let new = Remote::configured(&remote.urls, now);
                    self.remotes.insert(remote.name.clone(), new);
                }
            }
        }
        self.drop_unwanted(out);
        self.poll(now, out);
    }

    /// Forgets remotes that are not configured, if they are to be ignored or have no links to us.
    fn drop_unwanted(&mut self, out: &mut Vec<Output>) {
        let is_unwanted = |(name, remote): &(&String, &Remote)| {
            let is_heard = !self.settings.reject_unknown && self.inbound.contains_key(*name);
            !remote.is_configured()
                && !is_heard
                && (self.settings.reject_unknown || remote.was_configured())
        };
        let unwanted = self.remotes.iter().filter(is_unwanted);
        let unwanted: Vec<String> = unwanted.map(|(name, _)| name.to_string()).collect();
        for name in unwanted {
            self.remotes.remove(&name);
            let dials = self.dials.iter().filter(|(_, remote)| **remote == name);
            for id in dials.map(|(id, _)| *id).collect::<Vec<_>>() {
                self.dials.remove(&id);
                out.push(Output::Cancel(id));
            }
            out.push(Output::Forget { remote: name });
        }
    }
}
