//! The three laws of `docs/ARCHITECTURE.md`, judged from `cargo metadata` and the sources. Also an
//! ordinary test: see the end of this file.

mod arrows;
mod metadata;
mod purity;
mod world;

use std::ffi::OsString;
use std::fmt;
use std::path::Path;
use std::process::Command;

pub use metadata::{Dependency, Package, Workspace};

use crate::Error;

/// A broken law.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// Which of the three.
    pub law: u8,
    /// Who broke it, how, and what to do instead.
    pub text: String,
}

impl Violation {
    fn new(law: u8, text: impl Into<String>) -> Violation {
        Violation {
            law,
            text: text.into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "law {}: {}", self.law, self.text)
    }
}

/// Judges the workspace in `workspace_root`: its dependencies and its sources.
pub fn check(workspace_root: &Path) -> Result<Vec<Violation>, Error> {
    let output = Command::new(cargo_program())
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(workspace_root)
        .output()?;
    if !output.status.success() {
        return Err(format!(
            "cargo metadata: {}",
            String::from_utf8_lossy(&output.stderr)
        )
        .into());
    }
    let workspace = Workspace::parse(&String::from_utf8(output.stdout)?)?;
    let mut found = judge(&workspace);
    found.extend(purity::check_sources(&workspace)?);
    found.extend(world::check_sources(&workspace)?);
    found.sort();
    Ok(found)
}

/// Judges dependencies alone.
pub fn judge(workspace: &Workspace) -> Vec<Violation> {
    let mut found = purity::judge(workspace);
    found.extend(world::judge(workspace));
    found.extend(arrows::judge(workspace));
    found
}

/// The cargo that runs this program, or the one in the path.
pub(crate) fn cargo_program() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_workspace_keeps_the_laws() {
        let broken: Vec<String> = check(&crate::workspace_root())
            .unwrap()
            .iter()
            .map(Violation::to_string)
            .collect();
        assert_eq!(broken, Vec::<String>::new());
    }
}
