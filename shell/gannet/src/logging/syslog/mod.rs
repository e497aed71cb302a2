//! Log lines for syslog, on this machine or another (row OPS-22). The server never waits for it: lines go into a queue
//! with a bound, which a task of its own empties.
//!
//! What lives here: receivers and how they are found (`receiver`), messages byte for byte (`message`), the queue and its
//! bound (`queue`), and their delivery (`delivery`). What does not: sockets (`gannet_rt::outlet`).

mod delivery;
mod message;
mod queue;
mod receiver;

use std::path::Path;
use std::sync::Arc;

use gannet_config::{LoggingOptions, quoted};
use gannet_node::{Form, Line, LogWriter};
use gannet_rt::{Rt, Task};
use parking_lot::Mutex;

use delivery::{Delivery, LAST_WORDS};
use message::Letterhead;
use queue::Queue;
use receiver::Receiver;

/// A way to a receiver. When it is dropped, what is on its way still has a moment to arrive.
pub(crate) struct Syslog {
    /// The URL that it was found by; none is of this machine.
    url: Option<String>,
    rt: Rt,
    letterhead: Arc<Letterhead>,
    queue: Arc<Queue>,
    delivery: Mutex<Option<Task>>,
}

impl Syslog {
    /// Connects to the receiver at `url`, or to this machine's. The error is the reference server's.
    pub(super) async fn open(
        rt: &Rt,
        url: Option<&str>,
        options: &LoggingOptions,
    ) -> Result<Syslog, String> {
        let receiver = match url {
            Some(url) => Receiver::at(url)?,
            None => Receiver::of_this_machine(),
        };
        let failed = |why: String| format!("error connecting to syslog: {}", quoted(&why));
        let mut syslog = Syslog::of(rt, receiver, options).await.map_err(failed)?;
        syslog.url = url.map(str::to_string);
        Ok(syslog)
    }

    /// Connects to this receiver.
    async fn of(rt: &Rt, receiver: Receiver, options: &LoggingOptions) -> Result<Syslog, String> {
        let outlet = receiver.connect(rt).await?;
        let letterhead = Arc::new(Letterhead::new(rt, &program(), &receiver));
        let queue = Arc::new(Queue::new(Arc::new(Form::new(rt, options))));
        let delivery = Delivery {
            rt: rt.clone(),
            receiver,
            letterhead: letterhead.clone(),
            queue: queue.clone(),
            outlet: Some(outlet),
            in_hand: None,
        };
        Ok(Syslog {
            url: None,
            rt: rt.clone(),
            letterhead,
            queue,
            delivery: Mutex::new(Some(rt.spawn(delivery.run()))),
        })
    }

    /// The URL that it was found by; none is of this machine.
    pub(super) fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    /// Takes no more lines, and waits until the others have arrived, for a moment at most.
    pub(super) async fn finish(&self) {
        self.queue.close();
        let delivery = self.delivery.lock().take();
        if let Some(mut delivery) = delivery {
            // The task gives up by itself; this is for one that has no turn any more.
            let _ = self.rt.timeout(LAST_WORDS * 2, delivery.join()).await;
        }
    }
}

impl Drop for Syslog {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl LogWriter for Syslog {
    fn write_line(&self, line: &Line<'_>) {
        self.queue.push(line.form(), self.letterhead.message(line));
    }
}

/// What this program was called by, as the reference server names itself.
fn program() -> String {
    let program = std::env::args_os().next().unwrap_or_default();
    let name = Path::new(&program).file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests;
