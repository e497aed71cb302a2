//! Super-clusters of Gannet and Go servers in every mix: reach, exactly once, the queue rule, replies, healing (rows
//! GW-40 to GW-56, GW-65, GW-76 to GW-96). How they find together is in `discovery.rs`.

use gannet_acceptance::linked::client;
use gannet_acceptance::reach::{
    await_interest_everywhere, check_reach, clients, subscribe_for_reach,
};
use gannet_acceptance::supercluster::{name, pure};
use gannet_acceptance::wire::Heard;
use gannet_acceptance::{Seeds, SlowRoad, SuperCluster, Wire, both, eventually, mixes};
use serde_json::{Value, json};
use std::time::Duration;

/// How many of the messages that wait at each client are there; all lines until PONG are read.
fn count_messages(members: &mut [Wire], subject: &str) -> Vec<usize> {
    members
        .iter_mut()
        .map(|member| {
            member.send("PING\r\n");
            let mut count = 0;
            loop {
                let line = member.line();
                if line == "PONG" {
                    break count;
                }
                count += usize::from(line.starts_with(&format!("MSG {subject} ")));
            }
        })
        .collect()
}

/// Counts until `total` messages came in all; more than that is a failure. Then once more, to see that none
/// comes late.
fn shares(members: &mut [Wire], subject: &str, total: usize) -> Vec<usize> {
    let mut shares = vec![0; members.len()];
    eventually(&format!("{total} messages on {subject}"), || {
        for (share, more) in shares.iter_mut().zip(count_messages(members, subject)) {
            *share += more;
        }
        if shares.iter().sum::<usize>() >= total {
            Ok(())
        } else {
            Err(format!("{shares:?}"))
        }
    });
    for (share, more) in shares.iter_mut().zip(count_messages(members, subject)) {
        *share += more;
    }
    assert_eq!(
        shares.iter().sum::<usize>(),
        total,
        "every message once: {shares:?}"
    );
    shares
}

mixes! {
    /// Every client reaches every other, exactly once; the links are those of a full mesh.
    #[test]
    fn every_client_reaches_every_other(mix: &str) {
        let cluster = SuperCluster::start(mix);
        let mut members = clients(&cluster);
        subscribe_for_reach(&cluster, &mut members);
        for round in ["one", "two"] {
            check_reach(&cluster, &mut members, round);
        }
    }

    /// A stream of messages from everywhere to everywhere: none lost, none doubled, the order of each publisher
    /// kept; a queue group over all clusters gets each message once.
    #[test]
    fn load_arrives_exactly_once_and_in_order(mix: &str) {
        const COUNT: usize = 300;
        let cluster = SuperCluster::start(mix);
        let mut members = clients(&cluster);
        for member in &mut members {
            member.send("SUB load.* 1\r\nSUB load.* group 2\r\n");
            member.fence();
        }
        await_interest_everywhere(&cluster, "load.*", "");
        await_interest_everywhere(&cluster, "load.*", "group");
        let mut writers = clients(&cluster);
        for number in 0..COUNT {
            for (index, writer) in writers.iter_mut().enumerate() {
                writer.send(&format!("PUB load.{index} 3\r\n{number:03}\r\n"));
            }
        }
        for (at, member) in members.iter_mut().enumerate() {
            let mut plain = vec![0; cluster.len()];
            // The group's member beside the publisher gets everything, and nothing from elsewhere.
            let mut grouped = 0;
            while plain.iter().sum::<usize>() < COUNT * cluster.len() || grouped < COUNT {
                let line = member.line();
                let words: Vec<&str> = line.split(' ').collect();
                let from: usize = words[1].strip_prefix("load.").and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("{line}"));
                let payload = member.line();
                if words[2] == "1" {
                    assert_eq!(payload, format!("{:03}", plain[from]), "from {} at {}", name(from), name(at));
                    plain[from] += 1;
                } else {
                    assert_eq!((from, payload), (at, format!("{grouped:03}")), "the group's member in {}", name(at));
                    grouped += 1;
                }
            }
            member.fence();
        }
    }

    /// GW-80: a member in the publisher's cluster always wins; when it leaves, exactly one other cluster takes
    /// over; when that leaves, the last one; then nobody answers.
    #[test]
    fn queue_groups_prefer_the_publishers_cluster_and_fail_over(mix: &str) {
        const COUNT: usize = 20;
        let cluster = SuperCluster::start(mix);
        let mut members = clients(&cluster);
        for member in &mut members {
            member.send("SUB work group 1\r\n");
            member.fence();
        }
        await_interest_everywhere(&cluster, "work", "group");
        for from in 0..cluster.len() {
            let mut writer = client(cluster.server(from));
            writer.send(&"PUB work 2\r\nhi\r\n".repeat(COUNT));
            writer.fence();
            let mut expected = vec![0; cluster.len()];
            expected[from] = COUNT;
            assert_eq!(shares(&mut members, "work", COUNT), expected, "published in {}", name(from));
        }
        let mut writer = client(cluster.server(0));
        let mut alive: Vec<usize> = (0..cluster.len()).collect();
        let mut leaving = 0;
        while alive.len() > 1 {
            members[leaving].send("UNSUB 1\r\n");
            members[leaving].fence();
            alive.retain(|&index| index != leaving);
            if leaving != 0 {
                cluster.await_no_interest(0, leaving, "work", "group");
            }
            writer.send(&"PUB work 2\r\nhi\r\n".repeat(COUNT));
            writer.fence();
            let shares = shares(&mut members, "work", COUNT);
            let serving: Vec<usize> = (0..cluster.len()).filter(|&index| shares[index] > 0).collect();
            assert!(serving.len() == 1 && alive.contains(&serving[0]), "one cluster serves the group: {shares:?}");
            leaving = serving[0];
        }
        members[leaving].send("UNSUB 1\r\n");
        members[leaving].fence();
        cluster.await_no_interest(0, leaving, "work", "group");
        writer.send("SUB in.* 9\r\nPUB work in.1 0\r\n\r\n");
        writer.expect("HMSG in.1 9 36 36\r\nNATS/1.0 503\r\nNats-Subject: work\r\n\r\n");
    }

    /// CORE-20: a subscription that ends after some messages gets just those of another cluster's, and then its interest
    /// is gone there, too.
    #[test]
    fn auto_unsubscribe_counts_what_comes_from_afar(mix: &str) {
        let cluster = SuperCluster::start(mix);
        let (mut reader, mut writer) = (client(cluster.server(0)), client(cluster.server(1)));
        reader.send("SUB few 1\r\nUNSUB 1 3\r\nSUB few.done 2\r\n");
        reader.fence();
        cluster.await_interest(1, 0, "few", "");
        cluster.await_interest(1, 0, "few.done", "");
        writer.send(&"PUB few 1\r\nx\r\n".repeat(10));
        writer.send("PUB few.done 0\r\n\r\n");
        reader.expect("MSG few 1 1\r\nx\r\nMSG few 1 1\r\nx\r\nMSG few 1 1\r\nx\r\nMSG few.done 2 0\r\n");
        reader.fence();
        cluster.await_no_interest(1, 0, "few", "");
        writer.send("SUB in.1 1\r\nPUB few in.1 0\r\n\r\n");
        writer.expect("HMSG in.1 1 35 35\r\nNATS/1.0 503\r\nNats-Subject: few\r\n\r\n");
    }

    /// Requests are answered across, at once after subscribing the inbox, from every cluster to every other;
    /// nobody answering is told wherever one asks.
    #[test]
    fn requests_are_answered_across(mix: &str) {
        let cluster = SuperCluster::start(mix);
        for at in 0..cluster.len() {
            let mut responder = client(cluster.server(at));
            let subject = format!("svc.{}", name(at));
            responder.send(&format!("SUB {subject} 1\r\n"));
            responder.fence();
            for from in (0..cluster.len()).filter(|&from| from != at) {
                cluster.await_interest(from, at, &subject, "");
                let mut asker = client(cluster.server(from));
                asker.send(&format!("SUB in.{from}.* 5\r\n"));
                for number in 0..3 {
                    asker.send(&format!("PUB {subject} in.{from}.{number} 2\r\nhi\r\n"));
                    responder.expect(&format!("MSG {subject} 1 in.{from}.{number} 2\r\nhi"));
                    responder.send(&format!("PUB in.{from}.{number} 5\r\nhello\r\n"));
                    asker.expect(&format!("MSG in.{from}.{number} 5 5\r\nhello"));
                }
                // GW-95: a reply of a reply.
                asker.send(&format!("PUB {subject} in.{from}.a 0\r\n\r\n"));
                responder.expect(&format!("MSG {subject} 1 in.{from}.a 0\r\n"));
                responder.send(&format!("SUB back.{from} b{from}\r\nPUB in.{from}.a back.{from} 0\r\n\r\n"));
                asker.expect(&format!("MSG in.{from}.a 5 back.{from} 0\r\n"));
                asker.send(&format!("PUB back.{from} 4\r\ndone\r\n"));
                responder.expect(&format!("MSG back.{from} b{from} 4\r\ndone"));
                asker.send(&format!("PUB nobody in.{from}.b 0\r\n\r\n"));
                asker.expect(&format!("HMSG in.{from}.b 5 38 38\r\nNATS/1.0 503\r\nNats-Subject: nobody\r\n\r\n"));
                asker.fence();
                responder.fence();
            }
        }
    }

    /// Killing and restarting any server heals without help: links, interest, delivery; and leaves no ghosts.
    #[test]
    fn any_server_may_be_killed_and_restarted(mix: &str) {
        let mut cluster = SuperCluster::start(mix);
        let mut members = clients(&cluster);
        subscribe_for_reach(&cluster, &mut members);
        check_reach(&cluster, &mut members, "start");
        for victim in 0..cluster.len() {
            members[victim].send("SUB only.here 2\r\n");
            members[victim].fence();
            let others: Vec<usize> = (0..cluster.len()).filter(|&index| index != victim).collect();
            for &other in &others {
                cluster.await_interest(other, victim, "only.here", "");
            }
            cluster.server_mut(victim).kill();
            let heard = members[victim].hear(Duration::from_secs(20));
            assert!(matches!(heard, Heard::End(_)), "{heard:?}");
            cluster.await_mesh_of(&others);
            cluster.server_mut(victim).restart();
            cluster.await_mesh();
            for &other in &others {
                cluster.await_no_interest(other, victim, "only.here", "");
            }
            members[victim] = client(cluster.server(victim));
            members[victim].send("SUB reach.> 1\r\n");
            members[victim].fence();
            await_interest_everywhere(&cluster, "reach.>", "");
            check_reach(&cluster, &mut members, &format!("after{victim}"));
        }
    }



    /// GW-13, GW-22: a super-cluster with gateway credentials.
    #[test]
    fn gateway_credentials(mix: &str) {
        let cluster = SuperCluster::start_with(mix, Seeds::All, "authorization { user: gate, password: way }", "");
        let mut members = clients(&cluster);
        subscribe_for_reach(&cluster, &mut members);
        check_reach(&cluster, &mut members, "secret");
    }

    /// A server that stops answering without closing anything is noticed, and taken back when it wakes.
    #[test]
    fn a_frozen_server_is_dropped_and_taken_back(mix: &str) {
        let cluster = SuperCluster::start_with(mix, Seeds::All, "", "ping_interval: \"400ms\"\nping_max: 5");
        cluster.server(2).freeze();
        cluster.await_mesh_of(&[0, 1]);
        let mut pair = [client(cluster.server(0)), client(cluster.server(1))];
        pair[1].send("SUB foo 1\r\n");
        pair[1].fence();
        cluster.await_interest(0, 1, "foo", "");
        pair[0].send("PUB foo 2\r\nhi\r\n");
        pair[1].expect("MSG foo 1 2\r\nhi");
        cluster.server(2).thaw();
        cluster.await_mesh();
        let mut members = clients(&cluster);
        subscribe_for_reach(&cluster, &mut members);
        check_reach(&cluster, &mut members, "thawed");
    }
}

/// GW-80: with members in two other clusters the nearer one gets the messages.
fn check_nearest(mix: &str) {
    let mut cluster = SuperCluster::prepare(mix, Seeds::None, "", "");
    let road = SlowRoad::to(
        cluster.server(1).gateway_address(),
        Duration::from_millis(60),
    );
    let (a, c) = (
        cluster.server(0).gateway_address(),
        cluster.server(2).gateway_address(),
    );
    let remotes = format!(
        "gateways: [{{name: A, url: \"nats://{a}\"}}, {{name: B, url: \"nats://{}\"}}, {{name: C, url: \"nats://{c}\"}}]",
        road.address()
    );
    for (index, advertise) in [
        "".to_owned(),
        format!("advertise: \"{}\"", road.address()),
        "".to_owned(),
    ]
    .iter()
    .enumerate()
    {
        let name = name(index);
        cluster.write_config(index, &format!("server_name: {name}1\ngateway {{ name: {name}, listen: \"{{gateway}}\"\n{advertise}\n{remotes} }}"));
    }
    cluster.launch();
    let mut members = vec![client(cluster.server(1)), client(cluster.server(2))];
    for (at, member) in members.iter_mut().enumerate() {
        member.send("SUB work group 1\r\n");
        member.fence();
        cluster.await_interest(0, at + 1, "work", "group");
    }
    eventually("A to have measured both round trips", || {
        let page = cluster.server(0).try_monitor("/gatewayz")?;
        let rtt = |remote: &str| {
            page["outbound_gateways"][remote]["connection"]["rtt"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        let (slow, fast) = (rtt("B"), rtt("C"));
        let is_slow = slow.ends_with("ms")
            && slow
                .trim_end_matches("ms")
                .parse::<f64>()
                .is_ok_and(|value| value >= 100.0);
        if is_slow && fast != "0s" && !fast.is_empty() {
            Ok(())
        } else {
            Err(format!("B {slow}, C {fast}"))
        }
    });
    let mut writer = client(cluster.server(0));
    writer.send(&"PUB work 2\r\nhi\r\n".repeat(20));
    writer.fence();
    assert_eq!(shares(&mut members, "work", 20), [0, 20]);
    members[1].send("UNSUB 1\r\n");
    members[1].fence();
    cluster.await_no_interest(0, 2, "work", "group");
    writer.send(&"PUB work 2\r\nhi\r\n".repeat(20));
    writer.fence();
    assert_eq!(shares(&mut members, "work", 20), [20, 0]);
}

both! {
    /// GW-80, GW-21.
    #[test]
    fn the_nearest_cluster_serves_a_group(kind: Kind) {
        check_nearest(&pure(kind, 3));
    }






    /// GW-47: clients hear of their own cluster only.
    #[test]
    fn gateways_are_not_announced_to_clients(kind: Kind) {
        let cluster = SuperCluster::start(&pure(kind, 2));
        let info = Wire::open(&cluster.server(0).client_address()).info();
        assert_eq!((&info["connect_urls"], &info["cluster"]), (&Value::Null, &json!("A")));
    }
}

/// The mixed forms of the above.
mod mixed {
    use super::*;

    #[test]
    fn the_nearest_cluster_serves_a_group_gxg() {
        check_nearest("GXG");
    }

    #[test]
    fn the_nearest_cluster_serves_a_group_xgx() {
        check_nearest("XGX");
    }
}

both! {
    /// Accounts stay apart across clusters, and users of one account meet.
    #[test]
    fn accounts_stay_apart(kind: Kind) {
        let accounts = "accounts { ONE { users: [{user: one, password: p}] }, TWO { users: [{user: two, password: p}] } }";
        let cluster = SuperCluster::start_with(&pure(kind, 3), Seeds::All, "", accounts);
        let login = |index: usize, user: &str| Wire::client_with(cluster.server(index), &json!({"user": user, "pass": "p"}));
        let (mut one, mut two) = (login(1, "one"), login(1, "two"));
        for reader in [&mut one, &mut two] {
            reader.send("SUB foo 1\r\n");
            reader.fence();
        }
        for account in ["ONE", "TWO"] {
            eventually(&format!("interest of {account}"), || {
                let page = cluster.server(0).try_monitor(&format!("/gatewayz?subs=1&acc_name={account}"))?;
                let list = &page["outbound_gateways"]["B"]["accounts"][0]["subscriptions_list"];
                if *list == json!(["foo"]) { Ok(()) } else { Err(page.to_string()) }
            });
        }
        for (user, reader, other) in [("one", 0, 1), ("two", 1, 0)] {
            let readers = [&mut one, &mut two];
            let mut writer = login(0, user);
            writer.send("PUB foo 2\r\nhi\r\n");
            writer.fence();
            readers[reader].expect("MSG foo 1 2\r\nhi");
            readers[other].fence();
        }
    }
}
