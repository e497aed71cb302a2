//! How a server ends: at once, or as a lame duck that sends its clients to other servers first.
//! Not here: signals and exit codes (the binary), its start (`server`).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gannet_rt::future::{Either, race};
use gannet_rt::sync::Notify;
use gannet_session::CloseReason;

use crate::info::client_info;
use crate::log::log;
use crate::ocsp;
use crate::registry::ClientConn;
use crate::server::Server;
use crate::shared::Shared;

/// How long the connections of a server that stops may take for their last words.
const FAREWELL: Duration = Duration::from_secs(2);
/// How often it is looked whether they are done.
const FAREWELL_STEP: Duration = Duration::from_millis(2);
/// Longest pause between two clients that a lame duck sends away, as the reference server has it: ten
/// clients need not wait for two minutes.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Something that happens once, and that anybody may wait for.
#[derive(Debug, Default)]
pub(crate) struct Milestone {
    reached: AtomicBool,
    notify: Notify,
}

impl Milestone {
    /// Answers whether this was the first call.
    fn reach(&self) -> bool {
        let first = !self.reached.swap(true, Ordering::AcqRel);
        self.notify.notify_waiters();
        first
    }

    fn is_reached(&self) -> bool {
        self.reached.load(Ordering::Acquire)
    }

    async fn wait(&self) {
        // First listen, then look: what happens in between is heard.
        let notified = self.notify.notified();
        if !self.is_reached() {
            notified.await;
        }
    }
}

/// The milestones of a server's end.
#[derive(Debug, Default)]
pub(crate) struct Life {
    /// No more clients are wanted, those that are here are asked to leave.
    lame_duck: Milestone,
    /// No more clients can come.
    door_shut: Milestone,
    /// All is over.
    ended: Milestone,
}

impl Shared {
    /// Whether the server is sending its clients away.
    pub(crate) fn is_lame_duck(&self) -> bool {
        self.life.lame_duck.is_reached()
    }

    /// Waits until no more clients are to be let in.
    pub(crate) async fn clients_unwanted(&self) {
        race(self.life.lame_duck.wait(), self.stopped()).await;
    }

    /// The listener for clients is closed.
    pub(crate) fn door_is_shut(&self) {
        self.life.door_shut.reach();
    }

    /// Waits until the server stops.
    pub(crate) async fn stopped(&self) {
        let notified = self.stop.notified();
        if !self.is_stopping() {
            notified.await;
        }
    }

    /// Sleeps; answers whether the server goes on after that.
    async fn pause(&self, duration: Duration) -> bool {
        matches!(
            race(self.rt.sleep(duration), self.stopped()).await,
            Either::First(())
        )
    }

    /// Tells all clients that understand it to look for another server.
    fn announce_lame_duck(&self, clients: &[Arc<ClientConn>]) {
        self.face.set_own_urls(Vec::new());
        for conn in clients
            .iter()
            .filter(|conn| conn.takes_info.load(Ordering::Acquire))
        {
            let mut line = Vec::new();
            client_info(self, conn.id, conn.addr()).encode(&mut line);
            conn.peer.send_later(&line);
        }
    }
}

impl Server {
    /// Stops, and waits until all connections have ended (at most two seconds).
    pub async fn shut_down(&self) {
        let shared = &self.shared;
        self.stop();
        let deadline = shared.rt.now() + FAREWELL;
        while !(shared.clients.len() == 0 && shared.links.is_empty()) && shared.rt.now() < deadline
        {
            // Again and again: a connection may have been accepted just before the door was shut.
            for conn in shared.clients.open() {
                conn.close(CloseReason::ServerShutdown);
            }
            shared.rt.sleep(FAREWELL_STEP).await;
        }
        ocsp::save_cache(shared);
        if shared.life.ended.reach() {
            log!(shared.log, Server, Info, "Server Exiting..");
        }
    }

    /// Stops without haste: lets nobody in, tells clients to look for another server, gives them the
    /// grace period of the options for it, closes what is left one after the other over the rest of the
    /// lame duck duration, and then [shuts down](Server::shut_down). A second call does nothing.
    pub async fn lame_duck(&self) {
        let shared = &self.shared;
        if shared.is_stopping() || !shared.life.lame_duck.reach() {
            return;
        }
        log!(
            shared.log,
            Server,
            Info,
            "Entering lame duck mode, stop accepting new clients"
        );
        shared.life.door_shut.wait().await;
        let clients = shared.clients.open();
        if !clients.is_empty() && !shared.is_stopping() {
            if let Some(routes) = shared.routes.get() {
                routes.announce_lame_duck(shared);
            }
            shared.announce_lame_duck(&clients);
            let grace = shared.now().lame_duck.grace_period;
            if shared.pause(grace).await {
                self.send_away(&clients).await;
            }
        }
        self.shut_down().await;
    }

    /// Waits until the server has [shut down](Server::shut_down), by whatever cause.
    pub async fn ended(&self) {
        self.shared.life.ended.wait().await;
    }

    /// Whether the server is sending its clients away, or has done so.
    pub fn is_lame_duck(&self) -> bool {
        self.shared.is_lame_duck()
    }

    async fn send_away(&self, clients: &[Arc<ClientConn>]) {
        let shared = &self.shared;
        log!(shared.log, Server, Info, "Closing existing clients");
        let (last, others) = match clients {
            [others @ .., last] => (last, others),
            [] => return,
        };
        let options = shared.options().lame_duck;
        let time = options.duration.saturating_sub(options.grace_period);
        let share = time / u32::try_from(clients.len()).unwrap_or(u32::MAX);
        let longest = share.min(LONGEST_PAUSE);
        for conn in others {
            conn.close(CloseReason::ServerShutdown);
            // Not in step: the servers that they go to shall not feel our beat.
            let nanos = u64::try_from(longest.as_nanos()).unwrap_or(u64::MAX).max(1);
            let pause = Duration::from_nanos(shared.rt.random_u64() % nanos).max(longest / 2);
            if !shared.pause(pause).await {
                return;
            }
        }
        last.close(CloseReason::ServerShutdown);
    }
}
