//! Hostile configurations end with an error, quickly and without filling the memory or the stack.

use gannet_config::{Diff, Dropped, as_file};

use crate::world::World;

fn error(world: &World) -> String {
    world.load().expect_err("refused").to_string()
}

#[test]
fn nesting_is_bounded() {
    for (open, line) in [("a [", 1), ("a {", 1), ("{", 1)] {
        let text = if open == "a [" {
            format!("a {}", "[".repeat(100_000))
        } else {
            open.repeat(100_000)
        };
        assert_eq!(
            error(&World::of(text)),
            format!("Parse error on line {line}: 'Nested too deep.'")
        );
    }
    let deep = format!("a {}x {}\nb: $a", "[".repeat(100), "]".repeat(100));
    assert_eq!(error(&World::of(deep)), "a.conf:2:1: unknown field \"b\"\n");
}

#[test]
fn depth_cannot_be_smuggled_in_by_variables_or_includes() {
    let deep = format!("a {}x {}\n", "[".repeat(100), "]".repeat(100));
    let by_variable = format!("{deep}b {}$a {}\n", "[".repeat(100), "]".repeat(100));
    assert_eq!(
        error(&World::of(by_variable)),
        "Parse error on line 2: 'Nested too deep.'"
    );
    let by_include = format!("{}\ninclude deep.conf", "b {\n".repeat(100));
    assert_eq!(
        error(&World::of(by_include).with("deep.conf", deep)),
        "Parse error on line 102: 'Nested too deep.'"
    );
}

#[test]
fn include_cycles_are_found() {
    let world = World::of("include a.conf");
    assert_eq!(
        error(&world),
        "error parsing include file 'a.conf', include cycle for 'a.conf'"
    );
    let world = World::of("include x/b.conf").with("x/b.conf", "port: 1\ninclude ../a.conf");
    assert_eq!(
        error(&world),
        "error parsing include file 'x/b.conf', \
         error parsing include file '../a.conf', include cycle for 'a.conf'"
    );
}

#[test]
fn includes_are_bounded_in_depth_and_number() {
    let mut world = World::of("include n1.conf");
    for n in 1..100 {
        world = world.with(&format!("n{n}.conf"), format!("include n{}.conf", n + 1));
    }
    assert!(error(&world).ends_with("too many include files"));
    // Every file includes the next one twice: 2^30 files if nobody counted.
    let mut world = World::of("include x1.conf");
    for n in 1..30 {
        let next = n + 1;
        world = world.with(
            &format!("x{n}.conf"),
            format!("include x{next}.conf\n").repeat(2),
        );
    }
    assert!(error(&world.with("x30.conf", "")).ends_with("too many include files"));
}

#[test]
fn variables_cannot_fill_the_memory() {
    let mut text = String::from("v0: [aaaaaaaa, bbbbbbbb]\n");
    for n in 1..40 {
        let before = n - 1;
        text.push_str(&format!(
            "v{n}: [$v{before} $v{before} $v{before} $v{before} ]\n"
        ));
    }
    // Commas are what the language wants between values on one line.
    let text = text.replace(" $v", ", $v");
    assert_eq!(error(&World::of(text)), "variables stand for too much");
}

#[test]
fn environment_chains_are_bounded() {
    let mut world = World::of("server_name: $V0");
    for n in 0..1000 {
        world.env.insert(format!("V{n}"), format!("$V{}", n + 1));
    }
    assert!(error(&world).ends_with("too many nested variables"));
}

#[test]
fn a_large_file_of_many_keys_is_read_in_one_go() {
    let mut text = String::from("server_metadata {\n");
    for n in 0..50_000 {
        text.push_str(&format!("key{n}: value{n}\n"));
    }
    text.push('}');
    let loaded = World::of(text).load().expect("valid");
    assert_eq!(loaded.options.server_metadata.len(), 50_000);
}

/// Neither the places of so many values nor help with so many mistakes may cost more than they are worth.
#[test]
fn long_lists_are_read_explained_and_compared_in_one_go() {
    let users = |password: &str| {
        let entries: Vec<String> = (0..5_000)
            .map(|n| format!("{{user: u{n}, password: {password}}}"))
            .collect();
        let text = format!("authorization {{ users: [{}] }}", entries.join("\n"));
        World::of(text).load().expect("valid")
    };
    let (old, new) = (users("a"), users("b"));
    assert!(as_file(&old.options.settings(&old.origins)).contains("u4999"));
    let diff = Diff::between(&old.options, &new.options);
    assert!(matches!(&diff.dropped[..], [Dropped::ClientsOf(users)] if users.len() == 5_000));
    let mistakes: String = (0..5_000).map(|n| format!("max_paylod{n}: 1\n")).collect();
    let rejected = World::of(mistakes).load().expect_err("mistakes");
    assert_eq!(rejected.errors.len(), 5_000);
}
