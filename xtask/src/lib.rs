//! What keeps the house in order: the laws of the workspace, a report on its tidiness, the state
//! of its features, the instruction counts of the hot path, and the one command that checks all of
//! it, `cargo xtask verify`; besides, faults put in on purpose, to see whether the tests notice.
//!
//! What lives here: rules about the repository. What does not: rules about messages; nothing
//! here is part of the server.

mod cli;
pub mod features;
pub mod instructions;
pub mod laws;
pub mod layout;
pub mod linkage;
pub mod mutants;
pub mod report;
mod source;

use std::path::{Path, PathBuf};

pub use cli::run;

/// What can go wrong before anything is judged: an unreadable file, a tool that is not there.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// The workspace this program was built in.
pub fn workspace_root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}
