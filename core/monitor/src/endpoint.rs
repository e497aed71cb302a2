//! Which endpoint a path names, and how often each was asked. Query strings are in `query`.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::query::percent_decoded;

/// A page of the monitoring port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Endpoint {
    /// The page that links all others.
    Root,
    /// Identity, limits and totals of the server.
    Varz,
    /// Client connections, open and closed.
    Connz,
    /// Routes to the other servers of the cluster.
    Routez,
    /// Gateways to and from other clusters.
    Gatewayz,
    /// The subscription indexes.
    Subsz,
    /// Is this server fit to serve.
    Healthz,
    /// What a reload would do.
    Reloadz,
    /// Threads and tasks.
    Stacksz,
    /// Command line and memory.
    Vars,
}

/// Pages of the reference server that are not built yet, with the part that they wait for.
const UNBUILT: [(&str, &str); 6] = [
    ("/accountz", "monitoring"),
    ("/accstatz", "monitoring"),
    ("/ipqueuesz", "monitoring"),
    ("/jsz", "JetStream"),
    ("/leafz", "leaf nodes"),
    ("/raftz", "JetStream"),
];

impl Endpoint {
    /// Every endpoint, in the order of their statistics keys.
    pub const ALL: [Endpoint; 10] = [
        Endpoint::Root,
        Endpoint::Connz,
        Endpoint::Vars,
        Endpoint::Gatewayz,
        Endpoint::Healthz,
        Endpoint::Reloadz,
        Endpoint::Routez,
        Endpoint::Stacksz,
        Endpoint::Subsz,
        Endpoint::Varz,
    ];

    /// The path below the base path, which is also the key in varz `http_req_stats`.
    pub const fn path(self) -> &'static str {
        match self {
            Endpoint::Root => "/",
            Endpoint::Varz => "/varz",
            Endpoint::Connz => "/connz",
            Endpoint::Routez => "/routez",
            Endpoint::Gatewayz => "/gatewayz",
            Endpoint::Subsz => "/subsz",
            Endpoint::Healthz => "/healthz",
            Endpoint::Reloadz => "/reloadz",
            Endpoint::Stacksz => "/stacksz",
            Endpoint::Vars => "/debug/vars",
        }
    }

    fn by_name(name: &str) -> Option<Endpoint> {
        match name {
            "/subscriptionsz" => Some(Endpoint::Subsz),
            _ => Endpoint::ALL
                .into_iter()
                .find(|endpoint| endpoint.path() == name),
        }
    }
}

/// The endpoint that `path` names under `base_path`; nothing means "404 page not found".
///
/// `base_path` is the configured prefix, with or without its leading slash. The root page is
/// the base path itself, without a slash at its end.
pub fn route(base_path: &str, path: &str) -> Option<Endpoint> {
    let base = normalize_base(base_path);
    let path = percent_decoded(path)?;
    if base.is_empty() {
        return Endpoint::by_name(&path);
    }
    match path.strip_prefix(base.as_str())? {
        "" => Some(Endpoint::Root),
        "/" => None,
        rest => Endpoint::by_name(rest),
    }
}

/// The page of a part that is not built yet which `path` names under `base_path`, with the name of the part.
pub(crate) fn unbuilt(base_path: &str, path: &str) -> Option<(&'static str, &'static str)> {
    let path = percent_decoded(path)?;
    let path = path.strip_prefix(normalize_base(base_path).as_str())?;
    UNBUILT.into_iter().find(|(name, _)| *name == path)
}

/// The path to send a client to when its own contains `//`, `.` or `..`; nothing when it is
/// clean. To be asked before [`route`], whether the path exists or not.
pub fn redirect(path: &str) -> Option<String> {
    let mut clean = cleaned(path);
    if path.len() > 1 && path.ends_with('/') && clean != "/" {
        clean.push('/');
    }
    (clean != path).then_some(clean)
}

/// A configured base path as it is used: a leading slash, none at the end, empty for none.
pub fn normalize_base(base_path: &str) -> String {
    let clean = cleaned(base_path);
    if clean == "/" { String::new() } else { clean }
}

/// Resolves `.`, `..` and repeated slashes; always starts with a slash, ends with one only at the root.
fn cleaned(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            name => kept.push(name),
        }
    }
    format!("/{}", kept.join("/"))
}

/// How often each endpoint was asked, as varz `http_req_stats` shows it: only what was asked at
/// all, keyed by path, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestCounts([u64; Endpoint::ALL.len()]);

impl RequestCounts {
    /// Counts one request; not for what is said of the process, as the reference server has it.
    pub fn count(&mut self, endpoint: Endpoint) {
        if matches!(endpoint, Endpoint::Stacksz | Endpoint::Vars) {
            return;
        }
        let counter = &mut self.0[endpoint as usize];
        *counter = counter.saturating_add(1);
    }

    /// Requests for `endpoint` so far.
    pub fn of(&self, endpoint: Endpoint) -> u64 {
        self.0[endpoint as usize]
    }
}

impl Serialize for RequestCounts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for endpoint in Endpoint::ALL {
            if self.of(endpoint) > 0 {
                map.serialize_entry(endpoint.path(), &self.of(endpoint))?;
            }
        }
        map.end()
    }
}

/// Where `endpoint` is, seen from the root page under `base_path`: relative, so that it still
/// works behind a proxy that adds a prefix.
pub(crate) fn link(base_path: &str, endpoint: Endpoint) -> String {
    let base = normalize_base(base_path);
    let last = base.rfind('/').map_or("", |slash| &base[slash..]);
    format!(".{last}{}", endpoint.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_an_endpoint_only_when_it_matches_whole() {
        let cases: [(&str, &str, Option<Endpoint>); 16] = [
            ("", "/", Some(Endpoint::Root)),
            ("", "/varz", Some(Endpoint::Varz)),
            ("", "/subsz", Some(Endpoint::Subsz)),
            ("", "/subscriptionsz", Some(Endpoint::Subsz)),
            ("", "/%76arz", Some(Endpoint::Varz)),
            ("", "/varz/", None),
            ("", "/varz%2f", None),
            ("", "/nope", None),
            ("/", "/varz", Some(Endpoint::Varz)),
            ("/mon", "/mon", Some(Endpoint::Root)),
            ("mon/", "/mon/connz", Some(Endpoint::Connz)),
            ("/mon", "/mon/", None),
            ("/mon", "/", None),
            ("/mon", "/varz", None),
            ("/mon", "/monx", None),
            ("/a/b", "/a/b/healthz", Some(Endpoint::Healthz)),
        ];
        for (base, path, expect) in cases {
            assert_eq!(route(base, path), expect, "{base:?} {path:?}");
        }
    }

    #[test]
    fn an_unclean_path_is_redirected_to_its_clean_form() {
        let cases = [
            ("/varz", None),
            ("/varz/", None),
            ("//varz", Some("/varz")),
            ("/mon/../mon/varz", Some("/mon/varz")),
            ("/x/./y", Some("/x/y")),
            ("/x//", Some("/x/")),
            ("/..", Some("/")),
            ("", Some("/")),
        ];
        for (path, expect) in cases {
            assert_eq!(redirect(path).as_deref(), expect, "{path:?}");
        }
    }

    #[test]
    fn only_what_was_asked_is_counted_and_keys_are_sorted() {
        let mut counts = RequestCounts::default();
        counts.count(Endpoint::Varz);
        counts.count(Endpoint::Root);
        counts.count(Endpoint::Varz);
        counts.count(Endpoint::Vars);
        counts.count(Endpoint::Stacksz);
        assert_eq!(
            serde_json::to_string(&counts).unwrap(),
            r#"{"/":1,"/varz":2}"#
        );
        let mut keys: Vec<&str> = Endpoint::ALL.iter().map(|e| e.path()).collect();
        keys.sort_unstable();
        assert_eq!(keys, Endpoint::ALL.map(Endpoint::path));
    }
}
