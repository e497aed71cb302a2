//! One server that we are connected to, and which of the connections to it stand.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};

use gannet_units::Moment;
use gannet_wire::server_info::ServerInfo;

use crate::route::{Place, RemoteServer, RouteId};

/// Places of a pool, whatever a peer says.
pub(super) const MOST_PLACES: u32 = 1024;

/// One server that we are connected to.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) info: ServerInfo,
    /// Its size of the pool; `None` if one of the two knows no pools.
    pub(super) pool_size: Option<u32>,
    /// Connections by their place; just 0 without a pool.
    pub(super) pool: BTreeMap<u32, RouteId>,
    /// Connections of single accounts.
    pub(super) accounts: BTreeMap<String, RouteId>,
    /// It will shut down soon.
    pub(super) is_lame: bool,
    /// It has shown that it means to stay: it dialled us, or answered a PING.
    pub(super) is_proved: bool,
    /// It is about to make the missing connections itself; we don't before.
    pub(super) fill_after: Moment,
}

impl Peer {
    pub(super) fn new(remote: &RemoteServer, now: Moment) -> Peer {
        Peer {
            info: remote.info.clone(),
            pool_size: remote.pool_size,
            pool: BTreeMap::new(),
            accounts: BTreeMap::new(),
            is_lame: false,
            is_proved: false,
            fill_after: now,
        }
    }

    /// Whether it is connected, not only for single accounts.
    pub(super) fn is_up(&self) -> bool {
        !self.pool.is_empty()
    }

    /// The connection for what concerns the whole server.
    pub(super) fn first(&self) -> Option<RouteId> {
        self.pool.values().next().copied()
    }

    /// All its connections.
    pub(super) fn connections(&self) -> impl Iterator<Item = RouteId> {
        self.pool.values().chain(self.accounts.values()).copied()
    }

    /// The connection at a place.
    pub(super) fn holder(&self, place: &Place) -> Option<RouteId> {
        match place {
            Place::Only => self.first(),
            Place::Pooled(index) => self.pool.get(index).copied(),
            Place::Account(name) => self.accounts.get(name).copied(),
        }
    }

    /// Places that the pool has, if ours has `own`.
    pub(super) fn places(&self, own: Option<u32>) -> u32 {
        places(own, self.pool_size)
    }

    /// The lowest place that is free.
    pub(super) fn free_place(&self, own: Option<u32>) -> Option<u32> {
        (0..self.places(own)).find(|index| !self.pool.contains_key(index))
    }

    pub(super) fn put(&mut self, place: &Place, id: RouteId) {
        match place {
            Place::Only => self.pool.insert(0, id),
            Place::Pooled(index) => self.pool.insert(*index, id),
            Place::Account(name) => self.accounts.insert(name.to_string(), id),
        };
    }

    /// Takes the connection from its place, if it has it.
    pub(super) fn take(&mut self, place: &Place, id: RouteId) {
        if self.holder(place) != Some(id) {
            return;
        }
        match place {
            Place::Only => self.pool.remove(&0),
            Place::Pooled(index) => self.pool.remove(index),
            Place::Account(name) => self.accounts.remove(name),
        };
    }
}

/// Places of a pool between servers with these sizes.
pub(super) fn places(own: Option<u32>, theirs: Option<u32>) -> u32 {
    match (own, theirs) {
        (Some(own), Some(theirs)) => own.max(theirs).min(MOST_PLACES),
        _ => 1,
    }
}
