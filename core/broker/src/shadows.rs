//! Subscriptions to what other accounts offer: for each import that a subscription asks for something of, a
//! shadow of it stands in the exporting account, where it is interest like any other. Not here: imports
//! themselves (`sharing`), and how a message is delivered to a shadow's owner (`plan`).
//!
//! No thread ever holds the locks of two accounts. The importing account notes first what shadows a
//! subscription has; then they are put in their places. Whoever puts one there looks afterwards whether it is still
//! noted, and takes it out if not: so nothing is left behind, whoever ends the subscription meanwhile.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::hash::{BuildHasher, Hasher};

use foldhash::fast::FixedState;
use gannet_subject::{Class, Cursor, Entry, Spread};
use gannet_units::Moment;

use crate::account::{Account, Interest};
use crate::sharing::Shares;
use crate::sharing::imports::StreamImport;
use crate::sub::Sub;

/// Places of an account's index that are looked at in one turn.
const PART: usize = 256;

/// What stands in an exporting account for a subscription of an importing one.
#[derive(Clone, Debug)]
pub(crate) struct Shadow {
    pub(crate) sub: Sub,
    /// What it stands for.
    pub(crate) primary: Sub,
    pub(crate) import: Arc<StreamImport>,
}

impl Shadow {
    fn is_like(&self, other: &Shadow) -> bool {
        Arc::ptr_eq(&self.import, &other.import)
    }
}

/// One account's part in shadows, under the lock of its interest.
#[derive(Debug, Default)]
pub(crate) struct Shadows {
    /// Those in other accounts, by what they stand for.
    cast: Spread<Box<[Shadow]>>,
    /// Those that stand in this account, by themselves.
    here: Spread<Shadow>,
}

fn hash(sub: &Sub) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    hasher.write_usize(sub.address());
    hasher.finish()
}

/// What a list of shadows stands for: there is no empty one.
fn cast_by(shadows: &[Shadow]) -> u64 {
    shadows.first().map_or(0, |shadow| hash(&shadow.primary))
}

fn is_of(shadows: &[Shadow], primary: &Sub) -> bool {
    shadows
        .first()
        .is_some_and(|shadow| shadow.primary.same(primary))
}

impl Shadows {
    /// What the shadow stands for.
    pub(crate) fn origin(&self, shadow: &Sub) -> Option<&Shadow> {
        self.here.get(hash(shadow), |have| have.sub.same(shadow))
    }

    fn cast_of(&self, primary: &Sub) -> Option<&[Shadow]> {
        let found = self.cast.get(hash(primary), |cast| is_of(cast, primary));
        found.map(|shadows| &**shadows)
    }

    fn put_cast(&mut self, shadows: Vec<Shadow>) {
        if !shadows.is_empty() {
            let key = cast_by(&shadows);
            self.cast.insert(key, shadows.into(), |cast| cast_by(cast));
        }
    }

    fn take_cast(&mut self, primary: &Sub) -> Vec<Shadow> {
        let key = hash(primary);
        let taken = self
            .cast
            .remove(key, |cast| is_of(cast, primary), |cast| cast_by(cast));
        taken.map(<[Shadow]>::into_vec).unwrap_or_default()
    }

    fn is_empty(&self) -> bool {
        self.cast.is_empty() && self.here.is_empty()
    }
}

/// The shadows that `sub` has, by these imports.
fn shadows_of(sub: &Sub, shares: &Shares, now: Moment) -> Vec<Shadow> {
    let shadow = |import: &Arc<StreamImport>| {
        let asked = import.asked_by(sub.subject())?;
        Some(Shadow {
            sub: sub.shadow(&asked, now),
            primary: sub.clone(),
            import: import.clone(),
        })
    };
    shares.streams.iter().filter_map(shadow).collect()
}

impl Interest {
    /// Notes the shadows of a subscription that is new here. They are yet to be put in their places.
    pub(crate) fn cast_shadows(&mut self, sub: &Sub, shares: &Shares, now: Moment) -> Vec<Shadow> {
        if shares.streams.is_empty() {
            return Vec::new();
        }
        let shadows = shadows_of(sub, shares, now);
        if !shadows.is_empty() {
            self.shadows
                .get_or_insert_default()
                .put_cast(shadows.clone());
        }
        shadows
    }

    /// Forgets the shadows of a subscription that has ended. They are yet to be taken out of their places.
    pub(crate) fn take_shadows(&mut self, sub: &Sub) -> Vec<Shadow> {
        let Some(all) = &mut self.shadows else {
            return Vec::new();
        };
        let taken = all.take_cast(sub);
        self.drop_empty_shadows();
        taken
    }

    fn drop_empty_shadows(&mut self) {
        if self.shadows.as_ref().is_some_and(|all| all.is_empty()) {
            self.shadows = None;
        }
    }
}

impl Account {
    /// Puts shadows that are noted here in their places.
    pub(crate) fn enter_shadows(&self, shadows: Vec<Shadow>, now: Moment) {
        for shadow in shadows {
            let Some(exporter) = shadow.import.exporter.upgrade() else {
                continue;
            };
            let mut interest = exporter.interest().write();
            let here = &mut interest.shadows.get_or_insert_default().here;
            here.insert(hash(&shadow.sub), shadow.clone(), |have| hash(&have.sub));
            exporter.insert(interest, shadow.sub.clone(), now);
            if !self.has_cast(&shadow) {
                shadow.leave();
            }
        }
    }

    fn has_cast(&self, shadow: &Shadow) -> bool {
        let interest = self.interest().read();
        let cast = interest
            .shadows
            .as_ref()
            .and_then(|all| all.cast_of(&shadow.primary));
        cast.is_some_and(|cast| cast.iter().any(|have| have.sub.same(&shadow.sub)))
    }

    /// Gives a subscription of this account the shadows that the account's imports make now.
    fn recast(&self, sub: &Sub, now: Moment) {
        let mut interest = self.interest().write();
        if !interest.index.contains(sub) {
            return;
        }
        let shares = self.shares();
        let wanted = shares.map(|shares| shadows_of(sub, &shares, now));
        let wanted = wanted.unwrap_or_default();
        let before = interest.take_shadows(sub);
        let is_in = |list: &[Shadow], shadow: &Shadow| list.iter().any(|s| s.is_like(shadow));
        let (kept, gone): (Vec<_>, Vec<_>) = before.into_iter().partition(|s| is_in(&wanted, s));
        let is_new = |shadow: &Shadow| !is_in(&kept, shadow);
        let new: Vec<Shadow> = wanted.into_iter().filter(is_new).collect();
        let cast: Vec<Shadow> = kept.into_iter().chain(new.iter().cloned()).collect();
        if !cast.is_empty() {
            interest.shadows.get_or_insert_default().put_cast(cast);
        }
        drop(interest);
        gone.iter().for_each(Shadow::leave);
        self.enter_shadows(new, now);
    }
}

impl Shadow {
    /// Takes the shadow out of its place, if it is there.
    pub(crate) fn leave(&self) {
        let Some(exporter) = self.import.exporter.upgrade() else {
            return;
        };
        let mut interest = exporter.interest().write();
        if let Some(all) = &mut interest.shadows {
            let is = |have: &Shadow| have.sub.same(&self.sub);
            all.here.remove(hash(&self.sub), is, |have| hash(&have.sub));
            interest.drop_empty_shadows();
        }
        interest.remove(exporter.name(), &self.sub);
        drop(interest);
        exporter.touch();
    }
}

/// Accounts whose subscriptions are yet to get the shadows that changed imports make.
#[derive(Debug)]
pub(crate) struct Recast {
    pub(crate) accounts: Vec<Arc<Account>>,
    pub(crate) cursor: Option<Cursor>,
}

impl Recast {
    /// Does a part. Answers whether there is more.
    pub(crate) fn step(&mut self, now: Moment) -> bool {
        let Some(account) = self.accounts.last() else {
            return false;
        };
        let mut some = Vec::new();
        let cursor = self.cursor.take().unwrap_or_default();
        self.cursor = account
            .interest()
            .read()
            .index
            .visit_entries(cursor, PART, |sub| {
                if sub.class() == Class::Local && !sub.is_shadow() {
                    some.push(sub.clone());
                }
            });
        for sub in &some {
            account.recast(sub, now);
        }
        if self.cursor.is_none() {
            self.accounts.pop();
        }
        !self.accounts.is_empty()
    }
}
