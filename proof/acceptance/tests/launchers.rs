//! What the launchers of client libraries' test suites do: they start `nats-server` from `PATH`, wait for a line of its
//! log or for its ports file, and end it by a signal (rows OPS-05, OPS-08, OPS-19). The suites themselves are run by
//! `cargo run -p gannet-meshes --bin gannet-suites`.

use gannet_acceptance::{Server, Wire, both};
use serde_json::Value;
use std::os::unix::fs::symlink;

both! {
    /// Called `nats-server`, the server writes `nats-server_PID.ports` with all its listeners on free ports, and takes
    /// it away when it ends; a reload keeps the ports.
    #[test]
    fn a_link_called_nats_server_writes_the_ports_that_it_has_got(kind: Kind) {
        let config = "http: \"127.0.0.1:-1\"\ncluster { name: c, listen: \"127.0.0.1:-1\" }\nports_file_dir: \"{dir}\"\nserver_tags: [\"id:x\"]";
        let mut server = Server::prepare(kind, config, &["-p", "-1", "-a", "127.0.0.1"]);
        let link = server.folder().join("nats-server");
        symlink(kind.program(), &link).expect("a link can be made");
        server.set_program(link);
        server.spawn();
        server.expect_log("Server is ready");
        let path = server.folder().join(format!("nats-server_{}.ports", server.pid()));
        let read = || -> Result<Value, String> {
            let text = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
            serde_json::from_str(&text).map_err(|error| error.to_string())
        };
        let ports = gannet_acceptance::eventually("the ports file", read);
        let address = |key: &str| {
            let url = ports[key][0].as_str().unwrap_or_default();
            url.split("//").nth(1).unwrap_or_default().to_owned()
        };
        let keys: Vec<&String> = ports.as_object().into_iter().flat_map(|all| all.keys()).collect();
        assert_eq!(keys, ["cluster", "monitoring", "nats"]);
        let mut client = Wire::open(&address("nats"));
        client.info();
        client.fence();
        assert_eq!(gannet_acceptance::http::get(address("monitoring"), "/healthz").status, 200);
        assert!(Wire::open(&address("cluster")).info()["server_id"].is_string());
        server.expect_log(&format!("Listening for client connections on {}", address("nats")));
        server.reload();
        assert_eq!(read().as_ref(), Ok(&ports));
        client.fence();
        assert!(server.terminate().success());
        assert!(!path.exists(), "the ports file is still there");
    }
}
