//! A process of the binary: started in a folder of its own, watched, ended by its id.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use gannet_rt::unix::{Pid, Signal, kill};
use tempfile::TempDir;

/// After this, what is waited for is taken not to come.
const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until `ready` answers something.
#[track_caller]
pub(crate) fn within<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(result) = ready() {
            return result;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A folder with the binary under the name `name` in it.
pub(crate) struct Place {
    pub(crate) dir: TempDir,
    program: PathBuf,
}

impl Place {
    pub(crate) fn new(name: &str) -> Place {
        let dir = TempDir::with_prefix("gannet-binary-").expect("a temporary folder");
        let program = dir.path().join(name);
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_gannet"), &program).expect("a link");
        Place { dir, program }
    }

    /// The binary, under its name here.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.dir.path().join(file)
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        std::fs::write(self.path(file), text).expect("writable");
    }

    pub(crate) fn read(&self, file: &str) -> String {
        read(&self.path(file))
    }

    /// The names of the files in the folder that begin like this.
    pub(crate) fn files(&self, beginning: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.dir.path()).expect("a folder");
        let names = entries.map(|e| {
            e.expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        });
        let mut names: Vec<String> = names.filter(|name| name.starts_with(beginning)).collect();
        names.sort();
        names
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(args)
            .current_dir(self.dir.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs to the end: exit code, standard output, standard error.
    pub(crate) fn run(&self, args: &[&str]) -> (Option<i32>, String, String) {
        let Output {
            status,
            stdout,
            stderr,
        } = self.command(args).output().expect("starts");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        (status.code(), text(stdout), text(stderr))
    }

    /// Starts without waiting for anything; both outputs go to files.
    pub(crate) fn spawn(&self, args: &[&str]) -> Process {
        self.spawn_command(self.command(args))
    }

    fn spawn_command(&self, mut command: Command) -> Process {
        let file = |name: &str| {
            let path = self.path(name);
            (File::create(&path).expect("writable"), path)
        };
        let ((out, out_path), (err, err_path)) = (file("stdout"), file("stderr"));
        let child = command.stdout(out).stderr(err).spawn().expect("starts");
        Process {
            child,
            out: out_path,
            log: err_path,
        }
    }

    /// As [`Place::serve`], with a soft limit of open files.
    pub(crate) fn serve_with_files(&self, limit: u64) -> Process {
        let script = format!(
            "ulimit -Sn {limit} && exec {} -a 127.0.0.1 -p -1",
            self.program.display()
        );
        let mut command = Command::new("sh");
        command
            .args(["-c", &script])
            .current_dir(self.dir.path())
            .stdin(Stdio::null());
        let process = self.spawn_command(command);
        process.wait_for_log("Server is ready");
        process
    }

    /// As [`Place::serve`], with these variables in its environment.
    pub(crate) fn serve_with_variables(
        &self,
        variables: &[(&str, &str)],
        args: &[&str],
    ) -> Process {
        let mut command = self.command(&["-a", "127.0.0.1", "-p", "-1"]);
        command.args(args).envs(variables.iter().copied());
        let process = self.spawn_command(command);
        process.wait_for_log("Server is ready");
        process
    }

    /// As [`Place::serve`], run by another program: `wrapper`, with its arguments.
    pub(crate) fn serve_under(&self, wrapper: &[&str], args: &[&str]) -> Process {
        let mut command = Command::new(wrapper[0]);
        command
            .args(&wrapper[1..])
            .arg(&self.program)
            .args(["-a", "127.0.0.1", "-p", "-1"])
            .args(args)
            .current_dir(self.dir.path())
            .stdin(Stdio::null());
        let process = self.spawn_command(command);
        process.wait_for_log("Server is ready");
        process
    }

    /// Starts a server on a free loopback port and waits until it is ready.
    pub(crate) fn serve(&self, args: &[&str]) -> Process {
        let mut all = vec!["-a", "127.0.0.1", "-p", "-1"];
        all.extend(args);
        let process = self.spawn(&all);
        process.wait_for_log("Server is ready");
        process
    }

    /// As [`Place::serve`], with a log file in the folder.
    pub(crate) fn serve_with_log(&self, file: &str, args: &[&str]) -> Process {
        let mut all = vec!["-a", "127.0.0.1", "-p", "-1"];
        all.extend(args);
        let mut process = self.spawn(&all);
        process.log = self.path(file);
        process.wait_for_log("Server is ready");
        process
    }
}

/// A process that is killed if its test forgets it.
pub(crate) struct Process {
    child: Child,
    out: PathBuf,
    log: PathBuf,
}

impl Process {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What standard output got so far.
    pub(crate) fn out(&self) -> String {
        read(&self.out)
    }

    /// What was logged so far.
    pub(crate) fn log(&self) -> String {
        read(&self.log)
    }

    /// The log's texts alone, without what is in front of them.
    pub(crate) fn texts(&self) -> Vec<String> {
        let log = self.log();
        let text = |line: &str| line.splitn(3, '[').nth(2).map(|rest| format!("[{rest}"));
        log.lines().filter_map(text).collect()
    }

    #[track_caller]
    pub(crate) fn wait_for_log(&self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.log().contains(text) {
            assert!(
                Instant::now() < deadline,
                "no {text:?} in the log:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The port behind the first `marker` in `text`.
    pub(crate) fn port(&self, marker: &str) -> u16 {
        port_behind(&self.log(), marker)
    }

    /// A connection to the client port.
    pub(crate) fn connect(&self) -> Wire {
        Wire::connect(self.port("Listening for client connections on 127.0.0.1:"))
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.pid()).expect("a process id");
        kill(Pid::from_raw(id), signal).expect("the process is ours and still there");
    }

    /// Waits for the end.
    #[track_caller]
    pub(crate) fn end(&mut self) -> Option<i32> {
        let status: ExitStatus = within("the end of the process", || {
            self.child.try_wait().expect("waits")
        });
        status.code()
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("waits").is_some()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client's raw connection.
pub(crate) struct Wire {
    reader: BufReader<TcpStream>,
}

impl Wire {
    pub(crate) fn connect(port: u16) -> Wire {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("connects");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a timeout can be set");
        Wire {
            reader: BufReader::new(stream),
        }
    }

    pub(crate) fn send(&mut self, text: &str) {
        self.reader
            .get_mut()
            .write_all(text.as_bytes())
            .expect("sends");
    }

    /// The next line without its end; none at the end of the connection.
    pub(crate) fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let bytes = self.reader.read_line(&mut line).expect("a line in time");
        (bytes > 0).then(|| line.trim_end().to_string())
    }

    /// Reads until a line begins like this.
    #[track_caller]
    pub(crate) fn expect(&mut self, beginning: &str) -> String {
        loop {
            let line = self
                .line()
                .unwrap_or_else(|| panic!("connection ended before {beginning:?}"));
            if line.starts_with(beginning) {
                return line;
            }
        }
    }

    /// Introduces a client; all that was sent by the server for that has been read.
    pub(crate) fn greet(&mut self, connect: &str) {
        self.send(&format!("CONNECT {connect}\r\nPING\r\n"));
        self.expect("PONG");
    }
}

pub(crate) fn port_behind(text: &str, marker: &str) -> u16 {
    let (_, rest) = text
        .split_once(marker)
        .unwrap_or_else(|| panic!("no {marker:?} in:\n{text}"));
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().expect("a port")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}
