//! Tables: command line → why it is refused.

use super::invocation;

#[test]
fn wrong_lines_are_refused_in_the_reference_words() {
    for (line, wanted) in [
        (
            "nats-server -bogus",
            "nats-server: flag provided but not defined: -bogus",
        ),
        (
            "gannet --bogus=3",
            "gannet: flag provided but not defined: -bogus",
        ),
        ("gannet ---p", "gannet: bad flag syntax: ---p"),
        ("gannet -=x", "gannet: bad flag syntax: -=x"),
        ("gannet --=x", "gannet: bad flag syntax: --=x"),
        ("gannet -p", "gannet: flag needs an argument: -p"),
        (
            "gannet --http_port",
            "gannet: flag needs an argument: -http_port",
        ),
        (
            "gannet -p abc",
            "gannet: invalid value \"abc\" for flag -p: parse error",
        ),
        (
            "gannet --port=",
            "gannet: invalid value \"\" for flag -port: parse error",
        ),
        (
            "gannet -m 1.5",
            "gannet: invalid value \"1.5\" for flag -m: parse error",
        ),
        (
            "gannet -p 70000",
            "gannet: invalid value \"70000\" for flag -p: value out of range",
        ),
        (
            "gannet --log_size_limit 99999999999999999999",
            "gannet: invalid value \"99999999999999999999\" for flag -log_size_limit: \
             value out of range",
        ),
        (
            "gannet --log_format xml",
            "gannet: invalid value \"xml\" for flag -log_format: a log format is \"text\" or \"json\"",
        ),
        (
            "gannet -D=maybe",
            "gannet: invalid boolean value \"maybe\" for -D: parse error",
        ),
        (
            "gannet -DV=",
            "gannet: invalid boolean value \"\" for -DV: parse error",
        ),
        (
            "gannet -js=maybe",
            "gannet: invalid boolean value \"maybe\" for -js: parse error",
        ),
        ("gannet foo", "gannet: unrecognized command: \"foo\""),
        ("gannet -D false", "gannet: unrecognized command: \"false\""),
        ("gannet -", "gannet: unrecognized command: \"-\""),
        ("gannet -- -p 3", "gannet: unrecognized command: \"-p\""),
        (
            "nats-server dev",
            "nats-server: unrecognized command: \"dev\"",
        ),
        (
            "nats-server bench",
            "nats-server: unrecognized command: \"bench\"",
        ),
        (
            "gannet -t",
            "gannet: must specify [-c, --config] option to check configuration file syntax",
        ),
        (
            "gannet -sl stop=a=b=c",
            "gannet: invalid signal parameters: [b c]",
        ),
        ("gannet -sl foo", "gannet: unknown signal \"foo\""),
    ] {
        assert_eq!(invocation(line), Err(wanted.to_string()), "{line}");
    }
}

#[test]
fn flags_of_unbuilt_parts_say_so() {
    for (line, flag, feature) in [
        ("gannet -js", "js", "JetStream"),
        ("gannet --jetstream", "jetstream", "JetStream"),
        ("gannet -js=true -D", "js", "JetStream"),
    ] {
        let wanted = format!(
            "gannet: flag -{flag} is known but not supported yet by this version of Gannet \
             ({feature})"
        );
        assert_eq!(invocation(line), Err(wanted), "{line}");
    }
}

#[test]
fn wrong_arguments_of_dev_are_explained() {
    for (line, wanted) in [
        (
            "gannet dev --clusters 0",
            "invalid value '0' for '--clusters <M>'",
        ),
        (
            "gannet dev --clusters x",
            "invalid value 'x' for '--clusters <M>'",
        ),
        ("gannet dev --bogus", "unexpected argument '--bogus' found"),
    ] {
        let error = invocation(line).expect_err("refused");
        assert!(
            error.starts_with(&format!("gannet: {wanted}")),
            "{line}: {error}"
        );
    }
}
