//! One server: started from the command line and the configuration file, obeying signals until its end.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use gannet_config::{ConfigWarning, Options};
use gannet_node::{Level, Server, StartError};
use gannet_rt::future::{Either, race};
use gannet_rt::signal::{Signal, Signals};
use gannet_rt::{Rt, Runtime};

use crate::configuration;
use crate::descriptors;
use crate::files;
use crate::flags::Invocation;
use crate::host::ThisProcess;
use crate::logging::Log;
use crate::process::Process;
use crate::supervision::Supervision;

/// How long work that blocks (checking a password) may take when the program ends.
const GRACE: Duration = Duration::from_millis(100);

/// Runs a server to its end.
pub(crate) fn run(invocation: &Invocation) -> ExitCode {
    // What is left out on purpose belongs into the log, wherever that is.
    let mut left_out = Vec::new();
    let warn = |warnings: Vec<ConfigWarning>| {
        let (agreed, others) = warnings.into_iter().partition(ConfigWarning::is_agreed);
        left_out = agreed;
        _ = write!(std::io::stderr(), "{}", configuration::shown(others));
    };
    let options = match configuration::options(invocation, warn) {
        Ok(options) => options,
        Err(error) => return crate::refuse(invocation.program, error),
    };
    descriptors::raise_limit();
    let runtime = match Runtime::new(None) {
        Ok(runtime) => runtime,
        Err(error) => return crate::refuse(invocation.program, error),
    };
    let rt = runtime.rt();
    let log = match runtime.block_on(Log::open(&rt, &options)) {
        Ok(log) => log,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            return ExitCode::FAILURE;
        }
    };
    for warning in &left_out {
        log.say(Level::Warn, warning);
    }
    report_panics(&log);
    let code = runtime.block_on(async {
        let code = serve(&rt, invocation, options, &log).await;
        log.finish().await;
        code
    });
    runtime.shutdown(GRACE);
    code
}

/// A task that panics ends alone; the log tells, also when nobody reads standard error.
fn report_panics(log: &Log) {
    let log = log.clone();
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic
            .location()
            .map(|at| format!(" ({at})"))
            .unwrap_or_default();
        let what = panic.payload_as_str().unwrap_or("no reason given");
        log.say(
            Level::Error,
            format_args!("A task has failed, please report this: {what}{place}"),
        );
    }));
}

async fn serve(rt: &Rt, invocation: &Invocation, options: Options, log: &Log) -> ExitCode {
    let fatal = |text: &str| {
        log.say(Level::Fatal, text);
        ExitCode::FAILURE
    };
    // From here on, a signal waits for the server to be ready for it.
    let signals = match Signals::catch(rt) {
        Ok(signals) => signals,
        Err(error) => return fatal(&format!("Could not catch signals: {error}")),
    };
    if let Some(path) = &options.pid_file
        && let Err(error) = files::write_pid(rt, path)
    {
        return fatal(&format!("Could not write pidfile: {error}"));
    }
    let file = invocation.config.as_deref();
    let started = Server::start_from(file, options.clone(), rt.clone(), log.logger()).await;
    let server = match started {
        Ok(server) => server,
        Err(StartError::Options(error)) => return crate::refuse(invocation.program, error),
        Err(StartError::Listen(error)) => return fatal(&error),
    };
    server.set_host(Arc::new(ThisProcess::new(invocation)));
    let mut process = Process::new(rt, invocation, server, log);
    process.set_ports_file(options.ports_file_dir.as_deref());
    let supervision = Supervision::new(rt, log);
    supervision.ready().await;
    process.obey(signals, &supervision).await;
    process.set_ports_file(None);
    ExitCode::SUCCESS
}

impl Process<'_> {
    /// Does what signals say until the server has ended.
    async fn obey(&mut self, mut signals: Signals, supervision: &Supervision) {
        loop {
            let signal = match race(signals.next(), self.server.ended()).await {
                Either::First(signal) => signal,
                Either::Second(()) => return,
            };
            self.log.say(
                Level::Info,
                format_args!("Trapped {:?} signal", name(signal)),
            );
            match signal {
                // A lame duck is on its way out already; who is in a hurry interrupts it.
                Signal::Terminate if self.server.is_lame_duck() => {}
                Signal::Terminate | Signal::Interrupt => {
                    supervision.stopping().await;
                    self.server.shut_down().await;
                }
                Signal::Hangup => self.reload(supervision).await,
                Signal::User1 => self.log.reopen(),
                // A second time changes nothing, but would ask for more patience.
                Signal::User2 if self.server.is_lame_duck() => {}
                Signal::User2 => {
                    let duration = self.server.options().lame_duck.duration;
                    supervision.lame_duck(duration).await;
                    let server = self.server.clone();
                    drop(self.rt.spawn(async move { server.lame_duck().await }));
                }
            }
        }
    }
}

/// The signal as the reference server's log calls it.
fn name(signal: Signal) -> &'static str {
    match signal {
        Signal::Terminate => "terminated",
        Signal::Interrupt => "interrupt",
        Signal::Hangup => "hangup",
        Signal::User1 => "user defined signal 1",
        Signal::User2 => "user defined signal 2",
    }
}
