//! The `nats` command across clusters: what operators try first. It needs the command or Go to build it, so it runs only
//! when it is asked for: `cargo test -p gannet-acceptance --test nats_cli -- --ignored`.

use gannet_acceptance::programs::nats_cli;
use gannet_acceptance::{Seeds, SuperCluster, eventually};
use regex_lite::Regex;
use std::process::{Child, Command, Stdio};

/// The command with these arguments, as a client of these servers, with a home of its own.
fn nats(cluster: &SuperCluster, servers: &[usize], arguments: &[&str]) -> Command {
    let urls: Vec<String> = servers.iter().map(|&at| cluster.server(at).url()).collect();
    let mut command = Command::new(nats_cli());
    command
        .args(["--server", &urls.join(",")])
        .args(arguments)
        .env("HOME", cluster.server(0).folder())
        .env("XDG_CONFIG_HOME", cluster.server(0).folder())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs the command to its end and returns what it said.
fn said(command: &mut Command) -> String {
    end_of(command.spawn().expect("the nats command starts"))
}

fn end_of(child: Child) -> String {
    let output = child.wait_with_output().expect("the nats command ends");
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "{}\n{text}", output.status);
    text
}

/// Starts the command on server `at`, and waits until the other clusters know that somebody wants `subject` there.
fn start(
    cluster: &SuperCluster,
    at: usize,
    subject: &str,
    queue: &str,
    arguments: &[&str],
) -> Child {
    let child = nats(cluster, &[at], arguments)
        .spawn()
        .expect("the nats command starts");
    for other in (0..cluster.len()).filter(|&other| other != at) {
        cluster.await_interest(other, at, subject, queue);
    }
    child
}

/// Ends a command that would go on for ever.
fn stop(mut child: Child) {
    child.kill().expect("a child can be killed");
    child.wait().expect("and has ended then");
}

fn check(mix: &str) {
    let cluster = SuperCluster::start_with(mix, Seeds::First, "", "");
    messages(&cluster);
    requests(&cluster);
    measurements(&cluster);
}

/// `pub` and `sub`.
fn messages(cluster: &SuperCluster) {
    let subscriber = start(
        cluster,
        1,
        "cli.>",
        "",
        &["sub", "cli.>", "--count", "3", "--raw"],
    );
    let published = said(&mut nats(
        cluster,
        &[0],
        &["pub", "cli.one", "hello {{.Count}}", "--count", "3"],
    ));
    assert_eq!(published.matches("Published").count(), 3, "{published}");
    let heard = end_of(subscriber);
    for number in 1..=3 {
        assert!(heard.contains(&format!("hello {number}")), "{heard}");
    }
}

/// `request` and `reply`.
fn requests(cluster: &SuperCluster) {
    let responder = start(
        cluster,
        2,
        "cli.svc",
        "NATS-RPLY-22",
        &["reply", "cli.svc", "answer {{Request}}"],
    );
    for at in 0..cluster.len() {
        let answer = said(&mut nats(
            cluster,
            &[at],
            &["request", "cli.svc", "question", "--raw"],
        ));
        assert!(answer.contains("answer question"), "{answer}");
    }
    stop(responder);
}

/// `rtt`, `latency` and `bench`.
fn measurements(cluster: &SuperCluster) {
    let rtt = said(&mut nats(cluster, &[0, 1, 2], &["rtt"]));
    let times = Regex::new("nats://127\\.0\\.0\\.1:[0-9]+: [0-9.]+(µs|ms)").expect("a pattern");
    assert_eq!(times.find_iter(&rtt).count(), 3, "{rtt}");
    let other = cluster.server(1).url();
    let latency = [
        "latency",
        "--server-b",
        &other,
        "--rate",
        "500",
        "--duration",
        "1s",
    ];
    let latency = said(&mut nats(cluster, &[0], &latency));
    assert!(latency.contains("Median Latency"), "{latency}");
    let receive = [
        "bench",
        "sub",
        "cli.bench",
        "--msgs",
        "50000",
        "--no-progress",
    ];
    let receiver = start(cluster, 1, "cli.bench", "", &receive);
    let send = [
        "bench",
        "pub",
        "cli.bench",
        "--msgs",
        "50000",
        "--size",
        "128",
        "--no-progress",
    ];
    let sent = said(&mut nats(cluster, &[0], &send));
    assert!(sent.contains("publisher stats:"), "{sent}");
    let received = end_of(receiver);
    assert!(received.contains("subscriber stats:"), "{received}");
    eventually("everybody to have left", || {
        let page = cluster.server(1).try_monitor("/connz")?;
        if page["num_connections"] == 0 {
            Ok(())
        } else {
            Err(page.to_string())
        }
    });
}

/// The command works between clusters of every make.
mod the_nats_command_works_across_clusters {
    use super::check;

    #[test]
    #[ignore = "needs the nats command (NATS_CLI), or Go to build it"]
    fn ggg() {
        check("GGG");
    }

    #[test]
    #[ignore = "needs the nats command (NATS_CLI), or Go to build it"]
    fn gxg() {
        check("GXG");
    }

    #[test]
    #[ignore = "needs the nats command (NATS_CLI), or Go to build it"]
    fn xxx() {
        check("XXX");
    }
}
