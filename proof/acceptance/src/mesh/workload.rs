//! Clients on every server, rounds of messages and requests among them, and what must hold in each round: every
//! plain subscription gets everything once and in each publisher's order, every queue group each message once and in
//! the publisher's own cluster if it has a member there, every request one answer.

use super::client::{Client, Message, SERVICE};
use super::interest::Interest;
use super::running::Mesh;
use super::settled;
use super::traffic::{self, Arrived};
use crate::dice::Dice;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::resume_unwind;

/// Messages of each publisher in a round.
const COUNT: usize = 300;
/// Requests of each requester in a round.
const REQUESTS: usize = 60;
/// Numbers of a listener's subscriptions; those of queue groups follow.
const STAR: u32 = 1;
const LITERAL: u32 = 2;
const TAIL: u32 = 3;
const ENDS: u32 = 4;
const OWN_SERVICE: u32 = 5;
const ANY_SERVICE: u32 = 6;
const GROUPS: u32 = 10;

/// A queue group with the same number of members on each of some servers.
#[derive(Debug)]
struct Group {
    name: &'static str,
    pattern: &'static str,
    on: Vec<usize>,
    members: u32,
}

/// What speaks and listens at one server.
#[derive(Debug)]
struct Place {
    listener: Client,
    speaker: Client,
}

/// The clients of a super-cluster, and what they have subscribed to.
#[derive(Debug)]
pub struct Workload {
    groups: Vec<Group>,
    /// Servers with a member of the group that answers `mesh.svc.any`.
    workers: Vec<usize>,
    places: BTreeMap<usize, Place>,
    interest: Interest,
    rounds: usize,
}

/// What a round carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// Messages delivered.
    pub deliveries: usize,
    /// Requests answered.
    pub answers: usize,
}

impl Workload {
    /// Draws which servers the queue groups are on, and connects clients to all running ones.
    pub fn new(mesh: &Mesh, dice: &mut Dice) -> Workload {
        let count = mesh.nodes().len();
        let group = |name, pattern, on, members| Group {
            name,
            pattern,
            on,
            members,
        };
        let groups = vec![
            group("everywhere", "mesh.data.*", (0..count).collect(), 1),
            group("some", "mesh.data.>", dice.some_of(count), 1),
            group("pairs", "mesh.data.*", dice.some_of(count), 2),
        ];
        let mut workload = Workload {
            groups,
            workers: dice.some_of(count),
            places: BTreeMap::new(),
            interest: Interest::default(),
            rounds: 0,
        };
        workload.join(mesh);
        workload
    }

    /// Connects clients to all running servers that have none yet, and waits until everybody knows what they want.
    pub fn join(&mut self, mesh: &Mesh) {
        for index in mesh.running() {
            if !self.places.contains_key(&index) {
                let place = self.settle(mesh, index);
                self.places.insert(index, place);
            }
        }
        self.await_interest(mesh);
    }

    /// Server `index` has gone, and its clients with it.
    pub fn leave(&mut self, index: usize) {
        self.places.remove(&index);
        self.interest.forget(index);
    }

    /// Waits until all running servers know exactly what is wanted where.
    pub fn await_interest(&self, mesh: &Mesh) {
        self.interest.await_everywhere(mesh);
    }

    /// Ends all clients and waits until nobody knows of any interest.
    pub fn end(mut self, mesh: &Mesh) {
        self.places.clear();
        Interest::default().await_everywhere(mesh);
    }

    /// Publishes, requests, and judges what arrives.
    ///
    /// # Panics
    /// When something is lost, doubled, out of order or delivered at the wrong place.
    pub fn round(&mut self, mesh: &Mesh) -> Carried {
        self.rounds += 1;
        let deliveries = self.messages(mesh);
        let answers = self.requests(mesh);
        // The inboxes of the requests have left no trace.
        self.await_interest(mesh);
        Carried {
            deliveries,
            answers,
        }
    }

    fn settle(&mut self, mesh: &Mesh, index: usize) -> Place {
        let node = &mesh.nodes()[index];
        let address = node.server.client_address();
        let next = (index + 1) % mesh.nodes().len();
        let mut wanted: Vec<(u32, String, &str)> = vec![
            (STAR, "mesh.data.*".into(), ""),
            (LITERAL, format!("mesh.data.{next}"), ""),
            (TAIL, "mesh.data.>".into(), ""),
            (ENDS, "mesh.end.*".into(), ""),
            (OWN_SERVICE, format!("mesh.{SERVICE}.{}", node.name), ""),
        ];
        if self.workers.contains(&index) {
            wanted.push((ANY_SERVICE, format!("mesh.{SERVICE}.any"), "workers"));
        }
        for (group, sid) in self.groups.iter().zip((GROUPS..).step_by(10)) {
            if group.on.contains(&index) {
                let members =
                    (sid..sid + group.members).map(|sid| (sid, group.pattern.into(), group.name));
                wanted.extend(members);
            }
        }
        let listener = Client::connect(&node.name, &address);
        for (sid, subject, queue) in wanted {
            listener.send(format!("SUB {subject} {queue} {sid}\r\n").as_bytes());
            self.interest.add(index, &subject, queue);
        }
        listener.fence();
        Place {
            listener,
            speaker: Client::connect(&format!("speaker of {}", node.name), &address),
        }
    }

    fn messages(&self, mesh: &Mesh) -> usize {
        let round = self.rounds;
        std::thread::scope(|threads| {
            for (&index, place) in &self.places {
                threads.spawn(move || {
                    traffic::publish(&place.speaker, &format!("mesh.data.{index}"), round, COUNT);
                });
            }
        });
        self.await_arrival(mesh);
        for (index, place) in &self.places {
            place
                .speaker
                .send(format!("PUB mesh.end.{index} 0\r\n\r\n").as_bytes());
        }
        let all = self.places.len();
        for place in self.places.values() {
            place
                .listener
                .wait_for("the end of all publishers", |messages| {
                    let ends = messages
                        .iter()
                        .filter(|message| message.sid == ENDS)
                        .count();
                    if ends >= all {
                        Ok(())
                    } else {
                        Err(format!("{ends} of {all}"))
                    }
                });
            place.listener.fence();
        }
        let arrived: BTreeMap<usize, Vec<Message>> = self
            .places
            .iter()
            .map(|(&index, place)| (index, place.listener.take()))
            .collect();
        let deliveries = arrived.values().map(Vec::len).sum();
        self.judge(mesh, &Arrived::sorted(&arrived, round));
        deliveries
    }

    /// Waits until as many messages are there as must come. Which ones is judged afterwards.
    fn await_arrival(&self, mesh: &Mesh) {
        let speakers = self.places.len();
        for (&index, place) in &self.places {
            let expected: usize = [
                speakers,
                usize::from(
                    self.places
                        .contains_key(&((index + 1) % mesh.nodes().len())),
                ),
                speakers,
            ]
            .iter()
            .sum::<usize>()
                * COUNT;
            place.listener.wait_for("its plain messages", |messages| {
                let found = messages
                    .iter()
                    .filter(|message| message.sid <= TAIL)
                    .count();
                if found >= expected {
                    Ok(())
                } else {
                    Err(format!("{found} of {expected}"))
                }
            });
        }
        let served = self
            .groups
            .iter()
            .filter(|group| self.alive(&group.on))
            .count();
        let expected = served * speakers * COUNT;
        settled(
            &format!("the queue groups' messages in {}", mesh.plan),
            || {
                let counts: BTreeMap<usize, usize> = self
                    .places
                    .iter()
                    .map(|(&index, place)| {
                        (
                            index,
                            place.listener.count_of(|message| message.sid >= GROUPS),
                        )
                    })
                    .collect();
                if counts.values().sum::<usize>() >= expected {
                    Ok(())
                } else {
                    Err(format!("{expected} expected, by server: {counts:?}"))
                }
            },
        );
    }

    fn judge(&self, mesh: &Mesh, arrived: &Arrived) {
        for &at in self.places.keys() {
            for &from in self.places.keys() {
                for sid in [STAR, TAIL] {
                    arrived.expect_all(at, sid, from, COUNT);
                }
            }
            let next = (at + 1) % mesh.nodes().len();
            let literal = if self.places.contains_key(&next) {
                COUNT
            } else {
                0
            };
            arrived.expect_all(at, LITERAL, next, literal);
        }
        for (group, sid) in self.groups.iter().zip((GROUPS..).step_by(10)) {
            for &from in self.places.keys() {
                let expected = if self.alive(&group.on) { COUNT } else { 0 };
                let servers =
                    arrived.expect_group(group.name, sid..sid + group.members, from, expected);
                let own = mesh.nodes()[from].cluster;
                if self.alive_in(mesh, &group.on, own) {
                    for at in servers {
                        assert_eq!(
                            mesh.nodes()[at].cluster,
                            own,
                            "group {} has a member in the cluster of {}, but {} was served",
                            group.name,
                            mesh.nodes()[from].name,
                            mesh.nodes()[at].name
                        );
                    }
                }
            }
        }
    }

    /// Every speaker asks everybody, including those that have gone, with an inbox that nobody can know of yet.
    fn requests(&self, mesh: &Mesh) -> usize {
        std::thread::scope(|threads| {
            let asking: Vec<_> = self
                .places
                .iter()
                .map(|(&index, place)| threads.spawn(move || self.ask(mesh, index, &place.speaker)))
                .collect();
            asking
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
                .sum()
        })
    }

    fn ask(&self, mesh: &Mesh, index: usize, speaker: &Client) -> usize {
        let targets: Vec<Option<usize>> = (0..REQUESTS)
            .map(|number| number.checked_rem(mesh.nodes().len() + 1))
            .map(|target| target.filter(|&target| target < mesh.nodes().len()))
            .collect();
        let mut batch = format!("SUB _INBOX.{index}.* 1\r\n");
        for (number, target) in targets.iter().enumerate() {
            let service = target.map_or("any", |target| &mesh.nodes()[target].name);
            let size = number.to_string().len();
            batch += &format!(
                "PUB mesh.{SERVICE}.{service} _INBOX.{index}.{number} {size}\r\n{number}\r\n"
            );
        }
        speaker.send(batch.as_bytes());
        speaker.wait_for(
            &format!("answers to its requests of round {}", self.rounds),
            |messages| {
                if messages.len() >= REQUESTS {
                    return Ok(());
                }
                let answered: BTreeSet<usize> = messages.iter().map(number_of_answer).collect();
                let missing: Vec<_> = (0..REQUESTS)
                    .filter(|number| !answered.contains(number))
                    .map(|number| {
                        (
                            number,
                            targets[number].map(|target| mesh.nodes()[target].name.as_str()),
                        )
                    })
                    .collect();
                Err(format!("nothing for (request, target) {missing:?}"))
            },
        );
        speaker.send(b"UNSUB 1\r\n");
        speaker.fence();
        let answers = speaker.take();
        let mut by_number: BTreeMap<usize, Vec<&Message>> = BTreeMap::new();
        for answer in &answers {
            let number = answer
                .subject
                .rsplit('.')
                .next()
                .and_then(|word| word.parse().ok());
            by_number
                .entry(number.expect("a request's number"))
                .or_default()
                .push(answer);
        }
        for (number, target) in targets.iter().enumerate() {
            let found = by_number.get(&number).map_or(&[][..], Vec::as_slice);
            let [answer] = found else {
                panic!(
                    "request {number} of {} has these answers: {found:?}",
                    speaker.name
                );
            };
            self.judge_answer(mesh, index, number, *target, answer);
        }
        by_number.len()
    }

    fn judge_answer(
        &self,
        mesh: &Mesh,
        asker: usize,
        number: usize,
        target: Option<usize>,
        answer: &Message,
    ) {
        let text = String::from_utf8_lossy(&answer.payload).into_owned();
        let possible: Vec<usize> = match target {
            Some(target) => vec![target],
            None => self.workers.clone(),
        };
        if !self.alive(&possible) {
            assert!(
                answer.headers.starts_with("NATS/1.0 503") && text.is_empty(),
                "nobody could answer {target:?}, but {answer:?} came"
            );
            return;
        }
        let own = mesh.nodes()[asker].cluster;
        let near = self.alive_in(mesh, &possible, own);
        let right = possible
            .iter()
            .filter(|place| self.places.contains_key(place))
            .map(|&place| &mesh.nodes()[place])
            .filter(|node| !near || node.cluster == own)
            .any(|node| text == format!("{} {number}", node.name));
        assert!(
            right,
            "{} asked {target:?} of {possible:?} and got {answer:?}",
            mesh.nodes()[asker].name
        );
    }

    fn alive(&self, on: &[usize]) -> bool {
        on.iter().any(|index| self.places.contains_key(index))
    }

    fn alive_in(&self, mesh: &Mesh, on: &[usize], cluster: usize) -> bool {
        on.iter().any(|&index| {
            self.places.contains_key(&index) && mesh.nodes()[index].cluster == cluster
        })
    }
}

fn number_of_answer(answer: &Message) -> usize {
    let number = answer
        .subject
        .rsplit('.')
        .next()
        .and_then(|word| word.parse().ok());
    number.expect("a request's number")
}
