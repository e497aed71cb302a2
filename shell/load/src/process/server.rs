//! One server process: started, waited for, watched, and ended by its pid whatever happens.

use std::cell::RefCell;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::usage;
use crate::error::LoadError;
use crate::link::Link;
use crate::report::Progress;

/// Between two attempts to connect to a starting server.
const ATTEMPT_EVERY: Duration = Duration::from_millis(1);
/// How long a server has to follow SIGTERM.
const TERM_PATIENCE: Duration = Duration::from_secs(3);
/// Lines of a dead server's log that an error quotes.
const LOG_LINES: usize = 5;

/// A running server; dropping it ends the process.
#[derive(Debug)]
pub(crate) struct Server {
    child: RefCell<Child>,
    pid: Pid,
    binary: PathBuf,
    log: PathBuf,
    /// Where clients connect.
    pub(crate) address: SocketAddr,
    begun: Instant,
    /// From start until it greeted a client.
    pub(crate) ready_after: Duration,
    /// The version in its INFO.
    pub(crate) version: String,
}

impl Server {
    /// Starts `binary` on `port` with a configuration file, if given. Then [`Server::await_ready`].
    pub(crate) fn spawn(
        binary: &Path,
        port: u16,
        config: Option<&Path>,
        log: PathBuf,
    ) -> Result<Server, LoadError> {
        let refused = |reason: String| LoadError::Server {
            server: binary.display().to_string(),
            reason,
        };
        let output = File::create(&log).map_err(LoadError::io("create the server's log"))?;
        let errors = output
            .try_clone()
            .map_err(LoadError::io("create the server's log"))?;
        let mut command = Command::new(binary);
        command.args(["-a", "127.0.0.1", "-p", &port.to_string()]);
        if let Some(config) = config {
            command.arg("-c").arg(config);
        }
        // A group of its own: Ctrl-C reaches this process alone, which then ends its children in order.
        command
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .process_group(0);
        let begun = Instant::now();
        let child = command
            .spawn()
            .map_err(|error| refused(format!("does not start: {error}")))?;
        let pid = Pid::from_raw(child.id().cast_signed());
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Ok(Server {
            child: RefCell::new(child),
            pid,
            binary: binary.to_owned(),
            log,
            address,
            begun,
            ready_after: Duration::ZERO,
            version: String::new(),
        })
    }

    /// Waits until it has greeted a client.
    pub(crate) fn await_ready(
        &mut self,
        progress: &Progress,
        patience: Duration,
    ) -> Result<(), LoadError> {
        while TcpStream::connect_timeout(&self.address, patience).is_err() {
            self.check_alive()?;
            progress.check_interrupt()?;
            if self.begun.elapsed() > patience {
                return Err(LoadError::Server {
                    server: self.binary.display().to_string(),
                    reason: format!("does not listen on {}{}", self.address, self.log_end()),
                });
            }
            std::thread::sleep(ATTEMPT_EVERY);
        }
        let link = Link::open(self.address, "ready?", patience)?;
        self.ready_after = self.begun.elapsed();
        self.version.clone_from(&link.info.version);
        Ok(())
    }

    /// CPU time so far, in nanoseconds.
    pub(crate) fn cpu(&self) -> Result<u64, LoadError> {
        usage::cpu_of(self.pid)
    }

    /// Resident memory now, in bytes.
    pub(crate) fn memory(&self) -> Result<u64, LoadError> {
        usage::memory_of(self.pid)
    }

    /// Memory now, in bytes, with its part of the pages that it shares with other processes.
    pub(crate) fn memory_in_common(&self) -> Result<u64, LoadError> {
        usage::memory_in_common_of(self.pid)
    }

    /// Stops the process without ending it: its sockets stay open, and nobody reads. Until the answer is dropped.
    pub(crate) fn freeze(&self) -> Result<Frozen, LoadError> {
        kill(self.pid, Signal::SIGSTOP).map_err(LoadError::os("stop a server"))?;
        Ok(Frozen(self.pid))
    }

    /// Fails if the process has ended.
    pub(crate) fn check_alive(&self) -> Result<(), LoadError> {
        match self.child.borrow_mut().try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(LoadError::Server {
                server: self.binary.display().to_string(),
                reason: format!("ended with {status}{}", self.log_end()),
            }),
            Err(source) => Err(LoadError::io("look after the server process")(source)),
        }
    }

    fn log_end(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..]
            .iter()
            .map(|line| format!("\n    | {line}"))
            .collect()
    }
}

/// A process that has been stopped; dropping this lets it go on.
#[derive(Debug)]
pub(crate) struct Frozen(Pid);

impl Drop for Frozen {
    fn drop(&mut self) {
        // Fails only when the process has ended meanwhile.
        let _ = kill(self.0, Signal::SIGCONT);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let child = self.child.get_mut();
        // Errors mean that it has ended already, which is what is wanted.
        let _ = kill(self.pid, Signal::SIGTERM);
        let begun = Instant::now();
        while begun.elapsed() < TERM_PATIENCE {
            if !matches!(child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = child.kill();
        let _ = child.wait();
    }
}
