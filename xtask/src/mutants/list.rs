//! The faults. Where a text to be replaced is no longer there, a plain test says so: whoever changed the
//! code moves the fault to where it belongs now.

use super::{Edit, Mutant, Test};

const DELIVERY: &str = "core/broker/src/delivery.rs";
const ACCOUNT: &str = "core/broker/src/account.rs";
const BROKER: &str = "core/broker/src/broker.rs";
const ORIGIN: &str = "core/broker/src/origin.rs";
const GATEWAY_LINK: &str = "core/session/src/gateway/link.rs";
const GATEWAYS: &str = "core/session/src/topology/gateways/mod.rs";
const REMOTE: &str = "core/session/src/topology/gateways/remote.rs";

/// One change of one file.
macro_rules! edit {
    ($file:expr, $text:expr, $instead:expr $(,)?) => {
        Edit {
            file: $file,
            text: $text,
            instead: $instead,
        }
    };
}

/// A story of a bug that is known from elsewhere.
const fn classic(name: &'static str) -> Test {
    story("classics", name)
}

const fn story(file: &'static str, name: &'static str) -> Test {
    Test {
        package: "gannet-simulation",
        file: Some(file),
        name,
    }
}

const fn switchboard(name: &'static str) -> Test {
    Test {
        package: "gannet-broker",
        file: Some("switchboard"),
        name,
    }
}

const fn session(name: &'static str) -> Test {
    Test {
        package: "gannet-session",
        file: None,
        name,
    }
}

/// All of them.
pub const MUTANTS: &[Mutant] = &[
    Mutant {
        id: "g4-listing-bounded",
        against: "G4",
        fault: "a listing larger than a link's bound ends the link",
        edits: &[edit!(
            "core/broker/src/outbox.rs",
            "self.max_control = self.max_control.saturating_add(bytes.len());",
            "",
        )],
        test: classic("g4_"),
    },
    Mutant {
        id: "g4-told-in-part",
        against: "G4",
        fault: "of a listing that takes several parts, the first one is all that is told",
        edits: &[edit!(
            "core/broker/src/listing.rs",
            "next.map(|cursor| Step::Plain(account, cursor))",
            "next.filter(|_| false).map(|cursor| Step::Plain(account, cursor))",
        )],
        test: classic("g4_"),
    },
    Mutant {
        id: "g5-last-but-one",
        against: "G5",
        fault: "the end of the last member but one counts as the last",
        edits: &[edit!(
            ACCOUNT,
            "sub.class() != Class::Gateway && left.in_cluster() == 0;",
            "sub.class() != Class::Gateway && left.in_cluster() <= 1;",
        )],
        test: classic("g5_"),
    },
    Mutant {
        id: "g5-counted-again",
        against: "G5",
        fault: "interest that is told again counts twice",
        edits: &[edit!(
            BROKER,
            "if known.get(subject, queue).is_some() {",
            "if false {",
        )],
        test: switchboard("a_remote_cluster_gets_one_copy_however_many_of_its_interests_match"),
    },
    Mutant {
        id: "g6-reader-waits",
        against: "G6",
        fault: "a link's reader waits for a name to be resolved",
        edits: &[edit!(
            "shell/node/src/link/task.rs",
            "Wake::Readable => self.on_readable(),",
            "Wake::Readable => {
                    let rt = self.line.shared.rt.clone();
                    let _ = rt.timeout(Duration::from_secs(10), rt.resolve(\"lost\", 1)).await;
                    self.on_readable()
                }",
        )],
        test: classic("g6_"),
    },
    Mutant {
        id: "g7-one-at-a-time",
        against: "G7",
        fault: "a silent address keeps all others waiting",
        edits: &[edit!(
            REMOTE,
            "const SILENCE: Duration = Duration::from_millis(250);",
            "const SILENCE: Duration = Duration::from_secs(3600);",
        )],
        test: classic("g7_"),
    },
    Mutant {
        id: "g7-no-deadline",
        against: "G7",
        fault: "a server that accepts and says nothing is waited for without end",
        edits: &[
            edit!(
                GATEWAY_LINK,
                "State::AwaitInfo(state) if now >= state.deadline => Some(stale(out)),",
                "",
            ),
            edit!(
                GATEWAY_LINK,
                "State::AwaitInfo(state) => state.deadline,",
                "State::AwaitInfo(_) => Moment::NEVER,",
            ),
        ],
        test: session("a_peer_that_never_says_connect_or_info_is_given_up"),
    },
    Mutant {
        id: "g8-the-same-again",
        against: "G8",
        fault: "one address a round, and one that has failed before all others",
        edits: &[
            edit!(
                REMOTE,
                "order.into_iter().map(|(_, address)| address).collect();",
                "order.into_iter().map(|(_, address)| address).take(1).collect();",
            ),
            edit!(
                REMOTE,
                "order.sort_by_key(|(rank, _)| *rank);",
                "order.sort_by_key(|(rank, _)| core::cmp::Reverse(*rank));",
            ),
        ],
        test: classic("g8_"),
    },
    Mutant {
        id: "g9-link-forgotten",
        against: "G9",
        fault: "a link to another cluster that is lost is not looked for",
        edits: &[edit!(
            GATEWAYS,
            "remote.lost(now, &self.settings, &mut self.chance);",
            "",
        )],
        test: classic("g9_"),
    },
    Mutant {
        id: "g9-place-forgotten",
        against: "G9",
        fault: "an attempt at a route that failed blocks its place",
        edits: &[edit!(
            "core/session/src/topology/routes/remote.rs",
            "        lane.attempt = None;\n",
            "",
        )],
        test: classic("g9_"),
    },
    Mutant {
        id: "g13-another-cluster-too",
        against: "G13",
        fault: "a group that was served here is served elsewhere as well",
        edits: &[edit!(
            DELIVERY,
            "Served::Here => false,",
            "Served::Here => queue.remote == Some(link),",
        )],
        test: classic("g13_"),
    },
    Mutant {
        id: "g13-nobody",
        against: "G13",
        fault: "a group without members here is left to nobody",
        edits: &[edit!(
            DELIVERY,
            "Served::Nobody => queue.remote == Some(link),",
            "Served::Nobody => false,",
        )],
        test: classic("g13_"),
    },
    Mutant {
        id: "g13-doubled-on",
        against: "G13",
        fault: "what came from another cluster goes on to the other clusters",
        edits: &[edit!(
            ORIGIN,
            "matches!(self, Origin::Client | Origin::ReturnedReply { .. })",
            "!matches!(self, Origin::Link { by: Hop::Route, .. })",
        )],
        // A story would drown in what goes round.
        test: switchboard(
            "a_message_of_another_cluster_stays_here_and_reaches_only_the_groups_it_names",
        ),
    },
    Mutant {
        id: "g14-never-mapped",
        against: "G14",
        fault: "a request does not carry its way back",
        edits: &[edit!(
            DELIVERY,
            "account.subscribed_lately(msg.reply, self.now)",
            "account.subscribed_lately(msg.reply, self.now) && false",
        )],
        test: classic("g14_"),
    },
    Mutant {
        id: "g14-mapped-form-shown",
        against: "G14",
        fault: "an answer that has come home keeps the subject that it travelled under",
        edits: &[edit!(
            "shell/node/src/link/messages.rs",
            "subject: mapped.subject,",
            "subject: self.message.subject,",
        )],
        test: classic("g14_"),
    },
    Mutant {
        id: "g25-no-backoff",
        against: "G25",
        fault: "attempts at a cluster that is gone don't become rarer",
        edits: &[edit!(
            REMOTE,
            "self.delay = (self.delay * 2).min(LONGEST_DELAY);",
            "",
        )],
        test: classic("g25_"),
    },
    Mutant {
        id: "g25-not-hastened",
        against: "G25",
        fault: "a cluster that is back has to wait until its turn comes",
        edits: &[edit!(
            REMOTE,
            "*until = (*until).min(now.max(self.round_started + shortest));",
            "*until = (*until).max(self.round_started + shortest);",
        )],
        test: classic("g25_"),
    },
    Mutant {
        id: "order-not-held",
        against: "order",
        fault: "an account that moves to another route overtakes itself",
        edits: &[edit!(
            "core/broker/src/outbox.rs",
            "self.hold.get_or_insert_default().wait_for(token);",
            "self.hold.get_or_insert_default();",
        )],
        test: switchboard("clu_26_moving_accounts_lose_double_and_mix_up_nothing"),
    },
    Mutant {
        id: "order-bytes-again",
        against: "order",
        fault: "of a chunk that a socket took in part, that part is written again",
        edits: &[edit!(
            "core/broker/src/outbox.rs",
            "self.written = batch.written;",
            "self.written = 0;",
        )],
        test: switchboard("whatever_the_sink_takes_at_a_time_the_bytes_come_out_in_order"),
    },
    Mutant {
        id: "once-told-twice",
        against: "exactly once",
        fault: "members told over two connections to one server count twice",
        edits: &[edit!(
            "core/broker/src/plan.rs",
            "route.is_doubled = true;",
            "",
        )],
        test: switchboard("clu_26_interest_told_twice_by_one_server_counts_once"),
    },
    Mutant {
        id: "once-passed-on",
        against: "exactly once",
        fault: "what came over a route goes on over routes",
        edits: &[edit!(
            ORIGIN,
            "*by == Hop::Gateway,",
            "*by == Hop::Gateway || *by == Hop::Route,",
        )],
        test: switchboard("every_server_with_interest_gets_one_copy_and_hands_none_on"),
    },
    Mutant {
        id: "ghost-group",
        against: "no ghost interest",
        fault: "servers of the cluster are not told of the end of a group",
        edits: &[edit!(
            "core/broker/src/routes.rs",
            "(_, 0) => self.tell(false, |link, out| {",
            "(None, 0) => self.tell(false, |link, out| {",
        )],
        test: classic("g5_"),
    },
    Mutant {
        id: "ghost-link",
        against: "no ghost interest",
        fault: "the interest of a link outlives it",
        edits: &[edit!(
            "shell/node/src/gateway/task.rs",
            "bulk::forget(&shared, Forgetting::new(interest));",
            "drop(Forgetting::new(interest));",
        )],
        test: classic("g4_"),
    },
    Mutant {
        id: "reply-forgotten",
        against: "reply mapping",
        fault: "who answers a request from afar forgets the way at once",
        edits: &[edit!(
            "core/broker/src/replies.rs",
            "let until = now + KEEP;",
            "let until = now;",
        )],
        test: story(
            "directed",
            "an_inbox_made_just_before_the_request_gets_its_answer_from_afar",
        ),
    },
    Mutant {
        id: "member-of-each-server",
        against: "one member of a group",
        fault: "a member here is served besides the one on another server",
        edits: &[edit!(
            DELIVERY,
            "return Served::By(route.link);",
            "self.serve_one_member(plan, queue, sent);
                    return Served::By(route.link);",
        )],
        test: story(
            "placements",
            "every_placement_on_one_cluster_of_up_to_two_servers",
        ),
    },
    Mutant {
        id: "member-far-away",
        against: "one member of a group",
        fault: "not the nearest cluster is asked, but the farthest",
        edits: &[edit!(
            "core/broker/src/plan.rs",
            "best.min(at)",
            "best.max(at)",
        )],
        test: story(
            "directed",
            "a_queue_group_fails_over_to_the_nearest_cluster_and_comes_back",
        ),
    },
    Mutant {
        id: "refused-never",
        against: "no responders",
        fault: "who asks nobody is not told so",
        edits: &[edit!(
            "shell/node/src/client/task/work.rs",
            "delivered.is_none() && !publish.reply.is_empty()",
            "false && !publish.reply.is_empty()",
        )],
        test: story("directed", "interest_ends_with_the_last_subscriber"),
    },
    Mutant {
        id: "refused-wrongly",
        against: "no responders",
        fault: "who asks somebody elsewhere is told that nobody is there",
        edits: &[edit!(
            "shell/node/src/client/task/work.rs",
            "delivered.is_none() && !publish.reply.is_empty()",
            "delivered.local == 0 && !publish.reply.is_empty()",
        )],
        test: story("directed", "interest_ends_with_the_last_subscriber"),
    },
];
