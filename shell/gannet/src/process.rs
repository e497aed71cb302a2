//! The process around one server: the files by which others find it, its log, and its configuration read
//! anew. Not here: signals (`serve`), which options may change (`gannet_config::Diff`).

use gannet_config::Change;
use gannet_node::{Level, Server};
use gannet_rt::Rt;

use crate::configuration;
use crate::files::{self, PortsFile};
use crate::flags::Invocation;
use crate::logging::Log;
use crate::supervision::Supervision;

/// One server and what this process does for it.
pub(crate) struct Process<'a> {
    pub(crate) rt: &'a Rt,
    invocation: &'a Invocation,
    pub(crate) server: Server,
    pub(crate) log: &'a Log,
    ports: Option<PortsFile>,
}

impl<'a> Process<'a> {
    /// `server`, started as `invocation` says.
    pub(crate) fn new(
        rt: &'a Rt,
        invocation: &'a Invocation,
        server: Server,
        log: &'a Log,
    ) -> Process<'a> {
        Process {
            rt,
            invocation,
            server,
            log,
            ports: None,
        }
    }

    /// Has the ports file in this directory, or none, from now on.
    pub(crate) fn set_ports_file(&mut self, dir: Option<&str>) {
        if let Some(ports) = self.ports.take() {
            self.complain(ports.remove(self.rt));
        }
        if let Some(dir) = dir {
            let ports = PortsFile::in_dir(self.rt, dir);
            self.complain(ports.write(self.rt, &self.server.options(), &self.server));
            self.ports = Some(ports);
        }
    }

    /// Reads the configuration again, and has the server go by it.
    pub(crate) async fn reload(&mut self, supervision: &Supervision) {
        supervision.reloading().await;
        let reasons = self.try_reload().err().unwrap_or_default();
        for why in &reasons {
            let text = format_args!("Failed to reload server configuration: {why}");
            self.log.say(Level::Error, text);
        }
        supervision.reloaded(!reasons.is_empty()).await;
    }

    fn try_reload(&mut self) -> Result<(), Vec<String>> {
        if self.invocation.config.is_none() {
            let text = "can only reload config when a file is provided using -c or --config";
            return Err(vec![text.into()]);
        }
        let log = self.log;
        let warn = |warnings: gannet_config::Rejected| {
            let text = warnings.to_string();
            for line in text.lines() {
                log.say(Level::Warn, line);
            }
        };
        let options = configuration::options(self.invocation, warn)
            .map_err(|why| configuration::reasons(&why))?;
        // A file that cannot be opened is to be known beforehand.
        let mut target = log
            .other_target(self.rt, &options)
            .map_err(|why| vec![why])?;
        let server = self.server.clone();
        let changes = server.reload_with(options, |change| match change {
            Change::LogFile(_) => {
                if let Some(target) = target.take() {
                    log.go_over(target);
                }
            }
            Change::PidFile(Some(path)) => {
                if let Err(why) = files::write_pid(self.rt, path) {
                    log.say(Level::Error, format_args!("Failed to write pidfile: {why}"));
                }
            }
            Change::PortsFileDir(dir) => self.set_ports_file(dir.as_deref()),
            _ => {}
        });
        changes.map(drop).map_err(|error| error.reasons())
    }

    fn complain(&self, result: Result<(), String>) {
        if let Err(error) = result {
            self.log.say(Level::Error, error);
        }
    }
}
