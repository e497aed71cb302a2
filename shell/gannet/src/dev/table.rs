//! What `gannet dev` prints: the table of servers, and a line per change.

use std::fmt::Write as _;

use gannet_rt::Rt;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Running;
use super::plan::{HOST, Site};
use super::state::{Change, State};

const HEADINGS: [&str; 6] = [
    "Cluster",
    "Server",
    "Clients",
    "Gateway",
    "Monitoring",
    "Links up",
];

/// All servers, where they are reached, and how many of their links are up.
pub(super) fn table(running: &[Running], state: &State) -> String {
    let rows: Vec<[String; 6]> = running.iter().map(|one| row(&one.site, state)).collect();
    let mut text = aligned(&rows);
    // Writing to a String doesn't fail.
    let _ = write!(text, "\n{} Ctrl-C ends it.", summary(state));
    text
}

/// A line for a link that came or went.
pub(super) fn change(rt: &Rt, change: &Change, state: &State) -> String {
    let now = Timestamp::from_nanosecond(i128::from(rt.wall().as_unix_nanos())).unwrap_or_default();
    let time = now
        .to_zoned(TimeZone::system())
        .strftime("%H:%M:%S")
        .to_string();
    format!("{time} {} {}", changed(change), summary(state))
}

fn changed(change: &Change) -> String {
    let (from, to) = (&change.pair.from, &change.pair.to);
    let is = if change.up { "is up." } else { "is down." };
    format!("The link from {from} to {to} {is}")
}

fn summary(state: &State) -> String {
    match state.total() {
        (up, all) if up == all => format!("All {all} links are up."),
        (up, all) => format!("{up} of {all} links are up."),
    }
}

fn row(site: &Site, state: &State) -> [String; 6] {
    let (up, all) = state.links_of(&site.cluster);
    let url = |scheme: &str, port: u16| format!("{scheme}://{HOST}:{port}");
    [
        site.cluster.clone(),
        site.server.clone(),
        url("nats", site.client),
        url("nats", site.gateway),
        site.monitoring
            .map_or_else(|| "off".to_string(), |port| url("http", port)),
        format!("{up}/{all}"),
    ]
}

/// The rows under their headings, in columns.
fn aligned(rows: &[[String; 6]]) -> String {
    let mut widths = HEADINGS.map(str::len);
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.len());
        }
    }
    let mut text = String::new();
    let mut line = |cells: [&str; 6]| {
        let mut line = String::new();
        for (cell, width) in cells.iter().zip(widths) {
            // Writing to a String doesn't fail.
            let _ = write!(line, "{cell:<width$}   ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    };
    line(HEADINGS);
    for row in rows {
        line(row.each_ref().map(String::as_str));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::state::Pair;
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let site = |cluster: &str, monitoring| Site {
            cluster: cluster.into(),
            server: format!("{cluster}-1"),
            client: 4222,
            gateway: 7222,
            monitoring,
        };
        let state = State::with(&[("A", "B", true), ("B", "A", true)]);
        let rows = [
            row(&site("A", Some(8222)), &state),
            row(&site("B", None), &state),
        ];
        let want = "\
Cluster   Server   Clients                 Gateway                 Monitoring              Links up
A         A-1      nats://127.0.0.1:4222   nats://127.0.0.1:7222   http://127.0.0.1:8222   1/1
B         B-1      nats://127.0.0.1:4222   nats://127.0.0.1:7222   off                     1/1
";
        assert_eq!(aligned(&rows), want);
        assert_eq!(summary(&state), "All 2 links are up.");
    }

    #[test]
    fn a_change_names_both_ends() {
        let pair = Pair {
            from: "A".into(),
            to: "B".into(),
        };
        let state = State::with(&[("A", "B", false), ("B", "A", true)]);
        assert_eq!(
            changed(&Change { pair, up: false }),
            "The link from A to B is down."
        );
        assert_eq!(summary(&state), "1 of 2 links are up.");
    }
}
