//! What the server is delivered in: the service's unit, the Debian package, the image. Not here: building any of them.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::harness::Place;

const UNIT: &str = "packaging/systemd/gannet.service";
const SCRIPTS: [&str; 4] = [
    "packaging/docker/entrypoint.sh",
    "packaging/docker/healthcheck.sh",
    "packaging/debian/postinst",
    "packaging/generate.sh",
];

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    fs::read_to_string(top().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Writes a program that can be run to the place.
fn write_program(place: &Place, name: &str, text: &str) {
    place.write(name, text);
    let all = fs::Permissions::from_mode(0o755);
    fs::set_permissions(place.path(name), all).expect("can be set");
}

fn lines<'a>(text: &'a str, key: &str) -> Vec<&'a str> {
    let values = text.lines().filter_map(|line| line.strip_prefix(key));
    values.collect()
}

#[test]
fn the_unit_is_one_that_systemd_understands() {
    let place = Place::new("gannet");
    // It looks whether the program is there.
    let unit = read(UNIT).replace("/usr/bin/gannet", &place.program().display().to_string());
    place.write("gannet.service", &unit);
    let verified = Command::new("systemd-analyze")
        .arg("verify")
        .arg(place.path("gannet.service"))
        .output();
    let Ok(Output { status, stderr, .. }) = verified else {
        // Past the test's own output, which nobody sees if it passes.
        let _ = writeln!(
            std::io::stderr(),
            "NOT TESTED: systemd-analyze is missing, so nobody has looked at {UNIT}"
        );
        return;
    };
    let told = String::from_utf8_lossy(&stderr);
    // Of other units of this machine it may complain, too.
    let ours: Vec<&str> = told.lines().filter(|l| l.contains("gannet")).collect();
    assert!(status.success() && ours.is_empty(), "{status} {told}");
}

/// What the unit's directives and the server's habits must agree on.
#[test]
fn the_unit_stops_a_server_as_the_server_wants_to_be_stopped() {
    let unit = read(UNIT);
    let one = |key: &str| match lines(&unit, key)[..] {
        [value] => value.to_owned(),
        ref others => panic!("{key} {others:?}"),
    };
    assert_eq!(one("Type="), "notify");
    assert_eq!(one("ExecReload="), "/bin/kill -s HUP $MAINPID");
    assert_eq!(one("KillSignal="), "SIGUSR2");
    assert!(one("RestrictAddressFamilies=").contains("AF_UNIX"));
    // Lame duck mode by default takes two minutes, and the rest of the end some seconds.
    let patience: u64 = one("TimeoutStopSec=")
        .trim_end_matches('s')
        .parse()
        .expect("seconds");
    assert!(patience > 120 + 10, "{patience}");
    // The signs of life are not far apart, even on a busy machine.
    assert_eq!(one("WatchdogSec="), "30s");
    let config = one("ExecStart=/usr/bin/gannet -c ");
    let manifest = read("shell/gannet/Cargo.toml");
    assert!(manifest.contains(&format!("conf-files = [\"{config}\"]")));
}

#[test]
fn every_file_that_the_debian_package_names_is_there() {
    let manifest = read("shell/gannet/Cargo.toml");
    let package = top().join("shell/gannet");
    let quoted = manifest
        .lines()
        .flat_map(|line| line.split('"').skip(1).step_by(2));
    let paths: Vec<&str> = quoted.filter(|text| text.starts_with("../../")).collect();
    assert!(paths.len() > 10, "{paths:?}");
    for path in paths {
        let Some((folder, pattern)) = path.rsplit_once('/').filter(|(_, name)| name.contains('*'))
        else {
            assert!(package.join(path).exists(), "{path}");
            continue;
        };
        let ending = pattern.trim_start_matches('*');
        let found = fs::read_dir(package.join(folder))
            .unwrap_or_else(|error| panic!("{folder}: {error}"))
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| name.ends_with(ending));
        assert!(found.count() > 0, "{path}");
    }
    // By these names cargo-deb finds what belongs to the service.
    assert!(manifest.contains("unit-name = \"gannet\""));
    assert!(top().join(UNIT).ends_with("gannet.service"));
    assert!(read("packaging/debian/postinst").contains("\n#DEBHELPER#\n"));
}

#[test]
fn the_configurations_that_are_delivered_are_valid() {
    let place = Place::new("gannet");
    for file in [
        "packaging/debian/gannet.conf",
        "packaging/docker/nats-server.conf",
    ] {
        let path = top().join(file).display().to_string();
        let (code, out, told) = place.run(&["-t", "-c", &path]);
        assert_eq!((code, out.as_str()), (Some(0), ""), "{file}: {told}");
        let (code, _, told) = place.run(&["config", "explain", &path]);
        assert_eq!((code, told.as_str()), (Some(0), ""), "{file}");
    }
}

#[test]
fn scripts_are_what_a_plain_shell_understands() {
    for script in SCRIPTS {
        let path = top().join(script);
        let output = Command::new("sh").arg("-n").arg(&path).output();
        let output = output.expect("sh is there");
        assert!(output.status.success(), "{script}: {output:?}");
        let mode = fs::metadata(&path).expect("is there").permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "{script} can be run");
    }
}

#[test]
fn the_image_copies_what_is_there_and_opens_the_ports_that_are_expected() {
    let dockerfile = read("packaging/docker/Dockerfile");
    assert_eq!(lines(&dockerfile, "EXPOSE "), ["4222 6222 8222"]);
    assert_eq!(lines(&dockerfile, "USER "), ["4222:4222"]);
    assert_eq!(lines(&dockerfile, "STOPSIGNAL "), ["SIGTERM"]);
    assert_eq!(lines(&dockerfile, "ENTRYPOINT "), ["[\"entrypoint.sh\"]"]);
    let copied = dockerfile.split_whitespace();
    let copied: Vec<&str> = copied
        .filter(|word| word.starts_with("packaging/"))
        .collect();
    assert!(copied.len() > 3, "{copied:?}");
    for path in copied {
        assert!(top().join(path).exists(), "{path}");
    }
    // A static binary is a release build of the compiler that the tree is made for.
    let manifest = read("Cargo.toml");
    let compiler = lines(&dockerfile, "ARG RUST_VERSION=").concat();
    assert!(manifest.contains(&format!("rust-version = \"{compiler}\"")));
}

#[test]
fn flags_alone_go_to_the_server_of_the_image() {
    let place = Place::new("nats-server");
    let run = |arguments: &[&str]| {
        let path = format!("{}:{}", place.dir.path().display(), env!("PATH"));
        let output = Command::new("sh")
            .arg(top().join(SCRIPTS[0]))
            .args(arguments)
            .env("PATH", path)
            .output()
            .expect("sh is there");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    for flags in [
        &["--version"][..],
        &["nats-server", "-v"],
        &["-p", "1", "-v"],
    ] {
        assert_eq!(run(flags), "nats-server: v2.15.1\n", "{flags:?}");
    }
    assert_eq!(run(&["echo", "something", "else"]), "something else\n");
    // Without anything, too, it is the server that is run.
    fs::remove_file(place.path("nats-server")).expect("the link is ours");
    write_program(&place, "nats-server", "#!/bin/sh\necho \"served: $*\"\n");
    assert_eq!(run(&[]), "served: \n");
}

#[test]
fn the_health_check_of_the_image_asks_where_there_is_somebody_to_ask() {
    let place = Place::new("gannet");
    // Stand-ins that say with what they were asked, and answer as they are told to.
    write_program(&place, "nc", "#!/bin/sh\necho \"nc $*\"\nexit $NC\n");
    write_program(&place, "wget", "#!/bin/sh\necho \"wget $*\"\nexit $WGET\n");
    let usual = "wget -q -T 4 -O /dev/null http://127.0.0.1:8222/healthz\n";
    let named = "wget -q -T 4 -O /dev/null http://127.0.0.1:9/healthz\n";
    let asked = "nc -z 127.0.0.1 8222\n";
    for (url, nc, wget, code, told) in [
        ("", "0", "0", 0, format!("{asked}{usual}")),
        ("", "0", "1", 1, format!("{asked}{usual}")),
        ("", "1", "1", 0, asked.to_owned()),
        ("http://127.0.0.1:9/healthz", "1", "0", 0, named.to_owned()),
        ("http://127.0.0.1:9/healthz", "1", "1", 1, named.to_owned()),
    ] {
        let path = format!("{}:{}", place.dir.path().display(), env!("PATH"));
        let output = Command::new("sh")
            .arg(top().join(SCRIPTS[1]))
            .envs([("PATH", path.as_str()), ("NC", nc), ("WGET", wget)])
            .env("GANNET_HEALTH_URL", url)
            .output()
            .expect("sh is there");
        let out = String::from_utf8_lossy(&output.stdout);
        assert_eq!(
            (output.status.code(), &*out),
            (Some(code), &*told),
            "{url} {nc} {wget}"
        );
    }
}
