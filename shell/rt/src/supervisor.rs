//! The service manager that has started this process and wants to hear how it fares: datagrams of `NAME=VALUE` lines
//! to a socket of the file system or of the abstract namespace, as sd_notify(3) describes them.
//!
//! For the binary; a simulated host has nothing of the kind. Not here: what is said, and when.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use crate::rt::{Kind, Rt};

/// How long a service manager may take to listen; it may have better to do, and so have we.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where to tell a service manager something.
#[derive(Clone, Debug)]
pub struct Supervisor {
    address: SocketAddr,
    watchdog: Option<Duration>,
}

impl Supervisor {
    /// The one that has started this process, if the environment (`NOTIFY_SOCKET`, `WATCHDOG_USEC`, `WATCHDOG_PID`)
    /// names one.
    ///
    /// # Errors
    ///
    /// If its address is of a kind that we do not know.
    pub fn of_this_process(rt: &Rt) -> io::Result<Option<Supervisor>> {
        match rt.kind {
            Kind::Real(_) => Supervisor::named(std::process::id(), |name| env::var_os(name)),
            Kind::Sim(_) => Ok(None),
        }
    }

    fn named(
        pid: u32,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> io::Result<Option<Supervisor>> {
        let Some(socket) = variable("NOTIFY_SOCKET").filter(|socket| !socket.is_empty()) else {
            return Ok(None);
        };
        let number = |name| variable(name).and_then(|text| text.to_str()?.parse::<u64>().ok());
        // The variables outlive an exec and a fork: a watchdog may be meant for our parent.
        let is_ours = match variable("WATCHDOG_PID") {
            Some(_) => number("WATCHDOG_PID") == Some(pid.into()),
            None => true,
        };
        let watchdog = number("WATCHDOG_USEC").filter(|micros| is_ours && *micros > 0);
        Ok(Some(Supervisor {
            address: address(&socket)?,
            watchdog: watchdog.map(Duration::from_micros),
        }))
    }

    /// How long it waits for a sign of life before it takes this process for hung; none if it does not care.
    pub fn watchdog(&self) -> Option<Duration> {
        self.watchdog
    }

    /// Tells it this: lines of `NAME=VALUE`. Each time over a new socket, since a service manager may have been
    /// replaced by another one at the same place.
    ///
    /// # Errors
    ///
    /// If nobody is there, or does not listen within a second.
    pub async fn tell(&self, rt: &Rt, text: &str) -> io::Result<()> {
        let Kind::Real(real) = &rt.kind else {
            return Ok(());
        };
        let socket = UnixDatagram::unbound()?;
        socket.connect_addr(&self.address)?;
        socket.set_nonblocking(true)?;
        let socket = {
            let _in_runtime = real.handle.enter();
            tokio::net::UnixDatagram::from_std(socket)?
        };
        match rt.timeout(PATIENCE, socket.send(text.as_bytes())).await {
            Ok(sent) => sent.map(drop),
            Err(elapsed) => Err(io::Error::new(io::ErrorKind::TimedOut, elapsed)),
        }
    }
}

/// The present moment of the clock that a service manager shares with us (`CLOCK_MONOTONIC`): [`Rt::now`] begins with
/// this process.
///
/// # Errors
///
/// If there is no such clock.
pub fn monotonic() -> io::Result<Duration> {
    Ok(Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC)?))
}

/// A path, or with `@` in front a name of the abstract namespace.
fn address(socket: &OsStr) -> io::Result<SocketAddr> {
    match socket.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
        [b'/', ..] => SocketAddr::from_pathname(socket),
        _ => {
            let what = format!("not an address of a socket: {}", socket.display());
            Err(io::Error::new(io::ErrorKind::Unsupported, what))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Runtime;

    fn named(variables: &[(&str, &str)]) -> io::Result<Option<Supervisor>> {
        Supervisor::named(7, |name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.into())
        })
    }

    #[test]
    fn the_environment_says_whether_somebody_watches() {
        let socket = ("NOTIFY_SOCKET", "/run/notify");
        for (variables, watchdog) in [
            (&[socket][..], None),
            (&[socket, ("WATCHDOG_USEC", "3000000")], Some(3)),
            (
                &[socket, ("WATCHDOG_USEC", "3000000"), ("WATCHDOG_PID", "7")],
                Some(3),
            ),
            (
                &[socket, ("WATCHDOG_USEC", "3000000"), ("WATCHDOG_PID", "8")],
                None,
            ),
            (
                &[socket, ("WATCHDOG_USEC", "3000000"), ("WATCHDOG_PID", "x")],
                None,
            ),
            (&[socket, ("WATCHDOG_USEC", "0")], None),
            (&[socket, ("WATCHDOG_USEC", "often")], None),
        ] {
            let supervisor = named(variables).unwrap().unwrap();
            let watchdog = watchdog.map(Duration::from_secs);
            assert_eq!(supervisor.watchdog(), watchdog, "{variables:?}");
        }
        for nobody in [&[][..], &[("NOTIFY_SOCKET", "")], &[("WATCHDOG_USEC", "1")]] {
            assert!(named(nobody).unwrap().is_none(), "{nobody:?}");
        }
        let unknown = named(&[("NOTIFY_SOCKET", "vsock:2:1234")]).unwrap_err();
        let told = "not an address of a socket: vsock:2:1234";
        assert_eq!(unknown.to_string(), told);
    }

    #[test]
    fn datagrams_reach_a_path_and_an_abstract_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify").display().to_string();
        let name = format!("@gannet-test-{}", std::process::id());
        let runtime = Runtime::new(Some(1)).unwrap();
        for place in [path, name] {
            let here = address(OsStr::new(&place)).unwrap();
            let ear = UnixDatagram::bind_addr(&here).unwrap();
            let supervisor = named(&[("NOTIFY_SOCKET", &place)]).unwrap().unwrap();
            let rt = runtime.rt();
            let told = supervisor.tell(&rt, "READY=1\nSTATUS=well");
            runtime.block_on(told).unwrap();
            let mut buffer = [0; 64];
            let length = ear.recv(&mut buffer).unwrap();
            assert_eq!(&buffer[..length], b"READY=1\nSTATUS=well", "{place}");
        }
    }

    #[test]
    fn nobody_there_is_an_error_and_nobody_listening_too() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("notify");
        let supervisor = named(&[("NOTIFY_SOCKET", place.to_str().unwrap())]);
        let supervisor = supervisor.unwrap().unwrap();
        let runtime = Runtime::new(Some(1)).unwrap();
        let tell = || runtime.block_on(supervisor.tell(&runtime.rt(), "READY=1"));
        assert_eq!(tell().unwrap_err().kind(), io::ErrorKind::NotFound);
        // The queue of a socket that nobody reads is full some time.
        let _deaf = UnixDatagram::bind(&place).unwrap();
        let full = (0..100_000).find_map(|_| tell().err());
        assert_eq!(full.unwrap().kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn a_simulated_host_has_none() {
        let sim = crate::sim::Sim::new(1);
        let rt = sim.host("a").rt();
        assert!(Supervisor::of_this_process(&rt).unwrap().is_none());
    }
}
