//! What the simulated world gives behind an `Rt`, a `Listener`, a `Stream` and a `Sleep`.

use std::fmt;
use std::future::poll_fn;
use std::io::{self, ErrorKind, IoSlice};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use gannet_units::{Moment, WallTime};
use tokio::io::ReadBuf;

use super::config::Dns;
use super::host::Host;
use super::socket::Side;
use super::task::{End, SimTask};
use super::trace::Mark;
use super::world::{Shared, World};
use crate::task::{BoxFuture, Joined};

/// The door of one process on one host.
#[derive(Clone)]
pub(crate) struct SimRt {
    shared: Arc<Shared>,
    host: usize,
    incarnation: u32,
}

impl SimRt {
    pub(super) fn new(shared: Arc<Shared>, host: usize, incarnation: u32) -> SimRt {
        SimRt {
            shared,
            host,
            incarnation,
        }
    }

    fn alive(&self, world: &World) -> bool {
        let host = &world.hosts[self.host];
        host.incarnation == self.incarnation && !host.down
    }

    fn with_host<T>(&self, f: impl FnOnce(&mut Host, u64) -> T) -> T {
        self.shared
            .with(|world| f(&mut world.hosts[self.host], world.now))
    }

    /// Runs `f` if the process still lives.
    fn living<T>(&self, f: impl FnOnce(&mut World) -> io::Result<T>) -> io::Result<T> {
        self.shared.with(|world| match self.alive(world) {
            true => f(world),
            false => Err(io::Error::new(
                ErrorKind::NotConnected,
                "the process has ended",
            )),
        })
    }

    pub(crate) fn now(&self) -> Moment {
        Moment::from_nanos(self.with_host(|host, now| host.clock.local(now)))
    }

    pub(crate) fn wall(&self) -> WallTime {
        WallTime::from_unix_nanos(self.with_host(|host, now| host.clock.wall(now)))
    }

    pub(crate) fn random_u64(&self) -> u64 {
        self.shared.with(|world| {
            world.mark(Mark::Random { host: self.host });
            world.hosts[self.host].rng.next()
        })
    }

    pub(crate) fn fill_random(&self, out: &mut [u8]) {
        self.shared.with(|world| {
            world.mark(Mark::Random { host: self.host });
            world.hosts[self.host].rng.fill(out);
        });
    }

    pub(crate) fn spawn(&self, future: BoxFuture) -> SimTask {
        let end = Arc::new(End::default());
        let (id, refused) = self.shared.with(|world| {
            if self.alive(world) {
                (
                    world.add_task(self.host, future, &self.shared.ready, &end),
                    None,
                )
            } else {
                end.set(Joined::Aborted);
                (world.fresh_id(), Some(future))
            }
        });
        drop(refused);
        SimTask {
            shared: self.shared.clone(),
            id,
            end,
        }
    }

    pub(crate) fn listen(&self, addr: SocketAddr) -> io::Result<SimListener> {
        let (id, addr) = self.living(|world| world.listen(self.host, addr))?;
        Ok(SimListener {
            shared: self.shared.clone(),
            id,
            addr,
        })
    }

    pub(crate) async fn connect(&self, addr: SocketAddr) -> io::Result<SimStream> {
        let id = self.living(|world| world.dial(self.host, addr))?;
        // From here on dropping the future lets go of the socket.
        let stream = SimStream::new(&self.shared, id);
        poll_fn(|cx| self.shared.with(|world| world.poll_dial(id, cx))).await?;
        Ok(stream)
    }

    pub(crate) async fn resolve(&self, name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let takes = self.shared.with(|world| {
            let most = world.config.resolve_time;
            std::time::Duration::from_nanos(world.random_delay(most))
        });
        let mut sleep = SimSleep::new(self.clone(), self.now() + takes);
        poll_fn(|cx| sleep.poll(cx)).await;
        let answer = self.shared.with(|world| world.names.get(&name).cloned());
        match answer {
            Some(Dns::Addrs(ips)) if !ips.is_empty() => Ok(ips
                .into_iter()
                .map(|ip| SocketAddr::new(ip, port))
                .collect()),
            Some(Dns::Silent) => std::future::pending().await,
            None if name == "localhost" => Ok(vec![(Ipv4Addr::LOCALHOST, port).into()]),
            _ => {
                let what = format!("lookup {name}: no such host");
                Err(io::Error::new(ErrorKind::NotFound, what))
            }
        }
    }

    pub(crate) fn local_ips(&self) -> Vec<IpAddr> {
        let mut ips = self.with_host(|host, _| host.ips.clone());
        ips.push(Ipv4Addr::LOCALHOST.into());
        ips
    }

    pub(crate) fn file_read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.with_host(|host, _| host.files.get(path).cloned())
            .ok_or_else(|| ErrorKind::NotFound.into())
    }

    pub(crate) fn file_write(&self, path: &Path, bytes: &[u8]) {
        self.with_host(|host, _| drop(host.files.insert(path.into(), bytes.into())));
    }

    pub(crate) fn file_append(&self, path: &Path, bytes: &[u8]) -> u64 {
        self.with_host(|host, _| {
            let file = host.files.entry(path.into()).or_default();
            file.extend_from_slice(bytes);
            file.len() as u64
        })
    }

    pub(crate) fn file_remove(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.with_host(|host, _| host.files.remove(path))
            .ok_or_else(|| ErrorKind::NotFound.into())
    }

    pub(crate) fn file_list(&self, dir: &Path) -> Vec<PathBuf> {
        self.with_host(|host, _| {
            host.files
                .keys()
                .filter(|path| path.parent() == Some(dir))
                .cloned()
                .collect()
        })
    }
}

/// A timer on its host's clock.
pub(crate) struct SimSleep {
    rt: SimRt,
    deadline: Moment,
    timer: Option<u64>,
}

impl SimSleep {
    pub(crate) fn new(rt: SimRt, deadline: Moment) -> SimSleep {
        SimSleep {
            rt,
            deadline,
            timer: None,
        }
    }

    pub(crate) fn reset(&mut self, deadline: Moment) {
        self.deadline = deadline;
        self.stop();
    }

    fn stop(&mut self) {
        if let Some(timer) = self.timer.take() {
            self.rt.shared.with(|world| world.stop_timer(timer));
        }
    }

    /// The world's timer is only a hint (the host's clock may have been bent since): what counts is
    /// the host's time.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let rt = &self.rt;
        rt.shared.with(|world| {
            if let Some(timer) = self.timer.take() {
                world.stop_timer(timer);
            }
            let clock = &world.hosts[rt.host].clock;
            if !rt.alive(world) {
                return Poll::Pending;
            }
            if clock.local(world.now) >= self.deadline.as_nanos() {
                return Poll::Ready(());
            }
            if self.deadline != Moment::NEVER {
                let at = clock.world(self.deadline.as_nanos());
                self.timer = Some(world.start_timer(rt.host, at, cx.waker().clone()));
            }
            Poll::Pending
        })
    }
}

impl Drop for SimSleep {
    fn drop(&mut self) {
        self.stop();
    }
}

pub(crate) struct SimListener {
    shared: Arc<Shared>,
    id: u64,
    addr: SocketAddr,
}

impl SimListener {
    pub(crate) async fn accept(&self) -> io::Result<(SimStream, SocketAddr)> {
        let id = poll_fn(|cx| self.shared.with(|world| world.poll_accept(self.id, cx))).await?;
        let stream = SimStream::new(&self.shared, id);
        let peer = stream.peer_addr();
        Ok((stream, peer))
    }

    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for SimListener {
    fn drop(&mut self) {
        self.shared.with(|world| world.close_listener(self.id));
    }
}

impl fmt::Debug for SimListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SimListener({})", self.addr)
    }
}

pub(crate) struct SimStream {
    shared: Arc<Shared>,
    id: u64,
    local: SocketAddr,
    remote: SocketAddr,
}

impl SimStream {
    fn new(shared: &Arc<Shared>, id: u64) -> SimStream {
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        let (local, remote) = shared.with(|world| match world.sockets.get(&id) {
            Some(socket) => (socket.local, socket.remote),
            None => (nowhere, nowhere),
        });
        SimStream {
            shared: shared.clone(),
            id,
            local,
            remote,
        }
    }

    pub(crate) fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.shared
            .with(|world| world.poll_ready(self.id, Side::Read, cx))
    }

    pub(crate) fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.shared
            .with(|world| world.poll_ready(self.id, Side::Write, cx))
    }

    pub(crate) fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.shared.with(|world| world.try_read(self.id, buf))
    }

    pub(crate) fn try_write(&self, buf: &[u8]) -> io::Result<usize> {
        self.try_write_vectored(&[IoSlice::new(buf)])
    }

    pub(crate) fn try_write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.shared.with(|world| world.try_write(self.id, bufs))
    }

    pub(crate) fn seal(&self) {
        self.shared.with(|world| world.seal(self.id));
    }

    pub(crate) fn poll_read(
        &self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.poll_read_ready(cx))?;
            match self.try_read(buf.initialize_unfilled()) {
                Err(e) if e.kind() == ErrorKind::WouldBlock => {}
                Err(e) => return Poll::Ready(Err(e)),
                Ok(n) => {
                    buf.advance(n);
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }

    pub(crate) fn poll_write(
        &self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.poll_write_ready(cx))?;
            match self.try_write_vectored(bufs) {
                Err(e) if e.kind() == ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
        }
    }

    pub(crate) fn shutdown(&self, how: Shutdown) {
        self.shared.with(|world| world.shutdown(self.id, how));
    }

    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.local
    }

    pub(crate) fn peer_addr(&self) -> SocketAddr {
        self.remote
    }
}

impl Drop for SimStream {
    fn drop(&mut self) {
        self.shared.with(|world| world.close(self.id));
    }
}

impl fmt::Debug for SimStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SimStream({} -> {})", self.local, self.remote)
    }
}
