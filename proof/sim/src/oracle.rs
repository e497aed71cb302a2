//! The oracle: a naive model of who must get a message, over whole super-clusters.
//!
//! The rules, from the manual's chapters on queue groups and gateways: every plain subscription gets the
//! message; of every queue group (one name, whatever the patterns) one member does: one at the publisher's
//! own cluster if it has any, otherwise one of the nearest cluster that has.
//!
//! Not here: anything about time. The model knows a state of affairs in which nothing moves.

use std::collections::{BTreeMap, BTreeSet};

/// A subscription of the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The caller's number for it.
    pub id: usize,
    /// The cluster it lives in.
    pub cluster: usize,
    /// What it is subscribed to.
    pub pattern: String,
    /// Its queue group.
    pub queue: Option<String>,
}

/// Which clusters are nearest to which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Distances {
    /// Nobody can say: any other cluster may be the nearest.
    Unknown,
    /// The round trip from one cluster to another, in any unit.
    Known(Vec<Vec<u64>>),
}

/// Who must get one message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Each of these exactly once.
    pub everyone: BTreeSet<usize>,
    /// By group: exactly one of these.
    pub one_of: BTreeMap<String, BTreeSet<usize>>,
}

/// Who must get a message published on `subject` in the cluster `origin`.
pub fn answer(members: &[Member], distances: &Distances, origin: usize, subject: &str) -> Answer {
    let mut answer = Answer::default();
    let mut groups: BTreeMap<&str, Vec<&Member>> = BTreeMap::new();
    for member in members.iter().filter(|m| matches(&m.pattern, subject)) {
        match &member.queue {
            None => {
                answer.everyone.insert(member.id);
            }
            Some(queue) => groups.entry(queue).or_default().push(member),
        }
    }
    for (queue, group) in groups {
        let chosen = candidates(&group, distances, origin);
        answer.one_of.insert(queue.to_owned(), chosen);
    }
    answer
}

/// The members of a group among whom the choice is free.
fn candidates(group: &[&Member], distances: &Distances, origin: usize) -> BTreeSet<usize> {
    let those = |f: &dyn Fn(usize) -> bool| -> BTreeSet<usize> {
        group
            .iter()
            .filter(|m| f(m.cluster))
            .map(|m| m.id)
            .collect()
    };
    let local = those(&|cluster| cluster == origin);
    if !local.is_empty() {
        return local;
    }
    match distances {
        Distances::Unknown => those(&|_| true),
        Distances::Known(trips) => {
            let nearest = group.iter().map(|m| trips[origin][m.cluster]).min();
            those(&|cluster| Some(trips[origin][cluster]) == nearest)
        }
    }
}

impl Answer {
    /// What is wrong with these deliveries, if anything.
    pub fn verdict(&self, got: &[usize]) -> Result<(), String> {
        let mut left: BTreeMap<usize, usize> = BTreeMap::new();
        for id in got {
            *left.entry(*id).or_default() += 1;
        }
        for id in &self.everyone {
            match left.remove(id).unwrap_or(0) {
                1 => {}
                0 => return Err(format!("subscription {id} did not get it")),
                n => return Err(format!("subscription {id} got it {n} times")),
            }
        }
        for (queue, members) in &self.one_of {
            let times: usize = members.iter().filter_map(|id| left.remove(id)).sum();
            if times != 1 {
                return Err(format!(
                    "of the group {queue:?}, members {members:?}, {times} got it instead of one"
                ));
            }
        }
        match left.keys().next() {
            None => Ok(()),
            Some(id) => Err(format!("subscription {id} got it and should not have")),
        }
    }

    /// Whether nobody is to get the message.
    pub fn is_nobody(&self) -> bool {
        self.everyone.is_empty() && self.one_of.is_empty()
    }
}

/// Whether `subject` falls under `pattern`: token by token, as slowly as can be.
pub fn matches(pattern: &str, subject: &str) -> bool {
    let (mut pattern, mut subject) = (pattern.split('.'), subject.split('.'));
    loop {
        match (pattern.next(), subject.next()) {
            (Some(">"), Some(_)) => return true,
            (Some("*"), Some(_)) => {}
            (Some(want), Some(token)) if want == token => {}
            (None, None) => return true,
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_cover_what_the_manual_says() {
        let cases = [
            ("a.b", "a.b", true),
            ("a.b", "a.c", false),
            ("a.*", "a.b", true),
            ("a.*", "a", false),
            ("a.*", "a.b.c", false),
            ("a.>", "a.b.c", true),
            ("a.>", "a", false),
            (">", "a", true),
            ("*.b", "a.b", true),
        ];
        for (pattern, subject, expected) in cases {
            assert_eq!(matches(pattern, subject), expected, "{pattern} {subject}");
        }
    }

    fn member(id: usize, cluster: usize, queue: Option<&str>) -> Member {
        Member {
            id,
            cluster,
            pattern: "a.*".into(),
            queue: queue.map(str::to_owned),
        }
    }

    #[test]
    fn the_own_cluster_wins_and_then_the_nearest() {
        let members = [
            member(0, 0, None),
            member(1, 1, Some("q")),
            member(2, 2, Some("q")),
            member(3, 2, None),
        ];
        let trips = Distances::Known(vec![vec![0, 5, 9], vec![5, 0, 9], vec![9, 9, 0]]);
        let chosen = |origin, distances: &Distances| {
            answer(&members, distances, origin, "a.x").one_of["q"]
                .iter()
                .copied()
                .collect::<Vec<_>>()
        };
        assert_eq!(chosen(0, &trips), [1]);
        assert_eq!(chosen(2, &trips), [2]);
        assert_eq!(chosen(0, &Distances::Unknown), [1, 2]);
        let whole = answer(&members, &trips, 0, "a.x");
        assert_eq!(whole.everyone, BTreeSet::from([0, 3]));
        assert!(answer(&members, &trips, 0, "b").is_nobody());
    }

    #[test]
    fn a_wrong_set_of_deliveries_is_named() {
        let members = [
            member(0, 0, None),
            member(1, 1, Some("q")),
            member(2, 1, Some("q")),
        ];
        let expected = answer(&members, &Distances::Unknown, 0, "a.x");
        let said = |got: &[usize]| expected.verdict(got).err();
        assert_eq!(said(&[2, 0]), None);
        assert_eq!(said(&[2]).as_deref(), Some("subscription 0 did not get it"));
        assert_eq!(
            said(&[0, 0, 1]).as_deref(),
            Some("subscription 0 got it 2 times")
        );
        assert_eq!(
            said(&[0, 1, 2]).as_deref(),
            Some("of the group \"q\", members {1, 2}, 2 got it instead of one")
        );
        assert_eq!(
            said(&[0]).as_deref(),
            Some("of the group \"q\", members {1, 2}, 0 got it instead of one")
        );
        assert_eq!(
            said(&[0, 1, 7]).as_deref(),
            Some("subscription 7 got it and should not have")
        );
    }
}
