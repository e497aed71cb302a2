//! Which links of the super-cluster are up, and what has changed. Not here: how that is shown.

use std::collections::BTreeMap;

use super::Running;

/// Connections between two servers of a cluster that makes pools of the default size: the pool, and the
/// system account's own.
const ROUTES: usize = 4;

/// The way from one server to a cluster, or to another server of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pair {
    pub(super) from: String,
    pub(super) to: String,
}

/// What is up at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    /// For every link to another cluster that should be: whether messages can go that way.
    links: BTreeMap<Pair, bool>,
    /// For every two servers of a cluster, and each way: connections that stand.
    routes: BTreeMap<Pair, usize>,
}

/// What came or went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// It is about all connections to a server of the same cluster, not about a link to another one.
    pub(super) is_route: bool,
    pub(super) pair: Pair,
    pub(super) up: bool,
}

/// How much of something is up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) up: usize,
    pub(super) all: usize,
}

impl Share {
    /// Whether all of it is up.
    pub(super) fn is_complete(self) -> bool {
        self.up == self.all
    }
}

impl State {
    /// What is up now.
    pub(super) fn of(running: &[Running]) -> State {
        let mut state = State::default();
        for from in running {
            let pair = |to: &str| Pair {
                from: from.site.name().to_owned(),
                to: to.to_owned(),
            };
            let links = from.server.gateway_links();
            let routes = from.server.route_links();
            for to in running.iter().map(|to| &to.site) {
                if to.cluster != from.site.cluster {
                    let mut links = links.iter();
                    let up = links.any(|link| link.remote == to.cluster && link.outbound);
                    state.links.insert(pair(&to.cluster), up);
                } else if to.server != from.site.server {
                    let standing = routes.iter().filter(|route| route.remote == to.server);
                    state.routes.insert(pair(&to.server), standing.count());
                }
            }
        }
        state
    }

    /// Whether everything is up.
    pub(super) fn is_complete(&self) -> bool {
        self.links().is_complete() && self.routes().is_complete()
    }

    /// The links to other clusters of the whole super-cluster.
    pub(super) fn links(&self) -> Share {
        share(self.links.values().map(|up| (usize::from(*up), 1)))
    }

    /// The routes of the whole super-cluster, each counted once.
    pub(super) fn routes(&self) -> Share {
        let Share { up, all } = share(self.routes.values().map(|up| (*up, ROUTES)));
        Share {
            up: up / 2,
            all: all / 2,
        }
    }

    /// A server's links to other clusters.
    pub(super) fn links_of(&self, from: &str) -> Share {
        let own = self.links.iter().filter(|(pair, _)| pair.from == from);
        share(own.map(|(_, up)| (usize::from(*up), 1)))
    }

    /// A server's connections to the others of its cluster.
    pub(super) fn routes_of(&self, from: &str) -> Share {
        let own = self.routes.iter().filter(|(pair, _)| pair.from == from);
        share(own.map(|(_, up)| (*up, ROUTES)))
    }

    /// What is not as it was.
    pub(super) fn changes_since(&self, before: &State) -> Vec<Change> {
        let links = (self.links.iter())
            .filter(|(pair, up)| before.links.get(pair) != Some(up))
            .map(|(pair, up)| Change {
                is_route: false,
                pair: pair.clone(),
                up: *up,
            });
        let is_up = |state: &State, pair: &Pair| state.routes.get(pair) == Some(&ROUTES);
        let routes = (self.routes.keys())
            .filter(|pair| is_up(self, pair) != is_up(before, pair))
            .map(|pair| Change {
                is_route: true,
                pair: pair.clone(),
                up: is_up(self, pair),
            });
        links.chain(routes).collect()
    }

    #[cfg(test)]
    pub(super) fn with(links: &[(&str, &str, bool)], routes: &[(&str, &str, usize)]) -> State {
        let pair = |from: &str, to: &str| Pair {
            from: from.into(),
            to: to.into(),
        };
        State {
            links: (links.iter())
                .map(|(from, to, up)| (pair(from, to), *up))
                .collect(),
            routes: (routes.iter())
                .map(|(from, to, up)| (pair(from, to), *up))
                .collect(),
        }
    }
}

fn share(parts: impl Iterator<Item = (usize, usize)>) -> Share {
    parts.fold(Share::default(), |sum, (up, all)| Share {
        up: sum.up + up,
        all: sum.all + all,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_routes_are_counted_for_each_server_and_for_all() {
        let links = [("A-1", "B", true), ("A-2", "B", false), ("B", "A", true)];
        let routes = [("A-1", "A-2", 4), ("A-2", "A-1", 3)];
        let state = State::with(&links, &routes);
        assert_eq!(state.links_of("A-1"), Share { up: 1, all: 1 });
        assert_eq!(state.links_of("A-2"), Share { up: 0, all: 1 });
        assert_eq!(state.links(), Share { up: 2, all: 3 });
        assert_eq!(state.routes_of("A-2"), Share { up: 3, all: 4 });
        assert_eq!(state.routes(), Share { up: 3, all: 4 });
        assert!(!state.is_complete());
        let links = [("A-1", "B", true), ("A-2", "B", true), ("B", "A", true)];
        let routes = [("A-1", "A-2", 4), ("A-2", "A-1", 4)];
        assert!(State::with(&links, &routes).is_complete());
    }

    #[test]
    fn changes_name_the_way_and_its_new_state() {
        let before = State::with(&[("A", "B", true), ("B", "A", false)], &[("A-1", "A-2", 4)]);
        let after = State::with(
            &[("A", "B", false), ("B", "A", false)],
            &[("A-1", "A-2", 3)],
        );
        let gone = |is_route, from: &str, to: &str| Change {
            is_route,
            pair: Pair {
                from: from.into(),
                to: to.into(),
            },
            up: false,
        };
        assert_eq!(
            after.changes_since(&before),
            [gone(false, "A", "B"), gone(true, "A-1", "A-2")]
        );
        assert_eq!(after.changes_since(&after), []);
    }
}
