//! The results for programs. Fields are added, never renamed or removed. Values are in nanoseconds, bytes, events per
//! second, and parts of one core, as each figure's `unit` says.

use serde::Serialize;

use super::{Outcome, Results};
use crate::metric::Unit;
use crate::scenario::Target;

#[derive(Serialize)]
struct Document<'a> {
    tool: &'static str,
    tool_version: &'static str,
    cores: usize,
    rounds: u32,
    servers: Vec<Server<'a>>,
    scenarios: Vec<Scenario<'a>>,
}

#[derive(Serialize)]
struct Server<'a> {
    path: &'a str,
    version: &'a str,
}

#[derive(Serialize)]
struct Scenario<'a> {
    name: &'a str,
    title: &'a str,
    error: Option<String>,
    figures: Vec<Figure>,
}

#[derive(Serialize)]
struct Figure {
    key: &'static str,
    unit: &'static str,
    ours: Option<Values>,
    theirs: Option<Values>,
    ratio: Option<f64>,
    target: Option<Wanted>,
}

#[derive(Serialize)]
struct Values {
    median: f64,
    rounds: Vec<f64>,
}

#[derive(Serialize)]
struct Wanted {
    kind: &'static str,
    limit: f64,
    reached: Option<bool>,
}

/// All results as one JSON document.
pub(crate) fn json(results: &Results) -> String {
    let document = Document {
        tool: "gannet bench",
        tool_version: env!("CARGO_PKG_VERSION"),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        rounds: results.rounds,
        servers: results
            .servers
            .iter()
            .map(|server| Server {
                path: &server.path,
                version: &server.version,
            })
            .collect(),
        scenarios: results.outcomes.iter().map(scenario).collect(),
    };
    // Only maps with odd keys and failing writers make this an error, and there are none.
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

fn scenario(outcome: &Outcome) -> Scenario<'_> {
    let figures = outcome.figures().into_iter().map(|figure| {
        let values = |side: usize| {
            figure.median(side).map(|median| Values {
                median,
                rounds: figure.values[side].clone(),
            })
        };
        Figure {
            key: figure.metric.key,
            unit: unit(figure.metric.unit),
            ours: values(0),
            theirs: values(1),
            ratio: figure.ratio(),
            target: outcome.scenario.target(figure.metric).map(|target| {
                let (kind, limit) = match target {
                    Target::RatioAtMost(limit) => ("ratio_at_most", limit),
                    Target::RatioAtLeast(limit) => ("ratio_at_least", limit),
                    Target::AtMost(limit) => ("at_most", limit),
                    Target::AtLeast(limit) => ("at_least", limit),
                };
                let reached = figure
                    .median(0)
                    .and_then(|ours| target.reached(ours, figure.ratio()));
                Wanted {
                    kind,
                    limit,
                    reached,
                }
            }),
        }
    });
    Scenario {
        name: outcome.scenario.name,
        title: outcome.scenario.title,
        error: outcome.error.as_ref().map(ToString::to_string),
        figures: figures.collect(),
    }
}

fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Nanos => "ns",
        Unit::PerSecond => "1/s",
        Unit::Bytes => "bytes",
        Unit::Cores => "cores",
        Unit::Ratio => "ratio",
    }
}
