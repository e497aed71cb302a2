//! One test's directory: the script that is the server binary, the report, the processes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Carries the fault, the directory and the flags to the server process.
pub(crate) const SERVER_WORDS: &str = "GANNET_LOAD_TEST_SERVER";
/// Carries the arguments to the tool's process.
pub(crate) const TOOL_WORDS: &str = "GANNET_LOAD_TEST_TOOL";

pub(crate) struct Stage {
    directory: TempDir,
}

impl Stage {
    pub(crate) fn new(fault: &str) -> Stage {
        let stage = Stage {
            directory: TempDir::new().unwrap(),
        };
        let own = std::env::current_exe().unwrap();
        let script = format!(
            "#!/bin/sh\n[ \"$1\" = ready ] && exit 0\n\
             {SERVER_WORDS}=\"{fault} {} $*\" exec \"{}\" as_server --exact --ignored --nocapture\n",
            stage.directory.path().display(),
            own.display()
        );
        fs::write(stage.server(), script).unwrap();
        fs::set_permissions(stage.server(), fs::Permissions::from_mode(0o755)).unwrap();
        // Until a child that another thread is just starting has let go of the file, the system calls it busy.
        let deadline = Instant::now() + Duration::from_secs(20);
        while let Err(error) = Command::new(stage.server()).arg("ready").status() {
            assert!(Instant::now() < deadline, "{error}");
        }
        stage
    }

    pub(crate) fn server(&self) -> String {
        self.path("server")
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    /// Runs the tool to its end; its exit code and its report.
    pub(crate) fn run(&self, words: &[&str]) -> (i32, serde_json::Value) {
        let report = self.path("report.json");
        let json = format!("--json={report}");
        let output = self
            .spawn(&[&[json.as_str()], words].concat())
            .wait_with_output()
            .unwrap();
        let text = fs::read(report).unwrap_or_default();
        (
            output.status.code().unwrap_or(-1),
            serde_json::from_slice(&text).unwrap_or_default(),
        )
    }

    /// Runs the tool in a process of its own.
    pub(crate) fn spawn(&self, words: &[&str]) -> Child {
        let all = [&["bench", "--server", &self.server()], words]
            .concat()
            .join(" ");
        Command::new(std::env::current_exe().unwrap())
            .args(["as_tool", "--exact", "--ignored", "--nocapture"])
            .env(TOOL_WORDS, all)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// The pid of the server that was started after `earlier` others, once it has begun to deliver.
    pub(crate) fn server_pid(&self, earlier: usize, patience: Duration) -> String {
        let deadline = Instant::now() + patience;
        loop {
            let text = fs::read_to_string(Path::new(&self.path("pids"))).unwrap_or_default();
            if let Some(pid) = text.lines().nth(earlier) {
                return pid.to_owned();
            }
            assert!(Instant::now() < deadline, "no server was started");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
