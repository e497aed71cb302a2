//! Servers and clusters that come to a running super-cluster and leave it again, under traffic: nobody who stays notices
//! (rows CLU-28, GW-128).

use gannet_acceptance::mesh::{Client, Make, Mesh, Plan, Stream};

/// Messages that a newcomer publishes.
const COUNT: usize = 200;

/// Starts all servers of `mix` but the newcomers (numbers in the order of the mix), streams among those, and lets the
/// newcomers come, speak, listen and leave.
fn check(mix: &str, newcomers: &[usize]) {
    let mut mesh = Mesh::prepare(Plan::of(mix));
    for index in (0..mesh.nodes().len()).filter(|index| !newcomers.contains(index)) {
        mesh.launch(index);
    }
    mesh.await_links();
    let mut stream = Stream::start(&mesh);

    for &index in newcomers {
        mesh.launch(index);
    }
    mesh.await_links();
    stream.await_progress();
    let guests: Vec<Client> = newcomers
        .iter()
        .map(|&index| listen(&mesh, &mut stream, index))
        .collect();
    stream.interest.await_everywhere(&mesh);
    for (guest, &index) in guests.iter().zip(newcomers) {
        speak(&mesh, guest, index);
    }
    stream.await_progress();
    for (guest, index) in guests.iter().zip(newcomers) {
        judge(guest, &guests, newcomers);
        stream.interest.forget(*index);
    }
    drop(guests);
    stream.interest.await_everywhere(&mesh);

    for &index in newcomers {
        mesh.terminate(index);
    }
    mesh.await_links();
    stream.await_progress();
    stream.interest.await_everywhere(&mesh);
    assert!(stream.finish() > 0);
}

fn listen(mesh: &Mesh, stream: &mut Stream, index: usize) -> Client {
    let node = &mesh.nodes()[index];
    let guest = Client::connect(&node.name, &node.server.client_address());
    for (sid, subject) in [(1, "stream.*"), (2, "guest.*")] {
        guest.send(format!("SUB {subject} {sid}\r\n").as_bytes());
        stream.interest.add(index, subject, "");
    }
    guest.fence();
    guest
}

fn speak(mesh: &Mesh, guest: &Client, index: usize) {
    // What the guest says of itself is heard by everybody who stays, too, as far as he listens.
    let name = &mesh.nodes()[index].name;
    for number in 0..COUNT {
        guest.send(format!("PUB guest.{name} 4\r\n{number:04}\r\n").as_bytes());
    }
    guest.fence();
}

/// A guest got what all guests said, once and in order, and of each stream a piece without a gap.
fn judge(guest: &Client, guests: &[Client], newcomers: &[usize]) {
    guest.wait_for("what the guests say", |messages| {
        let found = messages
            .iter()
            .filter(|message| message.subject.starts_with("guest."))
            .count();
        if found >= COUNT * newcomers.len() {
            Ok(())
        } else {
            Err(format!("{found} messages"))
        }
    });
    let taken = guest.take();
    for other in guests {
        let subject = format!("guest.{}", other.name);
        let found: Vec<String> = taken
            .iter()
            .filter(|message| message.subject == subject)
            .map(|message| String::from_utf8_lossy(&message.payload).into_owned())
            .collect();
        let expected: Vec<String> = (0..COUNT).map(|number| format!("{number:04}")).collect();
        assert_eq!(found, expected, "{subject} at {}", guest.name);
    }
    Stream::expect_pieces(&guest.name, &taken);
}

/// The yardstick: a Go server comes to Go servers.
#[test]
fn a_go_server_joins_a_go_cluster() {
    check("XXX XX", &[2]);
}

/// A Gannet server comes to a Go cluster in a Go super-cluster.
#[test]
fn a_gannet_server_joins_a_go_cluster() {
    check("XOG XX", &[2]);
}

/// Two of them at once.
#[test]
fn two_gannet_servers_join_a_go_cluster() {
    check("XGG X", &[1, 2]);
}

/// The other way round: a Go server comes to a Gannet cluster.
#[test]
fn a_go_server_joins_a_gannet_cluster() {
    check("GGX G", &[2]);
}

/// Gannet servers among themselves.
#[test]
fn a_gannet_server_joins_a_gannet_cluster() {
    check("GGG GG", &[2]);
}

/// A whole Gannet cluster comes to a Go super-cluster.
#[test]
fn a_gannet_cluster_joins_a_go_super_cluster() {
    check("XX O GG", &[3, 4]);
}

/// The other way round: a Go cluster comes to a Gannet super-cluster.
#[test]
fn a_go_cluster_joins_a_gannet_super_cluster() {
    check("GG G XO", &[3, 4]);
}

/// One server after the other is replaced by another program, which takes its name and its ports: all Go first, all
/// Gannet in the end, and back. The other cluster's clients stay, and everybody reaches everybody after each step.
#[test]
fn a_cluster_is_upgraded_server_by_server_and_back() {
    let mut mesh = Mesh::start(Plan::of("OX XG"));
    let home = [2, 3];
    let listeners: Vec<Client> = home
        .iter()
        .map(|&index| {
            let node = &mesh.nodes()[index];
            let client = Client::connect(&node.name, &node.server.client_address());
            client.send(b"SUB reach.* 1\r\n");
            client.fence();
            client
        })
        .collect();
    let steps = [
        (0, Make::Gannet),
        (1, Make::Gannet),
        (0, Make::Go),
        (1, Make::OldGo),
    ];
    for (step, (index, make)) in (1..).zip(steps) {
        mesh.terminate(index);
        mesh.await_links();
        mesh.replace(index, make);
        mesh.launch(index);
        mesh.await_links();
        let mut interest = gannet_acceptance::mesh::Interest::default();
        for &at in &home {
            interest.add(at, "reach.*", "");
        }
        interest.await_everywhere(&mesh);
        for at in mesh.running() {
            let node = &mesh.nodes()[at];
            let speaker = Client::connect("speaker", &node.server.client_address());
            speaker.send(format!("PUB reach.{} 1\r\n{step}\r\n", node.name).as_bytes());
            speaker.fence();
        }
        for listener in &listeners {
            listener.wait_for("a message from each server", |messages| {
                if messages.len() == 4 {
                    Ok(())
                } else {
                    Err(format!("{messages:?}"))
                }
            });
            let mut subjects: Vec<String> = listener
                .take()
                .into_iter()
                .map(|message| message.subject)
                .collect();
            subjects.sort();
            assert_eq!(
                subjects,
                ["reach.A1", "reach.A2", "reach.B1", "reach.B2"],
                "step {step}"
            );
        }
    }
}
