//! The place where a story happens.

use std::fmt;
use std::time::Duration;

use gannet_rt::sim::{HostUsage, Link, Net, SimHost};
use gannet_units::Moment;

use super::letter::Letter;
use crate::arena::Arena;
use crate::check;
use crate::client::{Inbox, Wanted};
use crate::journal::{Journal, MessageId};
use crate::oracle::{Answer, Member};
use crate::outcome::{Failure, FailureKind};
use crate::world::{End, World};

/// How long anything may take for which a story names no time.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long to wait for what must not come, beyond some round trips.
const QUIET: Duration = Duration::from_millis(100);

/// A client of a story.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Who(usize);

/// A super-cluster with clients, in which things happen one after the other.
///
/// # Panics
/// Every method that lets time pass panics, with the whole story, when a checker objects or when what it waits for
/// does not come.
pub struct Town {
    arena: Arena,
}

impl Town {
    pub(super) fn new(arena: Arena) -> Town {
        {
            // A story breaks things with its own hands: here nobody knows which ways are undisturbed.
            let mut journal = arena.world.journal.lock();
            for server in 0..arena.world.nodes.len() {
                journal.disturb(server, server, Moment::NEVER);
            }
        }
        Town { arena }
    }

    /// The hand on the network.
    pub fn net(&self) -> Net {
        self.arena.world.net.clone()
    }

    /// A server's machine.
    pub fn host(&self, server: usize) -> SimHost {
        self.arena.world.nodes[server].host.clone()
    }

    /// Time passes.
    pub fn wait(&mut self, time: Duration) {
        let result = self.arena.run_for(time);
        self.unless(result);
    }

    /// Every server has all its links, and no more, within `bound`.
    pub fn mesh_is_complete_within(&mut self, bound: Duration) {
        let result = self.arena.until(bound, "mesh", check::judge_mesh);
        self.unless(result);
    }

    /// The connections between two servers; 2 if all is well between those of clusters of one server.
    pub fn links_between(&self, one: usize, other: usize) -> usize {
        let nodes = &self.arena.world.nodes;
        self.arena
            .world
            .net
            .connections(&nodes[one].host, &nodes[other].host)
    }

    /// A new client of a server.
    pub fn client_of(&mut self, server: usize) -> Who {
        Who(self.arena.world.add_client(server, Inbox::Shared))
    }

    /// A new client of a server that makes a new inbox right in front of every request.
    pub fn hasty_client_of(&mut self, server: usize) -> Who {
        Who(self.arena.world.add_client(server, Inbox::Fresh))
    }

    /// Subscribes; answers the subscription's number for [`Town::unsubscribe`].
    pub fn subscribe(&mut self, who: Who, pattern: &str) -> u32 {
        self.want(who, pattern, None, None)
    }

    /// Joins a queue group.
    pub fn join(&mut self, who: Who, pattern: &str, queue: &str) -> u32 {
        self.want(who, pattern, Some(queue), None)
    }

    /// Answers requests, as a member of a queue group.
    pub fn serve(&mut self, who: Who, pattern: &str, queue: &str) -> u32 {
        self.want(who, pattern, Some(queue), Some(Duration::ZERO))
    }

    /// Answers requests after so much time, as a member of a queue group.
    pub fn serve_slowly(&mut self, who: Who, pattern: &str, queue: &str, after: Duration) -> u32 {
        self.want(who, pattern, Some(queue), Some(after))
    }

    fn want(
        &mut self,
        who: Who,
        pattern: &str,
        queue: Option<&str>,
        answers: Option<Duration>,
    ) -> u32 {
        let (pattern, queue) = (pattern.to_owned(), queue.map(str::to_owned));
        self.arena.world.clients[who.0].subscribe(Wanted {
            pattern,
            queue,
            answers,
        })
    }

    /// Ends a subscription.
    pub fn unsubscribe(&mut self, who: Who, sid: u32) {
        self.arena.world.clients[who.0].unsubscribe(sid);
    }

    /// The client goes and does not come back.
    pub fn leave(&mut self, who: Who) {
        self.arena.world.clients[who.0].leave();
    }

    /// All clients are connected and have been told that all they asked for is done; then enough time passes
    /// for the other clusters to hear of it.
    pub fn settle(&mut self) {
        let settled =
            |world: &World| match world.clients.iter().all(|c| c.is_settled() || c.is_gone()) {
                true => Ok(()),
                false => Err("not all clients are settled".to_owned()),
            };
        let result = self.arena.until(PATIENCE, "clients", settled);
        self.unless(result);
        self.wait(QUIET + self.arena.world.topology.farthest() * 4);
    }

    /// Publishes and waits until the server has it.
    pub fn publish(&mut self, who: Who, subject: &str) -> Letter {
        self.send(|world| world.clients[who.0].publish(subject, 0))
    }

    /// Makes a request and waits until the server has it.
    pub fn request(&mut self, who: Who, subject: &str) -> Letter {
        self.send(|world| world.clients[who.0].request(subject, 0))
    }

    fn send(&mut self, order: impl FnOnce(&World)) -> Letter {
        let id = self.arena.world.journal.lock().next_message();
        order(&self.arena.world);
        let sent = |world: &World| {
            let journal = world.journal.lock();
            match journal
                .messages
                .get(id)
                .is_some_and(|message| message.confirmed_at.is_some())
            {
                true => Ok(()),
                false => Err(format!("message {id} is not confirmed")),
            }
        };
        let result = self.arena.until(PATIENCE, "publishing", sent);
        self.unless(result);
        Letter(id)
    }

    /// Publishes, waits until the message must have arrived, and answers who has read it, in order of their
    /// numbers.
    pub fn readers_of(&mut self, who: Who, subject: &str) -> Vec<Who> {
        let letter = self.publish(who, subject);
        self.wait(QUIET + self.arena.world.topology.farthest() * 4);
        self.readers(letter)
    }

    /// Who has read the message by now, in order of their numbers.
    pub fn readers(&self, letter: Letter) -> Vec<Who> {
        let mut readers = self.look(letter, |journal, id| {
            let subs = journal.messages[id].deliveries.iter();
            subs.map(|sub| Who(journal.subs[*sub].client))
                .collect::<Vec<_>>()
        });
        readers.sort();
        readers
    }

    /// Answers that have come back to the requester by now.
    pub fn answers(&self, request: Letter) -> usize {
        self.look(request, |journal, id| {
            let answers = journal
                .messages
                .iter()
                .filter(|message| message.answers == Some(id));
            answers.map(|message| message.deliveries.len()).sum()
        })
    }

    /// Whether the requester has been told that nobody is there.
    pub fn is_refused(&self, request: Letter) -> bool {
        self.look(request, |journal, id| journal.messages[id].refusals > 0)
    }

    fn look<T>(&self, letter: Letter, f: impl FnOnce(&Journal, MessageId) -> T) -> T {
        f(&self.arena.world.journal.lock(), letter.0)
    }

    /// The subscriptions that stand, as the oracle wants them.
    pub fn members(&self) -> Vec<Member> {
        check::members(&self.arena.world.journal.lock())
    }

    /// What is wrong with the deliveries of the message, by the oracle's `answer`.
    pub fn verdict(&self, letter: Letter, answer: &Answer) -> Result<(), String> {
        self.look(letter, |journal, id| {
            answer.verdict(&journal.messages[id].deliveries)
        })
    }

    /// The server dies and its connections are reset.
    pub fn crash(&mut self, server: usize) {
        self.arena.world.end(server, End::Crash);
    }

    /// The server's machine loses power without a word.
    pub fn power_off(&mut self, server: usize) {
        self.arena.world.end(server, End::PowerOff);
    }

    /// The server, if it runs, loses power without a word, and never comes back; its clients go home.
    pub fn bury(&mut self, server: usize) {
        self.arena.world.end(server, End::PowerOff);
        self.arena.world.abandon(server);
    }

    /// A server is killed, and started again at other ports for other servers.
    pub fn move_elsewhere(&mut self, server: usize) {
        self.arena.world.end(server, End::Kill);
        self.arena.world.relocate(server);
        self.arena.world.start(server);
    }

    /// The connected clients of every server know where its cluster's servers are, within `bound`.
    pub fn clients_know_their_cluster_within(&mut self, bound: Duration) {
        let result = self
            .arena
            .until(bound, "clients know the cluster", check::judge_urls);
        self.unless(result);
    }

    /// Every server knows the interest of all others as it is, within `bound`.
    pub fn interest_is_known_within(&mut self, bound: Duration) {
        let deadline = self.arena.world.now() + bound;
        loop {
            let answers = self.arena.world.inspect();
            let all = self.arena.world.living().count();
            self.until("monitoring", PATIENCE, |_| answers.lock().len() == all);
            let Err(text) = check::judge_interest(&self.arena.world, &answers.lock()) else {
                return;
            };
            if self.arena.world.now() >= deadline {
                let what = "interest is known as it is";
                self.unless(Err(self.arena.failure(FailureKind::Liveness, what, text)));
            }
            self.wait(QUIET);
        }
    }

    /// The server gets a new certificate from number `authority` of those who vouch for servers (the first is who did
    /// at the beginning), and is told of it.
    pub fn certify(&mut self, server: usize, authority: usize) {
        self.arena.world.certify(server, authority);
        self.arena.world.reload(server, |_| {});
    }

    /// The server trusts certificates from these from now on, and from nobody else.
    pub fn trust(&mut self, server: usize, authorities: &[usize]) {
        self.arena.world.trust(server, authorities);
        self.arena.world.reload(server, |_| {});
    }

    /// The server is told to stop.
    pub fn stop(&mut self, server: usize) {
        self.arena.world.ask_to_stop(server);
    }

    /// A process on the server's machine starts, with the same options; one that is there is killed first.
    pub fn start(&mut self, server: usize) {
        if self.arena.world.nodes[server].running {
            self.arena.world.end(server, End::Kill);
        }
        self.arena.world.start(server);
    }

    /// Nothing gets through between two servers.
    pub fn partition(&mut self, one: usize, other: usize) {
        self.net().partition(&self.host(one), &self.host(other));
    }

    /// Nothing gets through from one server to the other; the way back is open.
    pub fn partition_one_way(&mut self, from: usize, to: usize) {
        self.net()
            .partition_one_way(&self.host(from), &self.host(to));
    }

    /// Everything gets through between two servers, and what was held goes on.
    pub fn heal(&mut self, one: usize, other: usize) {
        self.net().heal(&self.host(one), &self.host(other));
    }

    /// Changes how far apart two servers are, each way.
    pub fn set_distance(&mut self, one: usize, other: usize, latency: Duration) {
        let link = Link {
            latency,
            jitter: latency / 10,
            bandwidth: None,
        };
        self.arena.world.set_link(one, other, link.clone());
        self.arena.world.set_link(other, one, link);
    }

    /// Packets between two servers take up to so much longer, each way, each another time.
    pub fn set_jitter(&mut self, one: usize, other: usize, jitter: Duration) {
        for (from, to) in [(one, other), (other, one)] {
            let link = Link {
                jitter,
                ..self.arena.world.topology.link(from, to)
            };
            self.arena.world.set_link(from, to, link);
        }
    }

    /// What the servers' processes hold.
    pub fn usage(&self) -> Vec<HostUsage> {
        self.arena.world.usage()
    }

    /// Waits for something; fails the story if it has not come within `bound`.
    pub fn until(
        &mut self,
        what: &'static str,
        bound: Duration,
        condition: impl Fn(&Town) -> bool,
    ) {
        let deadline = self.arena.world.now() + bound;
        while !condition(self) {
            if self.arena.world.now() >= deadline {
                let text = format!("not within {bound:?}");
                let result = Err(self.arena.failure(FailureKind::Liveness, what, text));
                self.unless(result);
            }
            let result = self.arena.step();
            self.unless(result);
        }
    }

    /// The lines of the story that contain `text`, the servers' logs included.
    pub fn told(&self, text: &str) -> Vec<String> {
        self.arena.world.journal.lock().tale_with(text)
    }

    fn unless(&self, result: Result<(), Failure>) {
        if let Err(failure) = result {
            let tale = self.arena.world.journal.lock().take_tale();
            let last = tale.len().saturating_sub(LINES);
            panic!("{}\n{failure}", tale[last..].join("\n"));
        }
    }
}

/// Lines of a story that a failure shows.
const LINES: usize = 200;

impl fmt::Debug for Town {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Town")
    }
}
