//! The switchboard as its owners use it: peers with sinks that record what was written.

mod accounts;
mod delivery;
mod interest;
mod links;
mod mappings;
mod moves;
mod outboxes;
mod permissions;
mod routes;
mod runs;
mod services;
mod streams;
mod world;
