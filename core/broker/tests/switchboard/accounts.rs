//! Accounts that are defined while the server runs: which imports are carried out, and which are not.

use gannet_broker::{Broker, Refusal};
use gannet_config::{
    Access, AccountOptions, Activation, Export, ExportKind, Import, ImportKind, ServiceExport,
};
use gannet_units::WallTime;

use crate::world::World;

pub(crate) const NOW: WallTime = WallTime::from_unix_nanos(1_000_000_000_000);

pub(crate) fn account(name: &str, exports: Vec<Export>, imports: Vec<Import>) -> AccountOptions {
    AccountOptions {
        name: name.into(),
        exports,
        imports,
        ..AccountOptions::default()
    }
}

pub(crate) fn stream(subject: &str, access: Access) -> Export {
    Export {
        subject: subject.into(),
        access,
        kind: ExportKind::Stream,
    }
}

pub(crate) fn service(subject: &str, options: ServiceExport) -> Export {
    Export {
        subject: subject.into(),
        access: Access::Public,
        kind: ExportKind::Service(options),
    }
}

pub(crate) fn take_stream(account: &str, subject: &str, to: &str) -> Import {
    Import {
        account: account.into(),
        subject: subject.into(),
        kind: ImportKind::Stream {
            to: to.into(),
            allow_trace: false,
        },
        activation: None,
    }
}

pub(crate) fn take_service(account: &str, subject: &str, to: &str) -> Import {
    Import {
        account: account.into(),
        subject: subject.into(),
        kind: ImportKind::Service {
            to: to.into(),
            share: false,
        },
        activation: None,
    }
}

fn imported(broker: &Broker, account: &str) -> Vec<String> {
    let account = broker.account(account).expect("it is defined");
    account.imports().into_iter().map(|i| i.subject).collect()
}

fn refusals(accounts: &[AccountOptions]) -> Vec<(String, String)> {
    let w = World::new();
    let refused = w.broker.define_accounts(accounts, NOW).finish(w.now);
    refused
        .into_iter()
        .map(|r| (r.import.subject, r.why.to_string()))
        .collect()
}

#[test]
fn an_account_takes_what_it_is_offered_and_nothing_else() {
    let private = Access::Accounts(vec!["FRIEND".into()]);
    let by_name = Access::TokenPosition(2);
    let exports = vec![
        stream("open.>", Access::Public),
        stream("private", private),
        stream("for.*.>", by_name),
        service("ask.*", ServiceExport::default()),
    ];
    let imports = |name: &str| {
        vec![
            take_stream("A", "open.x", ""),
            take_stream("A", "open.*", ""),
            take_stream("A", "closed", ""),
            take_stream("A", "private", ""),
            take_stream("A", &format!("for.{name}.x"), ""),
            take_stream("A", "for.OTHER.x", ""),
            take_service("A", "ask.me", ""),
            take_service("A", "open.x", ""),
            take_stream("A", "ask.me", ""),
            take_stream("NOBODY", "x", ""),
        ]
    };
    let w = World::new();
    let accounts = [
        account("A", exports, vec![]),
        account("FRIEND", vec![], imports("FRIEND")),
        account("STRANGER", vec![], imports("STRANGER")),
    ];
    let refused = w.broker.define_accounts(&accounts, NOW).finish(w.now);
    assert_eq!(
        imported(&w.broker, "FRIEND"),
        ["open.x", "open.*", "private", "for.FRIEND.x", "ask.me"]
    );
    assert_eq!(
        imported(&w.broker, "STRANGER"),
        ["open.x", "open.*", "for.STRANGER.x", "ask.me"]
    );
    for r in refused {
        let want = match r.import.kind {
            ImportKind::Stream { .. } => Refusal::StreamNotAuthorized,
            ImportKind::Service { .. } => Refusal::ServiceNotAuthorized,
        };
        assert_eq!(r.why, want, "{}", r.import.subject);
    }
}

#[test]
fn an_activation_ends_and_can_be_revoked() {
    let shown = |issued, expires| Import {
        activation: Some(Activation { issued, expires }),
        ..take_stream("A", "x", "")
    };
    let at = |seconds: i64| WallTime::from_unix_nanos(seconds * 1_000_000_000);
    let with = |revoked: &[(&str, i64)], import| {
        let access = Access::Activated {
            revoked: revoked.iter().map(|(n, t)| ((*n).into(), *t)).collect(),
            token_position: None,
        };
        [
            account("A", vec![stream("x", access)], vec![]),
            account("B", vec![], vec![import]),
        ]
    };
    for (revoked, import, allowed) in [
        (&[][..], take_stream("A", "x", ""), false),
        (&[], shown(50, None), true),
        (&[], shown(50, Some(1000)), false),
        (&[], shown(50, Some(1001)), true),
        (&[("B", 49)], shown(50, None), true),
        (&[("B", 50)], shown(50, None), false),
        (&[("*", 50)], shown(50, None), false),
        (&[("C", 50)], shown(50, None), true),
    ] {
        let w = World::new();
        let accounts = with(revoked, import);
        let refused = w.broker.define_accounts(&accounts, at(1000)).finish(w.now);
        assert_eq!(refused.is_empty(), allowed, "{accounts:?}");
    }
    let w = World::new();
    assert_eq!(w.broker.next_review(), None);
    let accounts = with(&[], shown(50, Some(1001)));
    w.broker.define_accounts(&accounts, at(1000)).finish(w.now);
    assert_eq!(w.broker.next_review(), Some(at(1001)));
    assert_eq!(w.broker.review_imports(at(1001)).finish(w.now).len(), 1);
    assert_eq!(imported(&w.broker, "B"), [""; 0]);
    assert_eq!(w.broker.next_review(), None);
}

#[test]
fn imports_that_double_or_form_a_cycle_are_refused_in_the_reference_servers_words() {
    let export = |subject: &str| vec![stream(subject, Access::Public)];
    let serve = |subject: &str| vec![service(subject, ServiceExport::default())];
    let doubled = [
        account("A", export("x.>"), vec![]),
        account(
            "B",
            vec![],
            vec![
                take_stream("A", "x.y", "one"),
                take_stream("A", "x.y", "two"),
            ],
        ),
    ];
    let none: Vec<(String, String)> = vec![];
    assert_eq!(
        refusals(&doubled),
        [("x.y".into(), "stream import already exists".into())]
    );
    let doubled = [
        account("A", serve("x.*"), vec![]),
        account(
            "B",
            vec![],
            vec![take_service("A", "x.y", "s"), take_service("A", "x.z", "s")],
        ),
    ];
    let text = "duplicate service import subject \"s\", previously used in import for account \"A\", subject \"x.y\"";
    assert_eq!(refusals(&doubled), [("x.z".into(), text.into())]);
    let ring = [
        account("A", export("x"), vec![take_stream("C", "x", "")]),
        account("B", export("x"), vec![take_stream("A", "x", "")]),
        account("C", export("x"), vec![take_stream("B", "x", "")]),
    ];
    assert_eq!(
        refusals(&ring),
        [("x".into(), "import forms a cycle".into())]
    );
    let ring = [
        account("A", serve("x"), vec![take_service("C", "x", "")]),
        account("B", serve("x"), vec![take_service("A", "x", "")]),
        account("C", serve("x"), vec![take_service("B", "x", "")]),
    ];
    assert_eq!(
        refusals(&ring),
        [("x".into(), "import forms a cycle".into())]
    );
    let chain = [
        account("A", serve("x"), vec![]),
        account("B", serve("y"), vec![take_service("A", "x", "y")]),
        account("C", vec![], vec![take_service("B", "y", "z")]),
    ];
    assert_eq!(refusals(&chain), none);
}

#[test]
fn an_account_takes_no_more_clients_than_it_may() {
    let w = World::new();
    let mut options = account("A", vec![], vec![]);
    options.limits.connections = Some(2);
    w.broker.define_accounts(&[options], NOW).finish(w.now);
    let a = w.broker.account("A").expect("defined");
    assert!(a.add_client() && a.add_client() && !a.add_client());
    a.remove_client();
    assert_eq!(a.clients(), 1);
    assert!(a.add_client() && !a.add_client());
    assert!((0..100).all(|_| w.broker.global().add_client()));
}

#[test]
fn an_import_waits_for_its_exporter_and_ends_with_it() {
    let w = World::new();
    let importer = account("B", vec![], vec![take_stream("A", "x", "")]);
    let exporter = account("A", vec![stream("x", Access::Public)], vec![]);
    assert_eq!(
        w.broker.define_account(&importer, NOW).finish(w.now).len(),
        1
    );
    assert_eq!(w.broker.define_account(&exporter, NOW).finish(w.now), []);
    assert_eq!(imported(&w.broker, "B"), ["x"]);
    assert_eq!(w.broker.undefine_account("A", NOW).finish(w.now).len(), 1);
    assert_eq!(imported(&w.broker, "B"), [""; 0]);
    w.broker.define_account(&exporter, NOW).finish(w.now);
    assert_eq!(imported(&w.broker, "B"), ["x"]);
    let b = w.broker.account("B").expect("defined");
    w.broker.define_accounts(&[exporter], NOW).finish(w.now);
    assert!(!b.is_defined() && imported(&w.broker, "B").is_empty());
    assert!(w.broker.account("A").is_some_and(|a| a.is_defined()));
}
