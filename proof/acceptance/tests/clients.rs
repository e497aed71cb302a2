//! Unmodified clients of three languages on super-clusters of three: Rust, Python and JavaScript.

use gannet_acceptance::supercluster::name;
use gannet_acceptance::{Agent, Kind, Language, Server, SuperCluster, both, mixes};
use serde_json::{Value, json};

/// One client of each language, each on a cluster of its own; `turn` moves the languages along the clusters.
fn agents(cluster: &SuperCluster, turn: usize) -> Vec<Agent> {
    let urls = cluster.urls();
    (0..cluster.len())
        .map(|index| Agent::connect(Language::ALL[(index + turn) % 3], &urls[index..=index]))
        .collect()
}

fn await_interest_everywhere(cluster: &SuperCluster, subject: &str, queue: &str) {
    for on in 0..cluster.len() {
        for remote in (0..cluster.len()).filter(|&remote| remote != on) {
            cluster.await_interest(on, remote, subject, queue);
        }
    }
}

fn pure(kind: Kind) -> &'static str {
    match kind {
        Kind::Gannet => "GGG",
        Kind::Go => "XXX",
    }
}

mixes! {
    /// Publish and subscribe with wildcards, requests, queue groups: every client with every other.
    #[test]
    fn every_client_reaches_every_other(mix: &str) {
        let cluster = SuperCluster::start(mix);
        // A different arrangement of the languages for every mix.
        let mut agents = agents(&cluster, mix.bytes().map(usize::from).sum());
        for (index, agent) in agents.iter_mut().enumerate() {
            agent.subscribe("all", "news.*.>", "");
            agent.subscribe("queue", "work", "group");
            agent.answer(&format!("svc.{}", name(index)), "", &format!("{} heard ", name(index)));
        }
        await_interest_everywhere(&cluster, "news.*.>", "");
        await_interest_everywhere(&cluster, "work", "group");
        for index in 0..agents.len() {
            for on in (0..agents.len()).filter(|&on| on != index) {
                cluster.await_interest(on, index, &format!("svc.{}", name(index)), "");
            }
        }
        for (index, agent) in agents.iter_mut().enumerate() {
            agent.publish(&format!("news.{}.x.y", name(index)), &["one", "two", "three"]);
            agent.publish("news.nothing", &["never"]);
        }
        for (index, agent) in agents.iter_mut().enumerate() {
            let mut heard: Vec<(String, String)> = agent
                .take("all", 9)
                .iter()
                .map(|message| (message["subject"].as_str().unwrap_or_default().to_owned(), message["payload"].as_str().unwrap_or_default().to_owned()))
                .collect();
            // A stable sort by subject keeps the order of each publisher.
            heard.sort_by(|left, right| left.0.cmp(&right.0));
            let expected: Vec<(String, String)> = (0..3)
                .flat_map(|from| ["one", "two", "three"].map(|word| (format!("news.{}.x.y", name(from)), word.to_owned())))
                .collect();
            assert_eq!(heard, expected, "at {}", name(index));
        }
        for (index, agent) in agents.iter_mut().enumerate() {
            agent.publish("work", &["1", "2", "3", "4"]);
            assert_eq!(agent.take_payloads("queue", 4), ["1", "2", "3", "4"], "the member beside the publisher in {}", name(index));
            for at in 0..3 {
                let answer = agent.request(&format!("svc.{}", name(at)), "hello");
                assert_eq!(answer["payload"], format!("{} heard hello", name(at)), "from {}: {answer}", name(index));
            }
            assert_eq!(agent.request("svc.nobody", "hello")["error"], "no responders");
        }
        for agent in &mut agents {
            assert_eq!((agent.waiting("all"), agent.waiting("queue")), (0, 0), "nothing comes twice");
        }
    }
}

both! {
    /// Headers cross between languages and clusters.
    #[test]
    fn headers_cross(kind: Kind) {
        let cluster = SuperCluster::start(pure(kind));
        let mut agents = agents(&cluster, 0);
        for agent in &mut agents {
            agent.subscribe("h", "headers", "");
        }
        await_interest_everywhere(&cluster, "headers", "");
        for (index, agent) in agents.iter_mut().enumerate() {
            agent.publish_with_headers("headers", &format!("from {}", name(index)), &json!({"X-Key": ["value"], "Other": ["a b"]}));
        }
        for agent in &mut agents {
            let mut heard: Vec<Value> = agent.take("h", 3);
            heard.sort_by_key(|message| message["payload"].to_string());
            let expected: Vec<Value> = (0..3)
                .map(|from| json!({"subject": "headers", "payload": format!("from {}", name(from)), "headers": {"X-Key": ["value"], "Other": ["a b"]}}))
                .collect();
            assert_eq!(heard, expected);
        }
    }

    /// Draining: everything published before has arrived, in all languages; the group goes on without.
    #[test]
    fn draining_loses_nothing(kind: Kind) {
        let cluster = SuperCluster::start(pure(kind));
        let mut agents = agents(&cluster, 1);
        let payloads: Vec<String> = (0..200).map(|number| number.to_string()).collect();
        let payloads: Vec<&str> = payloads.iter().map(String::as_str).collect();
        for agent in &mut agents {
            agent.subscribe("d", "drained", "");
        }
        await_interest_everywhere(&cluster, "drained", "");
        let mut writer = Agent::connect(Language::Python, &cluster.urls()[..1]);
        writer.publish("drained", &payloads);
        // The client of the publisher's own cluster misses nothing. What is under way to other clusters when their
        // clients leave is theirs to miss.
        agents[0].drain();
        assert_eq!(agents[0].take_payloads("d", 200), payloads);
        for agent in &mut agents[1..] {
            agent.drain();
        }
    }

    /// A client whose server is killed goes on at another cluster with its subscriptions, and back.
    #[test]
    fn reconnecting_to_another_cluster(kind: Kind) {
        let mut cluster = SuperCluster::start(pure(kind));
        let urls = cluster.urls();
        let mut agents: Vec<Agent> = Language::ALL.iter().map(|&language| Agent::connect(language, &[urls[1].clone(), urls[2].clone()])).collect();
        for (index, agent) in agents.iter_mut().enumerate() {
            assert_eq!(agent.server_name(), "B1");
            agent.subscribe("r", "again", "");
            agent.answer(&format!("who.{index}"), "", "here ");
        }
        cluster.server_mut(1).kill();
        for agent in &mut agents {
            agent.await_reconnects(1);
            assert_eq!(agent.server_name(), "C1");
        }
        cluster.await_mesh_of(&[0, 2]);
        cluster.await_interest(0, 2, "again", "");
        let mut writer = Agent::connect(Language::Rust, &urls[..1]);
        writer.publish("again", &["a", "b"]);
        for (index, agent) in agents.iter_mut().enumerate() {
            assert_eq!(agent.take_payloads("r", 2), ["a", "b"]);
            cluster.await_interest(0, 2, &format!("who.{index}"), "");
            assert_eq!(writer.request(&format!("who.{index}"), "?")["payload"], "here ?");
        }
        cluster.server_mut(1).restart();
        cluster.await_mesh();
        cluster.server_mut(2).kill();
        for agent in &mut agents {
            agent.await_reconnects(2);
            assert_eq!(agent.server_name(), "B1");
        }
    }

    /// Logging in, and being refused, as each library does it.
    #[test]
    fn logging_in(kind: Kind) {
        let server = Server::start(kind, "authorization { users: [{user: u, password: p}] }");
        let with_token = Server::start(kind, "authorization { token: t }");
        for language in Language::ALL {
            let (urls, token_urls) = ([server.url()], [with_token.url()]);
            Agent::connect_with(language, &urls, &json!({"user": "u", "pass": "p"})).subscribe("x", "x", "");
            Agent::connect_with(language, &token_urls, &json!({"token": "t"})).subscribe("x", "x", "");
            let refused = Agent::new(language).try_connect(&urls, &json!({"user": "u", "pass": "no", "reconnect": false}));
            let told = refused["error"].as_str().unwrap_or_default().to_lowercase();
            assert!(told.contains("authorization"), "{language:?}: {refused}");
        }
    }

    /// Unsubscribing and not echoing, as each library does it, on one server.
    #[test]
    fn unsubscribing_and_no_echo(kind: Kind) {
        let server = Server::start(kind, "");
        for language in Language::ALL {
            let mut quiet = Agent::connect_with(language, &[server.url()], &json!({"echo": false}));
            let mut other = Agent::connect(language, &[server.url()]);
            quiet.subscribe("s", "foo", "");
            other.subscribe("s", "foo", "");
            quiet.publish("foo", &["mine"]);
            other.publish("foo", &["theirs"]);
            assert_eq!(quiet.take_payloads("s", 1), ["theirs"], "{language:?}");
            assert_eq!(other.take_payloads("s", 2), ["mine", "theirs"], "{language:?}");
            other.unsubscribe("s");
            quiet.publish("foo", &["late"]);
            assert_eq!((quiet.waiting("s"), other.waiting("s")), (0, 0), "{language:?}");
        }
    }
}
