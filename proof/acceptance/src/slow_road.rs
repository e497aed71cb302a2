//! A detour for TCP connections that takes its time: what makes one cluster farther away than another.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

/// A listener whose connections lead to another address, every byte later by the same delay.
#[derive(Debug)]
pub struct SlowRoad {
    address: String,
}

impl SlowRoad {
    /// A road to `target`; each direction takes `delay`. It lasts until the process ends.
    ///
    /// # Panics
    /// When no port can be had.
    pub fn to(target: String, delay: Duration) -> SlowRoad {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on loopback");
        let address = listener
            .local_addr()
            .expect("a listener has an address")
            .to_string();
        thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                // A target that is not there looks from outside like one that closes at once.
                if let Ok(far) = TcpStream::connect(&target)
                    && let (Ok(near_too), Ok(far_too)) = (near.try_clone(), far.try_clone())
                {
                    carry(near, far, delay);
                    carry(far_too, near_too, delay);
                }
            }
        });
        SlowRoad { address }
    }

    /// Where the road begins.
    pub fn address(&self) -> &str {
        &self.address
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, delay: Duration) {
    let (sender, receiver) = channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut chunk = [0; 16 * 1024];
        while let Ok(length @ 1..) = from.read(&mut chunk) {
            if sender
                .send((Instant::now() + delay, chunk[..length].to_vec()))
                .is_err()
            {
                return;
            }
        }
    });
    thread::spawn(move || {
        for (due, bytes) in receiver {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                return;
            }
        }
        // The other side may have closed first.
        let _ = to.shutdown(Shutdown::Write);
    });
}
