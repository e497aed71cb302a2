//! The simulated world with its servers and clients in it.
//!
//! Not here: what goes wrong (`faults`), what the clients are told to do (`workload`).

use std::collections::BTreeSet;
use std::sync::Arc;

use gannet_config::Options;
use gannet_node::{Line, LogWriter, Logger, Server};
use gannet_rt::sim::{HostUsage, Link, Net, Sim, SimHost};
use gannet_rt::{Rt, fs};
use gannet_units::Moment;
use parking_lot::Mutex;

use crate::client::{Client, Inbox, Person};
use crate::journal::{Journal, Map};
use crate::tls::{AUTHORITIES, AUTHORITY_COUNT, Authorities, CERTIFICATE, Certificate, KEY};
use crate::topology::{CLIENT_PORT, GATEWAY_PORT, MESH, Ports, Topology, server_name, user_name};

/// A server's handle once it has started, or why it did not.
type Slot = Arc<Mutex<Option<Result<Server, String>>>>;

/// One server and its host.
pub(crate) struct Node {
    pub(crate) host: SimHost,
    options: Options,
    slot: Slot,
    /// Whether a process is there (perhaps a frozen one).
    pub(crate) running: bool,
    /// Where clients are told that they reach it.
    client_url: String,
    /// How often it has moved to other ports.
    moves: u16,
    /// It has left for ever.
    pub(crate) gone: bool,
    /// How many configurations do not name it at present that otherwise do.
    pub(crate) unnamed: usize,
    /// How other servers' configurations name its host.
    shown: String,
}

impl Node {
    /// What the server says, if there is one that has started.
    pub(crate) fn ask<T>(&self, question: impl FnOnce(&Server) -> T) -> Option<T> {
        match &*self.slot.lock() {
            Some(Ok(server)) => Some(question(server)),
            _ => None,
        }
    }
}

/// How a server comes to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It is killed; its kernel closes its sockets.
    Kill,
    /// It dies, and its connections are reset.
    Crash,
    /// Its machine loses power.
    PowerOff,
}

/// Everything there is in one run.
pub(crate) struct World {
    pub(crate) sim: Sim,
    pub(crate) net: Net,
    pub(crate) topology: Topology,
    pub(crate) nodes: Vec<Node>,
    pub(crate) clients: Vec<Client>,
    pub(crate) journal: Arc<Mutex<Journal>>,
    /// Where monitoring is read.
    pub(crate) inspector: SimHost,
    tale: bool,
    /// A reload that did not end as it should have, if there was one.
    wrong_reload: Option<String>,
    /// Who vouches for the servers, where something is encrypted.
    authorities: Option<Authorities>,
}

impl World {
    /// The hosts and the links between them; nothing runs yet.
    pub(crate) fn new(seed: u64, topology: Topology, tale: bool) -> World {
        let sim = Sim::new(seed);
        let net = sim.net();
        let mut journal = Journal::default();
        journal.recovery = MESH + topology.notice();
        journal.map = Map::of(&topology);
        if tale {
            journal.keep_tale();
        }
        let hosts: Vec<SimHost> = (0..topology.servers())
            .map(|server| sim.host(&server_name(server)))
            .collect();
        let silent = topology.silent_listener.then(|| silent_listener(&sim));
        let shown = |host: &SimHost| match topology.names {
            true => host.name(),
            false => host.ip().to_string(),
        };
        let silent = silent.as_ref().map(shown);
        let nodes = (0..topology.servers()).map(|server| Node {
            host: hosts[server].clone(),
            options: {
                let other = |other: usize| shown(&hosts[other]);
                let mut options = topology.options(server, other, silent.as_deref());
                options.logging.debug = tale;
                options
            },
            slot: Slot::default(),
            running: false,
            client_url: match topology.unspecified {
                true => format!("{}:{CLIENT_PORT}", hosts[server].ip()),
                false => format!("{}:{CLIENT_PORT}", shown(&hosts[server])),
            },
            moves: 0,
            gone: false,
            unnamed: 0,
            shown: shown(&hosts[server]),
        });
        let authorities = topology.encrypted.any().then(Authorities::new);
        let mut world = World {
            nodes: nodes.collect(),
            clients: Vec::new(),
            inspector: sim.host("inspector"),
            journal: Arc::new(Mutex::new(journal)),
            sim,
            net,
            topology,
            tale,
            wrong_reload: None,
            authorities,
        };
        for server in 0..world.nodes.len() {
            world.trust(server, &[0]);
            world.certify(server, 0);
        }
        world.set_fine_weather();
        world
    }

    /// The time.
    pub(crate) fn now(&self) -> Moment {
        self.sim.now()
    }

    /// Adds a line to the story.
    pub(crate) fn tell(&self, line: &str) {
        self.sim.note(line);
        self.journal.lock().tell(self.sim.now(), || line.to_owned());
    }

    /// Sets every link between servers to what the topology says.
    pub(crate) fn set_fine_weather(&self) {
        for from in 0..self.nodes.len() {
            for to in 0..self.nodes.len() {
                if from != to {
                    self.set_link(from, to, self.topology.link(from, to));
                }
            }
        }
    }

    /// Sets the link from one server to another.
    pub(crate) fn set_link(&self, from: usize, to: usize, link: Link) {
        self.net
            .set_link(&self.nodes[from].host, &self.nodes[to].host, link);
    }

    /// Starts a server that does not run.
    pub(crate) fn start(&mut self, server: usize) {
        let line = format!("server {server} starts");
        self.tell(&line);
        let log = self.logger(server);
        let node = &mut self.nodes[server];
        node.host.power_on();
        node.running = true;
        node.slot = Slot::default();
        let (rt, options, slot) = (node.host.rt(), node.options.clone(), node.slot.clone());
        node.host.rt().spawn(async move {
            let started = Server::start(options, rt, log).await;
            *slot.lock() = Some(started.map_err(|e| e.to_string()));
        });
    }

    fn logger(&self, server: usize) -> Logger {
        let rt = self.nodes[server].host.rt();
        let options = &self.nodes[server].options.logging;
        if !self.tale {
            // What is to be traced is made out either way.
            return match self.topology.traces {
                true => Logger::new(&rt, options, Box::new(Unread)),
                false => Logger::none(),
            };
        }
        let writer = TaleWriter {
            journal: self.journal.clone(),
            rt: rt.clone(),
            server,
        };
        Logger::new(&rt, options, Box::new(writer))
    }

    /// Changes a server's options before it is started.
    pub(crate) fn change_options(&mut self, server: usize, change: impl FnOnce(&mut Options)) {
        change(&mut self.nodes[server].options);
    }

    /// Whether a server's options can change now: it runs and has come up, or it does not run.
    pub(crate) fn takes_options(&self, server: usize) -> bool {
        let node = &self.nodes[server];
        !node.running || node.slot.lock().is_some()
    }

    /// Changes a server's options, those that it will start with or, if it runs, those that it goes by.
    pub(crate) fn reload(&mut self, server: usize, change: impl FnOnce(&mut Options)) {
        let node = &mut self.nodes[server];
        change(&mut node.options);
        let options = node.options.clone();
        let said = node.ask(|running| running.reload(options));
        if let Some(Err(why)) = said {
            let text = format!("server {server} does not take over what it can: {why}");
            self.wrong_reload.get_or_insert(text);
        }
    }

    /// Tells a server that runs to go by options that it cannot go by.
    pub(crate) fn reload_in_vain(&mut self, server: usize, change: impl FnOnce(&mut Options)) {
        let node = &self.nodes[server];
        let mut options = node.options.clone();
        change(&mut options);
        if let Some(Ok(changes)) = node.ask(|running| running.reload(options)) {
            let text = format!("server {server} takes over what it cannot: {changes:?}");
            self.wrong_reload.get_or_insert(text);
        }
    }

    /// Puts the certificates of those whom a server is to trust on its disk; it has not seen them yet.
    pub(crate) fn trust(&self, server: usize, which: &[usize]) {
        let Some(authorities) = &self.authorities else {
            return;
        };
        let file = authorities.file(which.iter().copied());
        write(&self.nodes[server].host, AUTHORITIES, &file);
    }

    /// Puts a new certificate with its key on a server's disk; it has not seen them yet.
    pub(crate) fn certify(&mut self, server: usize, authority: usize) {
        let Some(new) = self.issue(server, authority) else {
            return;
        };
        let host = &self.nodes[server].host;
        write(host, CERTIFICATE, &new.certificate);
        write(host, KEY, &new.key);
        let now = self.now();
        self.journal.lock().certified(server, new.subject, now);
    }

    /// Tells a server to look at its certificate, of which the half is there that does not fit the rest.
    pub(crate) fn certify_by_half(&mut self, server: usize, authority: usize) {
        let Some(new) = self.issue(server, authority) else {
            return;
        };
        let host = self.nodes[server].host.clone();
        let old = fs::read(&host.rt(), CERTIFICATE).unwrap_or_default();
        write(&host, CERTIFICATE, &new.certificate);
        self.reload_in_vain(server, |_| {});
        write(&host, CERTIFICATE, old);
    }

    fn issue(&mut self, server: usize, authority: usize) -> Option<Certificate> {
        let host = &self.nodes[server].host;
        let authorities = self.authorities.as_mut()?;
        Some(authorities.issue(authority, &host.name(), host.ip()))
    }

    /// A reload that did not end as it should have, if there was one.
    pub(crate) fn wrong_reload(&self) -> Option<String> {
        self.wrong_reload.clone()
    }

    /// How other servers' configurations name a server's host.
    pub(crate) fn shown(&self, server: usize) -> String {
        self.nodes[server].shown.clone()
    }

    /// Ends a server's process.
    pub(crate) fn end(&mut self, server: usize, how: End) {
        self.tell(&format!("server {server} ends: {how:?}"));
        let node = &mut self.nodes[server];
        node.slot.lock().take();
        node.running = false;
        match how {
            End::Kill => node.host.kill(),
            End::Crash => node.host.crash(),
            End::PowerOff => node.host.power_off(),
        }
    }

    /// A server that does not run will listen for other servers at other ports than ever before.
    pub(crate) fn relocate(&mut self, server: usize) {
        let node = &mut self.nodes[server];
        node.moves += 1;
        let ports = Ports::after(node.moves);
        ports.set(&mut node.options);
        self.tell(&format!("server {server} moves to {ports:?}"));
    }

    /// A server that does not run never comes back, and its clients go home.
    pub(crate) fn abandon(&mut self, server: usize) {
        self.tell(&format!("server {server} has left for ever"));
        self.nodes[server].gone = true;
        for client in self.clients.iter().filter(|client| client.home == server) {
            client.leave();
        }
    }

    /// Whether a server has been at another place.
    pub(crate) fn has_moved(&self, server: usize) -> bool {
        self.nodes[server].moves > 0
    }

    /// Places where a server was once and none will be again.
    pub(crate) fn places_left(&self) -> usize {
        let of = |node: &Node| usize::from(node.moves) + usize::from(node.gone);
        self.nodes.iter().map(of).sum()
    }

    /// The servers that have not left for ever.
    pub(crate) fn living(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.nodes.len()).filter(|server| !self.nodes[*server].gone)
    }

    /// The servers of a cluster that have not left for ever.
    pub(crate) fn living_of(&self, cluster: usize) -> impl Iterator<Item = usize> + '_ {
        let members = self.topology.members(cluster);
        members.filter(|server| !self.nodes[*server].gone)
    }

    /// Where clients of a server may be told that they reach its cluster. (A server that has been alone since
    /// its start tells nothing; one that has been left alone tells its own address.)
    pub(crate) fn client_urls(&self, server: usize) -> Vec<BTreeSet<String>> {
        let cluster = self.topology.cluster_of[server];
        let has_peers = self.topology.sizes[cluster] > 1;
        if !has_peers || self.topology.no_advertise {
            return vec![BTreeSet::new()];
        }
        let living = self.living_of(cluster);
        let urls: BTreeSet<String> = living
            .map(|other| self.nodes[other].client_url.clone())
            .collect();
        match urls.len() {
            1 => vec![BTreeSet::new(), urls],
            _ => vec![urls],
        }
    }

    /// Tells a server to stop and leaves it to it.
    pub(crate) fn ask_to_stop(&self, server: usize) {
        self.tell(&format!("server {server} is told to stop"));
        if let Some(Ok(running)) = &*self.nodes[server].slot.lock() {
            running.stop();
        }
    }

    /// Why a server did not start, if one did not.
    pub(crate) fn failed_start(&self) -> Option<String> {
        self.nodes
            .iter()
            .enumerate()
            .find_map(|(server, node)| match &*node.slot.lock() {
                Some(Err(why)) => Some(format!("server {server} did not start: {why}")),
                _ => None,
            })
    }

    /// Adds a client of a server, on a host of its own; answers its number.
    pub(crate) fn add_client(&mut self, home: usize, inbox: Inbox) -> usize {
        let id = self.clients.len();
        let host = self.sim.host(&format!("client{id}"));
        let server = (self.nodes[home].host.ip(), CLIENT_PORT).into();
        if let Some(authorities) = &self.authorities {
            let file = authorities.file(0..AUTHORITY_COUNT);
            write(&host, AUTHORITIES, &file);
        }
        let users = self.topology.user_count();
        let person = Person {
            id,
            home,
            server,
            inbox,
            user: id.checked_rem(users).map(user_name),
            encrypted: self.topology.encrypted,
        };
        self.clients
            .push(Client::start(host, person, self.journal.clone()));
        id
    }

    /// What every server's process holds.
    pub(crate) fn usage(&self) -> Vec<HostUsage> {
        self.nodes.iter().map(|node| node.host.usage()).collect()
    }
}

fn write(host: &SimHost, path: &str, bytes: impl AsRef<[u8]>) {
    fs::write(&host.rt(), path, bytes).expect("a simulated disk takes everything");
}

/// A host where somebody accepts connections at the gateway port and never says a word.
fn silent_listener(sim: &Sim) -> SimHost {
    let host = sim.host("silent");
    let rt = host.rt();
    host.rt().spawn(async move {
        let Ok(listener) = rt
            .listen((std::net::Ipv4Addr::UNSPECIFIED, GATEWAY_PORT).into())
            .await
        else {
            return;
        };
        let mut kept = Vec::new();
        while let Ok(accepted) = listener.accept().await {
            kept.push(accepted);
        }
    });
    host
}

/// A log that is written and never read.
struct Unread;

impl LogWriter for Unread {
    fn write_line(&self, _line: &Line<'_>) {}
}

/// Puts a server's log into the story.
struct TaleWriter {
    journal: Arc<Mutex<Journal>>,
    rt: Rt,
    server: usize,
}

impl LogWriter for TaleWriter {
    fn write_line(&self, line: &Line<'_>) {
        let (server, line) = (self.server, line.to_string());
        // The process id in front says nothing here.
        let text = line
            .split_once("] ")
            .map_or(line.as_str(), |(_, text)| text)
            .to_owned();
        self.journal
            .lock()
            .tell(self.rt.now(), || format!("server {server} {text}"));
    }
}
