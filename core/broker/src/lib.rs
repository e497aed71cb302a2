//! The switchboard in memory: accounts, interest, and delivery into outboxes.
//!
//! What lives here: who wants a message ([`Account`], [`Publisher`]), the bytes waiting for a peer
//! ([`Peer`], [`Outbox`]), and what is announced to other clusters. What does not: anything that can
//! wait. A flush hands bytes to a [`Sink`] that takes what it can at once.
//!
//! Locks: an account's index, and each peer's outbox. A thread holds at most one of them, with one
//! exception: interest is announced into link outboxes while the index is locked, so that the
//! announcements leave in the order of the changes. The outbox is a leaf: nothing is locked under it.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod account;
mod announce;
mod answers;
mod beyond;
mod broker;
mod cache;
mod chunks;
mod delivery;
mod drained;
mod forgetting;
mod hold;
mod links;
mod listing;
mod mapping;
mod message;
mod origin;
mod outbox;
mod peer;
mod plan;
mod publish;
mod remote_interest;
mod replies;
mod reply_ids;
mod responses;
mod routes;
mod run;
mod services;
mod shadows;
mod sharing;
mod sub;
mod subscriptions;
mod ways;

pub use account::{Account, Subscribed};
pub use broker::{AccountChange, Broker, BrokerOptions, Traffic};
pub use delivery::{Delivered, Delivery, LINK_FROM};
pub use forgetting::Forgetting;
pub use links::{InboundLink, InterestMode, LinkTraits, OutboundLink};
pub use listing::Listing;
pub use mapping::{Chosen, Mapped, Mappings};
pub use message::Message;
pub use origin::{Hop, Origin};
pub use outbox::{Flush, Outbox, OutboxStats, Overflow};
pub use peer::{Peer, PeerKind, Signal, Sink, Written};
pub use publish::Publisher;
pub use remote_interest::RemoteInterest;
pub use routes::{Carries, RouteFilter, RouteLink, RouteTraits};
pub use run::Run;
pub use services::{Requester, Shared};
pub use sharing::define::Defined;
pub use sharing::evaluate::RefusedImport;
pub use sharing::exports::is_import_allowed;
pub use sharing::imports::Refusal;
pub use sub::Sub;
pub use subscriptions::Subscriptions;
pub use ways::Moving;
