//! Properties of the language: no text makes the reader panic, and a printed tree reads back.

use crate::world::World;
use gannet_config::{Map, Value, parse};
use proptest::prelude::*;

/// A tree without places, so that trees from different texts can be compared.
#[derive(Clone, Debug, PartialEq)]
enum Tree {
    Text(String),
    Integer(i64),
    Float(f64),
    Bool(bool),
    Array(Vec<Tree>),
    Map(Vec<(String, Tree)>),
}

impl Tree {
    fn of(value: &Value) -> Tree {
        match value {
            Value::Text(text) | Value::Datetime(text) => Tree::Text(text.clone()),
            Value::Integer(number) => Tree::Integer(*number),
            Value::Float(number) => Tree::Float(*number),
            Value::Bool(bool) => Tree::Bool(*bool),
            Value::Array(nodes) => Tree::Array(nodes.iter().map(|n| Tree::of(&n.value)).collect()),
            Value::Map(map) => Tree::Map(Tree::entries(map)),
        }
    }

    fn entries(map: &Map) -> Vec<(String, Tree)> {
        map.in_order()
            .map(|(key, node)| (key.to_string(), Tree::of(&node.value)))
            .collect()
    }

    /// Writes the tree as a configuration, in one of the language's many styles.
    fn print(&self, style: Style, out: &mut String) {
        match self {
            Tree::Text(text) => quote(text, out),
            Tree::Integer(number) => out.push_str(&number.to_string()),
            Tree::Float(number) => out.push_str(&format!("{number:?}")),
            Tree::Bool(bool) => out.push_str(if *bool { "yes" } else { "off" }),
            Tree::Array(trees) => {
                out.push('[');
                for tree in trees {
                    tree.print(style, out);
                    out.push_str(style.between);
                }
                out.push_str(" ]");
            }
            Tree::Map(entries) => {
                out.push('{');
                print_entries(entries, style, out);
                out.push('}');
            }
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Style {
    separator: &'static str,
    between: &'static str,
}

fn print_entries(entries: &[(String, Tree)], style: Style, out: &mut String) {
    for (key, tree) in entries {
        out.push_str(&format!("\"{key}\"{}", style.separator));
        tree.print(style, out);
        out.push_str(style.between);
    }
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\0' => out.push_str("\\x00"),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
    out.push('"');
}

fn tree() -> impl Strategy<Value = Tree> {
    let scalar = prop_oneof![
        any::<String>().prop_map(Tree::Text),
        any::<i64>().prop_map(Tree::Integer),
        (-1_000_000i32..1_000_000).prop_map(|n| Tree::Float(f64::from(n) + 0.5)),
        any::<bool>().prop_map(Tree::Bool),
    ];
    scalar.prop_recursive(4, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Tree::Array),
            entries(inner).prop_map(Tree::Map),
        ]
    })
}

fn entries(inner: impl Strategy<Value = Tree>) -> impl Strategy<Value = Vec<(String, Tree)>> {
    // The map keeps each key once; its order is then the file's.
    prop::collection::btree_map("[^\"\\x00]{1,8}", inner, 0..6)
        .prop_map(|map| map.into_iter().collect())
}

fn style() -> impl Strategy<Value = Style> {
    let separator = prop::sample::select(vec!["=", ": ", " ", " : \t"]);
    let between = prop::sample::select(vec![",", "\n", ", # x\n", "\r\n", " // ;\n\n"]);
    (separator, between).prop_map(|(separator, between)| Style { separator, between })
}

/// Text made of what the language is made of, which gets deeper than arbitrary bytes do.
fn likely_text() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "a",
        "port",
        "gateway",
        "name",
        "authorization",
        "users",
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        "=",
        ":",
        ",",
        ";",
        "\n",
        "\r\n",
        " ",
        "\t",
        "\"",
        "'",
        "\\",
        "\\x4",
        "#",
        "//",
        "/",
        "$",
        "$a",
        "$E",
        "$2a$",
        "1",
        "-",
        "-1",
        "1.5",
        "1k",
        "9eb",
        "1.2.3",
        "2020-01-02T03:04:05Z",
        "true",
        "include",
        "include b\n",
        "é",
        "\0",
        "nats://u:p@h:1",
        "urls",
        "gateways",
        "\n)\n",
    ]);
    prop::collection::vec(word, 0..40).prop_map(|words| words.concat())
}

fn world(text: Vec<u8>, other: Vec<u8>) -> World {
    let mut world = World::of(text).with("b", other.clone());
    world
        .env
        .insert("E".into(), String::from_utf8_lossy(&other).into_owned());
    world
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_bytes_make_the_reader_panic(
        text in prop::collection::vec(any::<u8>(), 0..200),
        other in prop::collection::vec(any::<u8>(), 0..50),
    ) {
        _ = world(text, other).load();
    }

    #[test]
    fn no_likely_text_makes_the_reader_panic(text in likely_text(), other in likely_text()) {
        if let Ok(loaded) = world(text.into(), other.into()).load() {
            _ = loaded.options.validate();
        }
    }

    #[test]
    fn no_text_makes_the_small_languages_panic(text in ".{0,40}", likely in "[-+0-9.a-zµ:@%/\\[\\]]{0,20}") {
        for text in [text, likely] {
            _ = gannet_config::parse_duration(&text).map(gannet_config::format_duration);
            _ = gannet_config::advertised(&text, 1);
            _ = World::of(format!("gateway {{ gateways: [{{name: a, url: '{text}'}}] }}")).load();
        }
    }

    #[test]
    fn a_printed_tree_reads_back(entries in entries(tree()), style in style()) {
        let mut text = String::new();
        print_entries(&entries, style, &mut text);
        let read = parse(text.as_bytes(), "a.conf", &World::default());
        prop_assert_eq!(read.map(|map| Tree::entries(&map)).map_err(|e| e.to_string()), Ok(entries), "{}", text);
    }

    #[test]
    fn a_duration_reads_back_from_its_shortest_form(nanos in any::<i64>()) {
        let text = gannet_config::format_duration(nanos);
        prop_assert_eq!(gannet_config::parse_duration(&text), Ok(nanos), "{}", text);
    }

    #[test]
    fn the_digest_depends_on_what_is_said_not_how(
        entries in entries(tree()), one in style(), other in style(),
    ) {
        // Under a key that takes anything: a variable that is used.
        let digest = |style: Style| {
            let mut text = String::from("v ");
            Tree::Map(entries.clone()).print(style, &mut text);
            text.push_str("\nserver_tags: $v\nserver_tags: a");
            World::of(text).load().map(|loaded| loaded.digest).map_err(|e| e.to_string())
        };
        let first = digest(one);
        prop_assert!(first.is_ok(), "{:?}", first);
        prop_assert_eq!(first, digest(other));
    }
}
