//! The connections that a change ends. Not here: ending them, and finding out which ones they are among those
//! that stand (the shell does both).

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::Diff;
use crate::options::{
    AuthOptions, ClusterOptions, Compression, GatewayOptions, Limits, ServerUrl, User,
};
use crate::text::quote::quoted;

/// Connections that do not outlive a change. All others do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// Clients beyond this number, those that came last.
    ClientsBeyond(u32),
    /// Clients that have logged in as one of these users, unless the credentials they have shown are still
    /// right.
    ClientsOf(Vec<String>),
    /// Clients that have logged in as one of these users, who are in another account from now on.
    ClientsMoved(Vec<String>),
    /// Clients that come through a proxy with one of these keys.
    ClientsThrough(Vec<String>),
    /// Clients that have shown the token, unless what they have shown is right still.
    ClientsWithToken,
    /// Clients that have shown no credentials, or none that are right now.
    ClientsWithoutCredentials,
    /// Routes that other servers have dialled, unless the credentials they have shown are still right.
    RoutesFromOthers,
    /// Routes to these addresses (`host:port`), unless their servers are known from others, too.
    RoutesTo(Vec<String>),
    /// Routes that are compressed from now on or no longer; they are made anew.
    RoutesOtherwiseCompressed,
    /// All routes; they are made anew.
    AllRoutes,
    /// Links to this cluster, unless it is linked to us itself.
    LinksTo(String),
    /// Links from clusters that are not configured.
    LinksFromUnknownClusters,
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNLESS: &str = "unless the credentials they have shown are right still";
        match self {
            Dropped::ClientsBeyond(most) => {
                write!(f, "clients beyond {most}, those first that came last")
            }
            Dropped::ClientsOf(users) => {
                write!(f, "clients logged in as {}, {UNLESS}", listed(users))
            }
            Dropped::ClientsMoved(users) => {
                let users = listed(users);
                write!(f, "clients logged in as {users}, for another account")
            }
            Dropped::ClientsThrough(keys) => {
                write!(f, "clients through the proxies {}", listed(keys))
            }
            Dropped::ClientsWithToken => write!(f, "clients that have shown the token, {UNLESS}"),
            Dropped::ClientsWithoutCredentials => {
                f.write_str("clients that have shown no credentials, or none that are right now")
            }
            Dropped::RoutesFromOthers => {
                write!(f, "routes that other servers have dialled, {UNLESS}")
            }
            Dropped::RoutesTo(addresses) => write!(
                f,
                "routes to {}, unless other servers tell of them",
                addresses.join(", ")
            ),
            Dropped::RoutesOtherwiseCompressed => {
                f.write_str("routes that are compressed from now on or no longer (made anew)")
            }
            Dropped::AllRoutes => f.write_str("all routes (made anew)"),
            Dropped::LinksTo(cluster) => write!(
                f,
                "gateway links to cluster {}, unless it is linked to this one itself",
                quoted(cluster)
            ),
            Dropped::LinksFromUnknownClusters => {
                f.write_str("gateway links from clusters that are not configured")
            }
        }
    }
}

impl Diff {
    pub(super) fn dropped_clients(&mut self, old: &Limits, new: &Limits) {
        if new.max_connections < old.max_connections {
            self.dropped
                .push(Dropped::ClientsBeyond(new.max_connections));
        }
    }

    /// Who has shown credentials that count no longer.
    pub(super) fn dropped_users(&mut self, old: &AuthOptions, new: &AuthOptions) {
        let (was, is) = (Rule::of(old), Rule::of(new));
        let dropped = match (was, is) {
            (_, Rule::Nobody) => return,
            (Rule::Nobody, _) => Some(Dropped::ClientsWithoutCredentials),
            (Rule::Token, _) => {
                (old.token != new.token || is != Rule::Token).then_some(Dropped::ClientsWithToken)
            }
            (Rule::Users, _) => {
                let users = new.users.as_deref().filter(|_| is == Rule::Users);
                let before = old.users.as_deref().unwrap_or_default();
                self.dropped_from_list(before, users.unwrap_or_default());
                None
            }
            (Rule::User, _) => {
                let same = is == Rule::User && old.user == new.user && old.password == new.password;
                let name = old.user.clone().filter(|_| !same);
                name.map(|name| Dropped::ClientsOf(alloc::vec![name]))
            }
        };
        self.dropped.extend(dropped);
        if was == Rule::Users && old.no_auth_user.is_some() && is != Rule::Users {
            self.dropped.push(Dropped::ClientsWithoutCredentials);
        }
    }

    /// Who is in another account goes, and who shows something else from now on, or comes in another way; who only may do
    /// something else stays.
    fn dropped_from_list(&mut self, old: &[User], new: &[User]) {
        let known: BTreeMap<&str, &User> = new.iter().map(|user| (user.id(), user)).collect();
        let (mut gone, mut moved) = (BTreeSet::new(), BTreeSet::new());
        for user in old {
            match known.get(user.id()) {
                Some(now) if now.account != user.account => moved.insert(user.id()),
                Some(now) if is_let_in_alike(user, now) => continue,
                _ => gone.insert(user.id()),
            };
        }
        let owned = |ids: BTreeSet<&str>| ids.into_iter().map(Into::into).collect();
        if !gone.is_empty() {
            self.dropped.push(Dropped::ClientsOf(owned(gone)));
        }
        if !moved.is_empty() {
            self.dropped.push(Dropped::ClientsMoved(owned(moved)));
        }
    }

    pub(super) fn dropped_routes(&mut self, old: &ClusterOptions, new: &ClusterOptions) {
        if old.pool_size.is_some() != new.pool_size.is_some() {
            self.dropped.push(Dropped::AllRoutes);
            return;
        }
        let addresses: Vec<String> = new.routes.iter().map(ServerUrl::address).collect();
        let is_gone = |address: &String| !addresses.contains(address);
        let known = old.routes.iter().map(ServerUrl::address);
        let gone: Vec<String> = known.filter(is_gone).collect();
        if !gone.is_empty() {
            self.dropped.push(Dropped::RoutesTo(gone));
        }
        if old.auth != new.auth && new.auth.user.is_some() {
            self.dropped.push(Dropped::RoutesFromOthers);
        }
        let is_on = |block: &ClusterOptions| {
            let mode = block.compression();
            !matches!(
                mode,
                Compression::NotSupported | Compression::Off | Compression::Accept
            )
        };
        if is_on(old) != is_on(new) {
            self.dropped.push(Dropped::RoutesOtherwiseCompressed);
        }
    }

    pub(super) fn dropped_links(&mut self, old: &GatewayOptions, new: &GatewayOptions) {
        for remote in &old.remotes {
            let stays = new.remotes.iter().any(|known| known.name == remote.name);
            if !stays && remote.name != old.name {
                self.dropped.push(Dropped::LinksTo(remote.name.clone()));
            }
        }
        if new.reject_unknown && !old.reject_unknown {
            self.dropped.push(Dropped::LinksFromUnknownClusters);
        }
    }
}

/// Whether whoever was let in as this user is let in as that one.
fn is_let_in_alike(old: &User, new: &User) -> bool {
    let alike = User {
        permissions: old.permissions.clone(),
        ..new.clone()
    };
    *old == alike
}

fn listed(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
    names.join(", ")
}

/// What decides on clients' credentials.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    Nobody,
    Users,
    Token,
    User,
}

impl Rule {
    fn of(auth: &AuthOptions) -> Rule {
        if auth.users.as_ref().is_some_and(|users| !users.is_empty()) {
            Rule::Users
        } else if auth.token.is_some() {
            Rule::Token
        } else if auth.user.is_some() {
            Rule::User
        } else {
            Rule::Nobody
        }
    }
}
