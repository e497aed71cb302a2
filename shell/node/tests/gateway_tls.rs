//! Encrypted super-clusters in the simulator: they form by gossip, heal, and take new certificates while they run.

mod common;

use std::time::Duration;

use common::{gateway, remote, start_on};
use gannet_config::{CertificateFiles, Change, GatewayOptions, Options, Port, TlsOptions};
use gannet_node::{Logger, Server};
use gannet_rt::fs;
use gannet_rt::sim::{Sim, SimHost};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

const GATEWAY_PORT: u16 = 7222;

/// Who vouches for certificates.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new(name: &str) -> Authority {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Authority {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    /// Gives `host` a certificate for its address, and trust in this authority.
    fn certify(&self, host: &SimHost) {
        let names = vec![host.ip().to_string()];
        let params = CertificateParams::new(names).expect("an address");
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        for (path, text) in [
            ("cert.pem", certificate.pem()),
            ("key.pem", key.serialize_pem()),
            ("ca.pem", self.pem.clone()),
        ] {
            fs::write(&host.rt(), path, text).expect("a file");
        }
    }
}

/// Cluster `name` on `host`, which knows the cluster at `known` if there is one.
fn options(host: &SimHost, name: &str, known: Option<(&str, &SimHost)>) -> Options {
    let remotes = known.map(|(name, host)| remote(name, host.ip(), GATEWAY_PORT));
    let tls = TlsOptions {
        certificates: vec![CertificateFiles {
            cert_file: "cert.pem".into(),
            key_file: "key.pem".into(),
        }],
        ca_file: Some("ca.pem".into()),
        ..TlsOptions::default()
    };
    Options {
        host: host.ip().to_string(),
        gateway: Some(GatewayOptions {
            tls: Some(tls),
            ..gateway(
                name,
                host.ip(),
                Port::At(GATEWAY_PORT),
                remotes.into_iter().collect(),
            )
        }),
        ..Options::default()
    }
}

fn start(sim: &Sim, host: &SimHost, name: &str, known: Option<(&str, &SimHost)>) -> Server {
    start_on(sim, host, options(host, name, known))
}

/// Lets `seconds` pass.
fn wait(sim: &Sim, host: &SimHost, seconds: u64) {
    sim.block_on(host.rt().sleep(Duration::from_secs(seconds)))
        .expect("the world goes on");
}

/// Each server's links: `remote: outbound inbound`.
fn links(servers: &[&Server]) -> Vec<Vec<String>> {
    let shown = |server: &&Server| {
        let links = server.gateway_links();
        links
            .iter()
            .map(|link| {
                format!(
                    "{}: {} {}",
                    link.remote,
                    u8::from(link.outbound),
                    link.inbound
                )
            })
            .collect()
    };
    servers.iter().map(shown).collect()
}

fn whole() -> Vec<Vec<String>> {
    let lists = [
        ["B: 1 1", "C: 1 1"],
        ["A: 1 1", "C: 1 1"],
        ["A: 1 1", "B: 1 1"],
    ];
    lists
        .iter()
        .map(|list| list.map(String::from).to_vec())
        .collect()
}

#[test]
fn an_encrypted_super_cluster_forms_heals_and_takes_new_certificates() {
    let sim = Sim::new(31);
    let hosts = [sim.host("a"), sim.host("b"), sim.host("c")];
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    hosts.iter().for_each(|host| old.certify(host));
    let a = start(&sim, &hosts[0], "A", None);
    let b = start(&sim, &hosts[1], "B", Some(("A", &hosts[0])));
    let c = start(&sim, &hosts[2], "C", Some(("A", &hosts[0])));
    wait(&sim, &hosts[0], 5);
    assert_eq!(links(&[&a, &b, &c]), whole(), "found by gossip");

    hosts.iter().for_each(|host| new.certify(host));
    for server in [&a, &b, &c] {
        assert_eq!(server.reload(server.options()), Ok(vec![]));
    }
    wait(&sim, &hosts[0], 60);
    assert_eq!(links(&[&a, &b, &c]), whole(), "nothing was dropped");

    sim.block_on(c.shut_down()).expect("the world goes on");
    wait(&sim, &hosts[0], 5);
    let c = start(&sim, &hosts[2], "C", Some(("A", &hosts[0])));
    wait(&sim, &hosts[0], 5);
    assert_eq!(links(&[&a, &b, &c]), whole(), "new links, new certificates");

    fs::write(&hosts[0].rt(), "key.pem", "no key").expect("a file");
    let problem = a
        .reload(a.options())
        .expect_err("there is no key")
        .to_string();
    assert!(
        problem.starts_with("error parsing X509 certificate/key pair: "),
        "{problem}"
    );
    sim.block_on(b.shut_down()).expect("the world goes on");
    let b = start(&sim, &hosts[1], "B", Some(("A", &hosts[0])));
    wait(&sim, &hosts[0], 5);
    assert_eq!(links(&[&a, &b, &c]), whole(), "A goes on with what it has");
}

#[test]
fn a_cluster_of_another_authority_stays_outside_until_it_is_certified() {
    let sim = Sim::new(32);
    let hosts = [sim.host("a"), sim.host("b")];
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    ours.certify(&hosts[0]);
    theirs.certify(&hosts[1]);
    let a = start(&sim, &hosts[0], "A", None);
    let b = start(&sim, &hosts[1], "B", Some(("A", &hosts[0])));
    wait(&sim, &hosts[0], 30);
    assert_eq!(links(&[&a, &b]), [vec![], vec!["A: 0 0".to_string()]]);
    ours.certify(&hosts[1]);
    assert_eq!(b.reload(b.options()), Ok(vec![]));
    wait(&sim, &hosts[0], 5);
    assert_eq!(links(&[&a, &b]), [["B: 1 1"], ["A: 1 1"]]);
}

#[test]
fn keys_that_are_not_pinned_any_more_end_their_links() {
    let sim = Sim::new(34);
    let hosts = [sim.host("a"), sim.host("b")];
    let ours = Authority::new("ours");
    hosts.iter().for_each(|host| ours.certify(host));
    let a = start(&sim, &hosts[0], "A", None);
    let b = start(&sim, &hosts[1], "B", Some(("A", &hosts[0])));
    let linked = [["B: 1 1"], ["A: 1 1"]];
    wait(&sim, &hosts[0], 5);
    assert_eq!(links(&[&a, &b]), linked);

    let open = a.options();
    let mut pinned = open.clone();
    let tls = pinned.gateway.as_mut().and_then(|block| block.tls.as_mut());
    tls.expect("there is one").pinned = [("0".repeat(64))].into();
    let changes = a.reload(pinned).expect("keys can be pinned at any time");
    assert!(matches!(changes[..], [Change::Gateway(_)]), "{changes:?}");
    wait(&sim, &hosts[0], 5);
    assert_eq!(links(&[&a, &b])[1], ["A: 0 0"]);

    a.reload(open).expect("and any key be taken again");
    wait(&sim, &hosts[0], 5);
    assert_eq!(links(&[&a, &b]), linked);
}

#[test]
fn a_server_without_its_files_does_not_start() {
    let sim = Sim::new(33);
    let host = sim.host("a");
    let started = sim.block_on(Server::start(
        options(&host, "A", None),
        host.rt(),
        Logger::none(),
    ));
    let problem = started.expect("the world goes on").expect_err("no files");
    assert_eq!(
        problem.to_string(),
        "error parsing X509 certificate/key pair: open cert.pem: no such file or directory"
    );
}
