//! Who has sent us away is left alone, unless we are to look for it.

use alloc::boxed::Box;

use super::super::Settings;
use super::harness::{Harness, S, info, settings};
use crate::route::{Ending, News, RouteId};

/// Server 1 has dialled, twice, and server 2, which has told of server 1.
fn two_servers() -> (Harness, [RouteId; 2], RouteId) {
    let mut harness = Harness::new(settings(), &[]);
    let two = harness.accept(2, 0);
    harness.news(two, &News::Gossip(Box::new(info(1))));
    let one = [harness.accept(1, 0), harness.accept(1, 1)];
    harness.settle();
    (harness, one, two)
}

#[test]
fn who_has_sent_us_away_is_not_looked_for() {
    // The word may be lost on one of the connections, first or last.
    let endings = [
        [Ending::SentAway, Ending::SentAway],
        [Ending::SentAway, Ending::Plain],
        [Ending::Plain, Ending::SentAway],
    ];
    for endings in endings {
        let (mut harness, one, two) = two_servers();
        for (id, ending) in one.iter().zip(&endings) {
            harness.ended(*id, ending);
        }
        for _ in 0..25 {
            harness.news(two, &News::Gossip(Box::new(info(1))));
            harness.wait(S * 2);
        }
        assert_eq!(harness.dials().len(), 0, "{endings:?}");
        // Later, others have had time to hear of it.
        harness.wait(S * 30);
        harness.news(two, &News::Gossip(Box::new(info(1))));
        harness.poll();
        assert_eq!(harness.dials().len(), 1, "{endings:?}");
    }
}

#[test]
fn who_is_lost_without_a_word_is_looked_for() {
    let (mut harness, one, _) = two_servers();
    one.iter().for_each(|id| harness.over(*id));
    harness.wait(S * 5);
    assert_eq!(harness.dials().len(), 1);
}

#[test]
fn an_address_that_is_configured_is_dialled_whatever_is_said_there() {
    let alone = Settings {
        pool_size: None,
        pinned: Default::default(),
        ..settings()
    };
    let mut harness = Harness::new(alone, &["h"]);
    let dial = harness.dial();
    harness.reach(&dial, 1);
    harness.confirm(dial.id);
    harness.ended(dial.id, &Ending::SentAway);
    harness.wait(S * 5);
    assert_eq!(harness.dials().len(), 1);
}

#[test]
fn who_comes_back_is_looked_for_again_when_it_is_lost() {
    let (mut harness, one, _) = two_servers();
    one.iter()
        .for_each(|id| harness.ended(*id, &Ending::SentAway));
    let again = harness.accept(1, 0);
    harness.settle();
    harness.over(again);
    harness.wait(S * 5);
    assert_eq!(harness.dials().len(), 1);
}
