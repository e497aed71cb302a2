//! A cluster in memory: reconcilers, links, and connections whose bytes take their time, get lost with
//! their connection, or never arrive.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::time::Duration;

use gannet_config::{Compression, LinkAuth, RttThresholds, ServerUrl};
use gannet_units::Moment;
use gannet_wire::route::{Decoded, Limits, decode};
use gannet_wire::server_info::ServerInfo;

use super::super::{Failure, Output as Wanted, Routes, Settings};
use crate::CloseReason;
use crate::route::{self, ClusterName, Context, Link, Output, RouteId};
use crate::topology::chance::Chance;

const LIMITS: Limits = Limits {
    control_line: 65536,
    payload: 0,
};
const MS: Duration = Duration::from_millis(1);

/// What a server is configured with.
#[derive(Clone, Debug)]
pub(super) struct Config {
    /// Servers whose addresses are configured.
    pub(super) routes: Vec<usize>,
    pub(super) pool_size: Option<u32>,
    pub(super) pinned: Vec<&'static str>,
    pub(super) compression: u8,
    pub(super) is_gannet: bool,
    /// A made-up name if there is none.
    pub(super) cluster: Option<&'static str>,
}

pub(super) struct Server {
    pub(super) config: Config,
    pub(super) routes: Routes,
    pub(super) link: route::Settings,
    pub(super) life: u32,
    /// When the reconciler wants to be asked.
    deadline: Moment,
    /// Where its connections are.
    ends: BTreeMap<RouteId, (usize, usize)>,
    cancelled: BTreeSet<RouteId>,
}

pub(super) struct End {
    pub(super) server: usize,
    id: RouteId,
    pub(super) link: Link,
    reads_compressed: bool,
    writes_compressed: bool,
    pub(super) is_closed: bool,
    /// The last byte that is on its way to this end arrives then.
    pub(super) last: Moment,
    tick: Moment,
}

pub(super) struct Pipe {
    pub(super) ends: [End; 2],
    /// Nothing arrives any more, and nobody is told.
    pub(super) is_dead: bool,
}

pub(super) enum Event {
    Dial(usize, u32, Box<super::super::Dial>),
    Arrive(usize, usize, Vec<u8>, bool),
    Fin(usize, usize, CloseReason),
    Tick(usize, usize),
    Moved(usize, u32, String, u64),
    Drained(usize, u32, RouteId),
}

/// The cluster.
pub(super) struct Network {
    pub(super) servers: Vec<Server>,
    pub(super) pipes: Vec<Pipe>,
    pub(super) now: Moment,
    events: BTreeMap<(Moment, u64), Event>,
    sequence: u64,
    chance: Chance,
    /// Pairs, the lower number first, that cannot reach each other.
    pub(super) parted: BTreeSet<(usize, usize)>,
    /// All dials so far.
    pub(super) dials: usize,
    /// Reports on dials that get lost.
    pub(super) loses_reports: bool,
}

fn address(server: usize) -> SocketAddr {
    let last = u8::try_from(server).expect("few servers");
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, last)), 6222)
}

pub(super) fn url(server: usize) -> ServerUrl {
    let at = address(server);
    ServerUrl {
        scheme: "nats-route".to_string(),
        user: None,
        password: None,
        host: at.ip().to_string(),
        port: at.port(),
    }
}

fn compression(n: u8) -> Compression {
    match n % 5 {
        0 => Compression::Accept,
        1 => Compression::Off,
        2 => Compression::Fast,
        3 => Compression::Auto(RttThresholds::default()),
        _ => Compression::NotSupported,
    }
}

impl Network {
    pub(super) fn new(configs: &[Config], seed: u64) -> Network {
        let mut network = Network {
            servers: Vec::new(),
            pipes: Vec::new(),
            now: Moment::START,
            events: BTreeMap::new(),
            sequence: 0,
            chance: Chance::new(seed),
            parted: BTreeSet::new(),
            dials: 0,
            loses_reports: false,
        };
        for (n, config) in configs.iter().enumerate() {
            let server = network.server(n, config.clone(), 0);
            network.servers.push(server);
        }
        for n in 0..configs.len() {
            network.poll(n);
        }
        network
    }

    pub(super) fn server(&mut self, n: usize, config: Config, life: u32) -> Server {
        // Ids in no order of the numbers.
        let id = format!("N{:04}-{n}-{life}", self.chance.below(10_000));
        let cluster = ClusterName {
            name: config
                .cluster
                .map_or_else(|| format!("dyn{id}"), ToString::to_string),
            is_dynamic: config.cluster.is_none(),
        };
        let info = ServerInfo {
            server_id: id.clone(),
            server_name: format!("s{n}"),
            host: "0.0.0.0".to_string(),
            port: 6222,
            route_pool_size: config.pool_size.map_or(0, i64::from),
            connect_urls: [format!("c{n}:4222")].into(),
            gateway_url: format!("g{n}:7222"),
            gannet: if config.is_gannet { "0.1" } else { "" }.to_string(),
            ..ServerInfo::default()
        };
        let link = route::Settings {
            info,
            auth: LinkAuth::default(),
            compression: compression(config.compression),
            pooling: config.pool_size.is_some(),
            has_gateways: true,
            ping_interval: Duration::from_secs(2),
            ping_max: 2,
        };
        let mut pinned: BTreeSet<String> = config.pinned.iter().map(ToString::to_string).collect();
        pinned.insert("$SYS".to_string());
        let settings = Settings {
            server_id: id.clone(),
            cluster,
            pool_size: config.pool_size,
            pinned,
            auth: LinkAuth::default(),
            connect_retries: 0,
            connect_backoff: false,
            connect_error_reports: 1,
            reconnect_error_reports: 1,
            no_advertise: false,
            attempt_limit: link.attempt_limit(),
            memory: Duration::from_secs(600),
        };
        let urls: Vec<ServerUrl> = config.routes.iter().map(|n| url(*n)).collect();
        let seed = self.chance.below(u64::MAX);
        Server {
            routes: Routes::new(settings, &urls, self.now, seed),
            config,
            link,
            life,
            deadline: self.now,
            ends: BTreeMap::new(),
            cancelled: BTreeSet::new(),
        }
    }

    pub(super) fn schedule(&mut self, at: Moment, event: Event) {
        self.sequence += 1;
        self.events.insert((at, self.sequence), event);
    }

    pub(super) fn soon(&mut self, below_ms: u64) -> Moment {
        self.now + Duration::from_micros(200 + self.chance.below(below_ms * 1000))
    }

    pub(super) fn poll(&mut self, n: usize) {
        self.change(n, |routes, now, out| routes.poll(now, out));
    }

    /// Changes a reconciler and carries out what it wants.
    pub(super) fn change<T>(
        &mut self,
        n: usize,
        f: impl FnOnce(&mut Routes, Moment, &mut Vec<Wanted>) -> T,
    ) -> T {
        let mut out = Vec::new();
        let result = f(&mut self.servers[n].routes, self.now, &mut out);
        self.servers[n].deadline = self.servers[n].routes.next_deadline();
        for wanted in out {
            self.carry_out(n, wanted);
        }
        result
    }

    fn carry_out(&mut self, n: usize, wanted: Wanted) {
        match wanted {
            Wanted::Dial(dial) => {
                self.dials += 1;
                let at = self.soon(30);
                let life = self.servers[n].life;
                self.schedule(at, Event::Dial(n, life, Box::new(dial)));
            }
            Wanted::Cancel(id) => match self.servers[n].ends.get(&id).copied() {
                Some((p, d)) => {
                    assert!(self.pipes[p].ends[d].link.remote().is_none());
                    self.link(p, d, |link, _, out| {
                        link.close(CloseReason::ClientClosed, out)
                    });
                }
                None => {
                    self.servers[n].cancelled.insert(id);
                }
            },
            Wanted::Close { id, reason } => {
                let (p, d) = self.servers[n].ends[&id];
                self.link(p, d, |link, _, out| link.close(reason, out));
            }
            Wanted::Probe(id) => {
                let (p, d) = self.servers[n].ends[&id];
                self.link(p, d, |link, cx, out| link.probe(cx, out));
            }
            Wanted::Tell { id, line } => {
                let (p, d) = self.servers[n].ends[&id];
                assert!(
                    self.pipes[p].ends[d].link.remote().is_some() || self.in_registration(p, d)
                );
                self.send(p, d, line.to_vec());
            }
            Wanted::Move {
                server_id, number, ..
            } => {
                let at = self.soon(40);
                let life = self.servers[n].life;
                self.schedule(at, Event::Moved(n, life, server_id, number));
            }
            Wanted::Drain { id, .. } => {
                let at = self.soon(40);
                let life = self.servers[n].life;
                self.schedule(at, Event::Drained(n, life, id));
            }
            Wanted::ClusterNameChanged
            | Wanted::PeerUp { .. }
            | Wanted::PeerDown { .. }
            | Wanted::ClientUrlsChanged
            | Wanted::GatewayUrlsChanged
            | Wanted::LeafUrlsChanged
            | Wanted::ForgetInterest { .. }
            | Wanted::Log(_) => {}
        }
    }

    /// The link is registered, though its state says so only after its outputs.
    fn in_registration(&self, p: usize, d: usize) -> bool {
        !self.pipes[p].ends[d].is_closed
    }

    /// Calls a link and carries out what it wants.
    fn link(
        &mut self,
        p: usize,
        d: usize,
        f: impl FnOnce(&mut Link, &Context<'_>, &mut Vec<Output>),
    ) {
        let mut out = Vec::new();
        let end = &mut self.pipes[p].ends[d];
        let server = &self.servers[end.server];
        let cx = Context {
            now: self.now,
            settings: &server.link,
            neighbours: &server.routes,
            knows_account: &|_| true,
        };
        f(&mut end.link, &cx, &mut out);
        self.carry_out_link(p, d, out);
        let end = &self.pipes[p].ends[d];
        let deadline = end.link.next_deadline();
        if !end.is_closed && deadline != end.tick && deadline != Moment::NEVER {
            self.pipes[p].ends[d].tick = deadline;
            self.schedule(deadline, Event::Tick(p, d));
        }
    }

    fn carry_out_link(&mut self, p: usize, d: usize, out: Vec<Output>) {
        let (n, id) = (self.pipes[p].ends[d].server, self.pipes[p].ends[d].id);
        for output in out {
            match output {
                Output::Send(bytes) => self.send(p, d, bytes.to_vec()),
                Output::ReadCompressed => self.pipes[p].ends[d].reads_compressed = true,
                Output::WriteCompressed(_) => self.pipes[p].ends[d].writes_compressed = true,
                Output::Registered(remote) => {
                    self.change(n, |routes, now, out| {
                        routes.registered(id, &remote, now, out);
                        routes.joined(&remote.info.server_id, now, out);
                    });
                }
                Output::News(news) => {
                    self.change(n, |routes, now, out| routes.news(id, &news, now, out));
                }
                Output::Close(reason) => {
                    self.pipes[p].ends[d].is_closed = true;
                    let ending = self.pipes[p].ends[d].link.ending().clone();
                    self.servers[n].ends.remove(&id);
                    self.change(n, |routes, now, out| routes.over(id, &ending, now, out));
                    let reason = match reason {
                        CloseReason::ReadError => CloseReason::ReadError,
                        _ => CloseReason::ClientClosed,
                    };
                    self.fin(p, 1 - d, reason);
                }
                _ => {}
            }
        }
    }

    fn arrival(&mut self, p: usize, to: usize) -> Moment {
        let at = self.soon(20).max(self.pipes[p].ends[to].last);
        self.pipes[p].ends[to].last = at;
        at
    }

    fn send(&mut self, p: usize, from: usize, bytes: Vec<u8>) {
        let compressed = self.pipes[p].ends[from].writes_compressed;
        let at = self.arrival(p, 1 - from);
        self.schedule(at, Event::Arrive(p, 1 - from, bytes, compressed));
    }

    pub(super) fn fin(&mut self, p: usize, to: usize, reason: CloseReason) {
        let at = self.arrival(p, to);
        self.schedule(at, Event::Fin(p, to, reason));
    }

    fn is_parted(&self, a: usize, b: usize) -> bool {
        self.parted.contains(&(a.min(b), a.max(b)))
    }

    fn dialled(&mut self, n: usize, life: u32, dial: &super::super::Dial) {
        let server = &mut self.servers[n];
        if server.life != life || server.cancelled.remove(&dial.id) {
            return;
        }
        if self.loses_reports && self.chance.below(8) == 0 {
            return;
        }
        let target = (0..self.servers.len()).find(|t| url(*t).host == dial.url.host);
        let Some(target) = target.filter(|t| !self.is_parted(n, *t)) else {
            self.change(n, |routes, now, out| {
                routes.dial_failed(dial.id, Failure::Error, now, out);
            });
            return;
        };
        let accepted = self.servers[target].routes.accepted();
        self.servers[n].routes.connected(dial.id, address(target));
        self.connect(n, target, dial, accepted);
    }

    fn connect(&mut self, n: usize, target: usize, dial: &super::super::Dial, accepted: RouteId) {
        let seeds = [0; 2].map(|_| self.chance.below(u64::MAX));
        let mut outs = [Vec::new(), Vec::new()];
        let cx = |server: usize| Context {
            now: self.now,
            settings: &self.servers[server].link,
            neighbours: &self.servers[server].routes,
            knows_account: &|_| true,
        };
        let ip = |server: usize| address(server).ip();
        let (errand, out) = (dial.errand(), &mut outs[0]);
        let dialler = Link::dial(errand, ip(target), &cx(n), seeds[0], out);
        let acceptor = Link::accept(accepted, ip(n), &cx(target), seeds[1], &mut outs[1]);
        let end = |server, id, link| End {
            server,
            id,
            link,
            reads_compressed: false,
            writes_compressed: false,
            is_closed: false,
            last: self.now,
            tick: Moment::NEVER,
        };
        let ends = [end(n, dial.id, dialler), end(target, accepted, acceptor)];
        let p = self.pipes.len();
        self.pipes.push(Pipe {
            ends,
            is_dead: false,
        });
        self.servers[n].ends.insert(dial.id, (p, 0));
        self.servers[target].ends.insert(accepted, (p, 1));
        for (d, out) in outs.into_iter().enumerate() {
            self.carry_out_link(p, d, out);
            self.link(p, d, |_, _, _| {});
        }
    }

    fn arrived(&mut self, p: usize, d: usize, bytes: &[u8], compressed: bool) {
        let mut rest = bytes;
        while !rest.is_empty() && !self.pipes[p].ends[d].is_closed {
            let end = &self.pipes[p].ends[d];
            assert_eq!(
                end.reads_compressed,
                compressed,
                "{:?}",
                rest.escape_ascii().to_string()
            );
            let form = end.link.form();
            let decoded = decode(rest, &form, &LIMITS).expect("servers write operations");
            let Decoded::Op { op, used } = decoded else {
                panic!("servers write whole lines");
            };
            let line = &rest[..used];
            rest = &rest[used..];
            let _ = op;
            self.link(p, d, |link, cx, out| {
                let form = link.form();
                // Once more, since the form borrows the link.
                let account = form.account.map(<[u8]>::to_vec);
                let form = gannet_wire::route::Form {
                    account: account.as_deref(),
                    unsub_origin: form.unsub_origin,
                };
                if let Ok(Decoded::Op { op, .. }) = decode(line, &form, &LIMITS) {
                    link.handle(&op, cx, out);
                }
            });
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Dial(n, life, dial) => self.dialled(n, life, &dial),
            Event::Arrive(p, d, bytes, compressed) => {
                if !self.pipes[p].is_dead && !self.pipes[p].ends[d].is_closed {
                    self.arrived(p, d, &bytes, compressed);
                }
            }
            Event::Fin(p, d, reason) => {
                if !self.pipes[p].is_dead && !self.pipes[p].ends[d].is_closed {
                    self.link(p, d, |link, _, out| link.close(reason, out));
                }
            }
            Event::Moved(n, life, server_id, number) => {
                if self.servers[n].life == life {
                    self.change(n, |routes, now, out| {
                        routes.moved(&server_id, number, now, out);
                    });
                }
            }
            Event::Drained(n, life, id) => {
                if self.servers[n].life == life {
                    self.change(n, |routes, now, out| routes.drained(id, now, out));
                }
            }
            Event::Tick(p, d) => {
                if !self.pipes[p].ends[d].is_closed {
                    self.pipes[p].ends[d].tick = Moment::NEVER;
                    self.link(p, d, |link, cx, out| link.tick(cx, out));
                }
            }
        }
    }

    /// Lets time pass.
    pub(super) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        for _ in 0..2_000_000 {
            let event = self
                .events
                .keys()
                .next()
                .map_or(Moment::NEVER, |(at, _)| *at);
            let (n, poll) = (0..self.servers.len())
                .map(|n| (n, self.servers[n].deadline))
                .min_by_key(|(_, at)| *at)
                .expect("there are servers");
            let next = event.min(poll);
            if next > end {
                self.now = end;
                return;
            }
            self.now = self.now.max(next);
            if event <= poll {
                let (_, event) = self.events.pop_first().expect("there is a first one");
                self.happen(event);
            } else {
                self.poll(n);
            }
        }
        panic!("time does not pass");
    }

    /// Pipes with an open end.
    pub(super) fn open(&self) -> Vec<usize> {
        let is_open = |p: &usize| self.pipes[*p].ends.iter().any(|end| !end.is_closed);
        (0..self.pipes.len()).filter(is_open).collect()
    }

    pub(super) fn millis(ms: u64) -> Duration {
        MS * u32::try_from(ms).expect("short times")
    }
}
