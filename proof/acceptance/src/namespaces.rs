//! Networks of their own for real processes: one Linux network namespace a site, joined by a switch from which sites can
//! be unplugged. What runs within [`Site::enter`] sees the site's network: sockets it opens and processes it starts stay
//! there.
//!
//! Distances are made by [`SlowRoad`]s that begin at the switch ([`Network::road`]), and not by the kernel's `netem`,
//! which many kernels lack. Not every machine allows namespaces. Then [`Network::new`] says so loudly, and there is no
//! network.

use crate::SlowRoad;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Begin of all namespaces' names; the id of the process that owns it follows.
const PREFIX: &str = "gannet-acc-";
/// Address of the switch.
const SWITCH: &str = "10.77.0.254";

/// Sites joined by a switch. Dropping it removes everything.
#[derive(Debug)]
pub struct Network {
    name: String,
    sites: Vec<Site>,
}

/// One site: a network namespace with an address.
#[derive(Debug)]
pub struct Site {
    namespace: String,
    switch: String,
    port: String,
    address: String,
}

impl Network {
    /// `count` sites with the addresses 10.77.0.1, 10.77.0.2, …, or nothing where this machine does not allow it.
    ///
    /// # Panics
    /// When the machine allows it at first and not later.
    pub fn new(count: usize) -> Option<Network> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        sweep();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}{}-{number}", std::process::id());
        let mut network = Network {
            name,
            sites: Vec::new(),
        };
        if let Err(problem) = network.lay(count) {
            drop(network);
            print_loudly(&problem);
            return None;
        }
        Some(network)
    }

    /// Site `index`.
    pub fn site(&self, index: usize) -> &Site {
        &self.sites[index]
    }

    /// A way to `port` of site `index` that begins at the switch and takes `delay` in each direction.
    pub fn road(&self, index: usize, port: u16, delay: Duration) -> SlowRoad {
        let target = format!("{}:{port}", self.sites[index].address);
        enter(&self.name, || SlowRoad::from_to(SWITCH, target, delay))
    }

    fn lay(&mut self, count: usize) -> Result<(), String> {
        ip(&["netns", "add", &self.name])?;
        let switch = &self.name;
        ip(&["-n", switch, "link", "add", "switch", "type", "bridge"])?;
        ip(&[
            "-n",
            switch,
            "address",
            "add",
            &format!("{SWITCH}/24"),
            "dev",
            "switch",
        ])?;
        ip(&["-n", switch, "link", "set", "switch", "up"])?;
        for index in 1..=count {
            let site = Site {
                namespace: format!("{switch}-{index}"),
                switch: switch.clone(),
                port: format!("port{index}"),
                address: format!("10.77.0.{index}"),
            };
            ip(&["netns", "add", &site.namespace])?;
            self.sites.push(site);
            self.sites[index - 1].plug_in()?;
        }
        Ok(())
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for name in self
            .sites
            .iter()
            .map(|site| &site.namespace)
            .chain([&self.name])
        {
            // Fails only when it was never made, or somebody else has removed it.
            let _ = ip(&["netns", "del", name]);
        }
    }
}

impl Site {
    /// Its address in the network.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Where the system shows the namespace.
    pub fn path(&self) -> PathBuf {
        PathBuf::from("/var/run/netns").join(&self.namespace)
    }

    /// Runs `work` in this site's network, on a thread of its own.
    ///
    /// # Panics
    /// As `work` does.
    pub fn enter<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        enter(&self.namespace, work)
    }

    /// From now on all packets to and from this site vanish, and nobody is told.
    ///
    /// # Panics
    /// When it has been cut off already.
    pub fn cut(&self) {
        self.set_port("nomaster");
    }

    /// Ends [`Site::cut`].
    ///
    /// # Panics
    /// When the namespaces have gone.
    pub fn heal(&self) {
        self.set_port("master switch");
    }

    fn set_port(&self, how: &str) {
        let mut words = vec!["-n", &self.switch, "link", "set", &self.port];
        words.extend(how.split(' '));
        ip(&words).unwrap_or_else(|problem| panic!("{problem}"));
    }

    fn plug_in(&self) -> Result<(), String> {
        let (own, switch, port) = (&self.namespace, &self.switch, &self.port);
        let address = format!("{}/24", self.address);
        ip(&[
            "-n", switch, "link", "add", port, "type", "veth", "peer", "name", "wire", "netns", own,
        ])?;
        ip(&["-n", switch, "link", "set", port, "master", "switch", "up"])?;
        ip(&["-n", own, "link", "set", "lo", "up"])?;
        ip(&["-n", own, "address", "add", &address, "dev", "wire"])?;
        ip(&["-n", own, "link", "set", "wire", "up"])
    }
}

/// Runs `work` on a thread of its own in a namespace.
fn enter<T: Send>(namespace: &str, work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|threads| {
        let thread = threads.spawn(|| {
            let path = format!("/var/run/netns/{namespace}");
            let namespace = File::open(&path).expect("the namespace lasts as long as the network");
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))
                .expect("who may make a namespace may enter it");
            work()
        });
        match thread.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// Removes namespaces of processes that have been killed.
fn sweep() {
    let Ok(listed) = Command::new("ip").args(["netns", "list"]).output() else {
        return;
    };
    for line in String::from_utf8_lossy(&listed.stdout).lines() {
        let name = line.split(' ').next().unwrap_or_default();
        let owner = name
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.split('-').next());
        let Some(Ok(owner)) = owner.map(str::parse::<u32>) else {
            continue;
        };
        if !std::path::Path::new(&format!("/proc/{owner}")).exists() {
            // Another test may be faster.
            let _ = ip(&["netns", "del", name]);
        }
    }
}

/// Tells what is not tested, past the test harness, which would keep it to itself.
fn print_loudly(problem: &str) {
    let line = "#".repeat(72);
    let text = format!(
        "{line}\n## NOT TESTED: this machine does not allow network namespaces.\n## {problem}\n\
         ## Nearest clusters, black holes and levels of compression by distance\n\
         ## were NOT looked at. They need root on Linux with `ip`.\n{line}\n"
    );
    // Who has closed standard error does not want to know.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

fn ip(words: &[&str]) -> Result<(), String> {
    let output = Command::new("ip")
        .args(words)
        .output()
        .map_err(|error| format!("ip: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("ip {}: {}", words.join(" "), said.trim()))
}
