//! The process around one server: the files by which others find it, its log, and its configuration read
//! anew. Not here: signals (`serve`), which options may change (`gannet_config::Diff`).

use gannet_config::Change;
use gannet_node::{Configuration, Level, Server};
use gannet_rt::Rt;

use crate::files::{self, PortsFile};
use crate::flags::Invocation;
use crate::host;
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
        let reasons = self.try_reload().await.err().unwrap_or_default();
        for why in &reasons {
            let text = format_args!("Failed to reload server configuration: {why}");
            self.log.say(Level::Error, text);
        }
        supervision.reloaded(!reasons.is_empty()).await;
    }

    async fn try_reload(&mut self) -> Result<(), Vec<String>> {
        let log = self.log;
        let Configuration { options, warnings } = host::read(self.invocation)?;
        for line in warnings {
            log.say(Level::Warn, line);
        }
        // What cannot be opened is to be known beforehand.
        let mut target = log
            .other_target(self.rt, &options)
            .await
            .map_err(|why| vec![why])?;
        let server = self.server.clone();
        let changes = server.reload_with(options, |change| match change {
            change if change.is_of_log_target() => {
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
