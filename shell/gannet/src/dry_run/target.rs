//! A running server, found by its process as `--signal` finds it: what it was started with, and so where its monitoring
//! port is. Not here: asking there.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use gannet_config::{Options, Port, Source, TlsOptions};
use serde_json::Value;

use super::ask::AskError;
use crate::configuration::{self, Failure};
use crate::flags::{self, Disk, Invocation};
use crate::host::NO_FILE;

/// A running server.
pub(super) struct Target {
    id: u32,
    /// Its number as it knows it itself: in a container, that is another one.
    own_id: u32,
    /// The name that it was called by.
    name: String,
    invocation: Invocation,
    /// Its directory, which relative paths begin at.
    directory: PathBuf,
    environment: Environment,
}

/// Why a server cannot be asked.
pub(super) enum Unreachable {
    /// It has no monitoring port.
    NoPort,
    /// It has one, which encrypts.
    Secure(String),
    /// It has any free one, and no file says which.
    AnyPort,
    /// Its own configuration cannot be read.
    Configuration(String),
    /// Somebody else answers there.
    Other(String),
    /// Nobody does, or nobody who knows.
    Silent(AskError),
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unreachable::NoPort => f.write_str("the server has no monitoring port"),
            Unreachable::Secure(url) => write!(f, "{url}: a port that encrypts is not asked"),
            Unreachable::AnyPort => f.write_str(
                "the server has any free monitoring port, and no ports_file_dir to find it by",
            ),
            Unreachable::Configuration(why) => f.write_str(why),
            Unreachable::Other(url) => write!(f, "{url}: another process answers there"),
            Unreachable::Silent(error) => error.fmt(f),
        }
    }
}

impl Target {
    /// The process with this number.
    pub(super) fn find(id: u32) -> Result<Target, String> {
        let path = |name: &str| format!("/proc/{id}/{name}");
        let read = |name: &str| {
            std::fs::read(path(name)).map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => format!("signal \"reload\" {id}: no such process"),
                _ => crate::words::file_error("open", &path(name), &error),
            })
        };
        let words = |bytes: Vec<u8>| -> Vec<OsString> {
            let words = bytes.split(|byte| *byte == 0).map(<[u8]>::to_vec);
            let mut words: Vec<OsString> = words.map(OsString::from_vec).collect();
            // Each ends with a zero.
            words.pop();
            words
        };
        let arguments = words(read("cmdline")?);
        let name = arguments.first().cloned().unwrap_or_default();
        let name = Path::new(&name).file_name().unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        let (_, parsed) = flags::parse(arguments.into_iter());
        let invocation = parsed.map_err(|error| format!("process {id}: {error}"))?;
        let directory = std::fs::read_link(path("cwd"))
            .map_err(|error| crate::words::file_error("readlink", &path("cwd"), &error))?;
        let environment = Environment::of(words(read("environ")?));
        let status = String::from_utf8_lossy(&read("status")?).into_owned();
        Ok(Target {
            own_id: own_id(&status).unwrap_or(id),
            id,
            name,
            invocation,
            directory,
            environment,
        })
    }

    /// The configuration file.
    pub(super) fn file(&self) -> Option<&str> {
        self.invocation.config.as_deref()
    }

    /// Whether the answer is this server's.
    pub(super) fn is(&self, answer: &Value) -> bool {
        let id = answer["pid"].as_u64();
        id == Some(self.own_id.into()) || id == Some(self.id.into())
    }

    /// The URL of the monitoring port, as far as it can be known from outside.
    pub(super) fn monitor(&self) -> Result<String, Unreachable> {
        // Only the file says where to ask: if it cannot be read, that is also what a reload would come to.
        let options = self.options().map_err(|failure| {
            let why = configuration::reasons(&failure.to_string());
            Unreachable::Configuration(why.join("; "))
        })?;
        let monitoring = &options.monitoring;
        if let Some(url) = self.url_in_ports_file(&options) {
            return match url.starts_with("https:") {
                true => Err(Unreachable::Secure(url)),
                false => Ok(with_base(url, &monitoring.base_path)),
            };
        }
        let host = monitoring.host.as_ref().unwrap_or(&options.host).as_str();
        let host = match host {
            "" | "0.0.0.0" => "127.0.0.1",
            "::" | "[::]" => "::1",
            host => host,
        };
        let at = |port: u16| match host.contains(':') && !host.starts_with('[') {
            true => format!("[{host}]:{port}"),
            false => format!("{host}:{port}"),
        };
        match (monitoring.port, monitoring.https_port) {
            (Some(Port::At(port)), _) => Ok(with_base(
                format!("http://{}", at(port)),
                &monitoring.base_path,
            )),
            (Some(Port::Random), _) => Err(Unreachable::AnyPort),
            (None, Some(Port::At(port))) => {
                Err(Unreachable::Secure(format!("https://{}", at(port))))
            }
            (None, Some(Port::Random)) => Err(Unreachable::AnyPort),
            (None, None) => Err(Unreachable::NoPort),
        }
    }

    fn url_in_ports_file(&self, options: &Options) -> Option<String> {
        let dir = options.ports_file_dir.as_deref()?;
        let file = format!("{}_{}.ports", self.name, self.own_id);
        let text = std::fs::read(self.directory.join(dir).join(file)).ok()?;
        let ports: Value = serde_json::from_slice(&text).ok()?;
        let urls = ports["monitoring"].as_array()?;
        let urls = urls.iter().filter_map(Value::as_str);
        // Of all addresses of the machine, its own is the surest.
        urls.min_by_key(|url| !url.contains("//127."))
            .map(str::to_owned)
    }

    /// Whether the configuration could be used: its digest, or the reasons why not.
    pub(super) fn configuration(&self) -> Result<Option<String>, Vec<String>> {
        if self.invocation.config.is_none() {
            return Err(vec![NO_FILE.into()]);
        }
        let reasons = |text: String| configuration::reasons(&text);
        let options = self
            .options()
            .map_err(|failure| reasons(failure.to_string()))?;
        options
            .validate()
            .map_err(|error| reasons(error.to_string()))?;
        Ok(options.digest)
    }

    fn options(&self) -> Result<Options, Failure> {
        let source = Theirs {
            directory: &self.directory,
            environment: &self.environment,
        };
        let file = self.invocation.config.as_deref();
        configuration::configured_from(&source, &self.invocation, file)
            .map(|configured| configured.options)
    }
}

fn with_base(url: String, base: &str) -> String {
    match base {
        "/" => url,
        base => format!("{url}{base}"),
    }
}

/// The last number in `NSpid`, of the innermost namespace.
fn own_id(status: &str) -> Option<u32> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("NSpid:"))?;
    line.split_ascii_whitespace().last()?.parse().ok()
}

/// The variables of another process.
struct Environment(BTreeMap<String, String>);

impl Environment {
    fn of(words: Vec<OsString>) -> Environment {
        let pairs = words
            .iter()
            .filter_map(|word| word.to_str()?.split_once('='));
        Environment(pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).collect())
    }
}

/// Files and variables as another process finds them.
struct Theirs<'a> {
    directory: &'a Path,
    environment: &'a Environment,
}

impl Source for Theirs<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        Disk.read(&self.directory.join(path).to_string_lossy())
    }

    fn check_tls(&self, tls: &TlsOptions) -> Result<(), String> {
        gannet_node::check_tls(tls, &|path| self.read(path))
    }

    fn env(&self, name: &str) -> Option<String> {
        self.environment.0.get(name).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::own_id;

    #[test]
    fn in_a_container_a_process_has_another_number() {
        assert_eq!(
            own_id("Name:\tx\nNSpid:\t4321\t7\t1\nThreads:\t2\n"),
            Some(1)
        );
        assert_eq!(own_id("NSpid:\t4321\n"), Some(4321));
        assert_eq!(own_id("Name:\tx\n"), None);
    }
}
