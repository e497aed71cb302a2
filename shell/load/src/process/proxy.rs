//! A relay in front of one port, whose connections can be cut at will: a link between two servers that breaks.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::error::LoadError;

/// Bytes passed on at a time.
const CHUNK: usize = 256 << 10;

/// What both ends of every relayed connection have in common.
#[derive(Debug, Default)]
struct Relayed {
    streams: Mutex<Vec<TcpStream>>,
    ended: AtomicBool,
}

impl Relayed {
    fn cut(&self) {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        for stream in streams.drain(..) {
            // One that has ended already is cut as well.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// A relay; dropping it ends all of its connections.
#[derive(Debug)]
pub(crate) struct Proxy {
    /// Where to connect instead of the port behind it.
    pub(crate) address: SocketAddr,
    relayed: Arc<Relayed>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Listens, and passes every connection on to `to`.
    pub(crate) fn start(to: SocketAddr) -> Result<Proxy, LoadError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .map_err(LoadError::io("listen for a relay"))?;
        let address = listener
            .local_addr()
            .map_err(LoadError::io("listen for a relay"))?;
        let relayed = Arc::new(Relayed::default());
        let shared = relayed.clone();
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.ended.load(Ordering::Acquire) {
                    return;
                }
                // A connection that cannot be relayed is closed, and its dialler tries again.
                let _ = stream.and_then(|from| relay(&shared, from, to));
            }
        });
        Ok(Proxy {
            address,
            relayed,
            thread: Some(thread),
        })
    }

    /// Cuts every connection; new ones are relayed again.
    pub(crate) fn cut(&self) {
        self.relayed.cut();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.relayed.ended.store(true, Ordering::Release);
        // Wakes the listener, which then sees that it is over.
        let _ = TcpStream::connect(self.address);
        self.cut();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn relay(relayed: &Relayed, from: TcpStream, to: SocketAddr) -> std::io::Result<()> {
    let onward = TcpStream::connect(to)?;
    for stream in [&from, &onward] {
        stream.set_nodelay(true)?;
    }
    let (back, forth) = (from.try_clone()?, onward.try_clone()?);
    let kept = [from.try_clone()?, onward.try_clone()?];
    let mut streams = relayed
        .streams
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    streams.extend(kept);
    drop(streams);
    std::thread::spawn(move || pass(from, forth));
    std::thread::spawn(move || pass(onward, back));
    Ok(())
}

/// Passes bytes on until either end is closed.
fn pass(mut from: TcpStream, mut to: TcpStream) {
    let mut chunk = vec![0; CHUNK];
    while let Ok(n @ 1..) = from.read(&mut chunk) {
        if to.write_all(&chunk[..n]).is_err() {
            break;
        }
    }
    for stream in [from, to] {
        // It may be closed already.
        let _ = stream.shutdown(Shutdown::Both);
    }
}
