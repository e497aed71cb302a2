//! What `gannet dev` prints: the table of servers, and a line per change.

use std::fmt::Write as _;
use std::time::Duration;

use gannet_node::local_zone;
use gannet_rt::Rt;
use jiff::Timestamp;

use super::Running;
use super::plan::{HOST, Site};
use super::state::{Change, Share, State};

/// What it took to start everything.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cost {
    /// From the first server's start on.
    pub(super) time: Duration,
    /// Of the whole process, in bytes.
    pub(super) memory: u64,
}

/// All servers, where they are reached, and how many of their links are up.
pub(super) fn table(running: &[Running], state: &State, cost: &Cost) -> String {
    let sites: Vec<&Site> = running.iter().map(|one| &one.site).collect();
    let mut text = aligned(&rows(&sites, state));
    let (time, memory) = (cost.time.as_secs_f64(), cost.memory >> 20);
    let count = running.len();
    let servers = if count == 1 { "server" } else { "servers" };
    // Writing to a String doesn't fail.
    let _ = write!(
        text,
        "\n{count} {servers} after {time:.2} s, in {memory} MiB. {} Ctrl-C ends it.",
        summary(state)
    );
    text
}

/// A line for a link that came or went.
pub(super) fn change(rt: &Rt, change: &Change, state: &State) -> String {
    let now = Timestamp::from_nanosecond(i128::from(rt.wall().as_unix_nanos())).unwrap_or_default();
    let time = now
        .to_zoned(local_zone(rt))
        .strftime("%H:%M:%S")
        .to_string();
    format!("{time} {} {}", changed(change), summary(state))
}

fn changed(change: &Change) -> String {
    let (from, to) = (&change.pair.from, &change.pair.to);
    let (what, is) = if change.is_route {
        ("routes", "are")
    } else {
        ("link", "is")
    };
    let how = if change.up { "up" } else { "down" };
    format!("The {what} from {from} to {to} {is} {how}.")
}

fn summary(state: &State) -> String {
    let (links, routes) = (state.links(), state.routes());
    let mut parts = Vec::new();
    // A cluster alone has no links; servers alone have no routes.
    if links.all > 0 || routes.all == 0 {
        parts.push(part(links, "links"));
    }
    if routes.all > 0 {
        parts.push(part(routes, "routes"));
    }
    parts.join(" ")
}

fn part(share: Share, what: &str) -> String {
    let Share { up, all } = share;
    if share.is_complete() {
        format!("All {all} {what} are up.")
    } else {
        format!("{up} of {all} {what} are up.")
    }
}

/// The headings, and a row for each server. What nobody has is left out.
fn rows(sites: &[&Site], state: &State) -> Vec<Vec<String>> {
    let has_routes = sites.iter().any(|site| site.route.is_some());
    let headings = [
        "Cluster",
        "Server",
        "Clients",
        "Routes",
        "Gateway",
        "Monitoring",
        "Routes up",
        "Links up",
    ];
    let headings = headings.map(str::to_owned);
    let of = |site: &&Site| {
        let at = |scheme: &str, port: Option<u16>| {
            port.map_or_else(
                || "off".to_owned(),
                |port| format!("{scheme}://{HOST}:{port}"),
            )
        };
        let share = |Share { up, all }| format!("{up}/{all}");
        [
            site.cluster.clone(),
            site.server.clone(),
            at("nats", Some(site.client)),
            at("nats", site.route),
            at("nats", Some(site.gateway)),
            at("http", site.monitoring),
            share(state.routes_of(site.name())),
            share(state.links_of(site.name())),
        ]
    };
    let all = std::iter::once(headings).chain(sites.iter().map(of));
    let shown = |cells: [String; 8]| {
        let cells = cells.into_iter().enumerate();
        let kept = cells.filter(|(at, _)| has_routes || !matches!(at, 3 | 6));
        kept.map(|(_, cell)| cell).collect()
    };
    all.map(shown).collect()
}

/// The rows in columns.
fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |at: usize| {
        rows.iter()
            .filter_map(|row| row.get(at))
            .map(String::len)
            .max()
    };
    let widths: Vec<usize> = (0..columns).filter_map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            // Writing to a String doesn't fail.
            let _ = write!(line, "{cell:<width$}   ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::state::Pair;
    use super::*;

    fn site(cluster: &str, node: u16, route: Option<u16>, monitoring: Option<u16>) -> Site {
        Site {
            cluster: cluster.into(),
            server: format!("{cluster}-{node}"),
            client: 4222,
            route,
            gateway: 7222,
            monitoring,
        }
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let state = State::with(&[("A", "B", true), ("B", "A", true)], &[]);
        let sites = [site("A", 1, None, Some(8222)), site("B", 1, None, None)];
        let want = "\
Cluster   Server   Clients                 Gateway                 Monitoring              Links up
A         A-1      nats://127.0.0.1:4222   nats://127.0.0.1:7222   http://127.0.0.1:8222   1/1
B         B-1      nats://127.0.0.1:4222   nats://127.0.0.1:7222   off                     1/1
";
        let sites: Vec<&Site> = sites.iter().collect();
        assert_eq!(aligned(&rows(&sites, &state)), want);
        assert_eq!(summary(&state), "All 2 links are up.");
    }

    #[test]
    fn servers_of_one_cluster_show_their_routes() {
        let state = State::with(&[], &[("A-1", "A-2", 4), ("A-2", "A-1", 4)]);
        let sites = [1, 2].map(|node| site("A", node, Some(6222), None));
        let want = "\
Cluster   Server   Clients                 Routes                  Gateway                 Monitoring   Routes up   Links up
A         A-1      nats://127.0.0.1:4222   nats://127.0.0.1:6222   nats://127.0.0.1:7222   off          4/4         0/0
A         A-2      nats://127.0.0.1:4222   nats://127.0.0.1:6222   nats://127.0.0.1:7222   off          4/4         0/0
";
        let sites: Vec<&Site> = sites.iter().collect();
        assert_eq!(aligned(&rows(&sites, &state)), want);
        assert_eq!(summary(&state), "All 4 routes are up.");
    }

    #[test]
    fn a_change_names_both_ends() {
        let change = |is_route, from: &str, to: &str| Change {
            is_route,
            pair: Pair {
                from: from.into(),
                to: to.into(),
            },
            up: is_route,
        };
        let routes = [("A-1", "A-2", 3), ("A-2", "A-1", 4)];
        let state = State::with(&[("A-1", "B", false), ("B", "A", true)], &routes);
        assert_eq!(
            changed(&change(false, "A-1", "B")),
            "The link from A-1 to B is down."
        );
        assert_eq!(
            changed(&change(true, "A-1", "A-2")),
            "The routes from A-1 to A-2 are up."
        );
        assert_eq!(
            summary(&state),
            "1 of 2 links are up. 3 of 4 routes are up."
        );
    }
}
