//! The client protocol as the load tool needs it: publishes encoded ahead of time, deliveries checked at a fixed stride,
//! and a plain parser for everything else. No sockets.

mod batch;
mod check;
mod parse;
mod shape;

pub(crate) use batch::Batch;
pub(crate) use check::{Checker, Ledger};
pub(crate) use parse::{Message, Operation, parse};
pub(crate) use shape::{Shape, Subscription};
