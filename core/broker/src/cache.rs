//! A publisher's own plans by subject: bounded, valid for one generation of the account's interest.
//! Not here: how a plan is made.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::hash::{BuildHasher, Hasher};

use foldhash::fast::FixedState;

use crate::plan::Plan;

/// Most subjects one publisher keeps plans for. Past that, looking the subject up in the index costs
/// about as much as a cold cache would.
const SLOTS_MAX: usize = 2048;
const SLOTS_MIN: usize = 8;
/// Targets that all kept plans may name together: bounds the memory of a publisher on subjects with
/// many subscribers.
const WEIGHT_MAX: usize = 32 * 1024;

#[derive(Debug)]
struct Kept {
    hash: u64,
    generation: u64,
    subject: Box<[u8]>,
    plan: Plan,
}

/// Plans by subject, each in the one slot that its hash names. A subject is kept from its second
/// miss on, so that subjects used once (inboxes of requests) cost nothing but the look-up.
#[derive(Debug)]
pub(crate) struct PlanCache {
    slots: Vec<Option<Box<Kept>>>,
    /// Per slot, the part of the hash that missed last.
    missed: Vec<u32>,
    weight: usize,
    hasher: FixedState,
}

/// Answer to a look-up.
pub(crate) enum Lookup {
    /// The plan in this slot is valid.
    Hit(usize),
    /// No plan; keep one for this hash if `keep`.
    Miss { hash: u64, keep: bool },
}

impl PlanCache {
    pub(crate) fn new(seed: u64) -> PlanCache {
        PlanCache {
            slots: Vec::new(),
            missed: Vec::new(),
            weight: 0,
            hasher: FixedState::with_seed(seed),
        }
    }

    /// Another one, keyed like this one.
    pub(crate) fn like(other: &PlanCache) -> PlanCache {
        PlanCache {
            slots: Vec::new(),
            missed: Vec::new(),
            weight: 0,
            hasher: other.hasher.clone(),
        }
    }

    fn slot(&self, hash: u64) -> usize {
        hash as usize & (self.slots.len() - 1)
    }

    #[inline]
    pub(crate) fn find(&mut self, subject: &[u8], generation: u64) -> Lookup {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(subject);
        let hash = hasher.finish();
        if self.slots.is_empty() {
            self.resize(SLOTS_MIN);
        }
        let at = self.slot(hash);
        if let Some(kept) = &self.slots[at]
            && kept.hash == hash
            && *kept.subject == *subject
        {
            if kept.generation == generation {
                return Lookup::Hit(at);
            }
            return Lookup::Miss { hash, keep: true };
        }
        let tag = (hash >> 32) as u32;
        let keep = core::mem::replace(&mut self.missed[at], tag) == tag;
        Lookup::Miss { hash, keep }
    }

    #[inline]
    pub(crate) fn plan(&self, at: usize) -> &Plan {
        match &self.slots[at] {
            Some(kept) => &kept.plan,
            None => unreachable!("a hit names a slot in use"),
        }
    }

    /// Keeps a plan; answers its slot.
    pub(crate) fn keep(&mut self, hash: u64, subject: &[u8], generation: u64, plan: Plan) -> usize {
        if self.weight + plan.weight() > WEIGHT_MAX {
            self.clear();
            self.resize(SLOTS_MIN);
        }
        let crowded = |slot: &Option<Box<Kept>>| {
            slot.as_ref()
                .is_some_and(|k| k.hash != hash && k.generation == generation)
        };
        let mut at = self.slot(hash);
        while self.slots.len() < SLOTS_MAX && crowded(&self.slots[at]) {
            self.resize(self.slots.len() * 4);
            at = self.slot(hash);
        }
        if let Some(old) = &self.slots[at] {
            self.weight -= old.plan.weight();
        }
        self.weight += plan.weight();
        self.slots[at] = Some(Box::new(Kept {
            hash,
            generation,
            subject: subject.into(),
            plan,
        }));
        at
    }

    fn resize(&mut self, slots: usize) {
        let old = core::mem::take(&mut self.slots);
        self.slots.resize_with(slots, || None);
        self.missed.clear();
        self.missed.resize(slots, 0);
        for kept in old.into_iter().flatten() {
            let at = self.slot(kept.hash);
            if let Some(lost) = self.slots[at].replace(kept) {
                self.weight -= lost.plan.weight();
            }
        }
    }

    /// Forgets everything and gives the memory back.
    pub(crate) fn clear(&mut self) {
        self.slots = Vec::new();
        self.missed = Vec::new();
        self.weight = 0;
    }
}
