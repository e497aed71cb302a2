//! The real world: tokio's multi-thread runtime and the operating system.

mod addrs;

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use gannet_units::{Moment, WallTime};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Handle;

use crate::rt::{Kind, Rt};

/// Connections the kernel keeps for us until they are accepted.
const BACKLOG: u32 = 4096;
/// A deadline further away than this is kept as this: tokio's clock must not overflow.
const FARTHEST: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// The owner of a real runtime: its worker threads live as long as this does.
pub struct Runtime {
    tokio: tokio::runtime::Runtime,
    rt: Rt,
}

impl Runtime {
    /// Starts a runtime with `worker_threads` threads, or one per core.
    pub fn new(worker_threads: Option<usize>) -> io::Result<Runtime> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        if let Some(threads) = worker_threads {
            builder.worker_threads(threads.max(1));
        }
        let tokio = builder.thread_name("gannet").enable_all().build()?;
        let real = RealRt::new(tokio.handle().clone())?;
        Ok(Runtime {
            tokio,
            rt: Rt {
                kind: Kind::Real(Arc::new(real)),
            },
        })
    }

    /// The handle to give to servers.
    pub fn rt(&self) -> Rt {
        self.rt.clone()
    }

    /// Runs `future` on the calling thread, its tasks on the worker threads, until it ends.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.tokio.block_on(future)
    }

    /// Stops everything: tasks are dropped where they wait; blocking work gets `grace` to end and is
    /// then left behind.
    pub fn shutdown(self, grace: Duration) {
        self.tokio.shutdown_timeout(grace);
    }
}

pub(crate) struct RealRt {
    pub(crate) handle: Handle,
    start: Instant,
    /// State of a SplitMix64 sequence.
    random: AtomicU64,
}

impl RealRt {
    fn new(handle: Handle) -> io::Result<RealRt> {
        let seed = getrandom::u64().map_err(io::Error::other)?;
        Ok(RealRt {
            handle,
            start: Instant::now(),
            random: AtomicU64::new(seed),
        })
    }

    #[inline]
    pub(crate) fn now(&self) -> Moment {
        Moment::START + self.start.elapsed()
    }

    /// `moment` on tokio's clock.
    pub(crate) fn instant(&self, moment: Moment) -> tokio::time::Instant {
        let since_start = Duration::from_nanos(moment.as_nanos()).min(FARTHEST);
        (self.start + since_start).into()
    }

    pub(crate) fn wall(&self) -> WallTime {
        let nanos = |d: Duration| i64::try_from(d.as_nanos()).unwrap_or(i64::MAX);
        WallTime::from_unix_nanos(match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => nanos(after),
            Err(before) => -nanos(before.duration()),
        })
    }

    /// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators"): the one
    /// good generator whose whole state is a counter, so threads share it without a lock.
    #[inline]
    pub(crate) fn random_u64(&self) -> u64 {
        const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self
            .random
            .fetch_add(GAMMA, Ordering::Relaxed)
            .wrapping_add(GAMMA);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn fill_random(&self, out: &mut [u8]) {
        getrandom::fill(out).expect("the operating system gives entropy");
    }

    pub(crate) fn listen(&self, addr: SocketAddr) -> io::Result<TcpListener> {
        let _in_runtime = self.handle.enter();
        let socket = new_socket(addr)?;
        socket.set_reuseaddr(true)?;
        socket.bind(addr)?;
        socket.listen(BACKLOG)
    }

    pub(crate) async fn connect(&self, addr: SocketAddr) -> io::Result<TcpStream> {
        let dial = {
            let _in_runtime = self.handle.enter();
            new_socket(addr)?.connect(addr)
        };
        let stream = dial.await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    pub(crate) async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let mut addrs: Vec<SocketAddr> = Vec::new();
        for addr in tokio::net::lookup_host((host, port)).await? {
            if !addrs.contains(&addr) {
                addrs.push(addr);
            }
        }
        if addrs.is_empty() {
            let what = format!("lookup {host}: no such host");
            return Err(io::Error::new(io::ErrorKind::NotFound, what));
        }
        Ok(addrs)
    }

    pub(crate) fn local_ips(&self) -> io::Result<Vec<IpAddr>> {
        addrs::local_ips()
    }

    pub(crate) async fn run_blocking<T, F>(&self, f: F) -> T
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        match self.handle.spawn_blocking(f).await {
            Ok(value) => value,
            Err(e) => match e.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                // The runtime is going down and this task with it.
                Err(_) => std::future::pending().await,
            },
        }
    }
}

fn new_socket(addr: SocketAddr) -> io::Result<TcpSocket> {
    if addr.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }
}
