//! Reading files that the command line names.

use gannet_config::Source;

use crate::flags::Disk;

#[test]
fn unreadable_files_are_explained_in_the_reference_words() {
    let here = env!("CARGO_MANIFEST_DIR");
    let missing = format!("{here}/no-such-file");
    let beyond = format!("{here}/Cargo.toml/x");
    for (path, wanted) in [
        (
            missing.as_str(),
            format!("open {missing}: no such file or directory"),
        ),
        (beyond.as_str(), format!("open {beyond}: not a directory")),
        (here, format!("read {here}: is a directory")),
    ] {
        assert_eq!(Disk.read(path), Err(wanted));
    }
    assert!(
        Disk.read(&format!("{here}/Cargo.toml"))
            .is_ok_and(|text| !text.is_empty())
    );
    assert_eq!(Disk.env("GANNET_NO_SUCH_VARIABLE"), None);
}
