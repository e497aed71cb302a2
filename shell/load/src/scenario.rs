//! The table of scenarios: names, titles, what they run, and what the project wants of them.

use std::fmt;

use crate::codec::Subscription;
use crate::error::LoadError;
use crate::flow::{self, Flow};
use crate::footprint;
use crate::metric::{Metric, Sample};
use crate::process::Layout;
use crate::request::{Inbox, Requests};
use crate::run::Bench;

/// What a figure should be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Target {
    /// Ours divided by theirs, at most.
    RatioAtMost(f64),
    /// Ours divided by theirs, at least.
    RatioAtLeast(f64),
    /// Ours, at most.
    AtMost(f64),
    /// Ours, at least.
    AtLeast(f64),
}

/// How a scenario runs.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// Messages streaming.
    Flow(Flow),
    /// Requests and replies.
    Requests(Requests),
    /// Idle connections.
    Idle,
    /// Many subscriptions.
    Subscriptions,
    /// A server alone.
    Startup,
    /// Servers that find each other.
    Boot(Layout),
    /// A link that breaks, with interest in so many subjects behind it.
    Flap(u32),
    /// Local traffic, while a cluster that wants all of it stops taking anything.
    BlackHole,
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scenario {
    /// By which it is chosen.
    pub(crate) name: &'static str,
    /// For people.
    pub(crate) title: &'static str,
    /// What it does.
    pub(crate) kind: Kind,
    /// What the project wants, by the metric's key.
    pub(crate) targets: &'static [(&'static str, Target)],
}

impl Scenario {
    /// Runs it once.
    pub(crate) fn run(&self, bench: &Bench<'_>) -> Result<Sample, LoadError> {
        match &self.kind {
            Kind::Flow(flow) => flow.run(bench),
            Kind::Requests(requests) => requests.run(bench),
            Kind::Idle => footprint::idle(bench.connections, bench),
            Kind::Subscriptions => {
                footprint::subscriptions(bench.subscriptions, bench.subscribers, bench)
            }
            Kind::Startup => footprint::startup(bench),
            Kind::Flap(subjects) => footprint::flap(*subjects, bench),
            Kind::Boot(layout) => footprint::boot(*layout, bench),
            Kind::BlackHole => flow::black_hole(bench),
        }
    }

    /// Whether it runs only where it is named: it may need more than a small machine has.
    fn is_large(&self) -> bool {
        matches!(self.kind, Kind::Boot(layout) if layout.servers() > SERVERS_UNASKED)
    }

    /// What the project wants of one of its figures.
    pub(crate) fn target(&self, metric: Metric) -> Option<Target> {
        self.targets
            .iter()
            .find(|(key, _)| *key == metric.key)
            .map(|(_, target)| *target)
    }
}

const CPU: &str = Metric::CPU_PER_MESSAGE.key;
const TRIP: &str = Metric::CPU_PER_ROUND_TRIP.key;
const FASTER: &[(&str, Target)] = &[
    (Metric::P50.key, Target::RatioAtMost(1.0)),
    (Metric::P99.key, Target::RatioAtMost(1.0)),
];

macro_rules! flow {
    ($name:literal, $title:literal, $target:expr, $($field:ident: $value:expr),+) => {
        Scenario {
            name: $name,
            title: $title,
            kind: Kind::Flow(Flow { $($field: $value,)+ ..Flow::PLAIN }),
            targets: &[(CPU, Target::RatioAtMost($target))],
        }
    };
}

const fn requests(layout: Layout, in_flight: usize, inbox: Inbox) -> Kind {
    Kind::Requests(Requests {
        layout,
        in_flight,
        inbox,
    })
}

/// Scenarios of more servers are not run unless they are named.
const SERVERS_UNASKED: usize = 9;

/// The largest super-cluster in the manual's table.
const LARGE: Layout = Layout::SuperCluster {
    clusters: 3,
    nodes: 30,
};

const SUPER: Layout = Layout::SuperCluster {
    clusters: 3,
    nodes: 3,
};

/// All scenarios, in the order in which they run.
pub(crate) const ALL: &[Scenario] = &[
    Scenario {
        name: "startup",
        title: "a server alone",
        kind: Kind::Startup,
        targets: &[
            (Metric::READY.key, Target::AtMost(50e6)),
            (Metric::IDLE_CPU.key, Target::AtMost(0.001)),
        ],
    },
    flow!("publish-16", "publish only, 16 B", 1.0 / 3.0, receivers: 0, payload: 16),
    flow!("1-1-16", "1 → 1, 16 B", 0.2, payload: 16),
    flow!("1-1-128", "1 → 1, 128 B", 0.25, payload: 128),
    flow!("1-1-4k", "1 → 1, 4 KiB", 0.55, payload: 4 << 10),
    flow!("1-1-64k", "1 → 1, 64 KiB", 0.55, payload: 64 << 10),
    flow!("1-10", "1 → 10, 128 B", 0.2, receivers: 10),
    flow!("1-100", "1 → 100, 128 B", 0.2, receivers: 100),
    flow!("4x1-1", "4 × (1 → 1), 128 B", 0.25, publishers: 4),
    flow!("subjects-wildcard", "100,000 subjects → wildcard, 128 B", 0.25,
        subjects: 100_000, subscription: Subscription::Wildcard),
    flow!("subjects-literals", "10,000 subjects → 10,000 literals, 128 B", 1.0 / 6.0,
        subjects: 10_000, subscription: Subscription::EveryNth(1)),
    flow!("subjects-sparse", "100,000 subjects, 10,000 subscribed, 128 B", 1.0 / 6.0,
        subjects: 100_000, subscription: Subscription::EveryNth(10)),
    flow!("queue-8", "queue group of 8, 128 B", 0.2, receivers: 8, subscription: Subscription::Queue),
    flow!("headers", "1 → 1, 64 B of headers + 128 B", 0.25, headers: 64),
    Scenario {
        name: "request",
        title: "request/reply, one at a time",
        kind: requests(Layout::Single, 1, Inbox::PerRequest),
        targets: FASTER,
    },
    Scenario {
        name: "request-64",
        title: "request/reply, 64 in flight",
        kind: requests(Layout::Single, 64, Inbox::PerSlot),
        targets: &[(TRIP, Target::RatioAtMost(1.0 / 3.0))],
    },
    Scenario {
        name: "request-64-inboxes",
        title: "request/reply, 64 in flight, new inboxes",
        kind: requests(Layout::Single, 64, Inbox::PerRequest),
        targets: &[(TRIP, Target::RatioAtMost(1.0 / 3.0))],
    },
    flow!("gateway-1-1", "gateway, 1 → 1, 128 B", 0.25, layout: Layout::Gateways),
    flow!("gateway-1-10", "gateway, 1 → 10, 128 B", 0.2, layout: Layout::Gateways, receivers: 10),
    Scenario {
        name: "gateway-request",
        title: "gateway request/reply, one at a time",
        kind: requests(Layout::Gateways, 1, Inbox::PerRequest),
        targets: FASTER,
    },
    Scenario {
        name: "gateway-request-64",
        title: "gateway request/reply, 64 in flight",
        kind: requests(Layout::Gateways, 64, Inbox::PerSlot),
        targets: &[(TRIP, Target::RatioAtMost(1.0 / 3.0))],
    },
    Scenario {
        name: "gateway-request-64-inboxes",
        title: "gateway request/reply, 64 in flight, new inboxes",
        kind: requests(Layout::Gateways, 64, Inbox::PerRequest),
        targets: &[(TRIP, Target::RatioAtMost(1.0 / 3.0))],
    },
    flow!("route-1-1", "route, 1 → 1, 128 B", 0.25, layout: Layout::Routes("off")),
    flow!("route-1-10", "route, 1 → 10, 128 B", 0.2, layout: Layout::Routes("off"), receivers: 10),
    flow!("route-s2", "route with s2_fast, 1 → 1, 128 B", 0.5, layout: Layout::Routes("s2_fast")),
    Scenario {
        name: "route-request-64",
        title: "route request/reply, 64 in flight",
        kind: requests(Layout::Routes("off"), 64, Inbox::PerSlot),
        targets: &[(TRIP, Target::RatioAtMost(1.0 / 3.0))],
    },
    flow!("super-3x3", "3 × 3 super-cluster, 9 → 9 each, 128 B", 0.25,
        layout: SUPER, publishers: 9, receivers: 9),
    Scenario {
        name: "boot-3x3",
        title: "3 × 3 super-cluster from nothing",
        kind: Kind::Boot(SUPER),
        targets: &[
            (Metric::COMPLETE.key, Target::RatioAtMost(1.0)),
            (Metric::MEMORY.key, Target::RatioAtMost(1.0 / 3.0)),
        ],
    },
    Scenario {
        name: "boot-3x30",
        title: "3 × 30 super-cluster from nothing (if named)",
        kind: Kind::Boot(LARGE),
        targets: &[(Metric::MEMORY_IN_COMMON.key, Target::RatioAtMost(0.25))],
    },
    Scenario {
        name: "black-hole",
        title: "1 → 1 at home, 128 B, while a cluster that wants it hangs",
        kind: Kind::BlackHole,
        targets: &[
            (Metric::KEPT.key, Target::AtLeast(0.98)),
            (Metric::P99_RISE.key, Target::AtMost(1.2)),
        ],
    },
    Scenario {
        name: "flap-100k",
        title: "gateway link cut, 100,000 subjects behind it",
        kind: Kind::Flap(100_000),
        targets: &[(Metric::RECOVERY.key, Target::RatioAtMost(1.0))],
    },
    Scenario {
        name: "flap-1m",
        title: "gateway link cut, 1,000,000 subjects behind it",
        kind: Kind::Flap(1_000_000),
        targets: &[(Metric::RECOVERY.key, Target::RatioAtMost(1.0))],
    },
    Scenario {
        name: "idle",
        title: "idle connections",
        kind: Kind::Idle,
        targets: &[(Metric::MEMORY_PER_CONNECTION.key, Target::AtMost(4096.0))],
    },
    Scenario {
        name: "subscriptions",
        title: "literal subscriptions",
        kind: Kind::Subscriptions,
        targets: &[
            (
                Metric::MEMORY_PER_SUBSCRIPTION.key,
                Target::AtMost(150.0 + footprint::SUBJECT_BYTES as f64),
            ),
            (Metric::SUBSCRIPTIONS.key, Target::RatioAtLeast(3.0)),
        ],
    },
];

/// The scenarios whose names match one of the patterns (`*` any characters, `?` one); without patterns all but the large
/// ones.
pub(crate) fn select(patterns: &[String]) -> Result<Vec<&'static Scenario>, LoadError> {
    for pattern in patterns {
        if !ALL
            .iter()
            .any(|scenario| matches(pattern.as_bytes(), scenario.name.as_bytes()))
        {
            return Err(LoadError::Usage(format!(
                "no scenario matches \"{pattern}\"; --list shows their names"
            )));
        }
    }
    let wanted = |scenario: &&Scenario| {
        patterns
            .iter()
            .any(|pattern| matches(pattern.as_bytes(), scenario.name.as_bytes()))
    };
    Ok(ALL
        .iter()
        .filter(|scenario| match patterns.is_empty() {
            true => !scenario.is_large(),
            false => wanted(scenario),
        })
        .collect())
}

fn matches(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern, name) {
        ([], []) => true,
        ([b'*', pattern @ ..], _) => {
            (0..=name.len()).any(|skipped| matches(pattern, &name[skipped..]))
        }
        ([b'?', pattern @ ..], [_, name @ ..]) => matches(pattern, name),
        ([wanted, pattern @ ..], [found, name @ ..]) => wanted == found && matches(pattern, name),
        _ => false,
    }
}

impl Target {
    /// Whether ours (and the ratio, where there is another server) reaches it; `None` when nothing can be said.
    pub(crate) fn reached(self, ours: f64, ratio: Option<f64>) -> Option<bool> {
        match self {
            Target::RatioAtMost(limit) => ratio.map(|ratio| ratio <= limit),
            Target::RatioAtLeast(limit) => ratio.map(|ratio| ratio >= limit),
            Target::AtMost(limit) => Some(ours <= limit),
            Target::AtLeast(limit) => Some(ours >= limit),
        }
    }

    /// The target for people.
    pub(crate) fn show(self, metric: Metric) -> String {
        match self {
            Target::RatioAtMost(limit) => format!("≤ {limit:.2}"),
            Target::RatioAtLeast(limit) => format!("≥ {limit:.2}"),
            Target::AtMost(limit) => format!("≤ {}", metric.show(limit)),
            Target::AtLeast(limit) => format!("≥ {}", metric.show(limit)),
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<26} {}", self.name, self.title)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(patterns: &[&str]) -> Vec<&'static str> {
        let patterns: Vec<String> = patterns
            .iter()
            .map(|pattern| (*pattern).to_owned())
            .collect();
        select(&patterns)
            .unwrap()
            .iter()
            .map(|scenario| scenario.name)
            .collect()
    }

    #[test]
    fn patterns_choose_in_the_tables_order() {
        assert_eq!(names(&[]).len(), ALL.len() - 1);
        assert_eq!(names(&["boot-*"]), ["boot-3x3", "boot-3x30"]);
        assert_eq!(names(&["gateway-1-*"]), ["gateway-1-1", "gateway-1-10"]);
        assert_eq!(names(&["1-1-4k", "1-1-1?"]), ["1-1-16", "1-1-4k"]);
        assert_eq!(
            names(&["request", "*-request"]),
            ["request", "gateway-request"]
        );
        let error = select(&["nothing".to_owned()]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no scenario matches \"nothing\"; --list shows their names"
        );
    }

    #[test]
    fn names_are_unique_and_targets_name_figures() {
        for (index, scenario) in ALL.iter().enumerate() {
            assert!(ALL[..index].iter().all(|other| other.name != scenario.name));
        }
        assert_eq!(
            ALL[1].target(Metric::CPU_PER_MESSAGE),
            Some(Target::RatioAtMost(1.0 / 3.0))
        );
        assert_eq!(ALL[1].target(Metric::MEMORY), None);
    }

    #[test]
    fn targets_compare_ratios_or_our_own_figure() {
        assert_eq!(
            Target::RatioAtMost(0.25).reached(9.0, Some(0.2)),
            Some(true)
        );
        assert_eq!(
            Target::RatioAtLeast(3.0).reached(9.0, Some(2.0)),
            Some(false)
        );
        assert_eq!(Target::RatioAtMost(0.25).reached(9.0, None), None);
        assert_eq!(Target::AtMost(4096.0).reached(5000.0, None), Some(false));
        assert_eq!(Target::AtLeast(0.98).reached(0.99, None), Some(true));
    }
}
