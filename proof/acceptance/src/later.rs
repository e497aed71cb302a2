//! What the reference server can do and Gannet cannot yet, as far as these tests know: one table. Every entry has a
//! test made by [`later!`](crate::later!), which shows that Gannet refuses the configuration with words that say so.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Tests of later parts of the work, as `file::test`, with the feature that each waits for.
pub const NOT_YET: &[(&str, &str)] = &[
    ("auth::accounts_keep_apart", "accounts"),
    ("auth::no_auth_user", "accounts"),
    ("auth::responses_are_allowed_once", "permissions"),
    (
        "core_connect::commands_before_connect_are_allowed_with_no_auth_user",
        "accounts",
    ),
    (
        "core_connect::second_info_tells_the_system_account",
        "accounts",
    ),
    (
        "core_errors::denied_subjects_are_filtered_from_wildcards",
        "permissions",
    ),
    ("core_errors::permission_violations", "permissions"),
    ("core_errors::verbose_permission_violations", "permissions"),
    ("supercluster::accounts_stay_apart", "accounts"),
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
