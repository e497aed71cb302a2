//! One server process: started on free ports, watched until it answers, ended by its id, restarted in place.

use crate::http;
use crate::ports::Port;
use crate::programs;
use crate::wait::{PATIENCE, within};
use rustix::process::{Pid, Signal};
use serde_json::Value;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use tempfile::TempDir;

/// Which program is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// This workspace's server.
    Gannet,
    /// The reference server.
    Go,
}

impl Kind {
    /// Path of the program.
    pub fn program(self) -> PathBuf {
        match self {
            Kind::Gannet => programs::gannet(),
            Kind::Go => programs::go_server(),
        }
    }

    /// Runs the program to its end with `arguments` in `folder` and returns what it printed.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn run(self, folder: &Path, arguments: &[&str]) -> Output {
        let program = self.program();
        Command::new(&program)
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::null())
            .output()
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", program.display()))
    }
}

/// A running (or killed) server. Dropping it kills the process and removes its folder; when the test is
/// failing, the end of its log is printed first.
#[derive(Debug)]
pub struct Server {
    kind: Kind,
    name: String,
    child: Option<Child>,
    folder: TempDir,
    client: Port,
    http: Port,
    gateway: Port,
    route: Port,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    program: Option<PathBuf>,
}

/// How often a start is tried again when another program took a port in between.
const ATTEMPTS: usize = 5;
/// What both servers say then.
const PORT_TAKEN: &str = "address already in use";
/// The end of a reload in the log.
pub const RELOADED: &str = "Reloaded server configuration ";
/// What a server says of a configuration that it does not take over.
pub const REFUSED: &str = "Failed to reload server configuration: ";
/// What a server says whose clients get no INFO before they encrypt.
const SILENT: &str = "\"TLS Handshake First\" option will fail";

impl Server {
    /// Starts a server with `config`, in which `{gateway}` stands for the address of its gateway listener,
    /// `{cluster}` for that of its route listener, `{client}` and `{http}` for the other two and `{dir}` for
    /// its folder. Listeners for clients and monitoring are added. Returns when a client gets its INFO.
    ///
    /// # Panics
    /// With the log when it does not come up.
    pub fn start(kind: Kind, config: &str) -> Server {
        Server::start_with(kind, config, &[])
    }

    /// [`Server::start`] with more command line arguments.
    ///
    /// # Panics
    /// As [`Server::start`].
    pub fn start_with(kind: Kind, config: &str, arguments: &[&str]) -> Server {
        for _ in 1..ATTEMPTS {
            let mut server = Server::prepare(kind, config, arguments);
            match server.launch() {
                Ok(()) => return server,
                Err(problem) if problem.contains(PORT_TAKEN) => {}
                Err(problem) => panic!("{problem}"),
            }
        }
        panic!("ports were taken {ATTEMPTS} times by other programs")
    }

    /// A server with its ports and folder, not started yet: for configurations that name each other.
    pub fn prepare(kind: Kind, config: &str, arguments: &[&str]) -> Server {
        let server = Server {
            kind,
            name: format!("{kind:?}"),
            child: None,
            folder: tempfile::Builder::new()
                .prefix("gannet-acceptance-")
                .tempdir()
                .expect("a temporary folder can be made"),
            client: Port::reserve(),
            http: Port::reserve(),
            gateway: Port::reserve(),
            route: Port::reserve(),
            arguments: arguments
                .iter()
                .map(|&argument| argument.to_owned())
                .collect(),
            environment: Vec::new(),
            program: None,
        };
        server.write_config(config);
        server
    }

    /// Writes the configuration that the next [`Server::launch`] reads.
    pub fn write_config(&self, config: &str) {
        let text = format!("listen: \"{{client}}\"\nhttp: \"{{http}}\"\n{config}\n")
            .replace("{client}", &self.client_address())
            .replace("{http}", &self.http_address())
            .replace("{gateway}", &self.gateway_address())
            .replace("{cluster}", &self.route_address())
            .replace("{dir}", &self.folder().display().to_string());
        std::fs::write(self.folder().join("server.conf"), text)
            .expect("a configuration can be written");
    }

    /// Adds a variable to the environment of the next [`Server::launch`].
    pub fn set_variable(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Another program of this kind for the next [`Server::launch`]: an older release.
    pub fn set_program(&mut self, program: PathBuf) {
        self.program = Some(program);
    }

    /// Name used in failure output.
    pub fn set_name(&mut self, name: &str) {
        self.name = format!("{name} ({:?})", self.kind);
    }

    /// Starts the process and waits until a client gets its INFO; says why with the log if that fails.
    pub fn launch(&mut self) -> Result<(), String> {
        self.spawn();
        self.await_greeting()
    }

    /// Waits until a client gets its INFO; says why with the log if the process ends before.
    ///
    /// A port may be taken for an instant: a child that another test is just forking holds the sockets of all.
    /// Then the process is started again.
    pub(crate) fn await_greeting(&mut self) -> Result<(), String> {
        for _ in 1..ATTEMPTS {
            match self.await_greeting_once() {
                Err(problem) if problem.contains(PORT_TAKEN) => {
                    std::fs::remove_file(self.log_path()).map_err(|error| error.to_string())?;
                    self.spawn();
                }
                other => return other,
            }
        }
        self.await_greeting_once()
    }

    fn await_greeting_once(&mut self) -> Result<(), String> {
        let ready = within(PATIENCE, || {
            let child = self.child.as_mut().expect("the process was started before");
            if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
                return Ok(Err(format!("the server ended with {status}")));
            }
            if self.log().contains(SILENT) {
                let ready = self.log().contains("Server is ready");
                return ready.then_some(Ok(())).ok_or_else(|| "not ready".into());
            }
            let id = greeting(&self.client_address())?;
            within(PATIENCE, || self.has_left(id)).map(Ok)
        });
        ready.and_then(|inner| inner).map_err(|problem| {
            format!(
                "{} did not start: {problem}\n{}",
                self.name,
                self.log_tail()
            )
        })
    }

    /// Whether monitoring, if there is any, no longer lists the client `id` that has seen the greeting: tests
    /// take those that are listed for their own.
    fn has_left(&self, id: Option<u64>) -> Result<(), String> {
        let page = id.and_then(|id| self.try_monitor(&format!("/connz?cid={id}")).ok());
        match page {
            Some(page) if page["num_connections"].as_u64() > Some(0) => {
                Err(format!("still there: {page}"))
            }
            _ => Ok(()),
        }
    }

    /// Starts the process without waiting for anything.
    pub fn spawn(&mut self) {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_path())
            .expect("a log file can be opened");
        let program = self.program.clone().unwrap_or_else(|| self.kind.program());
        let mut command = Command::new(&program);
        command
            .arg("-c")
            .arg(self.folder().join("server.conf"))
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(self.folder())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file handle can be doubled"))
            .stderr(log);
        // A script that was written just now stays busy while a process that another thread begins still has the file.
        let child = crate::eventually("a program that is not busy", || match command.spawn() {
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => Err(error.to_string()),
            spawned => Ok(spawned),
        });
        let child =
            child.unwrap_or_else(|error| panic!("cannot start {}: {error}", program.display()));
        self.child = Some(child);
    }

    /// Which program runs.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The server's folder: configuration, log, and what the configuration puts there.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// `127.0.0.1:<client port>`.
    pub fn client_address(&self) -> String {
        self.client.address()
    }

    /// `nats://127.0.0.1:<client port>`.
    pub fn url(&self) -> String {
        format!("nats://{}", self.client_address())
    }

    /// Client port.
    pub fn client_port(&self) -> u16 {
        self.client.number()
    }

    /// `127.0.0.1:<monitoring port>`.
    pub fn http_address(&self) -> String {
        self.http.address()
    }

    /// `127.0.0.1:<gateway port>`, whether or not the configuration listens there.
    pub fn gateway_address(&self) -> String {
        self.gateway.address()
    }

    /// `127.0.0.1:<route port>`, whether or not the configuration listens there.
    pub fn route_address(&self) -> String {
        self.route.address()
    }

    /// Gateway port.
    pub fn gateway_port(&self) -> u16 {
        self.gateway.number()
    }

    /// Process id.
    ///
    /// # Panics
    /// When the server does not run.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("the server runs").id()
    }

    /// JSON of a monitoring endpoint.
    pub fn monitor(&self, path: &str) -> Value {
        http::get(self.http_address(), path).json()
    }

    /// JSON of a monitoring endpoint, or why there is none.
    pub fn try_monitor(&self, path: &str) -> Result<Value, String> {
        let response = http::try_get(self.http_address(), path)?;
        serde_json::from_str(&response.body)
            .map_err(|error| format!("{path}: {error}: {}", response.body))
    }

    /// Asks the closed connections until one with client id or name `name` is there; its entry.
    pub fn closed_connection(&self, name: &str) -> Value {
        crate::eventually(&format!("{name} among closed connections"), || {
            let page = self.try_monitor("/connz?state=closed")?;
            let found = page["connections"]
                .as_array()
                .and_then(|all| all.iter().find(|one| one["name"] == name))
                .cloned();
            found.ok_or_else(|| page.to_string())
        })
    }

    /// Waits until no client is connected, not even the one that has seen that the server is there.
    pub fn await_nobody(&self) {
        crate::eventually("everybody to have left", || {
            let page = self.try_monitor("/varz")?;
            let (open, total) = (&page["connections"], &page["total_connections"]);
            if *open == 0 && total.as_u64() >= Some(1) {
                Ok(())
            } else {
                Err(format!("{open} open of {total}"))
            }
        });
    }

    /// Its server id, as clients are told.
    pub fn id(&self) -> String {
        let info = crate::Wire::open(&self.client_address()).info();
        info["server_id"].as_str().expect("a text").to_owned()
    }

    /// Waits until `/gatewayz` shows these numbers of gateway links.
    pub fn await_links(&self, outbound: usize, inbound: usize) {
        let what = format!("{outbound} outbound and {inbound} inbound links");
        crate::eventually(&what, || {
            let page = self.try_monitor("/gatewayz")?;
            let found = crate::supercluster::inbound(&page);
            let links: usize = found.iter().map(|(_, count)| count).sum();
            if crate::supercluster::outbound(&page).len() == outbound && links == inbound {
                Ok(())
            } else {
                Err(page.to_string())
            }
        });
    }

    /// The log so far: its whole lines.
    pub fn log(&self) -> String {
        let mut bytes = std::fs::read(self.log_path()).unwrap_or_default();
        // What follows the last one is still being written.
        bytes.truncate(
            bytes
                .iter()
                .rposition(|&byte| byte == b'\n')
                .map_or(0, |end| end + 1),
        );
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Waits until the log has a line that holds `text`, and returns that line.
    pub fn expect_log(&self, text: &str) -> String {
        crate::eventually(&format!("log of {} to say {text:?}", self.name), || {
            self.log()
                .lines()
                .find(|line| line.contains(text))
                .map(str::to_owned)
                .ok_or_else(|| self.log_tail())
        })
    }

    /// Has the server read its configuration again, and returns what it logs about it: the lines without their
    /// beginnings, without the last one if all is well, and without the two that the reference server has in any case.
    ///
    /// # Panics
    /// When there is no answer.
    pub fn reload(&self) -> Vec<String> {
        let before = self.log_length();
        self.signal(Signal::HUP);
        crate::eventually(&format!("an answer of {} to the signal", self.name), || {
            let log = self.log_from(before);
            if !log.ends_with('\n') || ![RELOADED, REFUSED].iter().any(|end| log.contains(end)) {
                return Err(log);
            }
            let text = |line: &str| {
                let (_, text) = line.split_once("[INF] ").or(line.split_once("[ERR] "))?;
                Some(text.to_owned())
            };
            let always = [
                "Reloaded: authorization users",
                "Reloaded: accounts",
                "Trapped \"hangup\" signal",
            ];
            let is_told =
                |line: &String| !always.contains(&line.as_str()) && !line.starts_with(RELOADED);
            Ok(log.lines().filter_map(text).filter(is_told).collect())
        })
    }

    fn log_length(&self) -> u64 {
        std::fs::metadata(self.log_path()).map_or(0, |file| file.len())
    }

    /// The log from the byte `start` on.
    fn log_from(&self, start: u64) -> String {
        let read = || -> std::io::Result<Vec<u8>> {
            let mut file = File::open(self.log_path())?;
            file.seek(SeekFrom::Start(start))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
    }

    /// Kills the process (SIGKILL) and reaps it.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Both fail only when the process has ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Asks the process to end (SIGTERM) and waits for it.
    ///
    /// # Panics
    /// When it does not end.
    pub fn terminate(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait()
    }

    /// Waits for the process to end by itself.
    ///
    /// # Panics
    /// When it does not end.
    pub fn wait(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("the server runs");
        let ended = within(PATIENCE, || {
            child
                .try_wait()
                .map_err(|error| error.to_string())?
                .ok_or_else(|| "it still runs".to_owned())
        });
        self.child = Some(child);
        let status = ended.unwrap_or_else(|problem| {
            panic!("{} should end: {problem}\n{}", self.name, self.log_tail())
        });
        self.child = None;
        status
    }

    /// Sends a signal to the process.
    ///
    /// # Panics
    /// When the server does not run.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid())
            .ok()
            .and_then(Pid::from_raw)
            .expect("a process id is a positive number");
        rustix::process::kill_process(pid, signal).expect("a signal can be sent to a child");
    }

    /// Stops the process without ending it: sockets stay open, nobody answers.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Ends [`Server::freeze`].
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Kills the process if it runs and starts it again on the same ports.
    ///
    /// # Panics
    /// With the log when it does not come up.
    pub fn restart(&mut self) {
        self.kill();
        self.launch().unwrap_or_else(|problem| panic!("{problem}"));
    }

    fn log_path(&self) -> PathBuf {
        self.folder().join("server.log")
    }

    fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let skipped = lines.len().saturating_sub(60);
        format!(
            "--- log of {}, last of {} lines\n{}",
            self.name,
            lines.len(),
            lines[skipped..].join("\n")
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.log_tail());
        }
        self.kill();
    }
}

/// Connects and reads the first line; the id that the server has given this client, if it let it in.
fn greeting(address: &str) -> Result<Option<u64>, String> {
    let stream = TcpStream::connect(address).map_err(|error| error.to_string())?;
    stream
        .set_read_timeout(Some(PATIENCE))
        .map_err(|error| error.to_string())?;
    let mut line = String::new();
    BufReader::new(stream)
        .read_line(&mut line)
        .map_err(|error| error.to_string())?;
    if let Some(info) = line.strip_prefix("INFO ") {
        let info: Value = serde_json::from_str(info).map_err(|error| error.to_string())?;
        Ok(info["client_id"].as_u64())
    } else if line.starts_with("-ERR ") {
        Ok(None)
    } else {
        Err(format!("greeted with {line:?}"))
    }
}

/// Writes `text` into `folder/name` and returns the path as text, for command lines.
///
/// # Panics
/// When the file cannot be written.
pub fn write_file(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    let mut file = File::create(&path).expect("a file can be made in a temporary folder");
    std::io::Write::write_all(&mut file, text.as_bytes()).expect("a file can be written");
    path.display().to_string()
}
