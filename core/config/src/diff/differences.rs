//! A difference setting by setting, for a human or a program to read. Not here: what becomes of each (`Diff`).

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;

use super::{Diff, Verdict};
use crate::explain::{Setting, Shown};
use crate::options::Options;
use crate::origin::{KeyPath, Origins};

/// A setting that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Which one.
    pub key: KeyPath,
    /// Its value before.
    pub old: Shown,
    /// Its value now.
    pub new: Shown,
    /// What becomes of it.
    pub verdict: Verdict,
}

/// `KEY OLD -> NEW`; of secrets only that they differ.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.key)?;
        match (&self.old, &self.new) {
            (Shown::Unset, Shown::Secret(_)) => f.write_str("(secret) is set"),
            (Shown::Secret(_), Shown::Unset) => f.write_str("(secret) is no longer set"),
            (Shown::Secret(_), Shown::Secret(_)) => f.write_str("(secret) is another one"),
            (Shown::Unset, new) => write!(f, "is {new}"),
            (old, Shown::Unset) => write!(f, "is no longer {old}"),
            (old, new) => write!(f, "{old} -> {new}"),
        }
    }
}

impl Verdict {
    /// One word for it.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Live => "live",
            Verdict::Refused => "refused",
            Verdict::Ignored => "ignored",
        }
    }
}

impl Diff {
    /// The settings that differ between the options that were compared, in the order of the manual; those
    /// that are no longer there come last.
    pub fn differences(&self, old: &Options, new: &Options) -> Vec<Difference> {
        let settings = |options: &Options| options.settings(&Origins::default());
        let (old, new) = (settings(old), settings(new));
        let by_key = |settings: &[Setting]| -> BTreeMap<KeyPath, Setting> {
            let entries = settings.iter().map(|s| (s.key.clone(), s.clone()));
            entries.collect()
        };
        let (before, after) = (by_key(&old), by_key(&new));
        let gone = old
            .iter()
            .filter(|setting| !after.contains_key(&setting.key));
        let all = new.iter().chain(gone).map(|setting| &setting.key);
        let compare = |key: &KeyPath| {
            let (old, new) = (before.get(key), after.get(key));
            let follows = |setting: Option<&Setting>| setting.and_then(|s| s.follows.clone());
            // What follows another one goes without saying: that one is in the list.
            let is_said = follows(old).is_some() && follows(old) == follows(new);
            let value =
                |setting: Option<&Setting>| setting.map_or(Shown::Unset, |s| s.value.clone());
            let (old, new) = (value(old), value(new));
            (old != new && !is_said).then(|| Difference {
                key: key.clone(),
                old,
                new,
                verdict: self.verdict(key),
            })
        };
        all.filter_map(compare).collect()
    }
}
