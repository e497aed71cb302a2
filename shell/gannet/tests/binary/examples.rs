//! The example configurations: whoever starts with one of them gets a server.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::harness::Place;

/// Folders of parts of configurations, which others include.
const PARTS: &str = "shared";

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

/// All files with this ending below `folder`, parts left out.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut found = Vec::new();
    for path in entries.map(|entry| entry.expect("an entry").path()) {
        if path.is_dir() && !path.ends_with(PARTS) {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|known| known == ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Makes the certificates that examples name, by the script that is there for it. Answers whether it could.
fn make_certificates(place: &Place) -> bool {
    let has_openssl = Command::new("openssl").arg("version").output().is_ok();
    if !has_openssl {
        // Past the test's own output, which nobody sees if it passes.
        let _ = writeln!(
            std::io::stderr(),
            "NOT TESTED: openssl is missing, so the examples with TLS cannot be tried"
        );
        return false;
    }
    let script = examples().join("tls-everywhere/make-certificates.sh");
    let output = Command::new("sh")
        .arg(script)
        .arg(place.dir.path())
        .output()
        .expect("sh is there");
    assert!(output.status.success(), "{output:?}");
    true
}

/// Whether a configuration has certificates.
fn has_tls(path: &Path) -> bool {
    let text = std::fs::read_to_string(path).expect("readable");
    text.lines()
        .any(|line| line.trim_start().starts_with("cert_file"))
}

#[test]
fn every_example_is_valid_and_a_server_could_go_by_it() {
    let place = Place::new("gannet");
    let certificates = make_certificates(&place);
    let examples = files(&examples(), "conf");
    assert!(examples.len() > 15, "{examples:?}");
    for path in examples {
        if has_tls(&path) && !certificates {
            continue;
        }
        let path = path.to_str().expect("UTF-8");
        let (code, out, told) = place.run(&["-t", "-c", path]);
        assert_eq!((code, out.as_str()), (Some(0), ""), "{path}: {told}");
        let (code, _, told) = place.run(&["config", "explain", path]);
        assert_eq!((code, told.as_str()), (Some(0), ""), "{path}");
    }
}

#[test]
fn the_servers_of_an_example_can_run_side_by_side() {
    for folder in [
        "cluster",
        "supercluster",
        "supercluster-3x3",
        "tls-everywhere",
    ] {
        let mut listeners = Vec::new();
        for path in files(&examples().join(folder), "conf") {
            let text = std::fs::read_to_string(&path).expect("readable");
            let addresses = text.lines().filter_map(|line| {
                let line = line.trim_start();
                let address = line
                    .strip_prefix("listen: ")
                    .or(line.strip_prefix("http: "));
                address.map(str::to_owned)
            });
            listeners.extend(addresses);
        }
        let all = listeners.len();
        assert!(all > 8, "{folder}: {listeners:?}");
        listeners.sort();
        listeners.dedup();
        assert_eq!(listeners.len(), all, "{folder}: {listeners:?}");
    }
}
