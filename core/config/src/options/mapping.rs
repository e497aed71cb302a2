//! What makes the parts of a mapping contradict each other, and its shares. Not here: its fields (`account`), and how
//! a message is mapped (`gannet_broker`).

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use gannet_subject::{Transform, TransformError, is_valid_pattern, with_numbers};

use super::account::{Destination, Mapping};
use crate::text::quote::quoted;

/// All of the messages, in percent.
const ALL: u8 = 100;

/// Why a mapping is refused, in the reference's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MappingFault {
    /// Two destinations have the same subject, whatever their clusters.
    #[error("duplicate entry for {}", quoted(.0))]
    Duplicate(String),
    /// More than everything goes to one destination.
    #[error("individual weights need to be <= 100")]
    Weight,
    /// More than everything goes to the destinations of one cluster, or to those of no cluster.
    #[error("total weight needs to be <= 100")]
    TotalWeight,
    /// The source is no subject, or a destination does not go with it.
    #[error(transparent)]
    Transform(#[from] TransformError),
}

impl Mapping {
    /// Finds what is wrong with it.
    pub fn check(&self) -> Result<(), MappingFault> {
        if is_valid_pattern(self.source.as_bytes()).is_err() {
            return Err(TransformError::InvalidSubject.into());
        }
        let mut totals: BTreeMap<Option<&str>, u8> = BTreeMap::new();
        for (at, destination) in self.destinations.iter().enumerate() {
            let subject = &destination.subject;
            if self.destinations[..at]
                .iter()
                .any(|other| other.subject == *subject)
            {
                return Err(MappingFault::Duplicate(subject.clone()));
            }
            if destination.weight > ALL {
                return Err(MappingFault::Weight);
            }
            let total = totals.entry(destination.cluster.as_deref()).or_default();
            *total = total.saturating_add(destination.weight);
            if *total > ALL {
                return Err(MappingFault::TotalWeight);
            }
            Transform::mapping(&self.source, subject)?;
        }
        Ok(())
    }

    /// Whether the source is a destination, too. What no weight speaks of is lost then, and goes on to the source
    /// otherwise.
    pub fn lists_source(&self) -> bool {
        self.destinations
            .iter()
            .any(|destination| destination.subject == self.source)
    }

    /// The destinations that count in a cluster: those that name it, or those without any if none does.
    pub fn destinations_in(&self, cluster: Option<&str>) -> Vec<&Destination> {
        let of = |cluster: Option<&str>| {
            let all = self.destinations.iter();
            all.filter(|d| d.cluster.as_deref() == cluster)
                .collect::<Vec<_>>()
        };
        let own = of(cluster);
        if own.is_empty() { of(None) } else { own }
    }

    /// The destinations as monitoring shows them: those of no cluster first, each list from the smallest share to the
    /// largest, the source for what is left; and with each the sum of the shares up to it.
    pub fn summed(&self) -> Vec<Destination> {
        let mut lists: BTreeMap<Option<&str>, Vec<Destination>> = BTreeMap::new();
        lists.entry(None).or_default();
        for destination in &self.destinations {
            let list = lists.entry(destination.cluster.as_deref()).or_default();
            list.push(destination.clone());
        }
        let mut summed = Vec::new();
        for (cluster, mut list) in lists {
            let total = list
                .iter()
                .fold(0, |sum: u8, d| sum.saturating_add(d.weight));
            if total < ALL && !self.lists_source() {
                list.push(Destination {
                    subject: with_numbers(&self.source),
                    weight: ALL - total,
                    cluster: cluster.map(Into::into),
                });
            }
            list.sort_by_key(|destination| destination.weight);
            let mut sum = 0;
            for mut destination in list {
                sum = destination.weight.saturating_add(sum);
                destination.weight = sum;
                summed.push(destination);
            }
        }
        summed
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    fn mapping(source: &str, destinations: &[(&str, u8, &str)]) -> Mapping {
        let destination = |(subject, weight, cluster): &(&str, u8, &str)| Destination {
            subject: subject.to_string(),
            weight: *weight,
            cluster: Some(cluster.to_string()).filter(|cluster| !cluster.is_empty()),
        };
        Mapping {
            source: source.to_string(),
            destinations: destinations.iter().map(destination).collect(),
        }
    }

    #[test]
    fn faults_have_the_references_texts() {
        type Case<'a> = (&'a str, &'a [(&'a str, u8, &'a str)], &'a str);
        let cases: &[Case] = &[
            ("foo", &[("bar", 60, ""), ("baz", 40, "")], ""),
            (
                "foo",
                &[("bar", 60, ""), ("baz", 60, "east"), ("x", 40, "east")],
                "",
            ),
            ("foo", &[], ""),
            (
                "foo",
                &[("bar", 60, ""), ("baz", 41, "")],
                "total weight needs to be <= 100",
            ),
            (
                "foo",
                &[("a", 60, "east"), ("b", 60, "east")],
                "total weight needs to be <= 100",
            ),
            (
                "foo",
                &[("bar", 101, "")],
                "individual weights need to be <= 100",
            ),
            (
                "foo",
                &[("bar", 10, ""), ("bar", 10, "east")],
                "duplicate entry for \"bar\"",
            ),
            ("foo..x", &[], "invalid subject"),
            ("foo.>", &[("bar", 10, "")], "invalid subject"),
            (
                "foo",
                &[("", 10, "")],
                "invalid mapping destination: invalid transform",
            ),
            (
                "foo.*",
                &[("bar.$2", 100, "")],
                "invalid mapping destination: wildcard index out of range in $2: [2]",
            ),
        ];
        for (source, destinations, want) in cases {
            let mapping = mapping(source, destinations);
            let fault = mapping.check().err().map(|fault| fault.to_string());
            assert_eq!(fault.unwrap_or_default(), *want, "{mapping:?}");
        }
    }

    /// As the reference's `/accountz` has them.
    #[test]
    fn shares_are_summed_up() {
        let shown = |mapping: Mapping| mapping.summed();
        let want = |destinations: &[(&str, u8, &str)]| mapping("x", destinations).destinations;
        let three = [("b.$1", 30, ""), ("c.$1", 20, ""), ("e.$1", 60, "east")];
        assert_eq!(
            shown(mapping("a.*", &three)),
            want(&[
                ("c.$1", 20, ""),
                ("b.$1", 50, ""),
                ("a.$1", 100, ""),
                ("a.$1", 40, "east"),
                ("e.$1", 100, "east"),
            ])
        );
        assert_eq!(
            shown(mapping("lossy", &[("lossy", 40, ""), ("other", 10, "")])),
            want(&[("other", 10, ""), ("lossy", 50, "")])
        );
        let everything = [("bar", 100, "")];
        assert_eq!(shown(mapping("foo", &everything)), want(&everything));
        assert_eq!(shown(mapping("foo", &[])), want(&[("foo", 100, "")]));
    }

    #[test]
    fn a_clusters_own_destinations_come_before_those_of_none() {
        let mapping = mapping("foo", &[("bar", 10, ""), ("baz", 20, "east")]);
        for (cluster, want) in [(None, "bar"), (Some("west"), "bar"), (Some("east"), "baz")] {
            let destinations = mapping.destinations_in(cluster);
            let subjects: Vec<&str> = destinations.iter().map(|d| d.subject.as_str()).collect();
            assert_eq!(subjects, [want], "{cluster:?}");
        }
    }
}
