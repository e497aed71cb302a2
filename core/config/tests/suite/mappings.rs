//! What `mappings` say, as options.

use gannet_config::{AccountOptions, Destination, GLOBAL_ACCOUNT, Mapping, Options};

use crate::options::options;

type Destinations<'a> = &'a [(&'a str, u8, Option<&'a str>)];

fn mapping(source: &str, destinations: Destinations<'_>) -> Mapping {
    let destination = |(subject, weight, cluster): &(&str, u8, Option<&str>)| Destination {
        subject: (*subject).into(),
        weight: *weight,
        cluster: cluster.map(Into::into),
    };
    Mapping {
        source: source.into(),
        destinations: destinations.iter().map(destination).collect(),
    }
}

#[test]
fn mappings_at_the_top_are_those_of_the_global_account() {
    let file = r#"
        mappings {
            "z.*": "y.$1"
            foo: [
                { destination: bar, weight: 50% }
                { dest: baz, weight: "20", cluster: east }
                { dest: x, weight: 7, cluster: "" }
            ]
            one: { dest: two, weight: 0 }
            none: []
        }
    "#;
    let global = AccountOptions {
        name: GLOBAL_ACCOUNT.into(),
        mappings: vec![
            mapping("z.*", &[("y.$1", 100, None)]),
            mapping(
                "foo",
                &[("bar", 50, None), ("baz", 20, Some("east")), ("x", 7, None)],
            ),
            mapping("one", &[("two", 0, None)]),
            mapping("none", &[]),
        ],
        ..AccountOptions::default()
    };
    let want = Options {
        accounts: vec![global],
        ..Options::default()
    };
    assert_eq!(options(file), want);
    assert_eq!(options("mappings {}"), Options::default());
}

#[test]
fn a_source_that_is_mapped_again_keeps_its_place() {
    let file = "mappings { a: b, c: d }\nmaps { e: f, a: g }";
    let options = options(file);
    let global = options.account(GLOBAL_ACCOUNT).expect("it has mappings");
    let want = [("a", "g"), ("c", "d"), ("e", "f")];
    let want = want.map(|(source, to)| mapping(source, &[(to, 100, None)]));
    assert_eq!(global.mappings, want);
    assert_eq!(options.accounts.len(), 1);
}
