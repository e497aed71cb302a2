//! The saved inputs, one file each, in a folder per target.

use std::path::PathBuf;

/// The folder of one target's inputs.
pub fn folder(target: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", "fuzz", "corpus", target]
        .iter()
        .collect()
}

/// All saved inputs of one target with their names, in the order of their names.
pub fn saved(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = folder(target);
    let files = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.expect("a folder can be read to its end").path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        (name, std::fs::read(&path).expect("an input can be read"))
    };
    let mut inputs: Vec<_> = files.map(read).collect();
    inputs.sort();
    inputs
}
