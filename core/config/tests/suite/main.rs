//! The configuration language and the options from outside, as the shell uses them.

mod bounds;
mod cases;
mod diff;
mod explain;
mod mappings;
mod options;
mod properties;
mod users;
mod verdicts;
mod without;
mod world;
