//! Subject mappings in an account's claims.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use gannet_config::{Destination, Mapping};
use serde::Deserialize;

use super::issues::Issues;
use super::subjects;

/// Sources with where their messages go.
pub(super) type Mappings = BTreeMap<String, Vec<WeightedMapping>>;

/// One destination.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct WeightedMapping {
    /// Where to.
    pub subject: String,
    /// Of a hundred; 0 is all.
    pub weight: u8,
    /// In this cluster alone.
    pub cluster: String,
}

impl WeightedMapping {
    fn weight(&self) -> u8 {
        if self.weight == 0 { 100 } else { self.weight }
    }
}

/// Notes what is wrong with them.
pub(super) fn check(mappings: &Mappings, issues: &mut Issues) {
    for (source, destinations) in mappings {
        subjects::check(source, issues);
        let mut totals: BTreeMap<&str, u64> = BTreeMap::new();
        for destination in destinations {
            subjects::check(&destination.subject, issues);
            let weight = destination.weight();
            if weight > 100 {
                issues.error(format!(
                    "Mapping {source:?} has a weight {weight} that exceeds 100"
                ));
            }
            let total = totals.entry(&destination.cluster).or_default();
            *total += u64::from(weight);
        }
        for (cluster, total) in totals {
            let place = match cluster {
                "" => String::new(),
                cluster => format!(" in cluster {cluster:?}"),
            };
            if total > 100 {
                issues.error(format!(
                    "Mapping {source:?}{place} exceeds 100% among all of it's weighted to mappings"
                ));
            }
        }
    }
}

/// What the server refuses besides when claims are handed to it. Whether destinations fit their sources is the
/// mappings' own affair.
pub(super) fn refusal(mappings: &Mappings) -> Option<String> {
    for (source, destinations) in mappings {
        if gannet_subject::is_valid_pattern(source.as_bytes()).is_err() {
            return Some(format!("mapping {source:?}: invalid subject"));
        }
        let mut seen = BTreeSet::new();
        for to in destinations {
            let to = to.subject.as_str();
            if !seen.insert(to) {
                return Some(format!("mapping {source:?}: duplicate entry for {to:?}"));
            }
        }
    }
    None
}

/// As options have them.
pub(super) fn to_options(mappings: &Mappings) -> Vec<Mapping> {
    let to_option = |(source, destinations): (&String, &Vec<WeightedMapping>)| Mapping {
        source: source.clone(),
        destinations: destinations
            .iter()
            .map(WeightedMapping::to_option)
            .collect(),
    };
    mappings.iter().map(to_option).collect()
}

impl WeightedMapping {
    fn to_option(&self) -> Destination {
        Destination {
            subject: self.subject.clone(),
            weight: self.weight(),
            cluster: (!self.cluster.is_empty()).then(|| self.cluster.to_string()),
        }
    }
}
