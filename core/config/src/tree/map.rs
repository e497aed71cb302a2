//! The entries of a map. Most maps have a few, and a large configuration has very many maps, so a map is a list; one with
//! many entries has an index besides.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;

use super::Node;

/// Up to so many entries are looked through one by one.
const FEW: usize = 16;

/// The entries of a map. A key that is given twice has its last value and that one's position.
#[derive(Clone, Default)]
pub struct Map {
    entries: Vec<Entry>,
    /// Present from more than a few entries on.
    index: Option<Box<Index>>,
}

#[derive(Clone)]
struct Entry {
    key: Box<str>,
    /// Grows from insertion to insertion.
    order: u32,
    node: Node,
}

/// Where keys stand in the list.
#[derive(Clone, Default)]
struct Index {
    places: BTreeMap<Box<str>, usize>,
    /// The order of the last insertion.
    last: u32,
}

impl Map {
    /// The value of `key`, spelled exactly so.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.place(key).map(|at| &self.entries[at].node)
    }

    /// The entries in the order of the file.
    pub fn in_order(&self) -> impl Iterator<Item = (&str, &Node)> {
        let mut entries: Vec<&Entry> = self.entries.iter().collect();
        if !entries.is_sorted_by_key(|entry| entry.order) {
            entries.sort_by_key(|entry| entry.order);
        }
        entries.into_iter().map(|entry| (&*entry.key, &entry.node))
    }

    /// The entries, sorted by the bytes of their keys.
    pub fn sorted(&self) -> impl Iterator<Item = (&str, &Node)> {
        let mut entries: Vec<&Entry> = self.entries.iter().collect();
        entries.sort_unstable_by_key(|entry| &*entry.key);
        entries.into_iter().map(|entry| (&*entry.key, &entry.node))
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entries in the order of the file, by themselves.
    pub(super) fn into_entries(mut self) -> impl Iterator<Item = (Box<str>, Node)> {
        self.entries.sort_by_key(|entry| entry.order);
        self.entries
            .into_iter()
            .map(|entry| (entry.key, entry.node))
    }

    pub(super) fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        self.place(key).map(|at| &mut self.entries[at].node)
    }

    pub(super) fn insert(&mut self, key: Box<str>, node: Node) {
        let order = self.next_order();
        match self.place(&key) {
            Some(at) => {
                let entry = &mut self.entries[at];
                (entry.order, entry.node) = (order, node);
            }
            None => {
                let at = self.entries.len();
                if let Some(index) = &mut self.index {
                    index.places.insert(key.clone(), at);
                }
                self.entries.push(Entry { key, order, node });
            }
        }
        match &mut self.index {
            Some(index) => index.last = order,
            None if self.entries.len() > FEW => {
                let keys = self.entries.iter().zip(0..);
                self.index = Some(Box::new(Index {
                    places: keys.map(|(entry, at)| (entry.key.clone(), at)).collect(),
                    last: order,
                }));
            }
            None => {}
        }
    }

    /// Nothing more will be inserted: room for that is given back.
    pub(super) fn close(&mut self) {
        self.entries.shrink_to_fit();
    }

    fn place(&self, key: &str) -> Option<usize> {
        match &self.index {
            Some(index) => index.places.get(key).copied(),
            None => self.entries.iter().position(|entry| *entry.key == *key),
        }
    }

    fn next_order(&self) -> u32 {
        let last = match &self.index {
            Some(index) => index.last,
            None => self
                .entries
                .iter()
                .map(|entry| entry.order)
                .max()
                .unwrap_or(0),
        };
        last.saturating_add(1)
    }
}

/// Equal are maps with the same entries in the same order.
impl PartialEq for Map {
    fn eq(&self, other: &Map) -> bool {
        self.in_order().eq(other.in_order())
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.in_order().map(|(key, node)| (key, &node.value)))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{FEW, Map};
    use crate::error::Place;
    use crate::tree::{Node, Value};
    use std::format;
    use std::vec::Vec;

    fn number(number: i64) -> Node {
        Node::new(Value::Integer(number), Place::default())
    }

    #[test]
    fn the_last_value_of_a_key_counts_and_stands_where_it_was_given() {
        for size in [3, FEW as i64, FEW as i64 + 1, 100] {
            let mut map = Map::default();
            for at in 0..size {
                map.insert(format!("k{at:03}").into(), number(at));
            }
            for again in [1, 0] {
                map.insert(format!("k{again:03}").into(), number(-again));
            }
            map.close();
            let values = |entries: Vec<(&str, &Node)>| -> Vec<Value> {
                entries.iter().map(|(_, node)| node.value.clone()).collect()
            };
            let wanted = |numbers: &mut dyn Iterator<Item = i64>| -> Vec<Value> {
                numbers.map(Value::Integer).collect()
            };
            let in_order = wanted(&mut (2..size).chain([-1, 0]));
            let sorted = wanted(&mut [0, -1].into_iter().chain(2..size));
            assert_eq!(values(map.in_order().collect()), in_order, "{size}");
            assert_eq!(values(map.sorted().collect()), sorted, "{size}");
            assert_eq!(map.len(), size as usize);
            let found = map.get("k002").map(|node| node.value.clone());
            assert_eq!(found, Some(Value::Integer(2)), "{size}");
            assert_eq!(map.get("k"), None, "{size}");
        }
    }
}
