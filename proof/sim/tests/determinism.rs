//! The meta-test: if the same seed did not tell the same story, no other result here would mean anything.

use std::collections::BTreeSet;

use gannet_simulation::{Config, ReloadKind, run_seed};

#[test]
fn every_seed_tells_its_story_twice_and_no_other_seeds() {
    let config = Config {
        tale: true,
        ..Config::default()
    };
    let mut hashes = BTreeSet::new();
    let mut renewals = 0;
    // Among these are clusters of one server and of several, and encrypted ones.
    for seed in 0..9 {
        let (first, second) = (run_seed(seed, &config), run_seed(seed, &config));
        for (line, again) in first.tale.iter().zip(&second.tale) {
            assert_eq!(line, again, "seed {seed}");
        }
        assert_eq!(first.trace_hash, second.trace_hash, "seed {seed}");
        assert!(
            first.deliveries > 100,
            "seed {seed}: only {} messages were delivered",
            first.deliveries
        );
        assert!(
            hashes.insert(first.trace_hash),
            "seed {seed} tells the story of another"
        );
        renewals += first.reloads.get(&ReloadKind::Certificates).unwrap_or(&0);
    }
    assert!(renewals > 0, "certificates change in some of them");
}

#[test]
fn reading_along_changes_nothing() {
    let quiet = run_seed(7, &Config::default());
    let told = run_seed(
        7,
        &Config {
            tale: true,
            packets: true,
            ..Config::default()
        },
    );
    assert_eq!(quiet.trace_hash, told.trace_hash);
    assert!(quiet.tale.is_empty() && quiet.packets.is_empty());
    assert!(!told.tale.is_empty() && !told.packets.is_empty());
}
