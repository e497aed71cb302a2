//! What only a process on a Unix system can ask for: signals to other processes, its own limits.
//! For the binary and its tests; a simulated host has nothing of the kind.

pub use nix::sys::resource::{Resource, getrlimit, setrlimit};
pub use nix::sys::signal::{Signal, kill};
pub use nix::unistd::Pid;
