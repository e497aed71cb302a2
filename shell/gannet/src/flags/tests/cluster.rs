//! Tables: flags about the cluster → options, or why not.

use gannet_config::{ClusterOptions, LinkAuth, Options, Port, Secret, ServerUrl};

use super::{changed, invocation, over};

fn clustered(change: impl FnOnce(&mut ClusterOptions)) -> Options {
    changed(|o| change(&mut o.cluster))
}

fn route(host: &str, port: u16) -> ServerUrl {
    ServerUrl {
        scheme: "nats".into(),
        user: None,
        password: None,
        host: host.into(),
        port,
    }
}

#[test]
fn flags_of_the_cluster_reach_their_options() {
    let at = |host: &str, port| {
        clustered(|c| {
            c.host = host.into();
            c.port = Some(port);
        })
    };
    let cases: &[(&str, Options)] = &[
        ("gannet --cluster nats://h:6222", at("h", Port::At(6222))),
        ("gannet -cluster=nats://h:6222/x?y", at("h", Port::At(6222))),
        ("gannet -cluster_listen nats://h:-1", at("h", Port::Random)),
        (
            "gannet --cluster tls://[::1]:6222",
            at("::1", Port::At(6222)),
        ),
        ("gannet --cluster nats://:-1", at("0.0.0.0", Port::Random)),
        (
            "gannet --cluster nats://h:0",
            clustered(|c| c.host = "h".into()),
        ),
        ("gannet --cluster ''", Options::default()),
        (
            "gannet --cluster nats://u:p%40@h:1",
            clustered(|c| {
                (c.host, c.port) = ("h".into(), Some(Port::At(1)));
                c.auth.user = Some("u".into());
                c.auth.password = Secret::new("p@");
            }),
        ),
        (
            "gannet --cluster_name C",
            clustered(|c| c.name = Some("C".into())),
        ),
        (
            "gannet --cluster_advertise a:1",
            clustered(|c| c.advertise = Some("a:1".into())),
        ),
        (
            "gannet --no_advertise",
            clustered(|c| c.no_advertise = true),
        ),
        ("gannet -no_advertise=false", Options::default()),
        (
            "gannet -connect_retries 3",
            clustered(|c| c.connect_retries = 3),
        ),
        ("gannet -connect_retries -1", Options::default()),
        (
            "gannet --cluster nats://h:1 -routes nats://a:1,nats://b:2",
            clustered(|c| {
                (c.host, c.port) = ("h".into(), Some(Port::At(1)));
                c.routes = vec![route("a", 1), route("b", 2)];
            }),
        ),
    ];
    for (line, wanted) in cases {
        assert_eq!(&over(&Options::default(), line), wanted, "{line}");
    }
}

#[test]
fn flags_of_the_cluster_override_the_file() {
    let file = clustered(|c| {
        (c.host, c.port) = ("file".into(), Some(Port::At(9)));
        c.auth = LinkAuth {
            user: Some("file".into()),
            password: Secret::new("secret"),
            ..LinkAuth::default()
        };
        c.routes = vec![route("file", 9)];
        c.no_advertise = true;
        c.name = Some("file".into());
    });
    let changed = |change: fn(&mut ClusterOptions)| {
        let mut options = file.clone();
        change(&mut options.cluster);
        options
    };
    for (line, wanted) in [
        // Without credentials of its own, it takes those of the file away.
        (
            "gannet --cluster nats://h:1",
            changed(|c| {
                (c.host, c.port) = ("h".into(), Some(Port::At(1)));
                (c.auth.user, c.auth.password) = (None, Secret::default());
            }),
        ),
        ("gannet --cluster ''", changed(|c| c.port = None)),
        ("gannet --routes ''", changed(|c| c.routes.clear())),
        (
            "gannet --routes nats://a:1",
            changed(|c| c.routes = vec![route("a", 1)]),
        ),
        (
            "gannet --no_advertise=false",
            changed(|c| c.no_advertise = false),
        ),
        ("gannet --cluster_name ''", changed(|c| c.name = None)),
        ("gannet", changed(|_| {})),
    ] {
        assert_eq!(over(&file, line), wanted, "{line}");
    }
}

#[test]
fn clusters_that_cannot_be_are_refused_in_the_reference_words() {
    for (line, wanted) in [
        ("gannet --cluster foo", "missing port in address"),
        ("gannet --cluster localhost:6222", "missing port in address"),
        (
            "gannet --cluster 127.0.0.1:6222",
            "parse \"127.0.0.1:6222\": first path segment in URL cannot contain colon",
        ),
        (
            "gannet --cluster nats://127.0.0.1",
            "address 127.0.0.1: missing port in address",
        ),
        (
            "gannet --cluster nats://127.0.0.1:abc",
            "parse \"nats://127.0.0.1:abc\": invalid port \":abc\" after host",
        ),
        (
            "gannet --cluster nats://u@127.0.0.1:6222",
            "expected cluster password to be set",
        ),
        // The reference shows the password.
        (
            "gannet --cluster nats://u:p%zz@127.0.0.1:1",
            "parse \"nats://[REDACTED]@127.0.0.1:1\": invalid credentials",
        ),
        (
            "gannet --routes nats://127.0.0.1:1",
            "solicited routes require cluster capabilities, e.g. --cluster",
        ),
        (
            "gannet --cluster '' --routes nats://127.0.0.1:1",
            "solicited routes require cluster capabilities, e.g. --cluster",
        ),
        // The reference takes it and never dials it.
        (
            "gannet --cluster nats://h:1 --routes nats://u:secret@a",
            "error parsing route url [\"nats://[REDACTED]@a\"]",
        ),
    ] {
        let invocation = invocation(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        let refused = invocation.apply(&mut Options::default());
        let refused = refused.expect_err(line).to_string();
        assert_eq!(refused, wanted, "{line}");
        let shown = format!("{invocation:?}");
        assert!(!shown.contains("secret"), "{shown}");
    }
}
