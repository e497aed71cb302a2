//! The first process of a container, whose signals do nothing unless it catches them. Not here: the image
//! (`packaging`).

use std::io::Write as _;
use std::process::Command;

use gannet_rt::unix::{Pid, Signal, kill};

use super::harness::{Place, within};

/// A program that gives another one a world of processes of its own, and ends with it. The second needs no privileges,
/// where the kernel allows it.
const WAYS: [&[&str]; 2] = [
    &["unshare", "--kill-child", "--pid", "--fork", "--mount-proc"],
    &[
        "unshare",
        "--kill-child",
        "--user",
        "--map-root-user",
        "--pid",
        "--fork",
        "--mount-proc",
    ],
];

/// How a container is had here; none, loudly, if it is not.
fn container() -> Option<&'static [&'static str]> {
    let works = |way: &&&[&str]| {
        let output = Command::new(way[0]).args(&way[1..]).arg("true").output();
        output.is_ok_and(|output| output.status.success())
    };
    let way = WAYS.iter().find(works).copied();
    if way.is_none() {
        // Past the test's own output, which nobody sees if it passes.
        let _ = writeln!(
            std::io::stderr(),
            "NOT TESTED: this machine gives us no namespace of processes, so nothing is known about running as PID 1"
        );
    }
    way
}

/// The process that `parent` has started, by our own counting.
fn child_of(parent: u32) -> Pid {
    let path = format!("/proc/{parent}/task/{parent}/children");
    let child = within("the first process of the container", || {
        let children = std::fs::read_to_string(&path).ok()?;
        children.split_whitespace().next()?.parse().ok()
    });
    Pid::from_raw(child)
}

#[test]
fn the_first_process_of_a_container_obeys_signals() {
    let Some(wrapper) = container() else {
        return;
    };
    for (signal, name) in [
        (Signal::SIGTERM, "terminated"),
        (Signal::SIGINT, "interrupt"),
        (Signal::SIGUSR2, "user defined signal 2"),
    ] {
        let place = Place::new("nats-server");
        place.write("f.conf", "max_payload: 99");
        let mut server = place.serve_under(wrapper, &["-c", "f.conf", "-P", "pid"]);
        let pid = child_of(server.pid());
        assert_eq!(place.read("pid"), "1");
        assert!(server.log().starts_with("[1] "), "{}", server.log());
        place.write("f.conf", "max_payload: 100");
        kill(pid, Signal::SIGHUP).expect("the process is ours");
        server.wait_for_log("[INF] Reloaded server configuration");
        kill(pid, Signal::SIGUSR1).expect("the process is ours");
        server.wait_for_log("[INF] File log re-open ignored");
        kill(pid, signal).expect("the process is ours");
        assert_eq!(server.end(), Some(0), "{name}");
        let trapped = format!("[INF] Trapped \"{name}\" signal");
        assert!(server.texts().contains(&trapped), "{}", server.log());
        assert!(server.log().ends_with("[INF] Server Exiting..\n"));
    }
}

/// As a hook of the container does it that runs before it is stopped.
#[test]
fn another_process_of_the_container_can_tell_the_first_one() {
    let Some(wrapper) = container() else {
        return;
    };
    let place = Place::new("nats-server");
    place.write("f.conf", "max_payload: 99\nlame_duck_grace_period: 1s");
    let mut server = place.serve_under(wrapper, &["-c", "f.conf", "-P", "pid"]);
    // Without a client the server would be gone at once, and take everybody in the container with it.
    let mut client = server.connect();
    client.greet("{}");
    let tell = |signal: &str| {
        let output = Command::new("nsenter")
            .arg(format!("--target={}", child_of(server.pid())))
            .args(["--pid", "--mount", "--preserve-credentials"])
            // Of these, only one that is not ours already can be entered.
            .args(wrapper.iter().filter(|word| **word == "--user"))
            .arg(place.program())
            .arg(format!("-sl={signal}"))
            .output()
            .expect("nsenter comes with unshare");
        assert!(output.status.success(), "{signal}: {output:?}");
    };
    tell("reload");
    server.wait_for_log("[INF] Reloaded server configuration");
    tell(&format!("ldm={}", place.path("pid").display()));
    server.wait_for_log("Entering lame duck mode");
    assert_eq!(server.end(), Some(0));
}
