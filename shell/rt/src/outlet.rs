//! One-way connections to a receiver of texts, such as syslog: UDP, TCP and the two kinds of Unix sockets.
//!
//! A simulated host has streams only. Not here: what is sent, and what to do when it cannot be.

use std::future::{pending, poll_fn};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::task::Poll;

use tokio::io::Interest;
use tokio::net::{UdpSocket, UnixDatagram, UnixStream};

use crate::net::Stream;
use crate::rt::{Kind, Rt};

/// Where a receiver is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Each text is a UDP datagram.
    Udp(SocketAddr),
    /// One TCP connection.
    Tcp(SocketAddr),
    /// Each text is a datagram of a Unix socket.
    UnixDatagram(PathBuf),
    /// One connection of a Unix socket.
    UnixStream(PathBuf),
}

/// A connection to a receiver. Dropping it closes it.
#[derive(Debug)]
pub struct Outlet(OutletKind);

#[derive(Debug)]
enum OutletKind {
    Udp(UdpSocket),
    Stream(Stream),
    UnixDatagram(UnixDatagram),
    UnixStream(UnixStream),
}

impl Outlet {
    /// Connects; to receivers of datagrams that always works, if there is a way.
    pub async fn open(rt: &Rt, to: &Destination) -> io::Result<Outlet> {
        let in_runtime = || match &rt.kind {
            Kind::Real(real) => Ok(real.handle.enter()),
            Kind::Sim(_) => Err(io::Error::from(io::ErrorKind::Unsupported)),
        };
        let kind = match to {
            Destination::Tcp(addr) => OutletKind::Stream(rt.connect(*addr).await?),
            Destination::Udp(addr) => {
                let any = match addr {
                    SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
                    SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
                };
                let _guard = in_runtime()?;
                let socket = std::net::UdpSocket::bind(any)?;
                socket.connect(addr)?;
                socket.set_nonblocking(true)?;
                OutletKind::Udp(UdpSocket::from_std(socket)?)
            }
            Destination::UnixDatagram(path) => {
                let _guard = in_runtime()?;
                let socket = UnixDatagram::unbound()?;
                socket.connect(path)?;
                OutletKind::UnixDatagram(socket)
            }
            Destination::UnixStream(path) => {
                let _guard = in_runtime()?;
                // A local socket says yes or no at once.
                let socket = std::os::unix::net::UnixStream::connect(path)?;
                socket.set_nonblocking(true)?;
                OutletKind::UnixStream(UnixStream::from_std(socket)?)
            }
        };
        Ok(Outlet(kind))
    }

    /// Sends all of `bytes`, as one datagram where there are such. No deadline: wrap it in [`Rt::timeout`]. After an
    /// error, or if it was dropped before its end, nobody knows how much of them has been received.
    pub async fn send(&self, bytes: &[u8]) -> io::Result<()> {
        match &self.0 {
            OutletKind::Udp(socket) => socket.send(bytes).await.map(drop),
            OutletKind::UnixDatagram(socket) => socket.send(bytes).await.map(drop),
            OutletKind::Stream(stream) => {
                let mut rest = bytes;
                poll_fn(|cx| {
                    while !rest.is_empty() {
                        match stream.try_write(rest) {
                            Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                            Ok(n) => rest = &rest[n..],
                            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                                match stream.poll_write_ready(cx) {
                                    Poll::Ready(Ok(())) => {}
                                    other => return other,
                                }
                            }
                            Err(e) => return Poll::Ready(Err(e)),
                        }
                    }
                    Poll::Ready(Ok(()))
                })
                .await
            }
            OutletKind::UnixStream(stream) => {
                let mut rest = bytes;
                while !rest.is_empty() {
                    stream.writable().await?;
                    match stream.try_write(rest) {
                        Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                        Ok(n) => rest = &rest[n..],
                        Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                        Err(e) => return Err(e),
                    }
                }
                Ok(())
            }
        }
    }

    /// Waits for the receiver to end the connection, and throws away what it says until then. Receivers of
    /// datagrams never do.
    pub async fn ended(&self) {
        let mut scrap = [0; 256];
        match &self.0 {
            OutletKind::Udp(_) | OutletKind::UnixDatagram(_) => pending().await,
            OutletKind::Stream(stream) => loop {
                if poll_fn(|cx| stream.poll_read_ready(cx)).await.is_err()
                    || is_end(&stream.try_read(&mut scrap))
                {
                    return;
                }
            },
            OutletKind::UnixStream(stream) => loop {
                if stream.ready(Interest::READABLE).await.is_err()
                    || is_end(&stream.try_read(&mut scrap))
                {
                    return;
                }
            },
        }
    }
}

fn is_end(read: &io::Result<usize>) -> bool {
    match read {
        Ok(n) => *n == 0,
        Err(e) => e.kind() != io::ErrorKind::WouldBlock,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::unix::net;

    use super::*;
    use crate::Runtime;

    fn open(runtime: &Runtime, to: &Destination) -> io::Result<Outlet> {
        runtime.block_on(Outlet::open(&runtime.rt(), to))
    }

    #[test]
    fn texts_arrive_whole_by_each_way() {
        let runtime = Runtime::new(Some(1)).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let (datagrams, streams) = (dir.path().join("d"), dir.path().join("s"));
        let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let unix = net::UnixDatagram::bind(&datagrams).unwrap();
        let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let unix_stream = net::UnixListener::bind(&streams).unwrap();
        let mut buffer = vec![0; 100_000];

        let outlet = open(&runtime, &Destination::Udp(udp.local_addr().unwrap())).unwrap();
        runtime.block_on(outlet.send(b"a text")).unwrap();
        assert_eq!(udp.recv(&mut buffer).unwrap(), 6);
        let outlet = open(&runtime, &Destination::UnixDatagram(datagrams)).unwrap();
        runtime.block_on(outlet.send(b"a text")).unwrap();
        assert_eq!(unix.recv(&mut buffer).unwrap(), 6);

        // More than fits into the buffers of a socket.
        let long = vec![b'x'; 8 << 20];
        let to = Destination::Tcp(tcp.local_addr().unwrap());
        let outlet = open(&runtime, &to).unwrap();
        let mut there = tcp.accept().unwrap().0;
        let reader = std::thread::spawn(move || read_all(&mut there));
        runtime.block_on(outlet.send(&long)).unwrap();
        drop(outlet);
        assert_eq!(reader.join().unwrap(), long.len());
        let outlet = open(&runtime, &Destination::UnixStream(streams)).unwrap();
        let mut there = unix_stream.accept().unwrap().0;
        let reader = std::thread::spawn(move || read_all(&mut there));
        runtime.block_on(outlet.send(&long)).unwrap();
        drop(outlet);
        assert_eq!(reader.join().unwrap(), long.len());
    }

    fn read_all(from: &mut impl io::Read) -> usize {
        let mut all = Vec::new();
        from.read_to_end(&mut all).unwrap()
    }

    #[test]
    fn the_end_of_a_connection_is_noticed_without_sending() {
        let runtime = Runtime::new(Some(1)).unwrap();
        let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let outlet = open(&runtime, &Destination::Tcp(tcp.local_addr().unwrap())).unwrap();
        let mut there = tcp.accept().unwrap().0;
        runtime.block_on(outlet.send(b"hi")).unwrap();
        there.read_exact(&mut [0; 2]).unwrap();
        io::Write::write_all(&mut there, b"what a receiver should not say").unwrap();
        drop(there);
        runtime.block_on(outlet.ended());
    }

    #[test]
    fn nobody_there_is_an_error() {
        let runtime = Runtime::new(Some(1)).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let none = dir.path().join("none");
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = free.local_addr().unwrap();
        drop(free);
        for (to, kind) in [
            (
                Destination::UnixDatagram(none.clone()),
                io::ErrorKind::NotFound,
            ),
            (Destination::UnixStream(none), io::ErrorKind::NotFound),
            (Destination::Tcp(addr), io::ErrorKind::ConnectionRefused),
        ] {
            assert_eq!(open(&runtime, &to).unwrap_err().kind(), kind, "{to:?}");
        }
    }
}
