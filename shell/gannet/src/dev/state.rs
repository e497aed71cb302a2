//! Which links of the super-cluster are up, and what has changed. Not here: how that is shown.

use std::collections::BTreeMap;

use super::Running;

/// The link of one cluster to another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pair {
    pub(super) from: String,
    pub(super) to: String,
}

/// What is up at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    /// For every link that should be: whether messages can go that way.
    links: BTreeMap<Pair, bool>,
}

/// A link that came or went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) pair: Pair,
    pub(super) up: bool,
}

impl State {
    /// What is up now.
    pub(super) fn of(running: &[Running]) -> State {
        let mut links = BTreeMap::new();
        for from in running {
            let standing = from.server.gateway_links();
            let others = running
                .iter()
                .filter(|to| to.site.cluster != from.site.cluster);
            for to in others {
                let up = standing
                    .iter()
                    .any(|link| link.remote == to.site.cluster && link.outbound);
                let pair = Pair {
                    from: from.site.cluster.clone(),
                    to: to.site.cluster.clone(),
                };
                links.insert(pair, up);
            }
        }
        State { links }
    }

    /// Whether every link is up.
    pub(super) fn is_complete(&self) -> bool {
        self.links.values().all(|up| *up)
    }

    /// How many other clusters are linked with this one, both ways, and how many there are.
    pub(super) fn links_of(&self, cluster: &str) -> (usize, usize) {
        let own = self.links.iter().filter(|(pair, _)| pair.from == cluster);
        let back = |pair: &Pair| Pair {
            from: pair.to.clone(),
            to: pair.from.clone(),
        };
        let both = own
            .clone()
            .filter(|(pair, up)| **up && self.links.get(&back(pair)) == Some(&true));
        (both.count(), own.count())
    }

    /// What is up of the whole super-cluster, and what should be.
    pub(super) fn total(&self) -> (usize, usize) {
        (
            self.links.values().filter(|up| **up).count(),
            self.links.len(),
        )
    }

    /// What is not as it was.
    pub(super) fn changes_since(&self, before: &State) -> Vec<Change> {
        let changed = self
            .links
            .iter()
            .filter(|(pair, up)| before.links.get(pair) != Some(up));
        changed
            .map(|(pair, up)| Change {
                pair: pair.clone(),
                up: *up,
            })
            .collect()
    }

    #[cfg(test)]
    pub(super) fn with(links: &[(&str, &str, bool)]) -> State {
        let pair = |from: &str, to: &str| Pair {
            from: from.into(),
            to: to.into(),
        };
        State {
            links: links
                .iter()
                .map(|(from, to, up)| (pair(from, to), *up))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_is_linked_if_both_ways_are_up() {
        let mut links = [
            ("A", "B", true),
            ("B", "A", true),
            ("A", "C", true),
            ("C", "A", false),
        ]
        .to_vec();
        links.extend([("B", "C", false), ("C", "B", false)]);
        let state = State::with(&links);
        assert_eq!(state.links_of("A"), (1, 2));
        assert_eq!(state.links_of("C"), (0, 2));
        assert_eq!(state.total(), (3, 6));
        assert!(!state.is_complete());
    }

    #[test]
    fn changes_name_the_link_and_its_new_state() {
        let before = State::with(&[("A", "B", true), ("B", "A", false)]);
        let after = State::with(&[("A", "B", false), ("B", "A", false)]);
        let gone = Change {
            pair: Pair {
                from: "A".into(),
                to: "B".into(),
            },
            up: false,
        };
        assert_eq!(after.changes_since(&before), [gone]);
        assert_eq!(after.changes_since(&after), []);
    }
}
