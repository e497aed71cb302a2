//! `/debug/vars`, `/stacksz` and the profiling port: what is to be said of the process. The reference server tells of
//! the runtime of its language there; what has no meaning here is left out or 0, as readers of its pages expect.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;
use core::time::Duration;

use serde::Serialize;

use crate::json;
use crate::response::Response;

/// What the caller gathered for `/debug/vars`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vars {
    /// The command line, without secrets.
    pub command_line: Vec<String>,
    /// Bytes of memory that the process holds in RAM.
    pub resident: u64,
}

impl Vars {
    /// The answer.
    pub fn respond(&self) -> Response {
        // The allocator keeps no accounts, which would cost each allocation something: this is all the system knows.
        let memory = Memory {
            alloc: self.resident,
            sys: self.resident,
            heap_alloc: self.resident,
            heap_sys: self.resident,
            heap_in_use: self.resident,
            ..Memory::default()
        };
        let mut body = b"{\n\"cmdline\": ".to_vec();
        body.extend(json::compact(&self.command_line));
        body.extend_from_slice(b",\n\"memstats\": ");
        body.extend(json::compact(&memory));
        body.extend_from_slice(b"\n}\n");
        Response {
            status: 200,
            headers: [("Content-Type", "application/json; charset=utf-8".into())].to_vec(),
            body,
        }
    }
}

/// The names are those that readers of the reference server's page know. What has to do with the collection of
/// garbage is 0.
#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Memory {
    alloc: u64,
    sys: u64,
    heap_alloc: u64,
    heap_sys: u64,
    heap_idle: u64,
    #[serde(rename = "HeapInuse")]
    heap_in_use: u64,
    heap_released: u64,
    #[serde(rename = "LastGC")]
    last_gc: u64,
    #[serde(rename = "PauseTotalNs")]
    pause_total: u64,
    #[serde(rename = "NumGC")]
    gc_count: u64,
    #[serde(rename = "GCCPUFraction")]
    gc_fraction: u64,
    #[serde(rename = "EnableGC")]
    is_gc_on: bool,
}

/// One thread of the process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Thread {
    /// The system's number for it.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// What it does, in the system's letter: `R` runs, `S` sleeps, `D` waits for a disk.
    pub state: char,
    /// Processor time that it has used for the program.
    pub user: Duration,
    /// Processor time that the system has used for it.
    pub system: Duration,
}

/// What the caller gathered for `/stacksz`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tasks {
    /// The threads.
    pub threads: Vec<Thread>,
    /// Tasks that have begun and not ended.
    pub tasks: usize,
    /// Clients that are connected.
    pub clients: usize,
    /// Links to other servers and clusters.
    pub links: usize,
}

impl Tasks {
    /// The answer. It says `application/json` of a text, as the reference server does.
    pub fn respond(&self) -> Response {
        let mut text = format!(
            "{} tasks: {} clients, {} links\n",
            self.tasks, self.clients, self.links
        );
        for thread in &self.threads {
            let state = match thread.state {
                'R' => "running",
                'S' | 'I' => "sleeping",
                'D' => "waiting for a disk",
                'T' | 't' => "stopped",
                _ => "ending",
            };
            let (user, system) = (thread.user.as_secs_f64(), thread.system.as_secs_f64());
            // Writing to a String cannot fail.
            let _ = write!(
                text,
                "\nthread {} [{state}]:\n{}\n\tuser {user:.2}s, system {system:.2}s\n",
                thread.id, thread.name
            );
        }
        Response {
            status: 200,
            headers: [
                ("Content-Type", "application/json"),
                ("Access-Control-Allow-Origin", "*"),
            ]
            .map(|(name, value)| (name, value.into()))
            .to_vec(),
            body: text.into_bytes(),
        }
    }
}

/// What is asked of the profiling port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profiling {
    /// The list of what is there.
    Index,
    /// The command line.
    CommandLine,
    /// What `/debug/vars` says.
    Vars,
    /// What `/stacksz` says: where the reference server lists its goroutines.
    Tasks,
    /// A profile of the reference server's that we don't make.
    Unmade,
    /// Nothing that anybody makes.
    Unknown,
}

/// The profiles that the reference server makes and we don't.
const UNMADE: [&str; 8] = [
    "allocs",
    "block",
    "heap",
    "mutex",
    "profile",
    "symbol",
    "threadcreate",
    "trace",
];

impl Profiling {
    /// What `path` names on the profiling port; nothing means "404 page not found".
    pub fn at(path: &str) -> Option<Profiling> {
        if path == "/debug/vars" {
            return Some(Profiling::Vars);
        }
        Some(match path.strip_prefix("/debug/pprof/")? {
            "" => Profiling::Index,
            "cmdline" => Profiling::CommandLine,
            "goroutine" => Profiling::Tasks,
            name if UNMADE.contains(&name) => Profiling::Unmade,
            _ => Profiling::Unknown,
        })
    }

    /// The page that says what is there.
    pub fn index() -> Response {
        Response::html(INDEX.into())
    }

    /// The command line, as the reference server joins it.
    pub fn command_line(words: &[String]) -> Response {
        Response::text(200, words.join("\0"))
    }

    /// Why there is no such profile.
    pub fn unmade() -> Response {
        let text = "Gannet makes no profiles of itself; the tools of the system do, from outside:\n\n    \
                    perf record -g -p PID -- sleep 30\n    perf report\n";
        Response::text(501, text)
    }

    /// No such profile.
    pub fn unknown() -> Response {
        Response::text(404, "Unknown profile\n")
    }
}

const INDEX: &str = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
<title>/debug/pprof/</title>\n</head>\n<body>\n<h1>/debug/pprof/</h1>\n<ul>\n\
<li><a href=\"cmdline\">cmdline</a>: the command line, without secrets</li>\n\
<li><a href=\"goroutine\">goroutine</a>: threads and tasks, as <code>/stacksz</code> of the monitoring port has them</li>\n\
<li><a href=\"../vars\">/debug/vars</a>: memory</li>\n</ul>\n\
<p>Gannet makes no profiles of itself. Those of the processor come from outside: \
<code>perf record -g -p PID -- sleep 30</code></p>\n</body>\n</html>\n";

impl Response {
    /// Any status with a text.
    fn text(status: u16, text: impl Into<Cow<'static, str>>) -> Response {
        Response {
            status,
            headers: [
                ("Content-Type", "text/plain; charset=utf-8".into()),
                ("X-Content-Type-Options", "nosniff".into()),
            ]
            .to_vec(),
            body: text.into().into_owned().into_bytes(),
        }
    }
}
