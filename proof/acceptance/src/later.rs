//! What the reference server can do and Gannet cannot yet, as far as these tests know: one table. Every entry has a
//! test made by [`later!`](crate::later!), which shows that Gannet refuses the configuration with words that say so.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Tests of later parts of the work, as `file::test`, with the feature that each waits for.
pub const NOT_YET: &[(&str, &str)] = &[
    ("account_reload::map_15_weights_change_live", "monitoring"),
    (
        "accounts::acc_04_users_are_where_they_are_listed",
        "monitoring",
    ),
    ("auth_users::proxies_vouch_for_clients", "trusted proxies"),
    ("mappings::map_15_mappings_are_shown", "monitoring"),
    (
        "service_latency::acc_23_requests_that_ask_to_be_measured",
        "service latency",
    ),
    (
        "service_latency::acc_24_a_metric_for_each_answer",
        "service latency",
    ),
    ("service_latency::acc_25_what_went_wrong", "service latency"),
];

/// Runs `check`, which must fail because the server knows a key but not the feature behind it.
///
/// # Panics
/// When the test is not in [`NOT_YET`], when it passes (then it belongs to the others), or when it fails for
/// another reason.
pub fn expect_refusal(test: &str, feature: &str, check: impl FnOnce()) {
    assert!(
        NOT_YET.contains(&(test, feature)),
        "{test} ({feature}) is missing in the table of what is not there yet"
    );
    let Err(panic) = catch_unwind(AssertUnwindSafe(check)) else {
        panic!("{test} passes: move it to the tests of both servers and take it from the table");
    };
    let told = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .unwrap_or_default();
    let expected = format!("is known but not supported yet by this version of Gannet ({feature})");
    assert!(told.contains(&expected), "{test} fails otherwise: {told}");
    println!("not yet: {test} ({feature})");
}
