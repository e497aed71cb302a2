//! Joining and tidying of paths for `include` and for the monitoring base path.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The directory part of `path`, tidied; `.` if it has none.
pub(crate) fn directory(path: &str) -> String {
    match path.rfind('/') {
        Some(at) => tidy(&path[..=at]),
        None => ".".to_string(),
    }
}

/// `path` as seen from `directory`. A leading slash doesn't make it absolute: the reference server
/// looks for every included file below the including one's directory.
pub(crate) fn join(directory: &str, path: &str) -> String {
    if directory.is_empty() {
        tidy(path)
    } else {
        tidy(&format!("{directory}/{path}"))
    }
}

/// The shortest spelling of `path`: no empty, `.` or avoidable `..` parts.
pub(crate) fn tidy(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => match parts.last() {
                Some(&last) if last != ".." => _ = parts.pop(),
                _ if rooted => {}
                _ => parts.push(".."),
            },
            part => parts.push(part),
        }
    }
    match (rooted, parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".to_string(),
        (false, false) => parts.join("/"),
    }
}

#[cfg(test)]
mod tests {
    use super::{directory, join, tidy};

    #[test]
    fn paths_are_joined_below_the_including_directory() {
        for (file, include, wanted) in [
            ("a.conf", "b.conf", "b.conf"),
            ("a.conf", "/b.conf", "b.conf"),
            ("/etc/nats/a.conf", "./x/../b.conf", "/etc/nats/b.conf"),
            ("conf/a.conf", "../b.conf", "b.conf"),
            ("conf/a.conf", "../../b.conf", "../b.conf"),
            ("/a.conf", "../b.conf", "/b.conf"),
        ] {
            assert_eq!(
                join(&directory(file), include),
                wanted,
                "{file} includes {include}"
            );
        }
    }

    #[test]
    fn tidy_paths_keep_their_meaning() {
        for (path, wanted) in [
            ("", "."),
            ("/", "/"),
            ("//a//b/", "/a/b"),
            ("a/..", "."),
            ("/..", "/"),
        ] {
            assert_eq!(tidy(path), wanted);
        }
    }
}
