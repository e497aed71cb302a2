//! Servers that see another machine than the tests do: one whose names are known to it alone, or one without a network.
//! They are made with `unshare`; where the machine does not allow that, the caller is told, and whoever runs the tests.

use crate::server::{Server, write_file};
use crate::wait::eventually;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// For `server`, from its next start on, the names in `hosts` (lines `address name`) are all there are. `false` if this
/// machine does not allow that: then nothing can be tested.
#[must_use]
pub fn with_hosts(server: &mut Server, hosts: &str) -> bool {
    let hosts = write_file(server.folder(), "hosts", hosts);
    wrap(
        server,
        "--mount",
        &format!("mount --bind '{hosts}' /etc/hosts"),
    )
}

/// Starts `server` with these names (lines `address name`), one of which stands for 127.0.0.2 and 127.0.0.3, and waits until
/// it has dialled `port` at both. `false` if this machine does not allow that: then nothing can be tested.
///
/// # Panics
/// When it does not start, or does not dial both.
#[must_use]
pub fn dials_both(server: &mut Server, hosts: &str, port: u16) -> bool {
    if !with_hosts(server, hosts) {
        return false;
    }
    let others = ["127.0.0.2", "127.0.0.3"].map(|host| {
        let listener = TcpListener::bind((host, port)).expect("the port is free on all addresses");
        listener
            .set_nonblocking(true)
            .expect("a listener takes options");
        listener
    });
    server
        .launch()
        .unwrap_or_else(|problem| panic!("{problem}"));
    let mut dialled = [0, 0];
    eventually("both addresses to be dialled", || {
        for (count, other) in dialled.iter_mut().zip(&others) {
            // Who is sent away tries again.
            while other.accept().is_ok() {
                *count += 1;
            }
        }
        if dialled.iter().all(|count| *count > 0) {
            Ok(())
        } else {
            Err(format!("{dialled:?}\n{}", server.log()))
        }
    });
    true
}

/// `server` has, from its next start on, no network but its own loopback, where the test cannot reach it. `false` if this
/// machine does not allow that: then nothing can be tested.
#[must_use]
pub fn without_network(server: &mut Server) -> bool {
    wrap(server, "--net", "ip link set lo up")
}

/// Has `server` started by a script that parts with the machine's `what` and does `first`.
fn wrap(server: &mut Server, what: &str, first: &str) -> bool {
    // Root may; others may where they can be root of a namespace of their own.
    let ways = [vec![what], vec![what, "--map-root-user"]];
    let Some(way) = ways.into_iter().find(|way| allows(way, first)) else {
        print_loudly(what);
        return false;
    };
    let program = server.kind().program();
    let script = format!(
        "#!/bin/sh\nexec unshare {} sh -c \"{first} && exec '{}' \\\"\\$@\\\"\" server \"$@\"\n",
        way.join(" "),
        program.display()
    );
    let path = PathBuf::from(write_file(server.folder(), "apart.sh", &script));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))
        .expect("a file of ours can be made executable");
    server.set_program(path);
    true
}

fn allows(way: &[&str], first: &str) -> bool {
    let tried = Command::new("unshare")
        .args(way)
        .args(["sh", "-c", first])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    tried.is_ok_and(|status| status.success())
}

/// Tells what is not tested, past the test harness, which would keep it to itself.
fn print_loudly(what: &str) {
    let line = "#".repeat(72);
    let text =
        format!("{line}\n## NOT TESTED: this machine does not allow `unshare {what}`.\n{line}\n");
    // Who has closed standard error does not want to know.
    let _ = std::io::stderr().write_all(text.as_bytes());
}
