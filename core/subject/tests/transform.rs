//! Transforms against what the reference server makes of the same subjects, and their properties.
//!
//! `fixtures/transforms.txt` was written by a program that drew sources, destinations and subjects from a seed and asked
//! the reference's own code (2.15.1). Its lines, with tabs between their columns: `mapping` or `import` with source and
//! destination, followed by lines of subject and result that begin with a tab; `random`, which is accepted and
//! has no fixed result; `bad` and `badimport` with the error's text. Bytes that are no UTF-8 are written `\xff`.

use gannet_subject::{Transform, TransformError, matches, with_numbers, with_wildcards};
use proptest::prelude::*;

const REFERENCE: &str = include_str!("fixtures/transforms.txt");

fn no_chance(_: u32) -> u32 {
    panic!("nothing is random here")
}

fn made(transform: &Transform, subject: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let is_taken = transform.apply(subject, &mut no_chance, &mut out);
    is_taken.then_some(out)
}

fn text(transform: &Transform, subject: &str) -> String {
    let made = made(transform, subject.as_bytes());
    made.map_or("not taken".to_owned(), |made| {
        String::from_utf8_lossy(&made).into_owned()
    })
}

/// The bytes that a column of the fixture stands for.
fn bytes(column: &str) -> Vec<u8> {
    let mut pieces = column.split("\\x");
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let (code, rest) = piece.split_at(2);
        bytes.push(u8::from_str_radix(code, 16).expect("two hexadecimal digits"));
        bytes.extend_from_slice(rest.as_bytes());
    }
    bytes
}

#[test]
fn the_reference_makes_the_same_of_every_subject() {
    let mut current = None;
    let mut subjects = 0;
    for line in REFERENCE.lines() {
        let columns: Vec<&str> = line.split('\t').collect();
        match columns.as_slice() {
            ["mapping", source, destination] => {
                current = Some(Transform::mapping(source, destination))
            }
            ["import", source, destination] => {
                current = Some(Transform::import(source, destination))
            }
            ["random", source, destination] => {
                assert!(Transform::mapping(source, destination).is_ok(), "{line}");
            }
            ["bad", source, destination, error] => {
                let answer = Transform::mapping(source, destination);
                assert_eq!(answer.expect_err(line).to_string(), *error, "{line}");
            }
            ["badimport", source, destination, error] => {
                let answer = Transform::import(source, destination);
                assert_eq!(answer.expect_err(line).to_string(), *error, "{line}");
            }
            ["", subject, want] => {
                let transform = current.as_ref().expect("a transform stands above");
                let transform = transform.as_ref().unwrap_or_else(|e| panic!("{line}: {e}"));
                let made = made(transform, &bytes(subject));
                assert_eq!(made, Some(bytes(want)), "{transform}: {line}");
                subjects += 1;
            }
            _ => panic!("no such line: {line:?}"),
        }
    }
    assert!(subjects > 1000, "{subjects} subjects");
}

#[test]
fn every_function_has_its_way() {
    for (source, destination, subject, want) in [
        ("foo.*.*", "bar.$2.$1", "foo.a.b", "bar.b.a"),
        ("foo.*.*", "bar.{{wildcard(2)}}", "foo.a.b", "bar.b"),
        ("foo.*.bar.>", "$1.>", "foo.a.bar.c.d", "a.c.d"),
        (">", "x.>", "a.b", "x.a.b"),
        (">", ">", "a.b", "a.b"),
        ("x.>", ">", "x.a.b", "a.b"),
        ("foo", "bar.{{partition(10)}}", "foo", "bar.3"),
        ("*", "{{partition(1000000)}}", "foobar", "735720"),
        ("*.*", "{{partition(3)}}", "a.b", "1"),
        ("*.*", "{{partition(0,1)}}", "a.b", "0"),
        ("*", "x.{{split(1,-)}}", "a-b-c", "x.a.b.c"),
        // Nothing is left of it, so nobody can have subscribed to that; the reference makes the same of it.
        ("*", "x.{{split(1,-)}}", "--", "x."),
        // The reference leaves an empty token where a token begins with two delimiters, so the message is lost.
        ("*", "x.{{split(1,-)}}", "--a---b--", "x.a.b"),
        ("*", "x.{{split(1,)}}", "añb", "x.a.ñ.b"),
        ("*", "{{splitFromLeft(1,3)}}", "12345", "123.45"),
        ("*", "{{splitFromLeft(1,5)}}", "12345", "12345"),
        ("*", "{{splitFromRight(1,3)}}", "12345", "12.345"),
        ("*", "{{sliceFromLeft(1,3)}}", "1234567890", "123.456.789.0"),
        (
            "*",
            "{{sliceFromRight(1,3)}}",
            "1234567890",
            "1.234.567.890",
        ),
        ("*", "{{left(1,3)}}", "12345", "123"),
        ("*", "{{left(1,-3)}}", "12345", "12345"),
        ("*", "{{right(1,3)}}", "12345", "345"),
        ("*", "{{right(1,9)}}", "12345", "12345"),
    ] {
        let transform = Transform::mapping(source, destination);
        let transform = transform.unwrap_or_else(|e| panic!("{destination}: {e}"));
        assert_eq!(text(&transform, subject), want, "{transform}: {subject}");
    }
}

#[test]
fn what_the_source_does_not_match_is_left_alone() {
    for (source, destination, subject) in [
        ("foo", "bar", "foo.bar"),
        ("foo", "bar", "bar"),
        ("foo.*", "bar", "foo"),
        ("foo.*", "bar", "foo."),
        ("foo.*", "bar", "foo.a.b"),
        ("foo.*", "bar", "foo.>"),
        ("foo.bar", "bar", "foo.*"),
        ("foo.>", "bar.>", "foo"),
    ] {
        let transform = Transform::mapping(source, destination).expect(destination);
        assert_eq!(
            text(&transform, subject),
            "not taken",
            "{transform}: {subject}"
        );
    }
}

#[test]
fn random_numbers_are_drawn_below_the_bound() {
    let transform = Transform::mapping("foo", "bar.{{random(7)}}.{{random(-3)}}.{{random(0)}}");
    let transform = transform.expect("a transform");
    assert!(transform.is_random());
    let mut asked = Vec::new();
    let mut out = Vec::new();
    let mut random = |below| {
        asked.push(below);
        below - 1
    };
    assert!(transform.apply(b"foo", &mut random, &mut out));
    assert_eq!(String::from_utf8_lossy(&out), "bar.6.2.0");
    assert_eq!(asked, [7, 3]);
    for steady in [
        "bar",
        "bar.{{partition(5)}}",
        "{{random(1)}}",
        "{{random(0)}}",
    ] {
        let transform = Transform::mapping("foo", steady).expect(steady);
        assert!(!transform.is_random(), "{steady}");
    }
}

#[test]
fn faults_of_destinations_have_the_references_texts() {
    for (source, destination, text) in [
        ("foo..bar", "bar", "invalid subject"),
        ("foo", "*", "invalid subject"),
        ("foo.>", "bar", "invalid subject"),
        ("foo", "", "invalid mapping destination: invalid transform"),
        (
            "foo",
            "bar.>.x",
            "invalid mapping destination: invalid transform in x",
        ),
        (
            "foo",
            "bar x",
            "invalid mapping destination: invalid transform",
        ),
        (
            "foo",
            "{{x}}",
            "invalid mapping destination: unknown function in {{x}}",
        ),
        (
            "foo",
            "$1",
            "invalid mapping destination: wildcard index out of range in $1",
        ),
        (
            "*",
            "$2",
            "invalid mapping destination: wildcard index out of range in $2: [2]",
        ),
    ] {
        let answer = Transform::mapping(source, destination).map_err(|e| e.to_string());
        assert_eq!(
            answer.err().as_deref(),
            Some(text),
            "{source} -> {destination}"
        );
    }
}

#[test]
fn imports_use_each_wildcard_and_no_other_function() {
    let unused = |of: &str| Err(TransformError::UnusedWildcards(of.to_owned()));
    let not_allowed = |of: &str| Err(TransformError::NotForImport(of.to_owned()));
    for (source, destination, want) in [
        ("foo.*.*", "bar.$2.{{wildcard(1)}}", Ok(())),
        ("foo", "bar", Ok(())),
        ("foo.*", "bar.$1.$1", Ok(())),
        ("foo.*.*", "bar.$1", unused("bar.$1")),
        // The reference counts, and takes that.
        ("foo.*.*", "bar.$1.$1", unused("bar.$1.$1")),
        ("foo.*", "{{left(1,2)}}", not_allowed("{{left(1,2)}}")),
        ("foo", "{{partition(2)}}", not_allowed("{{partition(2)}}")),
        ("foo.*", "bar. .$1", Err(TransformError::InvalidSubject)),
    ] {
        let answer = Transform::import(source, destination).map(|_| ());
        assert_eq!(answer, want, "{source} -> {destination}");
    }
}

#[test]
fn wildcards_and_their_numbers_stand_for_each_other() {
    assert_eq!(with_numbers("foo.*.bar.*.>"), "foo.$1.bar.$2.>");
    assert_eq!(
        with_wildcards("foo.$2.{{ Wildcard(1) }}.$JS.>"),
        "foo.*.*.$JS.>"
    );
}

#[test]
fn what_loses_tokens_has_no_way_back() {
    for (source, destination) in [("foo.*", "bar"), ("foo.*", "{{left(1,2)}}")] {
        let transform = Transform::mapping(source, destination).expect(destination);
        assert_eq!(transform.inverse(), None, "{transform}");
    }
}

/// A source, a destination for imports that it goes with, and a subject that the source matches.
fn reversible() -> impl Strategy<Value = (String, String, String)> {
    let token = prop_oneof![Just("*".to_owned()), "[a-z]{1,3}"];
    let shape = (prop::collection::vec(token, 1..6), any::<bool>());
    let shuffled = shape.prop_flat_map(|(source, is_open)| {
        let wildcards = source.iter().filter(|token| *token == "*").count();
        let numbers: Vec<String> = (1..=wildcards).map(|n| format!("${n}")).collect();
        (
            Just(source),
            Just(is_open),
            Just(numbers).prop_shuffle(),
            "[a-z]{1,3}",
        )
    });
    let with_subject = shuffled.prop_flat_map(|(source, is_open, mut made, text)| {
        made.push(text);
        let words = prop::collection::vec("[a-z0-9-]{1,4}", source.len() + 2);
        (
            Just(source),
            Just(is_open),
            Just(made).prop_shuffle(),
            words,
        )
    });
    with_subject.prop_map(|(mut source, is_open, mut made, words)| {
        let mut words = words.into_iter();
        let mut subject: Vec<String> = source
            .iter()
            .map(|token| {
                if token == "*" {
                    words.next().unwrap_or_default()
                } else {
                    token.clone()
                }
            })
            .collect();
        if is_open {
            source.push(">".to_owned());
            made.push(">".to_owned());
            subject.extend(words.next());
        }
        (source.join("."), made.join("."), subject.join("."))
    })
}

proptest! {
    #[test]
    fn an_import_can_be_undone((source, destination, subject) in reversible()) {
        let there = Transform::import(&source, &destination).expect("all wildcards are used");
        let back = there.inverse().expect("an import can be undone");
        let made = text(&there, &subject);
        prop_assert!(matches(back.source().as_bytes(), made.as_bytes()), "{there}: {made}");
        prop_assert_eq!(text(&back, &made), subject);
        // What it says of itself is what it does.
        let again = Transform::import(back.source(), back.destination());
        prop_assert_eq!(again.as_ref(), Ok(&back));
        prop_assert_eq!(text(&back.inverse().expect("so can its way back"), &text(&back, &made)), made);
    }

    #[test]
    fn any_text_is_taken_or_refused(
        source in "[a*>.$ ]{0,8}",
        destination in r"([ab*>.$0-9]|\{\{|\}\}|wildcard\(|left\(|split\(|partition\(|,|\)|-| ){0,16}",
        subject in prop::collection::vec(prop_oneof![Just(b'.'), Just(b'a'), any::<u8>()], 0..12),
    ) {
        if let Ok(transform) = Transform::mapping(&source, &destination) {
            let is_taken = made(&transform, &subject).is_some();
            prop_assert_eq!(is_taken, transform.takes(&subject));
        }
        if let Ok(transform) = Transform::import(&source, &destination) {
            prop_assert!(transform.inverse().is_some());
        }
    }

    #[test]
    fn cutting_and_splitting_keep_every_byte_but_the_delimiters(token in "[ab-]{1,12}", size in 1..14u8) {
        for function in ["splitFromLeft", "splitFromRight", "sliceFromLeft", "sliceFromRight"] {
            let destination = format!("{{{{{function}(1,{size})}}}}");
            let transform = Transform::mapping("*", &destination).expect("a transform");
            prop_assert_eq!(text(&transform, &token).replace('.', ""), token.clone());
        }
        let transform = Transform::mapping("*", "{{split(1,-)}}").expect("a transform");
        let want: Vec<&str> = token.split('-').filter(|part| !part.is_empty()).collect();
        prop_assert_eq!(text(&transform, &token), want.join("."));
    }
}
