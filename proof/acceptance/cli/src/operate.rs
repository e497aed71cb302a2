//! Operation for long, with a line now and then and a summary at the end.
//!
//! Not here: what happens, and what must hold (`gannet_acceptance::operate`).

use gannet_acceptance::operate::lifecycle::{Event, Lifecycle};
use gannet_acceptance::operate::reloads::{Change, Reloads};
use std::time::Instant;

/// How often there is a line, in shares of the whole.
const LINES: u32 = 10;

/// Ends servers and starts them again.
///
/// # Panics
/// When something does not hold.
pub(crate) fn end_servers(rounds: u32, seed: u64) {
    let started = Instant::now();
    let mut lifecycle = Lifecycle::start(seed);
    let every = (rounds / LINES).max(1);
    for round in 1..=rounds {
        lifecycle.round();
        if round.is_multiple_of(every) {
            let held = lifecycle.look();
            let seconds = started.elapsed().as_secs();
            println!("{round} of {rounds} in {seconds} s: the server that stays holds {held}");
        }
    }
    let outcome = lifecycle.finish();
    let count = |event: &Event| format!("{event}: {}", outcome.counts.get(event).unwrap_or(&0));
    let counts: Vec<String> = Event::ALL.iter().map(count).collect();
    println!(
        "{rounds} rounds in {} s ({}): no server hung, no link to a dead one stayed, nothing leaked",
        started.elapsed().as_secs(),
        counts.join(", "),
    );
    println!(
        "{} messages heard all over the mesh, none twice; {} delivered at the server that stays, none lost, none out of order, no connection of anybody lost whose server stayed",
        outcome.roamed, outcome.carried.delivered,
    );
    if let (Some((first, before)), Some((last, after))) =
        (outcome.looks.first(), outcome.looks.last())
    {
        println!(
            "the server that stays held {before} after round {first} and {after} after round {last}"
        );
    }
}

/// Changes everything that can change.
///
/// # Panics
/// When something does not hold.
pub(crate) fn reload_servers(rounds: u32) {
    // Pools are left alone beside Go servers, which close their routes when they change.
    let (no_gateways, no_routes) = ([Change::Gateways], [Change::Routes]);
    let beside_go = [Change::Pools, Change::Routes];
    for (mix, unless) in [
        ("GGG", &no_gateways[..]),
        ("GG G G", &no_routes),
        ("GX X G", &beside_go),
    ] {
        let started = Instant::now();
        let mut reloads = Reloads::start(mix);
        for round in 1..=rounds {
            for change in Change::ALL {
                if !unless.contains(&change) {
                    reloads.change(change);
                }
            }
            if round.is_multiple_of((rounds / LINES).max(1)) {
                println!("{mix}: {round} of {rounds} rounds");
            }
        }
        let outcome = reloads.finish();
        let seconds = started.elapsed().as_secs_f64();
        println!(
            "{mix}: {} reloads in {seconds:.0} s under {:.0} messages a second: {} published, {} delivered, none lost, none twice, none out of order, no client disconnected whom it did not concern",
            outcome.reloads,
            outcome.carried.delivered as f64 / seconds,
            outcome.carried.published,
            outcome.carried.delivered,
        );
    }
}
