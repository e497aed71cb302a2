//! Channels and notifications between tasks. They need no runtime and wake in a fixed order, so
//! they work in both worlds.
//!
//! Not here, on purpose: `watch` (it picks a notifier at random behind the simulator's back), and
//! locks (data shared by tasks has an owner task or a short `parking_lot` lock).

pub use tokio::sync::{Notify, Semaphore, mpsc, oneshot};
