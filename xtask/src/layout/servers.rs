//! A super-cluster of nine servers, one of which is watched, and clients of it.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::Error;

/// Clusters, and servers in each.
const SIZE: usize = 3;
/// The server that is watched: neither the first of its cluster nor in the first one.
const WATCHED: usize = 4;
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
    /// Waits until the server that is watched, which writes `log`, has met everybody.
    fn await_quiet(&mut self, log: &Path) -> Result<(), Error> {
        let begun = Instant::now();
        let mut last = (0, begun);
        while begun.elapsed() < PATIENCE {
            sleep(Duration::from_millis(200));
            for server in &mut self.0 {
                if let Some(status) = server.try_wait()? {
                    return Err(format!("a server has ended: {status}").into());
                }
            }
            let length = fs::metadata(log).map_or(0, |log| log.len());
            if length != last.0 {
                last = (length, Instant::now());
            } else if length > 0 && last.1.elapsed() > QUIET {
                return Ok(());
            }
        }
        Err(format!("the server goes on logging: {}", log.display()).into())
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

/// Runs the super-cluster, and asks the server that is watched for these pages of its monitoring; answers what valgrind wrote about the server that was watched.
pub(super) fn trace_one(program: &Path, folder: &Path, pages: &[&str]) -> Result<String, Error> {
    let ports = (0..SIZE * SIZE)
        .map(|_| free_ports())
        .collect::<Result<Vec<Ports>, Error>>()?;
    let out = folder.join("callgrind.out");
    let log = folder.join("watched.log");
    for old in [&out, &log] {
        // There need not be one.
        let _ = fs::remove_file(old);
    }
    let mut servers = Servers(Vec::new());
    for index in 0..ports.len() {
        let config = folder.join(format!("{index}.conf"));
        fs::write(&config, configuration(&ports, index))?;
        let mut command = Command::new(program);
        if index == WATCHED {
            command = super::valgrind(&out);
            command.arg(program).arg("-l").arg(&log);
        }
        command.arg("-c").arg(&config);
        let command = command.stdout(Stdio::null()).stderr(Stdio::null());
        servers.0.push(command.spawn()?);
    }
    servers.await_quiet(&log)?;
    converse(ports[WATCHED].client, ports[0].client)?;
    converse(ports[0].client, ports[WATCHED].client)?;
    for page in pages {
        ask(ports[WATCHED].monitoring, page)?;
    }
    let watched = &mut servers.0[WATCHED];
    // Only a server that ends by itself has its trace written.
    Command::new("kill")
        .arg(watched.id().to_string())
        .status()?;
    watched.wait()?;
    Ok(fs::read_to_string(out)?)
}

fn free_ports() -> Result<Ports, Error> {
    let listeners = [(); 4].map(|()| TcpListener::bind("127.0.0.1:0"));
    let [client, route, gateway, monitoring] =
        listeners.map(|listener| -> Result<u16, Error> { Ok(listener?.local_addr()?.port()) });
    Ok(Ports {
        client: client?,
        route: route?,
        gateway: gateway?,
        monitoring: monitoring?,
    })
}

fn configuration(ports: &[Ports], index: usize) -> String {
    let cluster = index / SIZE;
    let own = &ports[index];
    let mut gateways = String::new();
    for other in 0..SIZE {
        let port = ports[other * SIZE].gateway;
        // Writing to a String doesn't fail.
        let _ = write!(
            gateways,
            "{{name: c{other}, url: \"nats://127.0.0.1:{port}\"}}, "
        );
    }
    format!(
        "server_name: s{index}\nlisten: 127.0.0.1:{}\nhttp: 127.0.0.1:{}\n\
         cluster {{name: c{cluster}, listen: 127.0.0.1:{}, routes: [\"nats://127.0.0.1:{}\"]}}\n\
         gateway {{name: c{cluster}, listen: 127.0.0.1:{}, gateways: [{gateways}]}}\n",
        own.client,
        own.monitoring,
        own.route,
        ports[cluster * SIZE].route,
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
