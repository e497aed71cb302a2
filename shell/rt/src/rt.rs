//! `Rt`: the handle through which a server reaches time, chance, tasks and the network.
//!
//! Not here: what the two worlds do with a request (`real`, `sim`).

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use gannet_units::{Moment, WallTime};

use crate::future::{Either, race};
use crate::net::{Listener, Stream};
use crate::real::RealRt;
use crate::sim::SimRt;
use crate::task::Task;
use crate::time::{Elapsed, Sleep};

/// A handle to the world a server lives in. Cheap to clone; all clones are the same handle.
#[derive(Clone)]
pub struct Rt {
    pub(crate) kind: Kind,
}

#[derive(Clone)]
pub(crate) enum Kind {
    Real(Arc<RealRt>),
    Sim(SimRt),
}

impl Rt {
    /// The present moment of this handle's monotonic clock.
    #[inline]
    pub fn now(&self) -> Moment {
        match &self.kind {
            Kind::Real(real) => real.now(),
            Kind::Sim(sim) => sim.now(),
        }
    }

    /// The present calendar time; may jump in either direction, as the administrator pleases.
    #[inline]
    pub fn wall(&self) -> WallTime {
        match &self.kind {
            Kind::Real(real) => real.wall(),
            Kind::Sim(sim) => sim.wall(),
        }
    }

    /// A fast random number for choices an attacker gains nothing from predicting (queue members,
    /// jitter, hash seeds are fine; keys, nonces and ids that act as secrets are not).
    #[inline]
    pub fn random_u64(&self) -> u64 {
        match &self.kind {
            Kind::Real(real) => real.random_u64(),
            Kind::Sim(sim) => sim.random_u64(),
        }
    }

    /// Fills `out` with bytes fit for secrets: from the operating system (from the seed when
    /// simulated).
    ///
    /// # Panics
    /// If the operating system has no entropy to give; a server cannot do anything safe without.
    pub fn fill_random(&self, out: &mut [u8]) {
        match &self.kind {
            Kind::Real(real) => real.fill_random(out),
            Kind::Sim(sim) => sim.fill_random(out),
        }
    }

    /// Starts a task. Dropping the returned [`Task`] lets it run on.
    pub fn spawn<F>(&self, future: F) -> Task
    where
        F: Future<Output = ()> + Send + 'static,
    {
        match &self.kind {
            Kind::Real(real) => Task::real(real.handle.spawn(future)),
            Kind::Sim(sim) => Task::sim(sim.spawn(Box::pin(future))),
        }
    }

    /// A timer that ends at `deadline`; [`Moment::NEVER`] never does.
    pub fn sleep_until(&self, deadline: Moment) -> Sleep {
        match &self.kind {
            Kind::Real(real) => Sleep::real(real, deadline),
            Kind::Sim(sim) => Sleep::sim(sim, deadline),
        }
    }

    /// A timer that ends `duration` from now.
    pub fn sleep(&self, duration: Duration) -> Sleep {
        self.sleep_until(self.now() + duration)
    }

    /// Runs `future` for at most `duration`; then drops it and answers [`Elapsed`]. A future that is
    /// ready at the deadline wins.
    pub async fn timeout<F: Future>(
        &self,
        duration: Duration,
        future: F,
    ) -> Result<F::Output, Elapsed> {
        match race(pin!(future), self.sleep(duration)).await {
            Either::First(output) => Ok(output),
            Either::Second(()) => Err(Elapsed),
        }
    }

    /// Listens for connections on `addr` (port 0: any free port), with address reuse, so that a
    /// restarted server gets its port back at once, and a backlog of 4096.
    pub async fn listen(&self, addr: SocketAddr) -> io::Result<Listener> {
        match &self.kind {
            Kind::Real(real) => Ok(Listener::real(real.listen(addr)?)),
            Kind::Sim(sim) => Ok(Listener::sim(sim.listen(addr)?)),
        }
    }

    /// Dials `addr`. No deadline but the operating system's: wrap it in [`Rt::timeout`]. The stream
    /// comes with Nagle's algorithm off.
    pub async fn connect(&self, addr: SocketAddr) -> io::Result<Stream> {
        match &self.kind {
            Kind::Real(real) => Ok(Stream::real(real.connect(addr).await?)),
            Kind::Sim(sim) => Ok(Stream::sim(sim.connect(addr).await?)),
        }
    }

    /// The addresses of `host` (a name or a literal address, an IPv6 one with or without brackets),
    /// each with `port`, in the resolver's order and without repetitions; never empty.
    pub async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let bare = host
            .strip_prefix('[')
            .and_then(|h| h.strip_suffix(']'))
            .unwrap_or(host);
        if let Ok(ip) = bare.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(ip, port)]);
        }
        match &self.kind {
            Kind::Real(real) => real.resolve(host, port).await,
            Kind::Sim(sim) => sim.resolve(host, port).await,
        }
    }

    /// The addresses of this machine's network interfaces, loopback included.
    pub fn local_ips(&self) -> io::Result<Vec<IpAddr>> {
        match &self.kind {
            Kind::Real(real) => real.local_ips(),
            Kind::Sim(sim) => Ok(sim.local_ips()),
        }
    }

    /// Runs `f`, which may block or compute for long, where it holds up no task (on the spot when
    /// simulated). A panic in `f` continues in the caller.
    pub async fn run_blocking<T, F>(&self, f: F) -> T
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        match &self.kind {
            Kind::Real(real) => real.run_blocking(f).await,
            Kind::Sim(_) => f(),
        }
    }

    /// Whether this is the simulated world; for reports only, never for behaviour.
    pub fn is_simulated(&self) -> bool {
        matches!(self.kind, Kind::Sim(_))
    }
}

impl std::fmt::Debug for Rt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.is_simulated() {
            "Rt(sim)"
        } else {
            "Rt(real)"
        })
    }
}
