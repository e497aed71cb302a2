//! The command line without its secrets, for those who look at a running server. Not here: what flags mean.

use gannet_config::redacted;

/// What takes the place of a secret.
const MASK: &str = "[REDACTED]";

/// The arguments, the first of which is the program's own path, without passwords, tokens and the credentials in URLs:
/// by the flags and in the form that the reference server has.
pub(crate) fn redacted_arguments(arguments: impl Iterator<Item = String>) -> Vec<String> {
    let mut shown: Vec<String> = Vec::new();
    let mut hide: Option<fn(&str) -> String> = None;
    for argument in arguments {
        if let Some(hide) = hide.take() {
            shown.push(hide(&argument));
            continue;
        }
        match argument.split_once('=') {
            Some((flag, value)) if is_flag(flag) => match hider(flag) {
                Some(hide) => shown.push(format!("{flag}={}", hide(value))),
                None => shown.push(argument),
            },
            _ => {
                hide = Some(&argument)
                    .filter(|a| is_flag(a))
                    .and_then(|a| hider(a));
                shown.push(argument);
            }
        }
    }
    shown
}

fn is_flag(argument: &str) -> bool {
    argument.starts_with('-')
}

/// How to hide what is secret in the flag's value, if something is.
fn hider(flag: &str) -> Option<fn(&str) -> String> {
    let name = flag.strip_prefix('-')?;
    match name.strip_prefix('-').unwrap_or(name) {
        "user" | "pass" | "auth" => Some(|_| MASK.into()),
        "routes" | "cluster" | "cluster_listen" => Some(|urls| {
            let urls: Vec<String> = urls.split(',').map(redacted).collect();
            urls.join(",")
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::redacted_arguments;

    #[test]
    fn secrets_are_not_in_the_arguments() {
        for (line, want) in [
            ("gannet -c a.conf", "gannet -c a.conf"),
            (
                "gannet --user u --pass=p -auth t -p 1",
                "gannet --user [REDACTED] --pass=[REDACTED] -auth [REDACTED] -p 1",
            ),
            (
                "gannet --cluster nats://a:b@127.0.0.1:-1 --routes nats://x:y@h:1,nats://z@h:2,nats://h:3",
                "gannet --cluster nats://[REDACTED]@127.0.0.1:-1 \
                 --routes nats://[REDACTED]@h:1,nats://[REDACTED]@h:2,nats://h:3",
            ),
            (
                "gannet -cluster_listen=nats://a:b@h:1",
                "gannet -cluster_listen=nats://[REDACTED]@h:1",
            ),
            ("gannet --pass", "gannet --pass"),
            ("gannet --pass --user x", "gannet --pass [REDACTED] x"),
            ("gannet user x", "gannet user x"),
        ] {
            let shown = redacted_arguments(line.split(' ').map(str::to_owned));
            assert_eq!(shown.join(" "), want, "{line}");
        }
    }
}
