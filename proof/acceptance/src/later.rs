//! What the reference server can do and Gannet cannot yet, as far as these tests know: one table. Every entry has a
//! test made by [`later!`](crate::later!), which shows that Gannet refuses the configuration with words that say so.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Tests of later parts of the work, as `file::test`, with the feature that each waits for.
pub const NOT_YET: &[(&str, &str)] = &[
    ("account_limits::acc_27_connections", "accounts"),
    ("account_limits::acc_27_payloads", "accounts"),
    ("account_limits::acc_27_subscriptions", "accounts"),
    (
        "account_limits::acc_27_the_payload_of_the_account_is_told",
        "accounts",
    ),
    ("account_limits::acc_29_fewer_subscriptions", "accounts"),
    ("account_limits::acc_29_shrinking_limits", "accounts"),
    ("account_reload::acc_32_accounts_come_and_go", "accounts"),
    (
        "account_reload::acc_32_permissions_change_for_those_who_are_there",
        "accounts",
    ),
    ("account_reload::acc_32_services_come_and_go", "accounts"),
    ("account_reload::acc_32_streams_come_and_go", "accounts"),
    (
        "account_reload::acc_32_users_move_to_other_accounts",
        "accounts",
    ),
    (
        "account_reload::acc_32_what_cannot_be_is_refused_and_nothing_changes",
        "accounts",
    ),
    ("account_reload::map_15_weights_change_live", "accounts"),
    (
        "account_services::acc_09_a_slow_responder_is_not_heard",
        "accounts",
    ),
    ("account_services::acc_09_kinds_of_responses", "accounts"),
    (
        "account_services::acc_12_answers_go_to_the_one_who_asked",
        "accounts",
    ),
    ("account_services::acc_12_conversations", "accounts"),
    (
        "account_services::acc_12_queue_groups_of_responders",
        "accounts",
    ),
    ("account_services::acc_12_request_and_answer", "accounts"),
    (
        "account_services::acc_12_requests_without_a_reply",
        "accounts",
    ),
    (
        "account_services::acc_12_responders_with_permission_to_respond",
        "accounts",
    ),
    ("account_services::acc_13_sharing_in_chains", "accounts"),
    (
        "account_services::acc_13_what_the_exporter_knows_of_the_requestor",
        "accounts",
    ),
    ("account_services::acc_14_subjects_with_tokens", "accounts"),
    ("account_services::acc_16_replies_are_made_up", "accounts"),
    ("account_services::acc_17_chains_of_three", "accounts"),
    ("account_services::acc_18_nobody_responds", "accounts"),
    (
        "account_services::acc_18_nobody_responds_at_the_end_of_a_chain",
        "accounts",
    ),
    ("account_streams::acc_11_chains_of_streams", "accounts"),
    ("account_streams::acc_11_headers_come_along", "accounts"),
    (
        "account_streams::acc_11_imports_under_other_subjects",
        "accounts",
    ),
    (
        "account_streams::acc_11_own_messages_on_imported_subjects",
        "accounts",
    ),
    (
        "account_streams::acc_11_permissions_are_about_own_subjects",
        "accounts",
    ),
    (
        "account_streams::acc_11_queue_groups_share_imports",
        "accounts",
    ),
    ("account_streams::acc_11_subscriptions_end", "accounts"),
    (
        "account_streams::acc_11_subscriptions_end_after_so_many",
        "accounts",
    ),
    (
        "account_streams::acc_11_what_is_imported_comes_and_nothing_else",
        "accounts",
    ),
    ("account_streams::acc_11_wildcards_meet", "accounts"),
    (
        "accounts::acc_01_accounts_keep_everything_apart",
        "accounts",
    ),
    ("accounts::acc_02_names_and_fields", "accounts"),
    (
        "accounts::acc_03_an_account_named_sys_is_the_system_account",
        "accounts",
    ),
    (
        "accounts::acc_03_the_system_account_hears_of_others",
        "accounts",
    ),
    (
        "accounts::acc_04_users_are_where_they_are_listed",
        "accounts",
    ),
    (
        "accounts::acc_05_the_user_of_those_who_say_nothing",
        "accounts",
    ),
    ("accounts::acc_06_default_permissions", "accounts"),
    ("accounts::acc_07_whom_an_export_is_for", "accounts"),
    ("accounts::acc_15_imports_that_cannot_be", "accounts"),
    ("auth::accounts_keep_apart", "accounts"),
    ("auth::no_auth_user", "accounts"),
    (
        "core_connect::commands_before_connect_are_allowed_with_no_auth_user",
        "accounts",
    ),
    (
        "core_connect::second_info_tells_the_system_account",
        "accounts",
    ),
    (
        "mappings::map_01_accounts_have_mappings_of_their_own",
        "accounts",
    ),
    (
        "mappings::map_02_requests_to_a_service_are_mapped",
        "accounts",
    ),
    ("auth_users::proxies_vouch_for_clients", "trusted proxies"),
    ("mappings::map_15_mappings_are_shown", "monitoring"),
    ("permission_matrix::permissions_among_clients", "accounts"),
    (
        "service_latency::acc_23_requests_that_ask_to_be_measured",
        "accounts",
    ),
    (
        "service_latency::acc_24_a_metric_for_each_answer",
        "accounts",
    ),
    ("service_latency::acc_25_what_went_wrong", "accounts"),
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
