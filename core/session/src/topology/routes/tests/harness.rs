//! One reconciler, of server `N5`, and a pen that writes down what it wants.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use gannet_config::{LinkAuth, Secret, ServerUrl, parse_url};
use gannet_units::Moment;
use gannet_wire::server_info::ServerInfo;

use super::super::{Dial, Output, Routes, Settings};
use crate::route::{
    Admission, Claim, ClusterName, Ending, Neighbours, News, Place, Refusal, RemoteServer, RouteId,
};

pub(super) const S: Duration = Duration::from_secs(1);

pub(super) fn url(host: &str) -> ServerUrl {
    parse_url(&format!("nats-route://{host}:6222")).expect("a URL")
}

pub(super) fn settings() -> Settings {
    Settings {
        server_id: "N5".to_string(),
        cluster: ClusterName {
            name: "C".to_string(),
            is_dynamic: false,
        },
        pool_size: Some(2),
        pinned: ["$SYS".to_string()].into(),
        auth: LinkAuth {
            user: Some("u".to_string()),
            password: Secret::new("pw".to_string()),
            ..LinkAuth::default()
        },
        connect_retries: 0,
        connect_backoff: false,
        connect_error_reports: 2,
        reconnect_error_reports: 1,
        no_advertise: false,
        attempt_limit: S * 20,
        memory: S * 600,
    }
}

/// The INFO of server `N<n>` at `10.0.0.<n>`.
pub(super) fn info(n: u32) -> ServerInfo {
    ServerInfo {
        server_id: format!("N{n}"),
        server_name: format!("s{n}"),
        host: "0.0.0.0".to_string(),
        port: 6222,
        ip: format!("nats-route://10.0.0.{n}:6222/"),
        connect_urls: [format!("c{n}:4222"), "shared:4222".to_string()].into(),
        gateway_url: format!("g{n}:7222"),
        leafnode_urls: [format!("l{n}:7422")].into(),
        route_pool_size: 2,
        ..ServerInfo::default()
    }
}

pub(super) struct Harness {
    pub(super) routes: Routes,
    pub(super) now: Moment,
    pub(super) out: Vec<Output>,
}

impl Harness {
    pub(super) fn new(settings: Settings, hosts: &[&str]) -> Harness {
        let urls: Vec<ServerUrl> = hosts.iter().map(|host| url(host)).collect();
        let now = Moment::START;
        let mut harness = Harness {
            routes: Routes::new(settings, &urls, now, 7),
            now,
            out: Vec::new(),
        };
        harness.poll();
        harness
    }

    pub(super) fn poll(&mut self) {
        self.routes.poll(self.now, &mut self.out);
    }

    pub(super) fn wait(&mut self, time: Duration) {
        self.now = self.now + time;
        self.poll();
    }

    /// Waits until all reminders have been sent.
    pub(super) fn settle(&mut self) {
        for _ in 0..20 {
            self.wait(S * 4);
        }
        self.out.clear();
    }

    /// Waits until something is due; answers how long that took, in tenths of a second.
    pub(super) fn next(&mut self) -> u128 {
        let until = self.routes.next_deadline();
        let waited = until.since(self.now);
        self.now = self.now.max(until);
        self.poll();
        waited.as_millis() / 100
    }

    /// The dials that were asked for since the last time.
    pub(super) fn dials(&mut self) -> Vec<Dial> {
        let mut dials = Vec::new();
        self.out.retain(|output| match output {
            Output::Dial(dial) => {
                dials.push(dial.clone());
                false
            }
            _ => true,
        });
        dials
    }

    pub(super) fn dial(&mut self) -> Dial {
        let mut dials = self.dials();
        assert_eq!(dials.len(), 1, "{dials:?}");
        dials.remove(0)
    }

    pub(super) fn claim(
        &self,
        id: RouteId,
        is_dialled: bool,
        info: &ServerInfo,
    ) -> Result<Admission, Refusal> {
        let account = (!info.route_account.is_empty()).then_some(info.route_account.as_str());
        let claim = Claim {
            id,
            is_dialled,
            server_id: &info.server_id,
            is_gannet: !info.gannet.is_empty(),
            account,
            pool_size: info.route_pool_size,
            pool_index: info.route_pool_idx,
        };
        self.routes.admit(&claim)
    }

    pub(super) fn register(
        &mut self,
        id: RouteId,
        is_dialled: bool,
        info: &ServerInfo,
    ) -> Result<Place, Refusal> {
        let admission = self.claim(id, is_dialled, info)?;
        let place = admission.place;
        let pool_size = match place {
            Place::Only => None,
            _ => u32::try_from(info.route_pool_size).ok(),
        };
        let remote = RemoteServer {
            info: info.clone(),
            place: place.clone(),
            pool_size,
            headers: true,
            is_dialled,
            replaces: admission.replaces,
        };
        self.routes.registered(id, &remote, self.now, &mut self.out);
        let server_id = &remote.info.server_id;
        self.routes.joined(server_id, self.now, &mut self.out);
        Ok(place)
    }

    /// Server `n` dials, for this place of the pool.
    pub(super) fn accept(&mut self, n: u32, index: i64) -> RouteId {
        let id = self.routes.accepted();
        let info = ServerInfo {
            route_pool_idx: index,
            ..info(n)
        };
        self.register(id, false, &info).expect("a place");
        id
    }

    /// Server `n` dials, for an account.
    pub(super) fn accept_for(&mut self, n: u32, account: &str) -> RouteId {
        let id = self.routes.accepted();
        let info = ServerInfo {
            route_account: account.to_string(),
            ..info(n)
        };
        self.register(id, false, &info).expect("a place");
        id
    }

    /// What was dialled is server `n`.
    pub(super) fn reach(&mut self, dial: &Dial, n: u32) {
        let at = format!("10.0.0.{n}:6222").parse().expect("an address");
        self.routes.connected(dial.id, at);
        let info = ServerInfo {
            route_account: dial.account.clone().unwrap_or_default(),
            ..info(n)
        };
        self.register(dial.id, true, &info).expect("a place");
    }

    pub(super) fn confirm(&mut self, id: RouteId) {
        self.news(id, &News::Confirmed);
    }

    pub(super) fn news(&mut self, id: RouteId, news: &News) {
        self.routes.news(id, news, self.now, &mut self.out);
    }

    pub(super) fn over(&mut self, id: RouteId) {
        self.ended(id, &Ending::Plain);
    }

    pub(super) fn ended(&mut self, id: RouteId, ending: &Ending) {
        self.routes.over(id, ending, self.now, &mut self.out);
    }

    /// What is wanted since the last time, dials and lines to other servers in brief.
    pub(super) fn wanted(&mut self) -> Vec<String> {
        let brief = |output: Output| match output {
            Output::Dial(dial) => {
                let account = dial.account.unwrap_or_default();
                format!("dial {} {account}", dial.url.host)
            }
            Output::Tell { id, line } => {
                let text = String::from_utf8(line.to_vec()).expect("text");
                let json = text.trim_start_matches("INFO ").trim_end();
                let info = ServerInfo::parse(json.as_bytes()).expect("JSON");
                let ServerInfo {
                    server_id,
                    gossip_mode,
                    route_account,
                    ..
                } = info;
                let id = id.0;
                format!("tell {id} of {server_id} {route_account} mode {gossip_mode}")
            }
            Output::Log(log) => log.text,
            Output::Close { id, reason } => format!("close {}: {reason}", id.0),
            Output::PeerUp { id, server_id } => format!("up {server_id} by {}", id.0),
            Output::PeerDown { server_id } => format!("down {server_id}"),
            Output::ForgetInterest { id, account } => format!("forget {account} on {}", id.0),
            Output::Move {
                server_id, number, ..
            } => format!("move {number} to {server_id}"),
            Output::Drain { id, .. } => format!("drain {}", id.0),
            Output::Cancel(id) => format!("cancel {}", id.0),
            Output::Probe(id) => format!("probe {}", id.0),
            other => format!("{other:?}"),
        };
        self.out.drain(..).map(brief).collect()
    }

    /// As [`Harness::wanted`], only what begins so.
    pub(super) fn only(&mut self, begin: &str) -> Vec<String> {
        let mut wanted = self.wanted();
        wanted.retain(|line| line.starts_with(begin));
        wanted
    }
}
