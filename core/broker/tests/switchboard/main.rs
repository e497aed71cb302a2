//! The switchboard as its owners use it: peers with sinks that record what was written.

mod delivery;
mod interest;
mod links;
mod moves;
mod outboxes;
mod routes;
mod runs;
mod world;
