//! Tables: `--without` and `GANNET_WITHOUT` → what is left out of the file.

use gannet_config::{Source, Without};

use super::invocation;

/// An environment with `GANNET_WITHOUT` in it, or without.
struct Environment(Option<&'static str>);

impl Source for Environment {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        Err(format!("open {path}: no such file or directory"))
    }

    fn env(&self, name: &str) -> Option<String> {
        let value = (name == "GANNET_WITHOUT").then_some(self.0)?;
        value.map(str::to_owned)
    }
}

fn without(line: &str, variable: Option<&'static str>) -> Result<Without, String> {
    let invocation = invocation(line)?;
    let without = invocation.without(&Environment(variable));
    without.map_err(|error| error.to_string())
}

#[test]
fn the_flag_comes_before_the_environment() {
    for (line, variable, parts) in [
        ("gannet", None, ""),
        ("gannet", Some(""), ""),
        ("gannet", Some("leafnodes,websocket"), "websocket,leafnodes"),
        ("nats-server", Some("ws"), "websocket"),
        ("gannet --without mqtt", Some("websocket"), "mqtt"),
        ("gannet --without=mqtt", Some("bogus"), "mqtt"),
        ("nats-server -without leaf,MQTT", None, "leafnodes,mqtt"),
        ("gannet --without ''", Some("websocket"), ""),
    ] {
        assert_eq!(
            without(line, variable),
            parts.parse(),
            "{line} {variable:?}"
        );
    }
}

#[test]
fn what_is_no_unbuilt_part_is_refused_with_the_list() {
    let all = Without::possible().join(", ");
    let reason =
        format!("\"cluster\" is no part that can be left out until it is built; those are {all}");
    assert_eq!(
        without("gannet --without leafnodes,cluster", None),
        Err(format!(
            "gannet: invalid value \"leafnodes,cluster\" for flag -without: {reason}"
        ))
    );
    assert_eq!(
        without("gannet", Some("cluster")),
        Err(format!("invalid value of GANNET_WITHOUT: {reason}"))
    );
}
