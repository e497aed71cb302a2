//! The table for people: a row per figure, aligned.

use super::{Figure, Outcome, Results};

/// Columns are this far apart.
const GAP: &str = "  ";

/// All results as text; `targets` adds the column of what the project wants.
pub(crate) fn table(results: &Results, targets: bool) -> String {
    let compared = results.servers.len() > 1;
    let mut text = String::new();
    for (name, server) in ["ours", "theirs"].iter().zip(&results.servers) {
        let name = if compared { name } else { "server" };
        text += &format!("{name}: {} (version {})\n", server.path, server.version);
    }
    text += &format!("medians of {} rounds\n\n", results.rounds);
    let mut header = vec!["scenario".to_owned(), "figure".to_owned()];
    header.extend(
        if compared {
            vec!["ours", "theirs", "ratio"]
        } else {
            vec!["median", "range"]
        }
        .iter()
        .map(|s| (*s).to_owned()),
    );
    if targets {
        header.push("target".to_owned());
    }
    let mut rows = vec![header];
    for outcome in &results.outcomes {
        rows.extend(outcome_rows(outcome, compared, targets));
    }
    text += &aligned(&rows);
    for outcome in &results.outcomes {
        if let Some(error) = &outcome.error {
            text += &format!("\n{}: FAILED: {error}\n", outcome.scenario.name);
        }
    }
    text
}

fn outcome_rows(outcome: &Outcome, compared: bool, targets: bool) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    if outcome.error.is_some() {
        rows.push(vec![
            outcome.scenario.title.to_owned(),
            "FAILED, see below".to_owned(),
        ]);
    }
    for figure in outcome.figures() {
        let title = if rows.is_empty() {
            outcome.scenario.title
        } else {
            ""
        };
        let mut row = vec![title.to_owned(), figure.metric.label.to_owned()];
        let median = |side| {
            figure
                .median(side)
                .map(|value| figure.metric.show(value))
                .unwrap_or_default()
        };
        row.push(median(0));
        if compared {
            row.push(median(1));
            row.push(
                figure
                    .ratio()
                    .map(|ratio| format!("{ratio:.3}"))
                    .unwrap_or_default(),
            );
        } else {
            row.push(range(&figure));
        }
        if targets {
            row.push(target(outcome, &figure));
        }
        rows.push(row);
    }
    rows
}

fn range(figure: &Figure) -> String {
    let values = figure.values.first().map(Vec::as_slice).unwrap_or_default();
    let least = values.iter().copied().reduce(f64::min);
    let most = values.iter().copied().reduce(f64::max);
    match (least, most) {
        (Some(least), Some(most)) if values.len() > 1 => {
            format!(
                "{} – {}",
                figure.metric.show(least),
                figure.metric.show(most)
            )
        }
        _ => String::new(),
    }
}

fn target(outcome: &Outcome, figure: &Figure) -> String {
    let Some(target) = outcome.scenario.target(figure.metric) else {
        return String::new();
    };
    let verdict = match figure
        .median(0)
        .and_then(|ours| target.reached(ours, figure.ratio()))
    {
        Some(true) => " reached",
        Some(false) => " MISSED",
        None => "",
    };
    format!("{}{verdict}", target.show(figure.metric))
}

/// The first two columns to the left, the others to the right.
fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
    };
    let widths: Vec<usize> = (0..columns)
        .map(|column| width(column).unwrap_or(0))
        .collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (index, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let cell = if index < 2 {
                format!("{cell:<width$}")
            } else {
                format!("{cell:>width$}")
            };
            line += &cell;
            line += GAP;
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::Binary;
    use super::*;
    use crate::error::LoadError;
    use crate::metric::Metric;
    use crate::scenario::ALL;

    fn results(samples: Vec<Vec<Vec<(Metric, f64)>>>, error: Option<LoadError>) -> Results {
        let scenario = ALL
            .iter()
            .find(|scenario| scenario.name == "1-1-16")
            .unwrap();
        let binary = |path: &str| Binary {
            path: path.to_owned(),
            version: "2.15.1".to_owned(),
        };
        let servers = vec![binary("a"), binary("b")]
            .into_iter()
            .take(samples.len())
            .collect();
        Results {
            servers,
            rounds: 3,
            outcomes: vec![super::Outcome {
                scenario,
                samples,
                error,
            }],
        }
    }

    fn round(cpu: f64, rate: f64) -> Vec<(Metric, f64)> {
        vec![Metric::CPU_PER_MESSAGE.of(cpu), Metric::MESSAGES.of(rate)]
    }

    #[test]
    fn two_servers_are_compared_by_the_median_of_ratios() {
        let ours = vec![round(60.0, 5e6), round(50.0, 4e6), round(70.0, 6e6)];
        let theirs = vec![round(300.0, 2e6), round(500.0, 2e6), round(280.0, 2e6)];
        let text = table(&results(vec![ours, theirs], None), true);
        assert_eq!(
            text,
            "ours: a (version 2.15.1)\ntheirs: b (version 2.15.1)\nmedians of 3 rounds\n\n\
             scenario     figure                      ours    theirs  ratio          target\n\
             1 → 1, 16 B  server CPU per message     60 ns    300 ns  0.200  ≤ 0.20 reached\n             \
             messages                5.00 M/s  2.00 M/s  2.500\n"
        );
    }

    #[test]
    fn one_server_shows_its_range_and_a_failure_is_not_overlooked() {
        let error = LoadError::Delivery("message 3 came again".to_owned());
        let text = table(
            &results(vec![vec![round(60.0, 5e6), round(50.0, 4e6)]], Some(error)),
            false,
        );
        assert!(text.contains("FAILED, see below\n"), "{text}");
        assert!(text.contains("55 ns        50 ns – 60 ns\n"), "{text}");
        assert!(
            text.ends_with("\n1-1-16: FAILED: delivery: message 3 came again\n"),
            "{text}"
        );
    }
}
