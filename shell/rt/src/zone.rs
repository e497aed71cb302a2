//! The machine's time zone, for log lines.
//!
//! Not here: what its rules mean. A database of all zones is not read either: it has hundreds of files, and
//! one is wanted.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::fs;
use crate::rt::{Kind, Rt};

/// Where systems keep the zone files that `TZ` names.
const FOLDERS: [&str; 4] = [
    "/usr/share/zoneinfo",
    "/usr/share/lib/zoneinfo",
    "/usr/lib/locale/TZ",
    "/etc/zoneinfo",
];
/// What the machine goes by if `TZ` is not set.
const OF_THE_MACHINE: &str = "/etc/localtime";

/// The rules of the local time zone, a file as RFC 9636 describes it; none means UTC, which a simulated host has.
/// The environment variable `TZ` may name a file, or a zone.
pub fn local(rt: &Rt) -> Option<Vec<u8>> {
    if matches!(rt.kind, Kind::Sim(_)) {
        return None;
    }
    let named = std::env::var_os("TZ");
    let mut paths = candidates(named.as_deref());
    paths.find_map(|path| fs::read(rt, path).ok())
}

fn candidates(named: Option<&OsStr>) -> impl Iterator<Item = PathBuf> {
    let named = named.map_or(OsStr::new(OF_THE_MACHINE), |name| {
        OsStr::from_bytes(
            name.as_bytes()
                .strip_prefix(b":")
                .unwrap_or(name.as_bytes()),
        )
    });
    let name = PathBuf::from(named);
    let folders = match named.is_empty() {
        true => &[][..],
        // An absolute path stays as it is, whatever it is joined to.
        false if name.is_absolute() => &FOLDERS[..1],
        false => &FOLDERS[..],
    };
    folders
        .iter()
        .map(move |folder| Path::new(folder).join(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates_of(named: Option<&str>) -> Vec<PathBuf> {
        candidates(named.map(OsStr::new)).collect()
    }

    #[test]
    fn the_variable_names_a_file_or_a_zone_or_nothing() {
        let path = |path: &str| vec![PathBuf::from(path)];
        assert_eq!(candidates_of(None), path("/etc/localtime"));
        assert_eq!(candidates_of(Some("/a/zone")), path("/a/zone"));
        assert_eq!(candidates_of(Some(":/a/zone")), path("/a/zone"));
        assert_eq!(candidates_of(Some("")), Vec::<PathBuf>::new());
        assert_eq!(candidates_of(Some(":")), Vec::<PathBuf>::new());
        assert_eq!(
            candidates_of(Some("Europe/Berlin")),
            [
                "/usr/share/zoneinfo/Europe/Berlin",
                "/usr/share/lib/zoneinfo/Europe/Berlin",
                "/usr/lib/locale/TZ/Europe/Berlin",
                "/etc/zoneinfo/Europe/Berlin",
            ]
            .map(PathBuf::from)
        );
    }

    #[test]
    fn a_simulated_host_has_none() {
        let sim = crate::sim::Sim::new(1);
        assert_eq!(local(&sim.host("a").rt()), None);
    }
}
