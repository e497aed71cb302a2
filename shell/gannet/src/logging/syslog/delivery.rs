//! The task that brings messages to a receiver, and looks for it again when it has gone. What it has to say about
//! that is on standard error: the log itself is what cannot be delivered.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use gannet_node::Level;
use gannet_rt::Rt;
use gannet_rt::future::{Either, race};
use gannet_rt::outlet::Outlet;

use super::message::Letterhead;
use super::queue::{Entry, Queue};
use super::receiver::Receiver;
use crate::words::reason;

/// How long a receiver may be deaf before its connection is made anew.
const PATIENCE: Duration = Duration::from_secs(10);
/// Pauses between attempts double from the first to the last of these.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));
/// How long what is left at the end may take.
pub(super) const LAST_WORDS: Duration = Duration::from_secs(1);

/// The task's own.
pub(super) struct Delivery {
    pub(super) rt: Rt,
    pub(super) receiver: Receiver,
    pub(super) letterhead: Arc<Letterhead>,
    pub(super) queue: Arc<Queue>,
    pub(super) outlet: Option<Outlet>,
    /// What has been taken from the queue and not been delivered.
    pub(super) in_hand: Option<Entry>,
}

impl Delivery {
    /// Delivers until the queue is closed and empty, or a while after it has been closed.
    pub(super) async fn run(mut self) {
        let (queue, rt) = (self.queue.clone(), self.rt.clone());
        let over = async {
            queue.closed().await;
            rt.sleep(LAST_WORDS).await;
        };
        race(self.work(), over).await;
        let in_hand = match &self.in_hand {
            Some(Entry::Message(_)) => 1,
            Some(Entry::Lost(count)) => *count,
            None => 0,
        };
        let left = queue.left() + in_hand;
        if left > 0 {
            let receiver = self.receiver.shown();
            self.complain(format_args!("{left} log lines have not reached {receiver}"));
        }
    }

    async fn work(&mut self) {
        while let Some(entry) = self.next().await {
            let message = match &entry {
                Entry::Message(message) => message.clone(),
                Entry::Lost(count) => self.news_of_loss(*count),
            };
            self.in_hand = Some(entry);
            self.deliver(&message).await;
            self.in_hand = None;
        }
    }

    /// The next entry. A connection that ends meanwhile is forgotten, so that nothing is sent into the void.
    async fn next(&mut self) -> Option<Entry> {
        if let Some(outlet) = &self.outlet {
            match race(self.queue.next(), outlet.ended()).await {
                Either::First(entry) => return entry,
                Either::Second(()) => self.outlet = None,
            }
        }
        self.queue.next().await
    }

    fn news_of_loss(&self, count: u64) -> Vec<u8> {
        let form = self.queue.form();
        let text =
            format_args!("{count} log lines were lost here, syslog does not take them fast enough");
        self.letterhead.message(&form.line(Level::Warn, text))
    }

    /// Sends a message, however often that must be tried.
    async fn deliver(&mut self, message: &[u8]) {
        // A connection may have ended long ago, and an error of a datagram be about the one before.
        if self.outlet.is_some() && self.try_once(message).await.is_ok() {
            return;
        }
        let mut pause = PAUSES.0;
        while let Err(why) = self.try_once(message).await {
            if pause == PAUSES.0 {
                let receiver = self.receiver.shown();
                self.complain(format_args!(
                    "Log lines do not reach {receiver}, trying again: {why}"
                ));
            }
            self.rt.sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    async fn try_once(&mut self, message: &[u8]) -> Result<(), String> {
        let outlet = match self.outlet.take() {
            Some(outlet) => outlet,
            None => self.receiver.connect(&self.rt).await?,
        };
        match self.rt.timeout(PATIENCE, outlet.send(message)).await {
            Ok(Ok(())) => {
                self.outlet = Some(outlet);
                Ok(())
            }
            Ok(Err(error)) => Err(reason(&error)),
            Err(_) => Err("i/o timeout".to_string()),
        }
    }

    fn complain(&self, text: std::fmt::Arguments<'_>) {
        let form = self.queue.form();
        let line = form.line(Level::Warn, text);
        let _ = writeln!(std::io::stderr(), "{line}");
    }
}
