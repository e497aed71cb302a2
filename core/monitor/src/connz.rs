//! `/connz`: connections, open and closed. The JSON of one connection is in `conn`.
//!
//! The caller gathers every connection that [`Options::wants_open`] and
//! [`Options::wants_closed`] ask for, without subscriptions; [`select`] filters, sorts and pages;
//! the caller then adds subscriptions to the few that are shown, and renders the [`Page`].

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cmp::Reverse;

use gannet_units::{ConnId, WallTime};
use serde::Serialize;

use crate::conn::{ConnInfo, View};
use crate::json::time;
use crate::query::{BadValue, Query, Subscriptions, Window};
use crate::response::Response;

/// Which connections are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Those that are open.
    #[default]
    Open,
    /// Those that were closed and are still remembered.
    Closed,
    /// Both.
    Any,
}

/// What the connections are ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// By number, lowest first (`cid`, and `start`, which is the same).
    #[default]
    Cid,
    /// Most subscriptions first.
    Subs,
    /// Most bytes waiting first.
    Pending,
    /// Most messages to the client first.
    MsgsTo,
    /// Most messages from the client first.
    MsgsFrom,
    /// Most bytes to the client first.
    BytesTo,
    /// Most bytes from the client first.
    BytesFrom,
    /// Last activity latest first.
    Last,
    /// Longest idle first.
    Idle,
    /// Youngest first, as the reference has it.
    Uptime,
    /// Closed latest first.
    Stop,
    /// By the reason's text.
    Reason,
    /// Longest round trip first.
    Rtt,
}

impl Sort {
    fn by_name(name: &str) -> Option<Sort> {
        Some(match name {
            "" | "cid" | "start" => Sort::Cid,
            "subs" => Sort::Subs,
            "pending" => Sort::Pending,
            "msgs_to" => Sort::MsgsTo,
            "msgs_from" => Sort::MsgsFrom,
            "bytes_to" => Sort::BytesTo,
            "bytes_from" => Sort::BytesFrom,
            "last" => Sort::Last,
            "idle" => Sort::Idle,
            "uptime" => Sort::Uptime,
            "stop" => Sort::Stop,
            "reason" => Sort::Reason,
            "rtt" => Sort::Rtt,
            _ => return None,
        })
    }
}

/// What is asked of `/connz`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    sort: Sort,
    auth: bool,
    subs: Subscriptions,
    window: Window,
    cid: Option<ConnId>,
    state: State,
    user: String,
    account: String,
    mqtt_client: String,
}

impl Options {
    /// Whether open connections have to be gathered.
    pub fn wants_open(&self) -> bool {
        self.state != State::Closed
    }

    /// Whether closed connections have to be gathered.
    pub fn wants_closed(&self) -> bool {
        self.state != State::Open
    }

    /// The account asked for: the caller says in [`Snapshot::account_known`] whether it exists.
    pub fn account(&self) -> Option<&str> {
        (!self.account.is_empty()).then_some(self.account.as_str())
    }

    /// What the caller should add to the connections of the page.
    pub fn subscriptions(&self) -> Subscriptions {
        self.subs
    }

    fn shows(&self, conn: &ConnInfo) -> bool {
        self.cid.is_none_or(|cid| cid == conn.cid)
            && (self.user.is_empty() || self.user == conn.user)
            && (self.mqtt_client.is_empty() || self.mqtt_client == conn.mqtt_client)
    }
}

/// Options whose values could be read, but may not fit together.
pub(crate) struct Unchecked {
    options: Options,
    sort: String,
}

impl Unchecked {
    pub(crate) fn parse(query: &Query) -> Result<Unchecked, BadValue> {
        let auth = query.flag("auth")?;
        let subs = query.subscriptions()?;
        let mut window = Window::parse(query)?;
        let cid = query.uint("cid")?;
        let state = parse_state(query.text("state"))?;
        if cid > 0 {
            window.limit = 1;
        }
        let options = Options {
            sort: Sort::default(),
            auth,
            subs,
            window,
            cid: (cid > 0).then_some(ConnId(cid)),
            state,
            user: query.text("user").to_string(),
            account: query.text("acc").to_string(),
            mqtt_client: query.text("mqtt_client").to_string(),
        };
        Ok(Unchecked {
            options,
            sort: query.text("sort").to_string(),
        })
    }

    pub(crate) fn check(self) -> Result<Options, BadValue> {
        let Some(sort) = Sort::by_name(&self.sort) else {
            return Err(BadValue(format!("invalid sorting option: {}", self.sort)));
        };
        if matches!(sort, Sort::Stop | Sort::Reason) && self.options.state != State::Closed {
            return Err(BadValue(format!(
                "sort by {} only valid on closed connections",
                self.sort
            )));
        }
        Ok(Options {
            sort,
            ..self.options
        })
    }
}

fn parse_state(text: &str) -> Result<State, BadValue> {
    match text.to_lowercase().as_str() {
        "" | "open" => Ok(State::Open),
        "closed" => Ok(State::Closed),
        "any" | "all" => Ok(State::Any),
        _ => Err(BadValue(format!("Error decoding state for {text}"))),
    }
}

/// What the caller gathered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// This server's id.
    pub server_id: String,
    /// When this was gathered.
    pub now: WallTime,
    /// Whether the account asked for exists; true when none was.
    pub account_known: bool,
    /// Open client and leaf node connections, if wanted, in any order.
    pub open: Vec<ConnInfo>,
    /// Closed ones, if wanted, in any order.
    pub closed: Vec<ConnInfo>,
}

/// The connections to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    server_id: String,
    now: WallTime,
    total: usize,
    options: Options,
    conns: Option<Vec<ConnInfo>>,
}

/// Filters, sorts and pages.
pub fn select(options: Options, snapshot: Snapshot) -> Page {
    if !snapshot.account_known {
        return Page {
            server_id: String::new(),
            now: snapshot.now,
            total: 0,
            options,
            conns: None,
        };
    }
    let mut conns = snapshot.open;
    conns.extend(snapshot.closed);
    if let Some(account) = options.account() {
        conns.retain(|conn| conn.visible_account() == account);
    }
    let total = conns.len();
    conns.retain(|conn| options.shows(conn));
    sort(&mut conns, options.sort, snapshot.now);
    let conns = conns
        .into_iter()
        .skip(options.window.skip())
        .take(options.window.take())
        .collect();
    Page {
        server_id: snapshot.server_id,
        now: snapshot.now,
        total,
        options,
        conns: Some(conns),
    }
}

/// Equals are ordered by number, so that pages do not overlap; the reference leaves that to chance.
fn sort(conns: &mut [ConnInfo], by: Sort, now: WallTime) {
    conns.sort_unstable_by_key(|conn| conn.cid);
    match by {
        Sort::Cid => {}
        Sort::Subs => conns.sort_by_key(|conn| Reverse(conn.num_subs)),
        Sort::Pending => conns.sort_by_key(|conn| Reverse(conn.pending_bytes)),
        Sort::MsgsTo => conns.sort_by_key(|conn| Reverse(conn.out_msgs)),
        Sort::MsgsFrom => conns.sort_by_key(|conn| Reverse(conn.in_msgs)),
        Sort::BytesTo => conns.sort_by_key(|conn| Reverse(conn.out_bytes)),
        Sort::BytesFrom => conns.sort_by_key(|conn| Reverse(conn.in_bytes)),
        Sort::Last => conns.sort_by_key(|conn| Reverse(conn.last_activity)),
        Sort::Idle => conns.sort_by_key(|conn| conn.last_activity),
        Sort::Uptime => conns.sort_by_key(|conn| conn.age(now)),
        Sort::Stop => {
            conns.sort_by_key(|conn| Reverse(conn.closed.as_ref().map(|closed| closed.at)))
        }
        Sort::Reason => conns.sort_by_key(|conn| conn.closed.as_ref().map(|closed| closed.reason)),
        Sort::Rtt => conns.sort_by_key(|conn| Reverse(conn.rtt)),
    }
}

impl Page {
    /// The connections to show, for the caller to fill in [`ConnInfo::subs`] if
    /// [`Options::subscriptions`] asks for them.
    pub fn conns_mut(&mut self) -> &mut [ConnInfo] {
        self.conns.as_deref_mut().unwrap_or_default()
    }

    /// The answer.
    pub fn response(&self) -> Response {
        let view = |conn| ConnInfo::view(conn, self.now, self.options.auth, self.options.subs);
        Response::json(&Connz {
            server_id: &self.server_id,
            now: self.now,
            num_connections: self.conns.as_deref().map_or(0, <[_]>::len),
            total: self.total,
            offset: self.options.window.offset,
            limit: self.options.window.limit,
            connections: self
                .conns
                .as_ref()
                .map(|conns| conns.iter().map(view).collect()),
        })
    }
}

#[derive(Serialize)]
struct Connz<'a> {
    server_id: &'a str,
    #[serde(serialize_with = "time")]
    now: WallTime,
    num_connections: usize,
    total: usize,
    offset: u64,
    limit: u64,
    connections: Option<Vec<View<'a>>>,
}
