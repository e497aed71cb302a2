//! What a service manager (systemd) hears of a server: that it is ready, reads its configuration anew, ends, or is
//! alive. Without one, nothing of all this happens. Not here: how it is told (`gannet_rt::supervisor`).

use std::time::Duration;

use gannet_node::Level;
use gannet_rt::Rt;
use gannet_rt::supervisor::{Supervisor, monotonic};

use crate::logging::Log;

/// What a server may need beyond its lame duck duration, to end.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// Tells the service manager, if there is one. What cannot be told is no reason to fail; the log has it.
#[derive(Clone)]
pub(crate) struct Supervision {
    supervisor: Option<Supervisor>,
    rt: Rt,
    log: Log,
}

impl Supervision {
    /// Of this process.
    pub(crate) fn new(rt: &Rt, log: &Log) -> Supervision {
        let supervision = |supervisor| Supervision {
            supervisor,
            rt: rt.clone(),
            log: log.clone(),
        };
        match Supervisor::of_this_process(rt) {
            Ok(supervisor) => supervision(supervisor),
            Err(error) => {
                let nobody = supervision(None);
                nobody.complain(&error);
                nobody
            }
        }
    }

    /// The server accepts connections. From now on there are signs of life, if they are wanted.
    pub(crate) async fn ready(&self) {
        self.tell("READY=1\nSTATUS=Ready").await;
        let wanted = self.supervisor.as_ref().and_then(Supervisor::watchdog);
        if let Some(patience) = wanted {
            // A task like those of clients: it shows that they have their turns.
            drop(self.rt.spawn(self.clone().live(patience / 2)));
        }
    }

    /// The configuration is about to be read again.
    pub(crate) async fn reloading(&self) {
        if self.supervisor.is_none() {
            return;
        }
        match monotonic() {
            Ok(now) => {
                let now = now.as_micros();
                self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={now}"))
                    .await;
            }
            Err(error) => self.complain(&error),
        }
    }

    /// It has been read, and the server goes by it unless it `is_refused`. Why is for those who may read the log.
    pub(crate) async fn reloaded(&self, is_refused: bool) {
        let status = match is_refused {
            false => "Configuration reloaded",
            true => "Reload refused, see the log",
        };
        self.tell(&format!("READY=1\nSTATUS={status}")).await;
    }

    /// Clients are sent away within `duration`, and then the server ends. A service manager that has asked for this
    /// would lose its patience before.
    pub(crate) async fn lame_duck(&self, duration: Duration) {
        let needed = (duration + LAST_WORDS).as_micros();
        let text = format!("EXTEND_TIMEOUT_USEC={needed}\nSTATUS=Lame duck, clients are sent away");
        self.tell(&text).await;
    }

    /// The server ends.
    pub(crate) async fn stopping(&self) {
        self.tell("STOPPING=1\nSTATUS=Stopping").await;
    }

    /// Signs of life, one in each `period`.
    async fn live(self, period: Duration) {
        loop {
            self.tell("WATCHDOG=1").await;
            self.rt.sleep(period).await;
        }
    }

    async fn tell(&self, text: &str) {
        if let Some(supervisor) = &self.supervisor
            && let Err(error) = supervisor.tell(&self.rt, text).await
        {
            self.complain(&error);
        }
    }

    fn complain(&self, error: &std::io::Error) {
        let text = format_args!("Could not notify the service manager: {error}");
        self.log.say(Level::Warn, text);
    }
}
