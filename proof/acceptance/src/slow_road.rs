//! A detour for TCP connections that takes its time: what makes one cluster farther away than another.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// A listener whose connections lead to another address, every byte later by the same delay.
#[derive(Debug)]
pub struct SlowRoad {
    address: String,
    delay: Arc<Mutex<Duration>>,
}

/// How long the road looks for its end: one that does not answer must not hold up those behind.
const DIAL_TIMEOUT: Duration = Duration::from_millis(500);

impl SlowRoad {
    /// A road to `target`; each direction takes `delay`. It lasts until the process ends.
    ///
    /// # Panics
    /// When no port can be had.
    pub fn to(target: String, delay: Duration) -> SlowRoad {
        SlowRoad::from_to("127.0.0.1", target, delay)
    }

    /// [`SlowRoad::to`] that begins at a free port of `host`, in the network of the thread that calls this.
    ///
    /// # Panics
    /// When no port can be had.
    pub fn from_to(host: &str, target: String, delay: Duration) -> SlowRoad {
        let listener = TcpListener::bind((host, 0)).expect("a free port");
        let address = listener
            .local_addr()
            .expect("a listener has an address")
            .to_string();
        let target: SocketAddr = target.parse().expect("an address with a port");
        let delay = Arc::new(Mutex::new(delay));
        let now = Arc::clone(&delay);
        thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                // A target that is not there looks from outside like one that closes at once.
                // Small pieces must not wait for each other's acknowledgements: only the road takes time.
                if let Ok(far) = TcpStream::connect_timeout(&target, DIAL_TIMEOUT)
                    && near.set_nodelay(true).is_ok()
                    && far.set_nodelay(true).is_ok()
                    && let (Ok(near_too), Ok(far_too)) = (near.try_clone(), far.try_clone())
                {
                    carry(near, far, Arc::clone(&now));
                    carry(far_too, near_too, Arc::clone(&now));
                }
            }
        });
        SlowRoad { address, delay }
    }

    /// From now on each direction takes `delay`. What is under way already takes the time it takes.
    ///
    /// # Panics
    /// Never: nobody panics while holding the lock.
    pub fn set_delay(&self, delay: Duration) {
        *self.delay.lock().expect("nobody panics with it") = delay;
    }

    /// Where the road begins.
    pub fn address(&self) -> &str {
        &self.address
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, delay: Arc<Mutex<Duration>>) {
    let (sender, receiver) = channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut chunk = [0; 16 * 1024];
        while let Ok(length @ 1..) = from.read(&mut chunk) {
            let delay = *delay.lock().expect("nobody panics with it");
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
