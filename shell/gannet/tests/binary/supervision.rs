//! What a service manager is told: datagrams to the socket that the environment names (issue of the drop-in, part 4).

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use gannet_rt::supervisor::monotonic;
use gannet_rt::unix::Signal;

use super::harness::{Place, Process};

/// A service manager, as far as what it hears goes.
struct Manager {
    ear: UnixDatagram,
    socket: String,
}

impl Manager {
    fn new(place: &Place) -> Manager {
        let path = place.path("notify");
        let ear = UnixDatagram::bind(&path).expect("a socket");
        ear.set_read_timeout(Some(Duration::from_secs(20)))
            .expect("a timeout can be set");
        Manager {
            ear,
            socket: path.display().to_string(),
        }
    }

    fn start(&self, place: &Place, variables: &[(&str, &str)], args: &[&str]) -> Process {
        let mut all = vec![("NOTIFY_SOCKET", self.socket.as_str())];
        all.extend(variables);
        place.serve_with_variables(&all, args)
    }

    /// The next datagram.
    #[track_caller]
    fn hear(&self) -> String {
        let mut buffer = [0; 4096];
        let length = self.ear.recv(&mut buffer).expect("a datagram in time");
        String::from_utf8(buffer[..length].to_vec()).expect("UTF-8")
    }

    /// Whether nothing more has come.
    fn has_heard_all(&self) -> bool {
        self.ear.set_nonblocking(true).expect("can be set");
        self.ear.recv(&mut [0; 4096]).is_err()
    }
}

#[test]
fn a_service_manager_is_told_of_start_reload_and_stop() {
    let place = Place::new("gannet");
    place.write("f.conf", "max_payload: 99");
    let manager = Manager::new(&place);
    let mut server = manager.start(&place, &[], &["-c", "f.conf"]);
    assert_eq!(manager.hear(), "READY=1\nSTATUS=Ready");
    for (config, status) in [
        ("max_payload: 100", "Configuration reloaded"),
        ("max_payload: secret", "Reload refused, see the log"),
    ] {
        place.write("f.conf", config);
        let before = monotonic().expect("a clock");
        server.signal(Signal::SIGHUP);
        let told = manager.hear();
        let micros = told
            .strip_prefix("RELOADING=1\nMONOTONIC_USEC=")
            .and_then(|micros| micros.parse::<u64>().ok());
        let at = Duration::from_micros(micros.unwrap_or_else(|| panic!("{told:?}")));
        // The fraction of a microsecond is not told.
        let before = before - Duration::from_micros(1);
        assert!(at >= before && at <= monotonic().expect("a clock"));
        assert_eq!(manager.hear(), format!("READY=1\nSTATUS={status}"));
    }
    server.signal(Signal::SIGTERM);
    assert_eq!(manager.hear(), "STOPPING=1\nSTATUS=Stopping");
    assert_eq!(server.end(), Some(0));
    assert!(manager.has_heard_all());
}

#[test]
fn a_lame_duck_asks_for_the_time_that_it_needs() {
    let place = Place::new("gannet");
    place.write("f.conf", "lame_duck_duration: '5m'");
    let manager = Manager::new(&place);
    let mut server = manager.start(&place, &[], &["-c", "f.conf"]);
    let mut client = server.connect();
    client.greet("{}");
    assert_eq!(manager.hear(), "READY=1\nSTATUS=Ready");
    server.signal(Signal::SIGUSR2);
    assert_eq!(
        manager.hear(),
        "EXTEND_TIMEOUT_USEC=310000000\nSTATUS=Lame duck, clients are sent away"
    );
    server.wait_for_log("Entering lame duck mode");
    server.signal(Signal::SIGUSR2);
    server.signal(Signal::SIGINT);
    assert_eq!(manager.hear(), "STOPPING=1\nSTATUS=Stopping");
    assert_eq!(server.end(), Some(0));
    assert!(manager.has_heard_all());
}

#[test]
fn signs_of_life_come_as_often_as_they_are_wanted() {
    let place = Place::new("gannet");
    let manager = Manager::new(&place);
    let _server = manager.start(&place, &[("WATCHDOG_USEC", "100000")], &[]);
    assert_eq!(manager.hear(), "READY=1\nSTATUS=Ready");
    for _ in 0..5 {
        assert_eq!(manager.hear(), "WATCHDOG=1");
    }
}

#[test]
fn a_watchdog_of_another_process_is_none_of_ours() {
    let place = Place::new("gannet");
    let manager = Manager::new(&place);
    let variables = [("WATCHDOG_USEC", "1000"), ("WATCHDOG_PID", "1")];
    let mut server = manager.start(&place, &variables, &[]);
    assert_eq!(manager.hear(), "READY=1\nSTATUS=Ready");
    server.signal(Signal::SIGTERM);
    assert_eq!(manager.hear(), "STOPPING=1\nSTATUS=Stopping");
    assert_eq!(server.end(), Some(0));
}

#[test]
fn a_service_manager_that_is_not_there_keeps_nobody_from_serving() {
    for (socket, why) in [
        (
            "/nonexistent/notify",
            "No such file or directory (os error 2)",
        ),
        ("vsock:2:9", "not an address of a socket: vsock:2:9"),
    ] {
        let place = Place::new("gannet");
        let server = place.serve_with_variables(&[("NOTIFY_SOCKET", socket)], &[]);
        server.wait_for_log(&format!(
            "[WRN] Could not notify the service manager: {why}\n"
        ));
        server.connect().greet("{}");
    }
}

#[test]
fn without_a_service_manager_nothing_is_said_of_it() {
    let place = Place::new("gannet");
    let mut server = place.serve_with_variables(&[("WATCHDOG_USEC", "1000")], &[]);
    server.connect().greet("{}");
    server.signal(Signal::SIGTERM);
    assert_eq!(server.end(), Some(0));
    assert!(
        !server.log().contains("service manager"),
        "{}",
        server.log()
    );
}
