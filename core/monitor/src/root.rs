//! `/`: a page for people, with links to the other endpoints and the version.

use alloc::format;
use alloc::string::String;
use core::fmt::Write;

use crate::endpoint::{Endpoint, link};
use crate::response::Response;

/// What the caller gathered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The configured base path.
    pub base_path: String,
    /// This server's name.
    pub server_name: String,
    /// Our version.
    pub version: String,
    /// The version of the reference server that we are compatible with.
    pub compatible: String,
}

const PAGES: [(Endpoint, &str); 9] = [
    (Endpoint::Varz, "Server"),
    (Endpoint::Connz, "Connections"),
    (Endpoint::Routez, "Routes"),
    (Endpoint::Gatewayz, "Gateways"),
    (Endpoint::Subsz, "Subscriptions"),
    (Endpoint::Healthz, "Health"),
    (Endpoint::Reloadz, "What a reload would do"),
    (Endpoint::Stacksz, "Threads"),
    (Endpoint::Vars, "Process"),
];

/// The answer.
pub fn respond(snapshot: &Snapshot) -> Response {
    let mut links = String::new();
    for (endpoint, title) in PAGES {
        let (href, path) = (html(&link(&snapshot.base_path, endpoint)), endpoint.path());
        // Writing to a String cannot fail.
        let _ = writeln!(
            links,
            "<li><a href=\"{href}\">{title}</a> <code>{path}</code></li>"
        );
    }
    let (name, version) = (html(&snapshot.server_name), html(&snapshot.version));
    let compatible = html(&snapshot.compatible);
    Response::html(format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{name} - Gannet</title>\n\
         <style>body{{font-family:system-ui,sans-serif;margin:2rem;line-height:1.7}}\
         code,small{{color:#667}}</style>\n</head>\n<body>\n<h1>{name}</h1>\n\
         <p><small>Gannet v{version}, compatible with v{compatible} of the NATS server</small></p>\n\
         <ul>\n{links}</ul>\n</body>\n</html>\n"
    ))
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
