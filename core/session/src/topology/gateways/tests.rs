//! The mesh against a scripted world.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use gannet_config::{GatewayUrl, RemoteGateway};
use gannet_units::Moment;

use super::remote::address_of;
use super::{Dial, DialId, Gateways, Outcome, Output, Settings, Standing};
use crate::gateway::Neighbours;

pub(super) fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn at(n: u64) -> Moment {
    Moment::START + ms(n)
}

pub(super) fn settings() -> Settings {
    Settings {
        own: "A".to_string(),
        server_name: "Asrv".to_string(),
        reject_unknown: false,
        connect_retries: 0,
        connect_backoff: false,
        connect_error_reports: 3600,
        reconnect_error_reports: 1,
        attempt_limit: ms(5000),
    }
}

pub(super) fn remote(name: &str, hosts: &[&str]) -> RemoteGateway {
    let urls = hosts.iter().map(|host| GatewayUrl {
        scheme: "nats".to_string(),
        user: None,
        password: None,
        host: (*host).to_string(),
        port: 7222,
    });
    RemoteGateway {
        name: name.to_string(),
        urls: urls.collect(),
        tls: None,
    }
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

/// The mesh, and its outputs as lines.
struct Script {
    mesh: Gateways,
    out: Vec<Output>,
    /// Attempts by address, the latest.
    ids: BTreeMap<String, DialId>,
}

impl Script {
    fn new(settings: Settings, configured: &[RemoteGateway]) -> Script {
        let mesh = Gateways::new(settings, configured, Moment::START, 7);
        Script {
            mesh,
            out: Vec::new(),
            ids: BTreeMap::new(),
        }
    }

    fn did(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        for output in self.out.drain(..) {
            lines.push(match output {
                Output::Dial(dial) => {
                    let address = address_of(&dial.url);
                    self.ids.insert(address.clone(), dial.id);
                    format!(
                        "dial {} {address} #{} {}",
                        dial.remote,
                        dial.attempt,
                        if dial.is_reported {
                            "reported"
                        } else {
                            "quiet"
                        }
                    )
                }
                Output::Cancel(id) => {
                    let address = self
                        .ids
                        .iter()
                        .find(|(_, known)| **known == id)
                        .map(|(address, _)| address.as_str());
                    format!("cancel {}", address.unwrap_or("?"))
                }
                Output::Forget { remote } => format!("forget {remote}"),
                Output::Tell { remote, urls } => format!("tell {remote} {}", urls.join(",")),
                Output::Log(log) => format!("{:?} {}", log.level, log.text),
            });
        }
        lines
    }

    fn poll(&mut self, now: Moment) -> Vec<String> {
        self.mesh.poll(now, &mut self.out);
        self.did()
    }

    /// Polls at every deadline up to `end`, failing each dial at once. Answers the moments of the
    /// dials in milliseconds.
    fn refuse_until(&mut self, from: Moment, end: Moment) -> Vec<u64> {
        let mut moments = Vec::new();
        let mut now = from;
        while now <= end {
            self.mesh.poll(now, &mut self.out);
            while let Some(at) = self.out.iter().position(|o| matches!(o, Output::Dial(_))) {
                if let Output::Dial(dial) = self.out.remove(at) {
                    moments.push(now.since(Moment::START).as_millis() as u64);
                    self.mesh.dial_failed(dial.id, now, &mut self.out);
                }
            }
            now = self.mesh.next_deadline();
        }
        moments
    }

    fn fail(&mut self, address: &str, now: Moment) -> Vec<String> {
        self.mesh.dial_failed(self.ids[address], now, &mut self.out);
        self.did()
    }

    fn up(&mut self, address: &str, urls: &[&str], now: Moment) -> (Standing, Vec<String>) {
        let standing = self
            .mesh
            .link_up(self.ids[address], &strings(urls), now, &mut self.out);
        (standing, self.did())
    }

    fn over(&mut self, address: &str, now: Moment) -> Vec<String> {
        self.mesh.link_over(self.ids[address], now, &mut self.out);
        self.did()
    }

    fn wait(&self, now: Moment) -> u64 {
        self.mesh.next_deadline().since(now).as_millis() as u64
    }

    fn names(&self) -> Vec<String> {
        self.mesh
            .remotes()
            .map(|remote| remote.name.to_string())
            .collect()
    }
}

#[test]
fn a_configured_remote_is_dialled_at_once_soon_again_and_then_every_second_for_ever() {
    let mut script = Script::new(settings(), &[remote("B", &["b"]), remote("A", &["a"])]);
    assert_eq!(script.poll(at(0)), ["dial B b:7222 #1 reported"]);
    assert_eq!(script.fail("b:7222", at(5)), Vec::<String>::new());
    let moments = script.refuse_until(script.mesh.next_deadline(), at(3_600_000));
    assert!(moments.len() > 3200, "{}", moments.len());
    let pauses: Vec<u64> = moments.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (pause, soon) in pauses.iter().zip([100, 200, 400, 800]) {
        assert!((soon..soon + 10).contains(pause), "{pause} for {soon}");
    }
    let later = &pauses[4..];
    assert!(later.iter().all(|pause| (1000..1100).contains(pause)));
    assert_eq!(script.names(), ["B"], "the own cluster is no remote");
}

#[test]
fn rounds_come_slower_with_backoff_and_fast_again_after_a_link() {
    let backoff = Settings {
        connect_backoff: true,
        ..settings()
    };
    let mut script = Script::new(backoff, &[remote("B", &["b"])]);
    let moments = script.refuse_until(at(0), at(200_000));
    let pauses: Vec<u64> = moments
        .windows(2)
        .map(|pair| (pair[1] - pair[0]) / 1000)
        .collect();
    // The first ones less than a second apart.
    assert_eq!(pauses[..5], [0; 5]);
    assert_eq!(pauses[5..12], [1, 2, 4, 8, 16, 30, 30]);
    let now = script.mesh.next_deadline();
    script.poll(now);
    script.up("b:7222", &[], now);
    script.over("b:7222", now + ms(60_000));
    assert!((1000..1100).contains(&script.wait(now + ms(60_000))));
}

#[test]
fn a_silent_address_keeps_the_next_one_waiting_for_a_quarter_of_a_second() {
    let mut script = Script::new(settings(), &[remote("B", &["b1", "b2", "b3"])]);
    assert_eq!(script.poll(at(0)).len(), 1);
    assert_eq!(script.wait(at(0)), 250);
    assert_eq!(script.poll(at(249)), Vec::<String>::new());
    assert_eq!(script.poll(at(250)).len(), 1);
    assert_eq!(script.poll(at(500)).len(), 1);
    assert_eq!(script.ids.len(), 3);
    // The first to be registered ends the other attempts.
    let (standing, mut did) = script.up("b2:7222", &[], at(600));
    did.sort();
    assert_eq!(
        (standing, did),
        (
            Standing::Wanted,
            strings(&["cancel b1:7222", "cancel b3:7222"])
        )
    );
    for late in ["b1:7222", "b3:7222"] {
        assert_eq!(script.up(late, &[], at(601)), (Standing::Unwanted, vec![]));
        assert_eq!(script.over(late, at(602)), Vec::<String>::new());
    }
    assert!(script.mesh.has_outbound("B"));
    assert_eq!(script.mesh.next_deadline(), Moment::NEVER);
    let view = script.mesh.remotes().next().expect("B is configured");
    assert_eq!(view.link, Some(script.ids["b2:7222"]));
    assert_eq!(
        view.addresses,
        [
            ("b1:7222", Outcome::Slow),
            ("b2:7222", Outcome::Worked),
            ("b3:7222", Outcome::Slow)
        ]
    );
}

#[test]
fn a_failed_address_makes_room_for_the_next_one_at_once() {
    let mut script = Script::new(settings(), &[remote("B", &["b1", "b2"])]);
    script.poll(at(0));
    let first = script.ids.keys().next().cloned().expect("one dial");
    assert_eq!(script.fail(&first, at(10)).len(), 1);
    assert_eq!(script.ids.len(), 2);
}

#[test]
fn the_address_that_worked_comes_first_and_the_one_that_failed_last() {
    for seed in 0..20 {
        let mut script = Script::new(settings(), &[remote("B", &["b1", "b2", "b3"])]);
        script.mesh = Gateways::new(settings(), &[remote("B", &["b1", "b2", "b3"])], at(0), seed);
        // b1 and b2 fail, b3 works.
        let mut now = at(0);
        loop {
            let did = script.poll(now);
            if did.iter().any(|line| line.contains("b3")) {
                break;
            }
            for address in ["b1:7222", "b2:7222"] {
                if did.iter().any(|line| line.contains(address)) {
                    script
                        .mesh
                        .dial_failed(script.ids[address], now, &mut Vec::new());
                }
            }
            now = script.mesh.next_deadline();
        }
        script.up("b3:7222", &[], now);
        script.over("b3:7222", now + ms(5000));
        let did = script.poll(script.mesh.next_deadline());
        assert_eq!(
            did.first().map(String::as_str),
            Some("dial B b3:7222 #1 reported"),
            "seed {seed}"
        );
    }
}

#[test]
fn a_lost_link_is_dialled_again_soon() {
    let mut script = Script::new(settings(), &[remote("B", &["b"])]);
    script.poll(at(0));
    script.up("b:7222", &[], at(0));
    assert_eq!(
        script.over("b:7222", at(9000)),
        ["Debug Attempting reconnect for gateway \"B\""]
    );
    assert!((1000..1100).contains(&script.wait(at(9000))));
    // One that was only heard of: the reference does not wait for it.
    let mut script = Script::new(settings(), &[]);
    script
        .mesh
        .gossip("C", &strings(&["c:1"]), at(0), &mut script.out);
    assert_eq!(script.did(), ["dial C c:1 #1 reported"]);
    script.up("c:1", &[], at(1));
    script.over("c:1", at(9000));
    assert!(script.wait(at(9000)) < 100);
}

#[test]
fn a_link_that_does_not_last_does_not_hurry() {
    let mut script = Script::new(settings(), &[]);
    script
        .mesh
        .inbound_up("C", "c:1", &strings(&["c:1"]), at(0), &mut script.out);
    assert_eq!(script.did(), ["dial C c:1 #1 reported"]);
    let mut now = at(0);
    for _ in 0..5 {
        script.up("c:1", &[], now);
        script.over("c:1", now + ms(3));
        assert!((1000..1100).contains(&script.wait(now + ms(3))));
        now = script.mesh.next_deadline();
        assert_eq!(script.poll(now).len(), 1);
    }
}

#[test]
fn a_remote_heard_of_is_forgotten_after_its_retries() {
    for (retries, rounds) in [(0, 1), (1, 2), (3, 4)] {
        let mut script = Script::new(
            Settings {
                connect_retries: retries,
                ..settings()
            },
            &[],
        );
        script
            .mesh
            .gossip("C", &strings(&["c:1"]), at(0), &mut script.out);
        assert_eq!(script.refuse_until(at(0), at(60_000)).len(), rounds);
        assert_eq!(script.did(), ["forget C"]);
        assert_eq!(
            (script.names(), script.mesh.next_deadline()),
            (vec![], Moment::NEVER)
        );
    }
}

#[test]
fn a_remote_heard_of_is_kept_while_it_is_connected_to_us() {
    let mut script = Script::new(settings(), &[]);
    script
        .mesh
        .inbound_up("C", "c:1", &strings(&["c:1"]), at(0), &mut script.out);
    let moments = script.refuse_until(at(0), at(10_000));
    assert!(moments.len() >= 9, "{moments:?}");
    script.mesh.inbound_over("C", "c:1");
    script.refuse_until(at(10_000), at(20_000));
    assert_eq!(script.did(), ["forget C"]);
}

#[test]
fn a_sign_of_life_brings_the_next_round_forward() {
    let backoff = Settings {
        connect_backoff: true,
        ..settings()
    };
    let mut script = Script::new(backoff, &[remote("B", &["b"])]);
    script.refuse_until(at(0), at(40_000));
    let now = at(41_000);
    assert!(script.wait(now) > 5000);
    script
        .mesh
        .inbound_up("B", "b:7222", &strings(&["b:7222"]), now, &mut script.out);
    assert_eq!(script.did().len(), 1);
    script.fail("b:7222", now);
    // A new address, too; an old one is none. Nor do signs of life come faster than ten a second.
    script.mesh.gossip(
        "B",
        &strings(&["b:7222", "self"]),
        now + ms(5),
        &mut script.out,
    );
    assert!(script.wait(now + ms(5)) > 5000);
    script
        .mesh
        .gossip("B", &strings(&["b4:7222"]), now + ms(5), &mut script.out);
    assert_eq!((script.did(), script.wait(now + ms(5))), (vec![], 95));
}

#[test]
fn what_a_server_of_the_own_cluster_has_reached_is_tried_at_once() {
    let backoff = Settings {
        connect_backoff: true,
        ..settings()
    };
    let mut script = Script::new(backoff, &[remote("B", &["b"])]);
    script.refuse_until(at(0), at(40_000));
    let now = at(41_000);
    assert!(script.wait(now) > 5000);
    let urls = strings(&["b:7222"]);
    script.mesh.reached("B", &urls, now, &mut script.out);
    assert_eq!(script.did().len(), 1);
}

#[test]
fn the_own_cluster_and_unwanted_ones_are_ignored() {
    let mut script = Script::new(
        Settings {
            reject_unknown: true,
            ..settings()
        },
        &[remote("B", &["b"])],
    );
    script.poll(at(0));
    for name in ["A", "C", ""] {
        script
            .mesh
            .gossip(name, &strings(&["c:1"]), at(1), &mut script.out);
    }
    assert_eq!((script.did(), script.names()), (vec![], strings(&["B"])));
    assert!(script.mesh.knows("B") && !script.mesh.knows("C"));
    assert!(script.mesh.has_server_named("Asrv") && !script.mesh.has_server_named("Bsrv"));
}

#[test]
fn a_fresh_list_of_addresses_replaces_those_heard_of_before() {
    let mut script = Script::new(settings(), &[remote("B", &["b"])]);
    script.poll(at(0));
    let addresses = |script: &Script| -> Vec<String> {
        script
            .mesh
            .remotes()
            .flat_map(|remote| {
                remote
                    .addresses
                    .into_iter()
                    .map(|(a, _)| a.to_string())
                    .collect::<Vec<_>>()
            })
            .collect()
    };
    script
        .mesh
        .gossip("B", &strings(&["old:1"]), at(0), &mut script.out);
    script.up("b:7222", &["b1:1", "[::1]:2"], at(0));
    assert_eq!(addresses(&script), ["[::1]:2", "b1:1", "b:7222"]);
    script
        .mesh
        .peer_urls(script.ids["b:7222"], &strings(&["b2:1"]), &mut script.out);
    assert_eq!(addresses(&script), ["b2:1", "b:7222"]);
    // A list with nothing usable in it changes nothing.
    script.mesh.peer_urls(
        script.ids["b:7222"],
        &strings(&["", "b", "b:0", "b:99999", "u:p@b:1", "b /:1"]),
        &mut script.out,
    );
    assert_eq!(addresses(&script), ["b2:1", "b:7222"]);
    let gossip: Vec<_> = script
        .mesh
        .gossip_for("C")
        .map(|(name, urls)| (name.to_string(), urls))
        .collect();
    assert_eq!(gossip, [("B".to_string(), strings(&["b2:1", "b:7222"]))]);
    assert_eq!(script.mesh.gossip_for("B").count(), 0);
}

#[test]
fn what_others_tell_is_bounded() {
    let mut script = Script::new(settings(), &[]);
    let many: Vec<String> = (0..1000).map(|n| format!("c{n}:1")).collect();
    script.mesh.gossip("C", &many, at(0), &mut script.out);
    for n in 0..2000 {
        script
            .mesh
            .gossip(&format!("R{n}"), &strings(&["r:1"]), at(0), &mut script.out);
    }
    let remotes: Vec<_> = script.mesh.remotes().collect();
    assert_eq!((remotes.len(), remotes[0].addresses.len()), (1024, 128));
}

#[test]
fn an_attempt_that_nobody_reports_on_is_given_up_by_itself() {
    let mut script = Script::new(settings(), &[remote("B", &["b"])]);
    script.poll(at(0));
    let mut now = at(0);
    while now < at(4999) {
        now = script.mesh.next_deadline();
        if now < at(5000) {
            assert_eq!(script.poll(now), Vec::<String>::new());
        }
    }
    assert_eq!(script.poll(at(5000)), ["cancel b:7222"]);
    let did = script.poll(script.mesh.next_deadline());
    assert_eq!(did, ["dial B b:7222 #2 quiet"]);
}

#[test]
fn the_log_lines_are_the_reference_servers() {
    let dial = Dial {
        id: DialId(1),
        remote: "B".to_string(),
        url: remote("B", &["b"]).urls[0].clone(),
        server_name: "b".to_string(),
        is_configured: true,
        attempt: 3,
        is_reported: true,
    };
    let quiet = Dial {
        server_name: "b".to_string(),
        is_configured: false,
        is_reported: false,
        ..dial.clone()
    };
    let lines = [
        dial.starting("1.2.3.4:7222"),
        dial.failed("1.2.3.4:7222", "connection refused"),
        quiet.starting("1.2.3.4:7222"),
        quiet.failed("1.2.3.4:7222", "i/o timeout"),
        quiet.unresolved("no such host"),
    ];
    assert_eq!(
        lines.map(|log| format!("{:?} {}", log.level, log.text)),
        [
            "Info Connecting to explicit gateway \"B\" (b:7222) at 1.2.3.4:7222 (attempt 3)",
            "Error Error connecting to explicit gateway \"B\" (b:7222) at 1.2.3.4:7222 (attempt 3): connection refused",
            "Debug Connecting to implicit gateway \"B\" (b:7222) at 1.2.3.4:7222 (attempt 3)",
            "Debug Error connecting to implicit gateway \"B\" (b:7222) at 1.2.3.4:7222 (attempt 3): i/o timeout",
            "Error Error getting IP for implicit gateway \"B\" (b:7222): no such host",
        ]
    );
}

#[test]
fn reports_follow_the_configured_cadence() {
    let cadence = Settings {
        connect_error_reports: 3,
        reconnect_error_reports: 2,
        ..settings()
    };
    let mut script = Script::new(cadence, &[remote("B", &["b"])]);
    let rounds = |script: &mut Script| -> Vec<bool> {
        (0..6)
            .map(|_| {
                let did = script.poll(script.mesh.next_deadline());
                let now = script.mesh.next_deadline() - ms(900);
                script.fail("b:7222", now);
                did[0].ends_with("reported")
            })
            .collect()
    };
    assert_eq!(rounds(&mut script), [true, false, true, false, false, true]);
    let now = script.mesh.next_deadline();
    script.poll(now);
    script.up("b:7222", &[], now);
    script.over("b:7222", now + ms(5000));
    assert_eq!(rounds(&mut script), [true, true, false, true, false, true]);
}

#[test]
fn addresses_are_dialled_under_the_first_name_that_was_heard_until_it_is_wrong() {
    let mut script = Script::new(settings(), &[remote("B", &["10.0.0.1"])]);
    let mut now = Moment::START;
    // What every host is dialled as in the next two seconds; all dials fail.
    let mut names = |script: &mut Script, wrong: bool| {
        let mut found: BTreeMap<String, String> = BTreeMap::new();
        let end = now + ms(2000);
        while now < end {
            script.mesh.poll(now, &mut script.out);
            while let Some(output) = script.out.pop() {
                let Output::Dial(dial) = output else { continue };
                if wrong {
                    script.mesh.wrong_name(dial.id, &dial.server_name);
                }
                script.mesh.dial_failed(dial.id, now, &mut script.out);
                found.insert(dial.url.host, dial.server_name);
            }
            now = now + ms(50);
        }
        found
            .into_iter()
            .map(|(host, name)| format!("{host} as {name}"))
            .collect::<Vec<String>>()
    };
    assert_eq!(names(&mut script, false), ["10.0.0.1 as 10.0.0.1"]);
    let heard = strings(&["b.example.com:1", "c.example.com:1"]);
    script.mesh.gossip("B", &heard, at(2000), &mut script.out);
    let named = [
        "10.0.0.1 as b.example.com",
        "b.example.com as b.example.com",
        "c.example.com as c.example.com",
    ];
    assert_eq!(names(&mut script, false), named);
    names(&mut script, true);
    assert_eq!(names(&mut script, false)[0], "10.0.0.1 as 10.0.0.1");
}

#[test]
fn a_new_configuration_adds_moves_and_removes_remotes() {
    let mut script = Script::new(settings(), &[remote("B", &["b"]), remote("C", &["c"])]);
    script.poll(at(0));
    for address in ["b:7222", "c:7222"] {
        assert_eq!(script.up(address, &[], at(1)).0, Standing::Wanted);
    }
    let reload = |script: &mut Script, settings, remotes: &[RemoteGateway], now| {
        script.mesh.reload(settings, remotes, now, &mut script.out);
        script.did()
    };
    let now = [
        remote("B", &["b"]),
        remote("C", &["c"]),
        remote("D", &["d"]),
    ];
    assert_eq!(
        reload(&mut script, settings(), &now, at(2000)),
        ["dial D d:7222 #1 reported"]
    );
    assert_eq!(
        reload(&mut script, settings(), &now, at(2001)),
        [""; 0],
        "nothing is new"
    );

    // A link that stands stays where its remote has another address; that is for the next one.
    let moved = [
        remote("B", &["b2"]),
        remote("C", &["c"]),
        remote("D", &["d2"]),
    ];
    assert_eq!(
        reload(&mut script, settings(), &moved, at(2100)),
        ["dial D d2:7222 #1 reported"]
    );
    assert_eq!(script.over("b:7222", at(4000)).len(), 1);
    assert_eq!(
        script.poll(at(5200)).last().map(String::as_str),
        Some("dial B b2:7222 #1 reported")
    );

    // Whoever has links to us stays, as a remote that was heard of.
    script
        .mesh
        .inbound_up("C", "", &[], at(5300), &mut script.out);
    script.did();
    let gone = reload(&mut script, settings(), &[], at(5400));
    assert!(
        gone.contains(&"forget B".to_string()) && gone.contains(&"forget D".to_string()),
        "{gone:?}"
    );
    assert_eq!(script.names(), ["C"]);

    let strict = Settings {
        reject_unknown: true,
        ..settings()
    };
    assert_eq!(
        reload(&mut script, strict, &[], at(5500)),
        ["cancel c:7222", "forget C"]
    );
    assert_eq!(script.names(), [""; 0]);
    assert_eq!(script.mesh.next_deadline(), Moment::NEVER);
}

#[test]
fn a_remote_without_links_to_us_goes_with_its_entry() {
    let mut script = Script::new(settings(), &[remote("B", &["b"])]);
    script.poll(at(0));
    script.up("b:7222", &[], at(1));
    script.mesh.reload(settings(), &[], at(2), &mut script.out);
    assert_eq!(script.did(), ["cancel b:7222", "forget B"]);
    assert_eq!(script.over("b:7222", at(3)), [""; 0], "nobody looks for it");
}

#[test]
fn whoever_linked_to_us_is_told_of_remotes_that_speak_to_us_later_but_of_each_address_once() {
    let mut script = Script::new(settings(), &[]);
    let up = |script: &mut Script, name: &str, urls: &[&str]| {
        let (mesh, out) = (&mut script.mesh, &mut script.out);
        mesh.inbound_up(name, urls[0], &strings(urls), at(0), out);
        let lines = script.did();
        let is_news = |line: &String| line.starts_with("tell");
        lines.into_iter().filter(is_news).collect::<Vec<_>>()
    };
    // Nobody else is there.
    assert!(up(&mut script, "B", &["b1:1"]).is_empty());
    assert_eq!(up(&mut script, "C", &["c1:1"]), ["tell C c1:1"]);
    assert!(
        up(&mut script, "C", &["c1:1"]).is_empty(),
        "that is no news"
    );
    assert_eq!(up(&mut script, "C", &["c1:1", "c2:1"]), ["tell C c2:1"]);
    // What is only heard of is not passed on, until it speaks.
    let (mesh, out) = (&mut script.mesh, &mut script.out);
    mesh.gossip("D", &strings(&["d1:1"]), at(0), out);
    assert!(!script.did().iter().any(|line| line.starts_with("tell")));
    let (_, lines) = script.up("d1:1", &["d1:1", "d3:1"], at(1));
    assert_eq!(lines, ["tell D d1:1,d3:1"]);
    let (mesh, out) = (&mut script.mesh, &mut script.out);
    let link = script.ids["d1:1"];
    mesh.peer_urls(link, &strings(&["d1:1", "d4:1"]), out);
    mesh.peer_urls(link, &strings(&["d1:1", "d4:1"]), out);
    assert_eq!(script.did(), ["tell D d4:1"]);
}

#[test]
fn the_address_of_a_server_that_is_linked_to_us_stays_whoever_else_has_lost_sight_of_it() {
    let mut script = Script::new(settings(), &[]);
    let addresses = |script: &Script| {
        let remote = script.mesh.remotes().next().expect("a remote");
        let addresses = remote.addresses.iter().map(|(address, _)| *address);
        addresses.collect::<Vec<_>>().join(",")
    };
    let (mesh, out) = (&mut script.mesh, &mut script.out);
    mesh.inbound_up("B", "b1:1", &strings(&["b1:1", "b2:1", "b3:1"]), at(0), out);
    script.did();
    script.up("b2:1", &["b1:1", "b2:1", "b3:1"], at(1));
    let link = script.ids["b2:1"];
    let (mesh, out) = (&mut script.mesh, &mut script.out);
    mesh.peer_urls(link, &strings(&["b2:1"]), out);
    assert_eq!(addresses(&script), "b1:1,b2:1");
    let (mesh, out) = (&mut script.mesh, &mut script.out);
    mesh.inbound_over("B", "b1:1");
    mesh.peer_urls(link, &strings(&["b2:1"]), out);
    assert_eq!(addresses(&script), "b2:1");
}

#[test]
fn addresses_that_were_taken_back_are_tried_after_the_others() {
    let mut script = Script::new(settings(), &[]);
    let (mesh, out) = (&mut script.mesh, &mut script.out);
    mesh.gossip("B", &strings(&["b1:1"]), at(0), out);
    script.did();
    script.up("b1:1", &["b1:1", "b2:1"], at(1));
    let link = script.ids["b1:1"];
    let (mesh, out) = (&mut script.mesh, &mut script.out);
    mesh.peer_urls(link, &strings(&["b1:1"]), out);
    // Others are not told of it.
    let told: Vec<_> = mesh.gossip_for("C").collect();
    assert_eq!(told, [("B", strings(&["b1:1"]))]);
    mesh.link_over(link, at(2), out);
    let mut dialled = Vec::new();
    for ms in 3..1500 {
        let mut lines = script.poll(at(ms));
        while let Some(line) = lines.pop() {
            if let Some(dial) = line.strip_prefix("dial B ") {
                let address = dial.split(' ').next().expect("an address").to_string();
                lines.extend(script.fail(&address, at(ms)));
                dialled.push(address);
            }
        }
    }
    assert_eq!(dialled, ["b1:1", "b2:1"]);
}

#[test]
fn addresses_that_were_taken_back_make_way_for_others() {
    let mut script = Script::new(settings(), &[]);
    let many = |name: &str| (0..128).map(|n| format!("{name}{n}:1")).collect::<Vec<_>>();
    script.mesh.gossip("B", &many("x"), at(0), &mut script.out);
    script.did();
    let first = script.ids.keys().next().expect("one was dialled").clone();
    script.up(&first, &[&first], at(1));
    let link = script.ids[&first];
    script.mesh.peer_urls(link, &many("y"), &mut script.out);
    let remote = script.mesh.remotes().next().expect("a remote");
    assert_eq!(remote.addresses.len(), 128);
    assert!(
        remote
            .addresses
            .iter()
            .all(|(address, _)| address.starts_with('y'))
    );
}
