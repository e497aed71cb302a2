//! Server processes as children: starting, accounting, ending. What is sent to them is not decided here.

mod layout;
mod proxy;
mod server;
mod usage;

pub(crate) use layout::{Launcher, Layout, Servers};
pub(crate) use server::Server;
pub(crate) use usage::{own_cpu, raise_file_limit};
