//! What is told to people and programs: progress while it runs, a table, JSON. Nothing is measured here.

mod json;
mod progress;
mod table;

pub(crate) use json::json;
pub(crate) use progress::Progress;
pub(crate) use table::table;

use crate::error::LoadError;
use crate::metric::{Metric, Sample};
use crate::scenario::Scenario;
use crate::stats::median;

/// One of the measured servers.
#[derive(Debug)]
pub(crate) struct Binary {
    /// Its path as given.
    pub(crate) path: String,
    /// The version in its INFO.
    pub(crate) version: String,
}

/// What came out of one scenario.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Which.
    pub(crate) scenario: &'static Scenario,
    /// For each server (ours, then theirs) the figures of each round.
    pub(crate) samples: Vec<Vec<Sample>>,
    /// Why it ended early.
    pub(crate) error: Option<LoadError>,
}

/// What came out of everything.
#[derive(Debug)]
pub(crate) struct Results {
    /// Ours, then theirs if there is one.
    pub(crate) servers: Vec<Binary>,
    /// Rounds asked for.
    pub(crate) rounds: u32,
    /// One per scenario that was begun.
    pub(crate) outcomes: Vec<Outcome>,
}

/// One figure of a scenario over all rounds.
#[derive(Debug)]
pub(crate) struct Figure {
    /// What it is.
    pub(crate) metric: Metric,
    /// For each server its value in each round.
    pub(crate) values: Vec<Vec<f64>>,
}

impl Figure {
    /// A server's median.
    pub(crate) fn median(&self, side: usize) -> Option<f64> {
        self.values.get(side).and_then(|values| median(values))
    }

    /// Ours divided by theirs: the median over the rounds, so that what disturbs one round disturbs one ratio.
    pub(crate) fn ratio(&self) -> Option<f64> {
        let (ours, theirs) = (self.values.first()?, self.values.get(1)?);
        let ratios: Vec<f64> = ours
            .iter()
            .zip(theirs)
            .map(|(ours, theirs)| ours / theirs)
            .collect();
        median(&ratios).filter(|ratio| ratio.is_finite())
    }
}

impl Outcome {
    /// All figures in the order in which the scenario reports them.
    pub(crate) fn figures(&self) -> Vec<Figure> {
        let Some(first) = self.samples.first().and_then(|rounds| rounds.first()) else {
            return Vec::new();
        };
        let values = |rounds: &Vec<Sample>, wanted: Metric| {
            rounds
                .iter()
                .filter_map(|sample| sample.iter().find(|(metric, _)| *metric == wanted))
                .map(|(_, value)| *value)
                .collect()
        };
        first
            .iter()
            .map(|(metric, _)| Figure {
                metric: *metric,
                values: self
                    .samples
                    .iter()
                    .map(|rounds| values(rounds, *metric))
                    .collect(),
            })
            .collect()
    }
}
