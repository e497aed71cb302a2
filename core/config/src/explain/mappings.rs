//! Settings of mappings: one for each source, since their order counts.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::{Settings, Shown};
use crate::options::{Destination, Mapping};

impl Settings<'_> {
    pub(super) fn mappings(&mut self, mappings: &[Mapping]) {
        if mappings.is_empty() {
            return self.put("mappings", Shown::Map(BTreeMap::new()));
        }
        self.block("mappings", |s| {
            for mapping in mappings {
                s.put(&mapping.source, destinations(&mapping.destinations));
            }
        });
    }
}

/// As short as a file may have them.
fn destinations(destinations: &[Destination]) -> Shown {
    if let [one] = destinations
        && one.weight == 100
        && one.cluster.is_none()
    {
        return Shown::from(&one.subject);
    }
    let each = destinations.iter().map(|destination| {
        let Destination {
            subject,
            weight,
            cluster,
        } = destination;
        let mut entry = BTreeMap::new();
        entry.insert("destination".into(), subject.into());
        entry.insert("weight".into(), u32::from(*weight).into());
        if let Some(cluster) = cluster {
            entry.insert("cluster".into(), cluster.into());
        }
        Shown::Map(entry)
    });
    Shown::List(each.collect::<Vec<_>>())
}
