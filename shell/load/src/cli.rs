//! The command line: what can be asked for, in the words of the help text, and what is meant where nothing was said.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::error::LoadError;
use crate::watch::Span;

/// Measures what a server costs: CPU per message, throughput, latency, memory.
///
/// Every run starts server processes of its own on free loopback ports, drives them with a lean client, and checks that
/// each message arrives once, in order and unchanged; a run in which one does not fails. With --vs the same is done
/// with a second server binary in turn, and the ratios are printed.
#[derive(Debug, Parser)]
#[command(
    name = "gannet bench",
    version,
    after_help = "Exit codes: 0 all scenarios passed, 1 one failed, 2 wrong arguments, 130 interrupted."
)]
pub struct Arguments {
    /// Scenarios to run, by name or pattern (`gateway-*`); all of them if none is named
    #[arg(value_name = "SCENARIO")]
    scenarios: Vec<String>,

    /// Print the scenarios and exit
    #[arg(long)]
    list: bool,

    /// Server binary to measure [default: this program]
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,

    /// Server binary to compare with; its runs alternate with ours
    #[arg(long, value_name = "PATH")]
    vs: Option<PathBuf>,

    /// Runs of each scenario per server; medians are reported [default: 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: Option<u32>,

    /// Seconds to measure in each run [default: 2]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    duration: Option<Duration>,

    /// Measure this many delivered messages instead of a time
    #[arg(long, value_name = "N", conflicts_with = "duration", value_parser = clap::value_parser!(u64).range(1..))]
    messages: Option<u64>,

    /// Seconds of full load before measuring [default: 0.5]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    warm_up: Option<Duration>,

    /// Connections of the scenario `idle` [default: 5000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    connections: Option<u32>,

    /// Subscriptions of the scenario `subscriptions`, over all its connections [default: 500000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=5_000_000))]
    subscriptions: Option<u32>,

    /// Connections that share those subscriptions
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    subscribers: u32,

    /// A short look instead of a measurement: one round, fractions of a second, small numbers
    #[arg(long)]
    quick: bool,

    /// Show the project's targets beside the figures
    #[arg(long)]
    targets: bool,

    /// Write the results as JSON to FILE, or to standard output in place of the table
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "-")]
    json: Option<PathBuf>,

    /// Seconds without any progress after which a run fails
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    patience: Duration,
}

/// What a run was asked to do, with nothing left open.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) scenarios: Vec<String>,
    pub(crate) list: bool,
    pub(crate) server: PathBuf,
    pub(crate) vs: Option<PathBuf>,
    pub(crate) rounds: u32,
    pub(crate) span: Span,
    pub(crate) warm_up: Span,
    pub(crate) connections: u32,
    pub(crate) subscriptions: u32,
    pub(crate) subscribers: u32,
    pub(crate) settle: Duration,
    pub(crate) targets: bool,
    pub(crate) json: Option<PathBuf>,
    pub(crate) patience: Duration,
}

impl Arguments {
    /// Fills in what was left open.
    pub(crate) fn plan(&self) -> Result<Plan, LoadError> {
        let either =
            |full: f64, quick: f64| Duration::from_secs_f64(if self.quick { quick } else { full });
        let server = match &self.server {
            Some(path) => path.clone(),
            None => {
                std::env::current_exe().map_err(LoadError::io("find this program's own path"))?
            }
        };
        let span = match self.messages {
            Some(messages) => Span::Count(messages),
            None => Span::Time(self.duration.unwrap_or(either(2.0, 0.3))),
        };
        let warm_up = match (self.warm_up, self.messages) {
            (None, Some(messages)) => Span::Count(messages / 10),
            (time, _) => Span::Time(time.unwrap_or(either(0.5, 0.1))),
        };
        Ok(Plan {
            scenarios: self.scenarios.clone(),
            list: self.list,
            server,
            vs: self.vs.clone(),
            rounds: self.rounds.unwrap_or(if self.quick { 1 } else { 3 }),
            span,
            warm_up,
            connections: self
                .connections
                .unwrap_or(if self.quick { 200 } else { 5_000 }),
            subscriptions: self
                .subscriptions
                .unwrap_or(if self.quick { 20_000 } else { 500_000 }),
            subscribers: self.subscribers,
            settle: either(1.0, 0.1),
            targets: self.targets,
            json: self.json.clone(),
            patience: self.patience,
        })
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_| "not a number of seconds".to_owned())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(time) if !time.is_zero() && time <= Duration::from_secs(86_400) => Ok(time),
        _ => Err("must be more than 0 and at most a day".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn plan(words: &[&str]) -> Plan {
        Arguments::try_parse_from([&["bench"], words].concat())
            .unwrap()
            .plan()
            .unwrap()
    }

    #[test]
    fn the_definitions_are_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn quick_changes_only_what_was_left_open() {
        let full = plan(&[]);
        assert_eq!(
            (full.rounds, full.connections, full.subscriptions),
            (3, 5_000, 500_000)
        );
        let quick = plan(&["--quick", "--connections", "7"]);
        assert_eq!(
            (quick.rounds, quick.connections, quick.subscriptions),
            (1, 7, 20_000)
        );
        assert!(matches!(quick.span, Span::Time(time) if time == Duration::from_millis(300)));
    }

    #[test]
    fn a_count_of_messages_brings_its_own_warm_up() {
        let plan = plan(&["--messages", "5000"]);
        assert!(matches!(
            (plan.span, plan.warm_up),
            (Span::Count(5000), Span::Count(500))
        ));
    }

    #[test]
    fn json_takes_its_file_with_an_equals_sign_only() {
        let to_stdout = plan(&["--json", "1-1-16"]);
        assert_eq!(
            (to_stdout.json, to_stdout.scenarios),
            (Some("-".into()), vec!["1-1-16".to_owned()])
        );
        assert_eq!(plan(&["--json=out.json"]).json, Some("out.json".into()));
    }

    #[test]
    fn nonsense_is_refused() {
        for words in [
            ["--duration", "0"],
            ["--duration", "x"],
            ["--rounds", "0"],
            ["--patience", "-1"],
        ] {
            assert!(
                Arguments::try_parse_from(["bench", words[0], words[1]]).is_err(),
                "{words:?}"
            );
        }
    }
}
