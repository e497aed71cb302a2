//! A super-cluster of nine servers, some or all of which are watched, and clients of it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::Error;

/// Clusters, and servers in each.
const SIZE: usize = 3;
/// All servers. What one of them runs depends on its place: some dial, others are dialled, and some dial others that
/// are not there yet.
pub(super) const ALL: [usize; SIZE * SIZE] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
/// A server that is neither the first of its cluster nor in the first one.
pub(super) const ONE: [usize; 1] = [4];
/// How long anything may take; valgrind makes a server fifty times as slow.
const PATIENCE: Duration = Duration::from_secs(180);
/// A log that has not grown for this long belongs to a server that has met everybody.
const QUIET: Duration = Duration::from_secs(15);
/// What is asked of monitoring most.
pub(super) const PAGES: [&str; 6] = [
    "/healthz",
    "/varz",
    "/connz",
    "/routez",
    "/gatewayz",
    "/subsz",
];
/// Messages of each kind that clients send.
const MESSAGES: usize = 300;

/// Addresses of one server, all on the loopback interface.
struct Ports {
    client: u16,
    route: u16,
    gateway: u16,
    monitoring: u16,
}

/// Processes that end with this.
struct Servers(Vec<Child>);

impl Servers {
    /// Waits until the servers that are watched, which write `logs`, have met everybody.
    fn await_quiet(&mut self, logs: &[PathBuf]) -> Result<(), Error> {
        let begun = Instant::now();
        let mut last = (Vec::new(), begun);
        while begun.elapsed() < PATIENCE {
            sleep(Duration::from_millis(200));
            for server in &mut self.0 {
                if let Some(status) = server.try_wait()? {
                    return Err(format!("a server has ended: {status}").into());
                }
            }
            let lengths: Vec<u64> = logs
                .iter()
                .map(|log| fs::metadata(log).map_or(0, |log| log.len()))
                .collect();
            let have_begun = lengths.iter().all(|length| *length > 0);
            if lengths != last.0 {
                last = (lengths, Instant::now());
            } else if have_begun && last.1.elapsed() > QUIET {
                return Ok(());
            }
        }
        Err(format!("a server goes on logging: {}", logs[0].display()).into())
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        for server in &mut self.0 {
            // One that has ended already is fine, too.
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

/// Runs the super-cluster, lets clients of its first server and of the one in the middle talk, and asks the latter for
/// these pages of its monitoring; answers what valgrind wrote about each server that was watched.
pub(super) fn trace(
    program: &Path,
    folder: &Path,
    watched: &[usize],
    pages: &[&str],
) -> Result<Vec<String>, Error> {
    let ports = free_ports(SIZE * SIZE)?;
    let outs: Vec<PathBuf> = watched
        .iter()
        .map(|index| folder.join(format!("{index}.callgrind")))
        .collect();
    let logs: Vec<PathBuf> = watched
        .iter()
        .map(|index| folder.join(format!("{index}.log")))
        .collect();
    for old in outs.iter().chain(&logs) {
        // There need not be one.
        let _ = fs::remove_file(old);
    }
    let mut servers = Servers(Vec::new());
    for index in 0..ports.len() {
        let config = folder.join(format!("{index}.conf"));
        fs::write(&config, configuration(&ports, index))?;
        let place = watched.iter().position(|watched| *watched == index);
        let mut command = Command::new(program);
        if let Some(place) = place {
            command = super::valgrind(&outs[place]);
            command.arg(program);
        }
        command.arg("-c").arg(&config);
        command.args(["-a", "127.0.0.1", "-p", &ports[index].client.to_string()]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        match place.map(|place| &logs[place]) {
            // Both kinds of logs, too.
            Some(log) if index % 2 == 0 => _ = command.arg("-l").arg(log),
            Some(log) => _ = command.stderr(fs::File::create(log)?),
            None => {}
        }
        servers.0.push(command.spawn()?);
    }
    servers.await_quiet(&logs)?;
    let (first, middle) = (&ports[0], &ports[ONE[0]]);
    converse(middle.client, first.client)?;
    converse(first.client, middle.client)?;
    for page in pages {
        ask(middle.monitoring, page)?;
    }
    for index in watched {
        // Only a server that ends by itself has its trace written.
        let server = &mut servers.0[*index];
        Command::new("kill").arg(server.id().to_string()).status()?;
        server.wait()?;
    }
    let texts = outs.iter().map(fs::read_to_string);
    Ok(texts.collect::<Result<Vec<String>, _>>()?)
}

/// Ports of as many servers. All are found before any is given back, so that they differ.
fn free_ports(count: usize) -> Result<Vec<Ports>, Error> {
    let listeners = (0..count * 4)
        .map(|_| TcpListener::bind("127.0.0.1:0"))
        .collect::<Result<Vec<TcpListener>, _>>()?;
    let ports = listeners
        .iter()
        .map(|listener| Ok(listener.local_addr()?.port()))
        .collect::<Result<Vec<u16>, Error>>()?;
    let (servers, _) = ports.as_chunks();
    let of = |[client, route, gateway, monitoring]: &[u16; 4]| Ports {
        client: *client,
        route: *route,
        gateway: *gateway,
        monitoring: *monitoring,
    };
    Ok(servers.iter().map(of).collect())
}

/// The servers of the first cluster are told of one server of each cluster, the others of all of them: who dials whom,
/// and who meets twice, differs.
fn configuration(ports: &[Ports], index: usize) -> String {
    let cluster = index / SIZE;
    let own = &ports[index];
    let (told, compression) = match cluster {
        0 => (1, "accept"),
        _ => (SIZE, "off"),
    };
    let urls = |cluster: usize, port: fn(&Ports) -> u16| {
        let ports = &ports[cluster * SIZE..][..told];
        let urls = ports
            .iter()
            .map(|ports| format!("\"nats://127.0.0.1:{}\"", port(ports)));
        urls.collect::<Vec<String>>().join(", ")
    };
    let gateways = (0..SIZE)
        .map(|other| {
            let urls = urls(other, |ports| ports.gateway);
            format!("{{name: c{other}, urls: [{urls}]}}")
        })
        .collect::<Vec<String>>()
        .join(", ");
    format!(
        "server_name: s{index}\nhttp: 127.0.0.1:{}\n\
         cluster {{name: c{cluster}, listen: 127.0.0.1:{}, compression: {compression}, routes: [{}]}}\n\
         gateway {{name: c{cluster}, listen: 127.0.0.1:{}, gateways: [{gateways}]}}\n",
        own.monitoring,
        own.route,
        urls(cluster, |ports| ports.route),
        own.gateway
    )
}

/// A client here subscribes, one there publishes, asks and leaves.
fn converse(here: u16, there: u16) -> Result<(), Error> {
    let mut subscriber = connect(here)?;
    say(
        &mut subscriber,
        "SUB a.* 1\r\nSUB b.> workers 2\r\nSUB c 3\r\nSUB d 4\r\nUNSUB 4\r\n",
    )?;
    let mut publisher = connect(there)?;
    say(&mut publisher, "SUB _INBOX.x.* 1\r\n")?;
    for number in 0..MESSAGES {
        let text = format!(
            "PUB a.{number} 5\r\nhello\r\nPUB b.same 5\r\nhello\r\nPUB c _INBOX.x.{number} 2\r\nhi\r\n\
             HPUB c 18 20\r\nNATS/1.0\r\nk: v\r\n\r\nhi\r\n"
        );
        say(&mut publisher, &text)?;
        say(
            &mut subscriber,
            &format!("PUB _INBOX.x.{number} 2\r\nok\r\n"),
        )?;
    }
    Ok(())
}

/// Asks for a page of monitoring, and reads all of it.
fn ask(port: u16, page: &str) -> Result<(), Error> {
    let mut server = TcpStream::connect(("127.0.0.1", port))?;
    server.set_read_timeout(Some(PATIENCE))?;
    let request = format!("GET {page} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    server.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    match answer.starts_with(b"HTTP/1.1 200") {
        true => Ok(()),
        false => Err(format!("no page {page}").into()),
    }
}

fn connect(port: u16) -> Result<TcpStream, Error> {
    let mut client = TcpStream::connect(("127.0.0.1", port))?;
    client.set_read_timeout(Some(PATIENCE))?;
    let greeting = "CONNECT {\"verbose\":false,\"headers\":true,\"no_responders\":true}\r\n";
    say(&mut client, greeting)?;
    Ok(client)
}

/// Sends `text` and reads on until the server has done what it says.
fn say(client: &mut TcpStream, text: &str) -> Result<(), Error> {
    client.write_all(text.as_bytes())?;
    client.write_all(b"PING\r\n")?;
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    while !seen.windows(6).any(|bytes| bytes == b"PONG\r\n") {
        let count = client.read(&mut buffer)?;
        if count == 0 {
            return Err("a server has closed the connection".into());
        }
        seen.extend_from_slice(&buffer[..count]);
    }
    Ok(())
}
