//! Everything subscribed on one exact subject: plain entries and queue groups, with counts per
//! class so that "first" and "last" are derived in one place. Not here: finding the group.

use alloc::vec::Vec;

use crate::Entry;

/// Where an entry's interest comes from. What a server announces to others depends on it: local
/// interest goes to routes and gateways, a route's interest to gateways, a gateway's to nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A client of this server (or the server itself).
    Local = 0,
    /// Another server of this cluster.
    Route = 1,
    /// Another cluster.
    Gateway = 2,
}

/// How many entries of each class there are on one exact (subject, queue).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts([u32; 3]);

impl Counts {
    /// Entries of one class.
    pub fn of(self, class: Class) -> u32 {
        self.0[class as usize]
    }

    /// Entries that this cluster announces to other clusters: local ones and those of routes.
    pub fn in_cluster(self) -> u32 {
        self.of(Class::Local) + self.of(Class::Route)
    }

    pub(crate) fn one(class: Class) -> Counts {
        let mut counts = Counts::default();
        counts.add(class);
        counts
    }

    fn add(&mut self, class: Class) {
        self.0[class as usize] += 1;
    }

    fn remove(&mut self, class: Class) {
        self.0[class as usize] -= 1;
    }
}

/// The members of one queue group on one exact subject.
#[derive(Debug)]
pub struct QueueGroup<S> {
    members: Vec<S>,
    counts: Counts,
}

impl<S: Entry> QueueGroup<S> {
    /// The group's name.
    pub fn name(&self) -> &[u8] {
        self.members
            .first()
            .and_then(|m| m.queue())
            .unwrap_or_default()
    }

    /// The members, in no particular order; never empty inside an index.
    pub fn members(&self) -> &[S] {
        &self.members
    }
}

/// Everything subscribed on one exact subject.
#[derive(Debug)]
pub struct Group<S> {
    plain: Vec<S>,
    counts: Counts,
    queues: Vec<QueueGroup<S>>,
}

impl<S> Default for Group<S> {
    fn default() -> Self {
        Group {
            plain: Vec::new(),
            counts: Counts::default(),
            queues: Vec::new(),
        }
    }
}

impl<S: Entry> Group<S> {
    /// Entries without a queue name, in no particular order.
    pub fn plain(&self) -> &[S] {
        &self.plain
    }

    /// The queue groups.
    pub fn queues(&self) -> &[QueueGroup<S>] {
        &self.queues
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.plain.is_empty() && self.queues.is_empty()
    }

    /// The only entry, where there is just one.
    pub(crate) fn sole(&self) -> Option<&S> {
        match (self.plain.as_slice(), self.queues.as_slice()) {
            ([one], []) => Some(one),
            ([], [queue]) if queue.members.len() == 1 => queue.members.first(),
            _ => None,
        }
    }

    pub(crate) fn for_each_subject<'a>(
        &'a self,
        f: &mut impl FnMut(&'a [u8], Option<&'a [u8]>, Counts),
    ) {
        if let Some(one) = self.plain.first() {
            f(one.subject(), None, self.counts);
        }
        for queue in &self.queues {
            if let Some(one) = queue.members.first() {
                f(one.subject(), one.queue(), queue.counts);
            }
        }
    }

    /// Whether this very entry is in it.
    pub(crate) fn contains(&self, entry: &S) -> bool {
        let list = match entry.queue() {
            None => &self.plain,
            Some(name) => match self.queues.iter().find(|q| q.name() == name) {
                Some(queue) => &queue.members,
                None => return false,
            },
        };
        list.get(entry.slot() as usize)
            .is_some_and(|have| have.same(entry))
    }

    pub(crate) fn for_each<'a>(&'a self, f: &mut impl FnMut(&'a S)) {
        self.plain.iter().for_each(&mut *f);
        self.queues.iter().flat_map(|q| &q.members).for_each(f);
    }

    /// Adds an entry; answers the counts of its (subject, queue) afterwards.
    pub(crate) fn insert(&mut self, entry: S) -> Counts {
        let class = entry.class();
        let (list, counts) = match entry.queue() {
            None => (&mut self.plain, &mut self.counts),
            Some(name) => {
                let at = match self.queues.iter().position(|q| q.name() == name) {
                    Some(at) => at,
                    None => {
                        self.queues.push(QueueGroup {
                            members: Vec::new(),
                            counts: Counts::default(),
                        });
                        self.queues.len() - 1
                    }
                };
                let group = &mut self.queues[at];
                (&mut group.members, &mut group.counts)
            }
        };
        entry.set_slot(u32::try_from(list.len()).unwrap_or(u32::MAX));
        list.push(entry);
        counts.add(class);
        *counts
    }

    /// Removes an entry; answers the counts left for its (subject, queue), or `None` if it was not
    /// there.
    pub(crate) fn remove(&mut self, entry: &S) -> Option<Counts> {
        match entry.queue() {
            None => remove_from(&mut self.plain, &mut self.counts, entry),
            Some(name) => {
                let at = self.queues.iter().position(|q| q.name() == name)?;
                let group = &mut self.queues[at];
                let left = remove_from(&mut group.members, &mut group.counts, entry)?;
                if group.members.is_empty() {
                    self.queues.swap_remove(at);
                }
                Some(left)
            }
        }
    }

    /// Gives back memory that a much larger group once needed.
    pub(crate) fn shrink(&mut self) {
        if self.plain.capacity() > 16 && self.plain.capacity() / 4 > self.plain.len() {
            self.plain.shrink_to(self.plain.len() * 2);
        }
    }
}

/// Swap-removes `entry` by its slot, so that leaving a group of a million costs the same as leaving
/// a group of two.
fn remove_from<S: Entry>(list: &mut Vec<S>, counts: &mut Counts, entry: &S) -> Option<Counts> {
    let at = entry.slot() as usize;
    if !list.get(at).is_some_and(|have| have.same(entry)) {
        return None;
    }
    list.swap_remove(at);
    if let Some(moved) = list.get(at) {
        moved.set_slot(entry.slot());
    }
    counts.remove(entry.class());
    Some(*counts)
}
