//! Numbers about numbers: the latency histogram and the median. No formatting.

/// Buckets per power of two: a recorded value is known to one part in 128.
const PER_OCTAVE_BITS: u32 = 7;
const PER_OCTAVE: usize = 1 << PER_OCTAVE_BITS;

/// Log-linear histogram of durations in nanoseconds, exact below 128 ns and within 0.8 % above.
#[derive(Debug, Clone)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

impl Histogram {
    /// An empty histogram, holding every value that a `u64` can.
    pub(crate) fn new() -> Self {
        let octaves = (u64::BITS - PER_OCTAVE_BITS) as usize + 1;
        Histogram {
            counts: vec![0; octaves * PER_OCTAVE],
            total: 0,
        }
    }

    /// Counts one value in nanoseconds.
    pub(crate) fn record(&mut self, nanos: u64) {
        self.counts[bucket(nanos)] += 1;
        self.total += 1;
    }

    /// Counts every value that `other` has counted.
    pub(crate) fn add(&mut self, other: &Histogram) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.total += other.total;
    }

    /// The smallest value, in nanoseconds, that at least `share` (0 to 1) of the recorded ones do not exceed;
    /// 0 when nothing was recorded.
    pub(crate) fn quantile(&self, share: f64) -> u64 {
        let rank = ((self.total as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return upper_bound(index);
            }
        }
        0
    }
}

fn bucket(value: u64) -> usize {
    let octave = (u64::BITS - value.leading_zeros()).saturating_sub(PER_OCTAVE_BITS + 1);
    // Values of the octave keep their top eight bits, the highest of which is always set above the first octave.
    let offset = (value >> octave) as usize;
    octave as usize * PER_OCTAVE + offset
}

fn upper_bound(index: usize) -> u64 {
    if index < 2 * PER_OCTAVE {
        return index as u64;
    }
    let octave = (index / PER_OCTAVE - 1) as u32;
    let offset = (index - octave as usize * PER_OCTAVE) as u64;
    (offset << octave) | ((1 << octave) - 1)
}

/// The middle value, or the mean of the two middle ones; `None` for an empty list.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    Some((sorted[middle - 1] + upper) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_a_uniform_run_are_within_the_promised_error() {
        let mut histogram = Histogram::new();
        for value in 1..=100_000u64 {
            histogram.record(value);
        }
        for (share, exact) in [
            (0.5, 50_000.0),
            (0.99, 99_000.0),
            (0.999, 99_900.0),
            (1.0, 100_000.0),
        ] {
            let got = histogram.quantile(share) as f64;
            assert!(
                got >= exact && got <= exact * 1.008,
                "{share}: {got} for {exact}"
            );
        }
    }

    #[test]
    fn histograms_that_are_put_together_are_as_if_one_had_counted_all() {
        let (mut one, mut other) = (Histogram::new(), Histogram::new());
        for value in 1..=100u64 {
            if value % 3 == 0 {
                one.record(value);
            } else {
                other.record(value);
            }
        }
        one.add(&other);
        assert_eq!(one.quantile(0.5), 50);
        assert_eq!(one.quantile(1.0), 100);
    }

    #[test]
    fn small_values_are_exact_and_huge_ones_fit() {
        for value in [0, 1, 127, 128, 255] {
            let mut histogram = Histogram::new();
            histogram.record(value);
            assert_eq!(histogram.quantile(0.5), value);
        }
        let mut histogram = Histogram::new();
        histogram.record(u64::MAX);
        assert_eq!(histogram.quantile(0.5), u64::MAX);
    }

    #[test]
    fn buckets_are_contiguous() {
        for index in 1..2_000 {
            assert_eq!(bucket(upper_bound(index)), index);
            assert_eq!(bucket(upper_bound(index - 1) + 1), index);
        }
    }

    #[test]
    fn an_empty_histogram_answers_zero() {
        assert_eq!(Histogram::new().quantile(0.99), 0);
    }

    #[test]
    fn the_median_is_the_middle_or_the_mean_of_two() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[9.0, 1.0, 5.0]), Some(5.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 9.0]), Some(3.0));
    }
}
