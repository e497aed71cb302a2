//! The real binary as its users and their tools find it: what it prints, which files it writes, what
//! signals do, how it exits. Not here: what servers say to clients and to each other.
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "the other end of real processes: real sockets, a real clock"
)]

mod check;
mod config;
mod container;
mod dev;
mod dry_run;
mod examples;
mod files;
mod handbook;
mod harness;
mod lame_duck;
mod logs;
mod manual;
mod packaging;
mod signals;
mod start;
mod supervision;
mod without;
