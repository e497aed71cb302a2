//! Free TCP ports for servers whose addresses must be known before they start.

use crate::programs::acceptance_dir;
use std::collections::hash_map::RandomState;
use std::fs::File;
use std::hash::{BuildHasher, Hasher};
use std::net::TcpListener;

/// Ports are taken from here: below the range from which the operating system serves outgoing connections.
const RANGE: std::ops::Range<u64> = 11_000..32_000;

/// A port that no other test of this workspace will take as long as this value lives.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _reservation: File,
}

impl Port {
    /// Reserves a port that is free right now.
    ///
    /// # Panics
    /// When no free port is found in a thousand tries.
    pub fn reserve() -> Port {
        let folder = acceptance_dir().join("ports");
        std::fs::create_dir_all(&folder).expect("the folder for port reservations can be made");
        (0..1000)
            .find_map(|_| {
                let span = RANGE.end - RANGE.start;
                let number =
                    (RANGE.start + RandomState::new().build_hasher().finish() % span) as u16;
                let file = File::create(folder.join(number.to_string())).ok()?;
                file.try_lock().ok()?;
                let free = TcpListener::bind(("127.0.0.1", number)).is_ok()
                    && TcpListener::bind(("0.0.0.0", number)).is_ok();
                free.then_some(Port {
                    number,
                    _reservation: file,
                })
            })
            .expect("one of a thousand ports is free")
    }

    /// The port number.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// `127.0.0.1:<port>`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.number)
    }
}
