//! The reconciler by itself, rule by rule, and whole clusters of reconcilers and links.

mod dials;
mod dismissal;
mod harness;
mod mishaps;
mod network;
mod places;
mod reloads;
mod told;
mod verdict;
mod world;
