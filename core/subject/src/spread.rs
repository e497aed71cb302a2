//! The hash table under the index, and under other tables that may become as large. Not here: what is kept
//! in it, and what it is found by.

use alloc::vec::{self, Vec};
use core::iter::Flatten;
use core::mem;

use hashbrown::HashTable;

/// From so many values in one table on, they are spread over [`SPREAD`] tables: a table that grows moves
/// all it has while everybody waits, which must not be a million values.
const SPREAD_FROM: usize = 16 * 1024;
/// Below so many they are in one table again. Far enough from the other bound that going to and fro costs
/// little.
const GATHER_BELOW: usize = SPREAD_FROM / 8;
/// Tables of many values; a power of two. With a million of them, the growth of one takes a fraction of a
/// millisecond.
const SPREAD: usize = 256;
/// A table is rebuilt at its size once it is filled to less than this share, so that a million values that have
/// gone give their memory back. So small a share keeps the cost amortised.
const SPARSE: usize = 8;
/// A table of so few places is not worth it.
const SMALL: usize = 128;

/// A hash table whose operations all take a short time, however much it holds. Callers bring the hashes, and
/// know how to work out that of a value that is in it.
#[derive(Debug)]
pub struct Spread<T> {
    /// None at first, then one, or [`SPREAD`] of them, chosen by bits of the hash that a table does not look at.
    tables: Vec<HashTable<T>>,
    len: usize,
}

impl<T> Default for Spread<T> {
    fn default() -> Self {
        Spread {
            tables: Vec::new(),
            len: 0,
        }
    }
}

/// How far a visit of all values has come; the default is its beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// How many tables there were.
    tables: usize,
    /// The table that is being visited, how many buckets it had, and the next of them.
    table: usize,
    buckets: usize,
    bucket: usize,
}

impl<T> Spread<T> {
    /// How many values there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Which table holds values of this hash; nonsense while there is none.
    #[inline]
    fn table_of(&self, hash: u64) -> usize {
        // A table takes the lowest bits for the bucket and the highest seven for its tags.
        (hash >> 48) as usize & self.tables.len().wrapping_sub(1)
    }

    /// The value with this hash that `is` it.
    #[inline]
    pub fn get(&self, hash: u64, is: impl FnMut(&T) -> bool) -> Option<&T> {
        self.tables.get(self.table_of(hash))?.find(hash, is)
    }

    /// The same, to be changed into another with this hash.
    pub fn get_mut(&mut self, hash: u64, is: impl FnMut(&T) -> bool) -> Option<&mut T> {
        let at = self.table_of(hash);
        self.tables.get_mut(at)?.find_mut(hash, is)
    }

    /// Adds a value that is not there yet; `rehash` answers the hashes of those that are.
    pub fn insert(&mut self, hash: u64, value: T, rehash: impl Fn(&T) -> u64) {
        if self.tables.is_empty() {
            self.tables.push(HashTable::new());
        } else if self.tables.len() == 1 && self.len >= SPREAD_FROM {
            self.rebuild(SPREAD, &rehash);
        }
        let at = self.table_of(hash);
        self.tables[at].insert_unique(hash, value, rehash);
        self.len += 1;
    }

    /// Takes the value out that `is` the one with this hash, if `is_over`, which may change it, says so.
    pub fn remove_if(
        &mut self,
        hash: u64,
        is: impl FnMut(&T) -> bool,
        is_over: impl FnOnce(&mut T) -> bool,
        rehash: impl Fn(&T) -> u64,
    ) -> Option<T> {
        let at = self.table_of(hash);
        let mut found = self.tables.get_mut(at)?.find_entry(hash, is).ok()?;
        if !is_over(found.get_mut()) {
            return None;
        }
        let (value, _) = found.remove();
        self.len -= 1;
        if self.tables.len() > 1 && self.len < GATHER_BELOW {
            self.rebuild(1, &rehash);
        } else {
            shrink(&mut self.tables[at], rehash);
        }
        Some(value)
    }

    /// Takes the value with this hash out that `is` it.
    pub fn remove(
        &mut self,
        hash: u64,
        is: impl FnMut(&T) -> bool,
        rehash: impl Fn(&T) -> u64,
    ) -> Option<T> {
        self.remove_if(hash, is, |_| true, rehash)
    }

    /// Takes all values out that are meant.
    pub fn extract(&mut self, is_meant: impl Fn(&T) -> bool) -> Vec<T> {
        let mut taken = Vec::new();
        for table in &mut self.tables {
            taken.extend(table.extract_if(|value| is_meant(value)));
        }
        self.len -= taken.len();
        taken
    }

    /// All values, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.tables.iter().flatten()
    }

    /// Visits the values from `place` on, about `most` buckets of them; answers where to go on, `None` at
    /// the end. A table that was rebuilt since is begun anew: a value that was there all the time is
    /// visited at least once.
    pub(crate) fn visit_some<'a>(
        &'a self,
        place: Place,
        most: usize,
        mut f: impl FnMut(&'a T),
    ) -> Option<Place> {
        let mut at = place;
        if at.tables != self.tables.len() {
            at = Place {
                tables: self.tables.len(),
                ..Place::default()
            };
        }
        let mut left = most;
        while let Some(table) = self.tables.get(at.table) {
            if at.buckets != table.num_buckets() {
                at.buckets = table.num_buckets();
                at.bucket = 0;
            }
            while at.bucket < at.buckets {
                if left == 0 {
                    return Some(at);
                }
                left -= 1;
                if let Some(value) = table.get_bucket(at.bucket) {
                    f(value);
                }
                at.bucket += 1;
            }
            (at.table, at.buckets, at.bucket) = (at.table + 1, 0, 0);
        }
        None
    }

    /// Moves all values into `count` new tables.
    #[cold]
    fn rebuild(&mut self, count: usize, rehash: &impl Fn(&T) -> u64) {
        let mut tables = Vec::new();
        tables.resize_with(count, || HashTable::with_capacity(self.len / count));
        let old = mem::replace(&mut self.tables, tables);
        for value in old.into_iter().flatten() {
            let hash = rehash(&value);
            let at = self.table_of(hash);
            self.tables[at].insert_unique(hash, value, rehash);
        }
    }
}

/// Rebuilds a table that has become mostly empty.
fn shrink<T>(table: &mut HashTable<T>, rehash: impl Fn(&T) -> u64) {
    let (len, capacity) = (table.len(), table.capacity());
    if capacity > SMALL && len < capacity / SPARSE {
        table.shrink_to(len * 2, rehash);
    }
}

/// All values of a table, which gives its memory back as they are taken.
#[derive(Debug)]
pub struct IntoIter<T>(Flatten<vec::IntoIter<HashTable<T>>>);

impl<T> Iterator for IntoIter<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.next()
    }
}

impl<T> IntoIterator for Spread<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        IntoIter(self.tables.into_iter().flatten())
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;
    use core::cell::Cell;
    use core::hash::BuildHasher;

    use foldhash::fast::FixedState;
    use proptest::prelude::*;

    use super::*;

    fn hash(value: &u32) -> u64 {
        FixedState::with_seed(1).hash_one(value)
    }

    fn insert(table: &mut Spread<u32>, value: u32) {
        table.insert(hash(&value), value, hash);
    }

    fn remove(table: &mut Spread<u32>, value: u32) -> Option<u32> {
        table.remove(hash(&value), |v| *v == value, hash)
    }

    fn filled(values: u32) -> Spread<u32> {
        let mut table = Spread::default();
        (0..values).for_each(|value| insert(&mut table, value));
        table
    }

    fn assert_holds(table: &Spread<u32>, model: &BTreeSet<u32>) {
        assert_eq!(table.len(), model.len());
        assert_eq!(table.is_empty(), model.is_empty());
        assert_eq!(&table.iter().copied().collect::<BTreeSet<u32>>(), model);
        assert_eq!(table.iter().count(), model.len());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]

        /// Long stretches of one kind, so that the values are spread and gathered.
        #[test]
        fn it_holds_what_a_set_does(stretches in prop::collection::vec((any::<bool>(), 0u32..20_000, 0u32..20_000), 1..6)) {
            let mut table = Spread::default();
            let mut model = BTreeSet::new();
            for (is_in, from, count) in stretches {
                for value in from..from + count {
                    let found = table.get(hash(&value), |v| *v == value).copied();
                    prop_assert_eq!(found, model.get(&value).copied());
                    if is_in && model.insert(value) {
                        insert(&mut table, value);
                    } else if !is_in {
                        prop_assert_eq!(remove(&mut table, value), model.take(&value));
                    }
                }
                assert_holds(&table, &model);
            }
            let meant: BTreeSet<u32> = model.iter().copied().filter(|v| v % 3 == 0).collect();
            model.retain(|v| v % 3 != 0);
            let taken: BTreeSet<u32> = table.extract(|v| v % 3 == 0).into_iter().collect();
            prop_assert_eq!(taken, meant);
            assert_holds(&table, &model);
            prop_assert_eq!(table.into_iter().collect::<BTreeSet<u32>>(), model);
        }
    }

    #[test]
    fn no_insertion_or_removal_moves_more_than_a_small_table() {
        let mut table = Spread::default();
        let moved = Cell::new(0);
        let rehash = |value: &u32| {
            moved.set(moved.get() + 1);
            hash(value)
        };
        let mut most = 0;
        for value in 0..100_000 {
            moved.set(0);
            table.insert(hash(&value), value, rehash);
            most = most.max(moved.get());
        }
        for value in 0..100_000 {
            moved.set(0);
            table.remove(hash(&value), |v| *v == value, rehash);
            most = most.max(moved.get());
        }
        assert_eq!(
            most, SPREAD_FROM,
            "what was in one table, when it is spread"
        );
    }

    #[test]
    fn what_has_gone_leaves_no_room_behind() {
        let mut table = filled(100_000);
        assert_eq!(table.tables.len(), SPREAD);
        (10..100_000).for_each(|value| {
            remove(&mut table, value);
        });
        let places: usize = table.tables.iter().map(HashTable::capacity).sum();
        assert_eq!(table.tables.len(), 1);
        assert!(places <= 2 * SMALL, "{places} places for ten values");
        assert_eq!(table.iter().count(), 10);
    }

    #[test]
    fn a_value_may_be_changed_instead_of_taken_out() {
        let mut table = filled(3);
        let kept = table.remove_if(hash(&1), |v| *v == 1, |_| false, hash);
        assert_eq!(kept, None);
        assert_eq!(table.len(), 3);
        assert_eq!(
            table.get_mut(hash(&1), |v| *v == 1).copied(),
            Some(1),
            "it is still there"
        );
        assert_eq!(remove(&mut table, 7), None);
        assert_eq!(remove(&mut Spread::default(), 7), None);
    }
}
