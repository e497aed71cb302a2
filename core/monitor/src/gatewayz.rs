//! `/gatewayz`: links to and from other clusters, and what each knows of the other's interest.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use gannet_units::WallTime;
use serde::Serialize;

use crate::conn::{ConnInfo, View, details, subjects};
use crate::json::{is_default, time};
use crate::query::{BadValue, Query, Subscriptions};
use crate::response::Response;
use crate::sub::{Detail, SubInfo};

/// What is asked of `/gatewayz`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    accounts: bool,
    account: String,
    gateway: String,
    subs: Subscriptions,
}

impl Options {
    pub(crate) fn parse(query: &Query) -> Result<Options, BadValue> {
        let subs = query.subscriptions()?;
        let account = query.text("acc_name").to_string();
        let accounts = query.flag("accs")? || !account.is_empty();
        Ok(Options {
            accounts,
            account,
            gateway: query.text("gw_name").to_string(),
            subs,
        })
    }

    /// Whether links with the cluster `name` are asked for.
    pub fn wants_gateway(&self, name: &str) -> bool {
        self.gateway.is_empty() || self.gateway == name
    }

    /// Whether interest is asked for, and that of `account`.
    pub fn wants_account(&self, account: &str) -> bool {
        self.accounts && (self.account.is_empty() || self.account == account)
    }

    /// Whether the subscriptions of the wanted accounts are asked for, on outbound links.
    pub fn wants_subscriptions(&self) -> bool {
        self.accounts && self.subs != Subscriptions::Count
    }
}

/// What one end of a link assumes about subjects it heard nothing of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InterestMode {
    /// Interest is assumed until refused.
    #[default]
    Optimistic,
    /// On the way from optimistic to interest-only.
    Transitioning,
    /// Only announced interest counts.
    InterestOnly,
}

impl InterestMode {
    fn name(self) -> &'static str {
        match self {
            InterestMode::Optimistic => "Optimistic",
            InterestMode::Transitioning => "Transitioning",
            InterestMode::InterestOnly => "Interest-Only",
        }
    }
}

/// Interest of one account over one link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interest {
    /// The account.
    pub account: String,
    /// The mode the account is in.
    pub mode: InterestMode,
    /// Subjects that the optimistic mode knows to be unwanted.
    pub no_interest: u64,
    /// Subscriptions of the remote cluster; outbound links only.
    pub num_subs: u64,
    /// Those of them in queue groups; outbound links only.
    pub num_queue_subs: u64,
    /// These subscriptions, if [`Options::wants_subscriptions`].
    pub subs: Vec<SubInfo>,
}

/// A link, as seen from here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// The remote cluster's name.
    pub gateway: String,
    /// Whether this server's configuration names the cluster; outbound links only.
    pub configured: bool,
    /// The connection.
    pub conn: ConnInfo,
    /// Interest per account that [`Options::wants_account`].
    pub accounts: Vec<Interest>,
}

/// This server's own gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Local {
    /// The name of this cluster.
    pub name: String,
    /// The host that others are told.
    pub host: String,
    /// The port that others are told.
    pub port: u16,
}

/// What the caller gathered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// This server's id.
    pub server_id: String,
    /// When this was gathered.
    pub now: WallTime,
    /// This server's own gateway; `None` when none is configured.
    pub local: Option<Local>,
    /// Links that this server dialled: one per cluster.
    pub outbound: Vec<Link>,
    /// Links that others dialled, in any order.
    pub inbound: Vec<Link>,
}

/// The answer.
pub fn respond(options: &Options, snapshot: &Snapshot) -> Response {
    let mut outbound = BTreeMap::new();
    for link in snapshot
        .outbound
        .iter()
        .filter(|link| options.wants_gateway(&link.gateway))
    {
        outbound.insert(
            link.gateway.as_str(),
            link.view(options, snapshot.now, true),
        );
    }
    let mut links: Vec<&Link> = snapshot
        .inbound
        .iter()
        .filter(|l| options.wants_gateway(&l.gateway))
        .collect();
    links.sort_by_key(|link| link.conn.cid);
    let mut inbound: BTreeMap<&str, Vec<Remote<'_>>> = BTreeMap::new();
    for link in links {
        inbound
            .entry(&link.gateway)
            .or_default()
            .push(link.view(options, snapshot.now, false));
    }
    // A server with gateways answers null when it has no link to the one cluster asked for.
    let unknown = snapshot.local.is_some() && !options.gateway.is_empty() && outbound.is_empty();
    let local = snapshot.local.as_ref();
    Response::json(&Gatewayz {
        server_id: &snapshot.server_id,
        now: snapshot.now,
        name: local.map_or("", |local| &local.name),
        host: local.map_or("", |local| &local.host),
        port: local.map_or(0, |local| local.port),
        outbound_gateways: (!unknown).then_some(outbound),
        inbound_gateways: inbound,
    })
}

impl Link {
    fn view(&self, options: &Options, now: WallTime, outbound: bool) -> Remote<'_> {
        let mut accounts: Vec<&Interest> = self
            .accounts
            .iter()
            .filter(|interest| options.wants_account(&interest.account))
            .collect();
        accounts.sort_by(|a, b| a.account.cmp(&b.account));
        let subs = if outbound {
            options.subs
        } else {
            Subscriptions::Count
        };
        Remote {
            configured: outbound && self.configured,
            connection: self.conn.view(now, false, Subscriptions::Count),
            accounts: accounts
                .into_iter()
                .map(|interest| interest.view(subs))
                .collect(),
        }
    }
}

impl Interest {
    fn view(&self, subs: Subscriptions) -> Account<'_> {
        Account {
            name: &self.account,
            interest_mode: self.mode.name(),
            no_interest_count: self.no_interest,
            interest_only_threshold: 1000,
            num_subs: self.num_subs,
            num_queue_subs: self.num_queue_subs,
            subscriptions_list: subjects(&self.subs, subs),
            subscriptions_list_detail: details(&self.subs, subs),
        }
    }
}

#[derive(Serialize)]
struct Gatewayz<'a> {
    server_id: &'a str,
    #[serde(serialize_with = "time")]
    now: WallTime,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    host: &'a str,
    #[serde(skip_serializing_if = "is_default")]
    port: u16,
    outbound_gateways: Option<BTreeMap<&'a str, Remote<'a>>>,
    inbound_gateways: BTreeMap<&'a str, Vec<Remote<'a>>>,
}

#[derive(Serialize)]
struct Remote<'a> {
    configured: bool,
    connection: View<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    accounts: Vec<Account<'a>>,
}

#[derive(Serialize)]
struct Account<'a> {
    name: &'a str,
    interest_mode: &'static str,
    #[serde(skip_serializing_if = "is_default")]
    no_interest_count: u64,
    interest_only_threshold: u32,
    #[serde(skip_serializing_if = "is_default")]
    num_subs: u64,
    #[serde(skip_serializing_if = "is_default")]
    num_queue_subs: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subscriptions_list: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subscriptions_list_detail: Vec<Detail<'a>>,
}
