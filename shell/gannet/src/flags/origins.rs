//! Which settings each flag gives a value. Not here: the values (`server`, `cluster`, `tls`).

use gannet_config::{KeyPath, Origins};

/// The flags by their long names in the order in which they are applied, each with its settings. Where
/// several have a say, the last one has the last word.
const SETTINGS: &[(&str, &[&str])] = &[
    ("addr", &["host"]),
    ("port", &["port"]),
    ("http_port", &["http", "http_port"]),
    ("https_port", &["https", "https_port"]),
    ("profile", &["prof_port"]),
    ("name", &["server_name"]),
    ("pid", &["pid_file"]),
    ("client_advertise", &["client_advertise"]),
    ("ports_file_dir", &["ports_file_dir"]),
    ("store_dir", &["store_dir"]),
    ("user", &["authorization.user"]),
    ("pass", &["authorization.password"]),
    ("auth", &["authorization.token"]),
    ("log", &["log_file"]),
    ("log_size_limit", &["logfile_size_limit"]),
    ("max_traced_msg_len", &["max_traced_msg_len"]),
    ("syslog", &["syslog"]),
    ("remote_syslog", &["remote_syslog"]),
    ("log_format", &["log_format"]),
    ("logtime", &["logtime"]),
    ("logtime_utc", &["logtime_utc"]),
    ("debug", &["debug"]),
    ("trace", &["trace"]),
    ("DV", &["debug", "trace"]),
    ("DVV", &["debug", "trace", "trace_verbose"]),
    ("VV", &["trace", "trace_verbose"]),
    ("tls", &[]),
    ("tlscert", OF_TLS),
    ("tlskey", OF_TLS),
    ("tlsverify", OF_TLS),
    ("tlscacert", OF_TLS),
    ("cluster_name", &["cluster.name"]),
    ("cluster_advertise", &["cluster.advertise"]),
    ("no_advertise", &["cluster.no_advertise"]),
    ("connect_retries", &["cluster.connect_retries"]),
    (
        "cluster",
        &[
            "cluster.host",
            "cluster.port",
            "cluster.authorization.user",
            "cluster.authorization.password",
        ],
    ),
    ("routes", &["cluster.routes"]),
];

/// Whichever of these flags is given, all of this is as the flags say.
const OF_TLS: &[&str] = &[
    "tls.certs",
    "tls.cert_file",
    "tls.key_file",
    "tls.ca_file",
    "tls.verify",
    "tls.insecure",
    "tls.min_version",
    "tls.cipher_suites",
    "tls.curve_preferences",
];

/// Notes what was given by the flags that were `spelled` so, each with its long name.
pub(super) fn note(spelled: &[(String, String)], origins: &mut Origins) {
    for (flag, settings) in SETTINGS {
        let Some((_, written)) = spelled.iter().rev().find(|(long, _)| long == flag) else {
            continue;
        };
        let dashes = if written.chars().count() == 1 {
            "-"
        } else {
            "--"
        };
        for setting in *settings {
            origins.set_by_flag(KeyPath::of(setting), &format!("{dashes}{written}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::server;
    use super::SETTINGS;

    #[test]
    fn every_flag_is_known_by_its_settings() {
        let others = [
            "config", "check", "signal", "dry-run", "monitor", "json", "help", "version",
            "help_tls", "without",
        ];
        let flags = server::definition();
        let longs = flags.get_arguments().filter_map(|arg| arg.get_long());
        let mut longs: Vec<&str> = longs.filter(|long| !others.contains(long)).collect();
        let mut known: Vec<&str> = SETTINGS.iter().map(|(flag, _)| *flag).collect();
        longs.sort_unstable();
        known.sort_unstable();
        assert_eq!(longs, known);
    }
}
