//! Services and streams of other accounts between servers of a cluster and between clusters: requestor and responder on
//! every two servers of two clusters of two (rows ACC-09, ACC-11, ACC-12, ACC-16 to ACC-19, ACC-26).

use gannet_acceptance::mesh::{Mesh, Plan};
use gannet_acceptance::{Kind, Message, Told, Wire, eventually, later_pairs, login, pairs};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

const ACCOUNTS: &str = r#"accounts {
    E {
        users: [{user: e, password: p}]
        exports: [
            {service: "svc.*"}, {service: "many.*", response: stream}
            {stream: "pub.>"}
        ]
    }
    I {
        users: [{user: i, password: p}]
        imports: [
            {service: {account: E, subject: "svc.*"}, to: "ask.*"}, {service: {account: E, subject: "many.*"}}
            {stream: {account: E, subject: "pub.>"}, prefix: from}
        ]
        exports: [{service: "ask.*"}, {stream: "from.>"}]
    }
    K {
        users: [{user: k, password: p}]
        imports: [{service: {account: I, subject: "ask.*"}, to: "far.*"}]
    }
}"#;

/// Two clusters of two servers, each of one kind and the other.
fn mesh(one: Kind, other: Kind) -> Mesh {
    mesh_with(one, other, ACCOUNTS)
}

fn mesh_with(one: Kind, other: Kind, accounts: &str) -> Mesh {
    let cluster: String = [one, other]
        .map(|kind| if kind == Kind::Go { 'X' } else { 'G' })
        .iter()
        .collect();
    let mut mesh = Mesh::prepare(Plan::of(&format!("{cluster} {cluster}")));
    for index in 0..4 {
        mesh.set(index, |settings| {
            settings.top = accounts.to_owned();
            settings.no_debug = true;
        });
    }
    mesh.launch_all();
    mesh.await_links();
    mesh
}

fn client(mesh: &Mesh, index: usize, user: &str) -> Wire {
    Wire::client_with(&mesh.nodes()[index].server, &login(user))
}

/// Every two servers, also one with itself.
fn all_pairs() -> impl Iterator<Item = (usize, usize)> {
    (0..4).flat_map(|one| (0..4).map(move |other| (one, other)))
}

/// A message of `publisher` reaches `subscriber`; before that, none need have.
fn reach(publisher: &mut Wire, subject: &str, subscriber: &mut Wire, heard_as: &str) {
    eventually(&format!("{subject} to come as {heard_as}"), || {
        publisher.said(&format!("PUB {subject} 5\r\nprobe\r\n"));
        while let Some(told) = subscriber.told_within(Duration::from_millis(20)) {
            match told {
                Told::Message(message) if message.subject == heard_as => return Ok(()),
                Told::Message(message) if message.payload == "probe" => {}
                other => panic!("{other:?}"),
            }
        }
        Err(String::new())
    });
}

/// The next message that is no probe.
fn heard(wire: &mut Wire) -> Message {
    loop {
        let message = wire.message();
        if message.payload != "probe" {
            return message;
        }
    }
}

/// What a metric says of a client, without what is different each time.
fn known_of(party: &Value) -> Value {
    let mut party = party.clone();
    let fields = party.as_object_mut().expect("an object");
    assert!(
        fields
            .remove("rtt")
            .is_some_and(|rtt| rtt.as_u64() > Some(0))
    );
    if fields.len() > 1 {
        assert!(
            fields
                .remove("start")
                .is_some_and(|start| start.is_string())
        );
        assert!(fields.remove("id").is_some_and(|id| id.as_u64() > Some(0)));
    }
    party
}

/// What is known of a client of server `index` whose place is told.
fn party(mesh: &Mesh, index: usize, account: &str, user: &str) -> Value {
    let clusters = ["A", "B"];
    json!({
        "acc": account, "alts": [clusters[1 - index / 2]], "client_type": "nats", "cluster": clusters[index / 2],
        "host": "127.0.0.1", "kind": "Client", "server": mesh.nodes()[index].name, "user": user,
    })
}

pairs! {
    /// ACC-01: the system account may have another name: it has a route of its own under that name, and its users are
    /// apart from all others everywhere.
    #[test]
    fn acc_01_the_system_account_of_another_name(one: Kind, other: Kind) {
        let accounts = "accounts { SYS { users: [{user: s, password: p}] }, E { users: [{user: e, password: p}] } }\nsystem_account: SYS";
        let mesh = mesh_with(one, other, accounts);
        for (publishing, subscribing) in all_pairs() {
            let mut subscriber = client(&mesh, subscribing, "s");
            let mut stranger = client(&mesh, subscribing, "e");
            let subject = format!("own.{publishing}{subscribing}");
            subscriber.said(&format!("SUB {subject} 1\r\n"));
            stranger.said(&format!("SUB {subject} 1\r\n"));
            reach(&mut client(&mesh, publishing, "s"), &subject, &mut subscriber, &subject);
            stranger.fence();
        }
    }

    /// ACC-12, ACC-16: a request is answered from wherever the responder is: once, under replies of both sides' own.
    #[test]
    fn acc_12_services_between_servers(one: Kind, other: Kind) {
        let mesh = mesh(one, other);
        for (asking, answering) in all_pairs() {
            let (mut asker, mut answerer) = (client(&mesh, asking, "i"), client(&mesh, answering, "e"));
            let subject = format!("{asking}{answering}");
            answerer.said(&format!("SUB svc.{subject} 1\r\nSUB back.* 2\r\n"));
            reach(&mut asker, &format!("ask.{subject}"), &mut answerer, &format!("svc.{subject}"));
            // The inbox is so new that the other servers need not know of it.
            asker.send(&format!("SUB in.{subject}.* 1\r\nPUB ask.{subject} in.{subject}.1 2\r\nhi\r\n"));
            let request = heard(&mut answerer);
            let case = format!("from {asking} to {answering}: {request:?}");
            assert_eq!((request.subject, request.payload.as_str()), (format!("svc.{subject}"), "hi"), "{case}");
            assert!(request.reply.starts_with("_R_."), "{case}");
            assert!(request.header.contains("Nats-Request-Info: {\"acc\":\"I\",\"rtt\":"), "{case}");
            answerer.send(&format!("PUB {0} back.{subject} 2\r\nho\r\nPUB {0} 2\r\nno\r\n", request.reply));
            let answer = asker.message();
            assert_eq!((answer.subject, answer.payload.as_str()), (format!("in.{subject}.1"), "ho"), "{case}");
            assert!(answer.reply.starts_with("_R_."), "{case}");
            asker.send(&format!("PUB {} in.{subject}.2 2\r\nhu\r\n", answer.reply));
            let second = heard(&mut answerer);
            assert_eq!((second.subject, second.payload.as_str()), (format!("back.{subject}"), "hu"), "{case}");
            answerer.send(&format!("PUB {} 3\r\nend\r\n", second.reply));
            let end = asker.message();
            assert_eq!((end.subject, end.payload.as_str()), (format!("in.{subject}.2"), "end"), "{case}");
        }
    }

    /// ACC-09: a service that answers with a stream does so over any way.
    #[test]
    fn acc_09_streams_of_answers_between_servers(one: Kind, other: Kind) {
        let mesh = mesh(one, other);
        for (asking, answering) in all_pairs() {
            let (mut asker, mut answerer) = (client(&mesh, asking, "i"), client(&mesh, answering, "e"));
            let subject = format!("many.{asking}{answering}");
            answerer.said(&format!("SUB {subject} 1\r\n"));
            reach(&mut asker, &subject, &mut answerer, &subject);
            asker.send(&format!("SUB in.{subject} 1\r\nPUB {subject} in.{subject} 2\r\nhi\r\n"));
            let reply = heard(&mut answerer).reply;
            for number in 0..100 {
                answerer.send(&format!("PUB {reply} {}\r\n{number}\r\n", number.to_string().len()));
            }
            answerer.send(&format!("PUB {reply} 0\r\n\r\n"));
            for number in 0..100 {
                assert_eq!(asker.message().payload, number.to_string(), "from {asking} to {answering}");
            }
            assert_eq!(asker.message().payload, "", "from {asking} to {answering}");
        }
    }

    /// ACC-17: chains of three accounts, whose middle has nobody.
    #[test]
    fn acc_17_chains_between_servers(one: Kind, other: Kind) {
        let mesh = mesh(one, other);
        for (asking, answering) in all_pairs() {
            let (mut asker, mut answerer) = (client(&mesh, asking, "k"), client(&mesh, answering, "e"));
            let subject = format!("{asking}{answering}");
            answerer.said(&format!("SUB svc.{subject} 1\r\n"));
            reach(&mut asker, &format!("far.{subject}"), &mut answerer, &format!("svc.{subject}"));
            for number in 0..3 {
                asker.send(&format!("SUB in.{subject}.{number} {number}\r\nPUB far.{subject} in.{subject}.{number} 1\r\n{number}\r\n"));
                let request = heard(&mut answerer);
                assert!(request.header.contains("{\"acc\":\"K\",\"svc\":\"I\","), "from {asking} to {answering}: {request:?}");
                answerer.send(&format!("PUB {} 1\r\n{number}\r\n", request.reply));
                let answer = asker.message();
                assert_eq!((answer.subject, answer.payload), (format!("in.{subject}.{number}"), number.to_string()));
            }
        }
    }

    /// ACC-18: nobody responds anywhere, or no longer.
    #[test]
    fn acc_18_nobody_responds_on_any_server(one: Kind, other: Kind) {
        let mesh = mesh(one, other);
        for (asking, answering) in all_pairs() {
            let (mut asker, mut answerer) = (client(&mesh, asking, "i"), client(&mesh, answering, "e"));
            let subject = format!("ask.{asking}{answering}");
            let request = format!("PUB {subject} in 1\r\nx\r\n");
            asker.said("SUB in 1\r\n");
            asker.send(&request);
            let told = asker.message();
            assert_eq!(told.header, format!("NATS/1.0 503\r\nNats-Subject: {subject}\r\n\r\n"));
            answerer.said(&format!("SUB svc.{asking}{answering} 1\r\n"));
            reach(&mut asker, &subject, &mut answerer, &format!("svc.{asking}{answering}"));
            answerer.said("UNSUB 1\r\n");
            eventually(&format!("{asking} to learn that nobody responds at {answering}"), || {
                asker.send(&request);
                match asker.told_within(Duration::from_millis(100)) {
                    Some(Told::Message(message)) => {
                        assert_eq!(message.header, format!("NATS/1.0 503\r\nNats-Subject: {subject}\r\n\r\n"));
                        Ok(())
                    }
                    other => Err(format!("{other:?}")),
                }
            });
        }
    }

    /// ACC-19: a group of responders on all servers serves each request once: in the cluster of who asks, if it has members
    /// there.
    #[test]
    fn acc_19_each_request_is_served_once(one: Kind, other: Kind) {
        let mesh = mesh(one, other);
        for members in [&[0, 1, 2, 3][..], &[1], &[0, 3], &[2, 3]] {
            let subject: String = members.iter().map(usize::to_string).collect();
            let mut answerers: BTreeMap<usize, Wire> = members.iter().map(|&index| (index, client(&mesh, index, "e"))).collect();
            for (index, answerer) in &mut answerers {
                answerer.said(&format!("SUB svc.{subject} group 1\r\nSUB at.{index}.{subject} 2\r\nSUB end.{subject} 3\r\n"));
            }
            for asking in 0..4 {
                // Interest is told in the order in which it came.
                let mut exporter = client(&mesh, asking, "e");
                for (index, answerer) in &mut answerers {
                    reach(&mut exporter, &format!("at.{index}.{subject}"), answerer, &format!("at.{index}.{subject}"));
                }
                let mut asker = client(&mesh, asking, "i");
                asker.said("SUB in.> 1\r\n");
                for number in 0..40 {
                    asker.send(&format!("PUB ask.{subject} in.{number} {}\r\n{number}\r\n", number.to_string().len()));
                }
                asker.fence();
                exporter.said(&format!("PUB end.{subject} 0\r\n\r\n"));
                let mut served: Vec<usize> = Vec::new();
                let mut places = Vec::new();
                for (&index, answerer) in &mut answerers {
                    loop {
                        let message = heard(answerer);
                        if message.subject == format!("end.{subject}") {
                            break;
                        }
                        answerer.send(&format!("PUB {} {}\r\n{}\r\n", message.reply, message.payload.len(), message.payload));
                        served.push(message.payload.parse().expect("a number"));
                        places.push(index);
                    }
                }
                served.sort_unstable();
                assert_eq!(served, (0..40).collect::<Vec<usize>>(), "asked at {asking}, served by {members:?} at {places:?}");
                let is_near = |index: &usize| index / 2 == asking / 2;
                if members.iter().any(is_near) {
                    assert!(places.iter().all(is_near), "asked at {asking}, served by {members:?} at {places:?}");
                }
                let mut answers: Vec<usize> = (0..40).map(|_| asker.message().payload.parse().expect("a number")).collect();
                answers.sort_unstable();
                assert_eq!(answers, served);
                asker.fence();
            }
        }
    }

    /// ACC-11: what is exported on one server comes to importers on all of them: once to each, and once to each group.
    #[test]
    fn acc_11_streams_between_servers(one: Kind, other: Kind) {
        let mesh = mesh(one, other);
        let mut importers: Vec<Wire> = (0..4).map(|index| client(&mesh, index, "i")).collect();
        for (index, importer) in importers.iter_mut().enumerate() {
            importer.said(&format!("SUB from.pub.a.* 1\r\nSUB from.pub.*.x group 2\r\nSUB from.pub.at.{index} 3\r\nSUB from.pub.end 4\r\n"));
        }
        for publishing in 0..4 {
            let mut exporter = client(&mesh, publishing, "e");
            for (index, importer) in importers.iter_mut().enumerate() {
                reach(&mut exporter, &format!("pub.at.{index}"), importer, &format!("from.pub.at.{index}"));
            }
            for number in 0..20 {
                exporter.send(&format!("PUB pub.a.x re.{number} 1\r\nx\r\nPUB pub.a.y 1\r\ny\r\nPUB pub.b.y 1\r\nno\r\n").replace("no", "n"));
            }
            exporter.said("PUB pub.end 0\r\n\r\n");
            let mut of_group = 0;
            for (index, importer) in importers.iter_mut().enumerate() {
                let mut plain: BTreeMap<String, usize> = BTreeMap::new();
                loop {
                    let message = heard(importer);
                    match message.sid {
                        1 => *plain.entry(format!("{} {}", message.subject, message.reply)).or_default() += 1,
                        2 => of_group += 1,
                        4 => break,
                        _ => panic!("{message:?}"),
                    }
                }
                let mut expected: BTreeMap<String, usize> = (0..20).map(|number| (format!("from.pub.a.x re.{number}"), 1)).collect();
                expected.insert("from.pub.a.y ".to_owned(), 20);
                assert_eq!(plain, expected, "from {publishing} to {index}");
            }
            assert_eq!(of_group, 20, "from {publishing}");
        }
    }
}

later_pairs! {
    /// ACC-26: requestor, responder and who reads the metric may be on any servers.
    #[test]
    fn acc_26_latency_between_servers(one: Kind, other: Kind) {
        let exports = r#"exports: [{service: "timed.*", latency: "lat.timed"}, {service: "open.*", latency: "lat.open"},"#;
        let imports = r#"imports: [
            {service: {account: E, subject: "timed.*"}}, {service: {account: E, subject: "open.*"}, share: true},"#;
        let accounts = ACCOUNTS.replacen("exports: [", exports, 1).replacen("imports: [", imports, 1);
        let mesh = mesh_with(one, other, &accounts);
        for (asking, answering) in all_pairs() {
            let (mut asker, mut answerer) = (client(&mesh, asking, "i"), client(&mesh, answering, "e"));
            let mut meters: Vec<Wire> = (0..4).map(|index| client(&mesh, index, "e")).collect();
            let subject = format!("{asking}{answering}");
            answerer.said(&format!("SUB timed.{subject} 1\r\nSUB open.{subject} 2\r\n"));
            for (index, meter) in meters.iter_mut().enumerate() {
                meter.said(&format!("SUB lat.* 1\r\nSUB at.{index}.{subject} 2\r\n"));
                for publishing in [asking, answering] {
                    let mut publisher = client(&mesh, publishing, "e");
                    reach(&mut publisher, &format!("at.{index}.{subject}"), meter, &format!("at.{index}.{subject}"));
                }
            }
            let mut exporter = client(&mesh, asking, "e");
            asker.said("SUB in.* 1\r\n");
            for service in ["timed", "open"] {
                let subject = format!("{service}.{subject}");
                reach(&mut exporter, &subject, &mut answerer, &subject);
                asker.send(&format!("PUB {subject} in.1 2\r\nhi\r\n"));
                let request = heard(&mut answerer);
                answerer.send(&format!("PUB {} 2\r\nok\r\n", request.reply));
                assert_eq!(asker.message().payload, "ok");
                let mut told = Vec::new();
                for meter in &mut meters {
                    let metric = heard(meter);
                    assert_eq!(metric.subject, format!("lat.{service}"));
                    told.push(metric.json());
                }
                assert!(told.iter().all(|metric| *metric == told[0]), "{told:?}");
                let metric = told.swap_remove(0);
                let case = format!("from {asking} to {answering}: {metric}");
                let number = |name: &str| metric[name].as_u64().unwrap_or_else(|| panic!("{case}"));
                assert!(number("total") > 0 && number("total") >= number("service") + number("system"), "{case}");
                assert_eq!(metric["status"], 200, "{case}");
                assert_eq!(metric["type"], "io.nats.server.metric.v1.service_latency", "{case}");
                assert_eq!(known_of(&metric["responder"]), party(&mesh, answering, "E", "e"), "{case}");
                let requestor = known_of(&metric["requestor"]);
                match service {
                    "timed" => assert_eq!(requestor, json!({"acc": "I"}), "{case}"),
                    _ => assert_eq!(requestor, party(&mesh, asking, "I", "i"), "{case}"),
                }
            }
        }
    }
}
