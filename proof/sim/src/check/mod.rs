//! What must hold, one file each. Those listed in [`watchers`] are shown every event as it happens, faults or
//! not; the others judge a state of affairs once nothing moves any more.
//!
//! Not here: when to judge (`phases`), who should get what (`oracle`).

mod answers;
mod certificates;
mod exactly_once;
mod ghosts;
mod interest;
mod leaks;
mod local_first;
mod mesh;
mod no_surprises;
mod nothing_after_end;
mod once;
mod one_member;
mod order;
mod stays;
mod true_copy;
mod undisturbed;
mod urls;
mod witness;

pub(crate) use answers::judge as judge_answers;
pub(crate) use exactly_once::{judge as judge_deliveries, members};
pub(crate) use ghosts::judge as judge_ghosts;
pub(crate) use interest::judge as judge_interest;
pub(crate) use leaks::{Holding, judge as judge_leaks, judge_stopped};
pub(crate) use mesh::judge as judge_mesh;
pub(crate) use urls::judge as judge_urls;

use crate::journal::{Event, Journal};

/// A checker that watches everything.
pub(crate) trait Watcher: Send {
    /// The checker's name, as a failure shows it.
    fn name(&self) -> &'static str;

    /// Looks at one event; an error says what rule it breaks.
    fn see(&mut self, journal: &Journal, event: &Event) -> Result<(), String>;
}

/// All checkers that watch.
pub(crate) fn watchers() -> Vec<Box<dyn Watcher>> {
    vec![
        Box::new(no_surprises::NoSurprises),
        Box::new(true_copy::TrueCopy),
        Box::new(once::Once::default()),
        Box::new(order::Order::default()),
        Box::new(one_member::OneMember::default()),
        Box::new(local_first::LocalFirst::default()),
        Box::new(witness::Witness),
        Box::new(undisturbed::Undisturbed),
        Box::new(nothing_after_end::NothingAfterEnd),
        Box::new(answers::OneWord),
        Box::new(stays::Stays),
        Box::new(certificates::Certificates),
    ]
}
