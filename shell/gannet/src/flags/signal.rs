//! `--signal`: what to tell another server that runs here, and which.

use gannet_rt::unix::Signal;

use super::error::FlagError;

/// What to tell another server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignalCommand {
    /// End at once (`KILL`).
    Stop,
    /// End in order (`INT`).
    Quit,
    /// End in order, unless it is in lame duck mode already (`TERM`).
    Term,
    /// Open the log file anew (`USR1`).
    Reopen,
    /// Read the configuration anew (`HUP`).
    Reload,
    /// Go into lame duck mode (`USR2`).
    LameDuck,
}

impl SignalCommand {
    /// The word on the command line.
    pub(crate) fn word(self) -> &'static str {
        match self {
            SignalCommand::Stop => "stop",
            SignalCommand::Quit => "quit",
            SignalCommand::Term => "term",
            SignalCommand::Reopen => "reopen",
            SignalCommand::Reload => "reload",
            SignalCommand::LameDuck => "ldm",
        }
    }

    /// The signal that says it.
    pub(crate) fn signal(self) -> Signal {
        match self {
            SignalCommand::Stop => Signal::SIGKILL,
            SignalCommand::Quit => Signal::SIGINT,
            SignalCommand::Term => Signal::SIGTERM,
            SignalCommand::Reopen => Signal::SIGUSR1,
            SignalCommand::Reload => Signal::SIGHUP,
            SignalCommand::LameDuck => Signal::SIGUSR2,
        }
    }
}

/// All of them.
pub(super) const COMMANDS: [SignalCommand; 6] = [
    SignalCommand::Stop,
    SignalCommand::Quit,
    SignalCommand::Term,
    SignalCommand::Reopen,
    SignalCommand::Reload,
    SignalCommand::LameDuck,
];

/// `--signal stop`, `--signal reload=123`, `--signal ldm=/run/gannet.pid`, `--signal quit=12*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SignalRequest {
    /// What to tell.
    pub(crate) command: SignalCommand,
    /// Whom: a process id, the beginning of some with a `*` behind it, or a file that holds one of
    /// the two. The only server that runs if there is none.
    pub(crate) target: Option<String>,
}

impl SignalRequest {
    /// Whether the configuration is to be read anew.
    pub(crate) fn is_reload(&self) -> bool {
        self.command == SignalCommand::Reload
    }

    /// The processes to tell. `read` gives the text of a file, if there is one; `running` the ids of
    /// all servers that run here under `name`.
    pub(crate) fn processes(
        &self,
        name: &str,
        read: impl FnOnce(&str) -> Option<String>,
        running: impl FnOnce() -> Vec<u32>,
    ) -> Result<Vec<u32>, String> {
        let target = self.target.as_deref().unwrap_or_default();
        let target = match target {
            "" => String::new(),
            path => read(path).unwrap_or_else(|| path.to_string()),
        };
        let target = target.trim();
        let (prefix, many) = match target.strip_suffix('*') {
            Some(prefix) => (prefix, true),
            None => (target, false),
        };
        let id = match prefix {
            "" => None,
            digits => Some(
                digits
                    .parse::<u32>()
                    .map_err(|_| format!("invalid pid: {digits}"))?,
            ),
        };
        if let (Some(id), false) = (id, many) {
            return Ok(vec![id]);
        }
        let running = running();
        if running.len() > 1 && !many {
            let ids: String = running.iter().map(|id| format!("\n{id}")).collect();
            return Err(format!("multiple {name} processes running:{ids}"));
        }
        if running.is_empty() {
            return Err(format!("no {name} processes running"));
        }
        Ok(running
            .into_iter()
            .filter(|id| id.to_string().starts_with(prefix))
            .collect())
    }
}

/// The value of `--signal`.
pub(super) fn parse(text: &str) -> Result<SignalRequest, FlagError> {
    let mut parts = text.split('=');
    let word = parts.next().unwrap_or_default();
    let target = parts.next().filter(|t| !t.is_empty()).map(str::to_string);
    let rest: Vec<String> = parts.map(str::to_string).collect();
    if !rest.is_empty() {
        return Err(FlagError::SignalParameters(rest));
    }
    let command = COMMANDS.into_iter().find(|c| c.word() == word);
    let command = command.ok_or_else(|| FlagError::UnknownSignal(word.to_string()))?;
    Ok(SignalRequest { command, target })
}
