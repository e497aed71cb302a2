//! What ends without a server: versions, help, checks of configuration files, wrong flags.

use super::harness::Place;

#[test]
fn each_name_has_its_version() {
    let ours = concat!(
        "gannet: v",
        env!("CARGO_PKG_VERSION"),
        " (nats-server 2.15.1 compatible)\n"
    );
    for (name, want) in [("gannet", ours), ("nats-server", "nats-server: v2.15.1\n")] {
        let place = Place::new(name);
        for flag in ["--version", "-v", "version"] {
            assert_eq!(
                place.run(&[flag]),
                (Some(0), want.to_string(), String::new()),
                "{name} {flag}"
            );
        }
    }
}

#[test]
fn help_is_grouped_and_leads_to_the_subcommands() {
    let place = Place::new("gannet");
    let (code, out, _) = place.run(&["--help"]);
    assert_eq!(code, Some(0));
    for part in [
        "Usage: gannet [options]",
        "\nCommands:\n",
        "\n  config ",
        "\n  dev ",
        "\n  bench ",
        "\n  completions ",
        "\n  man ",
        "\nServer:\n",
        "\nLogging:\n",
        "\nAuthorization:\n",
        "\nCluster:\n",
        "\nTLS:\n",
        "\nProfiling:\n",
    ] {
        assert!(out.contains(part), "no {part:?} in:\n{out}");
    }
    for (args, part) in [
        (["dev", "--help"], "--clusters <M>"),
        (["bench", "--help"], "--vs <PATH>"),
        (["config", "--help"], "Usage: gannet config <COMMAND>"),
        (
            ["completions", "--help"],
            "Usage: gannet completions [OPTIONS] <SHELL>",
        ),
        (["man", "--help"], "Usage: gannet man [DIR]"),
    ] {
        let (code, out, err) = place.run(&args);
        assert_eq!((code, err.as_str()), (Some(0), ""), "{args:?}");
        assert!(out.contains(part), "no {part:?} in:\n{out}");
    }
}

#[test]
fn a_good_file_is_valid_and_has_the_reference_servers_digest() {
    let place = Place::new("nats-server");
    place.write(
        "good.conf",
        "gateway { name: A, host: 127.0.0.1, port: 24222 }\nport: 24223\nhost: 127.0.0.1\n",
    );
    let told = "nats-server: configuration file good.conf is valid \
                (sha256:c04c94cbcefcd30a466330bf377ed91d9aadc7250c5168080a415f03e2767d15)\n";
    assert_eq!(
        place.run(&["-t", "-c", "good.conf"]),
        (Some(0), String::new(), told.to_string())
    );
}

#[test]
fn a_bad_or_doubtful_file_is_refused_by_the_check() {
    let place = Place::new("gannet");
    for (text, told) in [
        (
            "port: x",
            "gannet: f.conf:1:0: interface conversion: interface {} is string, not int64\n  \
             help: a whole number is wanted, with or without a unit: 4222, 8MB\n\n",
        ),
        (
            "pors: 1",
            "gannet: f.conf:1:0: unknown field \"pors\"\n  help: did you mean \"port\"?\n\n",
        ),
        (
            "hello: 1",
            "gannet: f.conf:1:0: unknown field \"hello\"\n\n",
        ),
        ("", "gannet: f.conf: config has no values or is empty\n\n"),
        (
            "ping_interval: 12",
            "gannet: f.conf:1:0: invalid use of field \"ping_interval\": \
             ping_interval should be converted to a duration\n\n",
        ),
    ] {
        place.write("f.conf", text);
        assert_eq!(
            place.run(&["-t", "-c", "f.conf"]),
            (Some(1), String::new(), told.to_string()),
            "{text:?}"
        );
    }
    let told = "gannet: open none.conf: no such file or directory\n".to_string();
    assert_eq!(
        place.run(&["-t", "-c", "none.conf"]),
        (Some(1), String::new(), told.clone())
    );
    assert_eq!(
        place.run(&["-c", "none.conf"]),
        (Some(1), String::new(), told)
    );
}

#[test]
fn what_cannot_be_understood_is_refused() {
    let place = Place::new("gannet");
    for (args, told) in [
        (
            &["--nonsense"][..],
            "gannet: flag provided but not defined: -nonsense\n",
        ),
        (
            &["-p", "x"],
            "gannet: invalid value \"x\" for flag -p: parse error\n",
        ),
        (
            &["-t"],
            "gannet: must specify [-c, --config] option to check configuration file syntax\n",
        ),
        (
            &["-js"],
            "gannet: flag -js is known but not supported yet by this version of Gannet (JetStream)\n",
        ),
        (
            &["nonsense"],
            "gannet: unrecognized command: \"nonsense\"\n",
        ),
    ] {
        assert_eq!(
            place.run(args),
            (Some(1), String::new(), told.to_string()),
            "{args:?}"
        );
    }
    let (code, _, told) = place.run(&["dev", "--clusters", "0"]);
    assert_eq!(code, Some(1));
    assert!(told.contains("0 is not in 1..=64"), "{told}");
}

#[test]
fn options_that_contradict_each_other_are_refused_at_the_start() {
    let place = Place::new("nats-server");
    place.write(
        "f.conf",
        "lame_duck_duration: \"31s\"\nlame_duck_grace_period: \"40s\"",
    );
    let told = "nats-server: lame duck grace period (40s) should be strictly lower than lame duck duration (31s)\n";
    assert_eq!(
        place.run(&["-c", "f.conf"]),
        (Some(1), String::new(), told.to_string())
    );
}
