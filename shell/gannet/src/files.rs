//! The files by which others find a running server: pid file and ports file; and pages of the manual.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use gannet_config::Options;
use gannet_node::Server;
use gannet_rt::{Rt, fs, process};
use serde::Serialize;

use crate::flags::ManualPage;
use crate::words::file_error;

/// Writes the process id, and nothing else, to `path`.
pub(crate) fn write_pid(rt: &Rt, path: &str) -> Result<(), String> {
    let pid = process::pid(rt).to_string();
    fs::write_private(rt, path, pid).map_err(|e| file_error("open", path, &e))
}

/// What the ports file says: the URLs of each kind of listener that there is.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Ports {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    nats: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    monitoring: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cluster: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    profile: Vec<String>,
}

/// Writes pages of the manual to a directory that is there.
pub(crate) fn write_pages(directory: &str, pages: &[ManualPage]) -> Result<(), String> {
    for page in pages {
        let path = Path::new(directory).join(&page.file);
        let shown = path.to_string_lossy().into_owned();
        std::fs::write(path, &page.text).map_err(|error| file_error("open", &shown, &error))?;
    }
    Ok(())
}

/// A ports file, which is there as long as its server.
#[derive(Debug)]
pub(crate) struct PortsFile {
    path: PathBuf,
}

impl PortsFile {
    /// `DIR/PROGRAM_PID.ports`, where the program is called as it was called now.
    pub(crate) fn in_dir(rt: &Rt, dir: &str) -> PortsFile {
        let program = std::env::args_os().next().unwrap_or_default();
        let name = Path::new(&program)
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        let file = format!("{name}_{}.ports", process::pid(rt));
        PortsFile {
            path: Path::new(dir).join(file),
        }
    }

    /// Writes where `server` listens. The error is for the log.
    pub(crate) fn write(&self, rt: &Rt, options: &Options, server: &Server) -> Result<(), String> {
        let monitoring = options.monitoring.host.as_deref().unwrap_or(&options.host);
        let tls = options.tls.is_some() && !options.allow_non_tls;
        let ports = Ports {
            nats: urls(
                rt,
                if tls { "tls" } else { "nats" },
                &options.host,
                server.client_addr(),
            ),
            monitoring: urls(
                rt,
                match options.monitoring.https_port {
                    Some(_) => "https",
                    None => "http",
                },
                monitoring,
                server.monitor_addr(),
            ),
            cluster: urls(
                rt,
                if options.cluster.tls.is_some() {
                    "tls"
                } else {
                    "nats"
                },
                &options.cluster.host,
                server.route_addr(),
            ),
            profile: urls(rt, "http", &options.host, server.profiling_addr()),
        };
        let path = self.path.to_string_lossy();
        let failed = |why: String| format!("Error writing ports file ({path}): {why}");
        let json = serde_json::to_vec(&ports).map_err(|e| failed(e.to_string()))?;
        fs::write(rt, &self.path, json).map_err(|e| failed(file_error("open", &path, &e)))
    }

    /// Removes the file. The error is for the log.
    pub(crate) fn remove(&self, rt: &Rt) -> Result<(), String> {
        fs::remove_file(rt, &self.path).map_err(|e: io::Error| {
            let path = self.path.to_string_lossy();
            format!(
                "Error cleaning up ports file {path}: {}",
                file_error("remove", &path, &e)
            )
        })
    }
}

/// The URLs of a listener: one, or one for each address of the machine if it listens on all.
fn urls(rt: &Rt, scheme: &str, host: &str, bound: Option<SocketAddr>) -> Vec<String> {
    let Some(bound) = bound else {
        return Vec::new();
    };
    let port = bound.port();
    if bound.ip().is_unspecified()
        && let Ok(ips) = rt.local_ips()
    {
        return ips
            .into_iter()
            .map(|ip| format!("{scheme}://{}", SocketAddr::new(ip, port)))
            .collect();
    }
    match host.parse::<std::net::Ipv6Addr>() {
        Ok(_) => vec![format!("{scheme}://[{host}]:{port}")],
        Err(_) => vec![format!("{scheme}://{host}:{port}")],
    }
}
