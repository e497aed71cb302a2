//! What is measured: the closed list of figures, their units, and which direction is better.

/// How a figure is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Nanoseconds.
    Nanos,
    /// Events per second.
    PerSecond,
    /// Bytes.
    Bytes,
    /// Part of one core, 1 being the whole.
    Cores,
    /// One figure divided by another.
    Ratio,
}

/// One kind of figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Metric {
    /// Its name for programs.
    pub(crate) key: &'static str,
    /// Its name for people.
    pub(crate) label: &'static str,
    /// Its unit.
    pub(crate) unit: Unit,
}

/// One run's figures.
pub(crate) type Sample = Vec<(Metric, f64)>;

impl Metric {
    const fn new(key: &'static str, label: &'static str, unit: Unit) -> Metric {
        Metric { key, label, unit }
    }

    pub(crate) const CPU_PER_MESSAGE: Metric =
        Metric::new("cpu_per_message", "server CPU per message", Unit::Nanos);
    pub(crate) const CPU_PER_ROUND_TRIP: Metric = Metric::new(
        "cpu_per_round_trip",
        "server CPU per round trip",
        Unit::Nanos,
    );
    pub(crate) const CPU_PER_CONNECTION: Metric = Metric::new(
        "cpu_per_connection",
        "server CPU per connection",
        Unit::Nanos,
    );
    pub(crate) const CPU_PER_SUBSCRIPTION: Metric = Metric::new(
        "cpu_per_subscription",
        "server CPU per subscription",
        Unit::Nanos,
    );
    pub(crate) const MESSAGES: Metric =
        Metric::new("messages_per_second", "messages", Unit::PerSecond);
    pub(crate) const ROUND_TRIPS: Metric =
        Metric::new("round_trips_per_second", "round trips", Unit::PerSecond);
    pub(crate) const SUBSCRIPTIONS: Metric =
        Metric::new("subscriptions_per_second", "subscriptions", Unit::PerSecond);
    pub(crate) const UNSUBSCRIPTIONS: Metric = Metric::new(
        "unsubscriptions_per_second",
        "unsubscriptions",
        Unit::PerSecond,
    );
    pub(crate) const CONNECTIONS: Metric =
        Metric::new("connections_per_second", "connections", Unit::PerSecond);
    pub(crate) const P50: Metric = Metric::new("latency_p50", "latency p50", Unit::Nanos);
    pub(crate) const P99: Metric = Metric::new("latency_p99", "latency p99", Unit::Nanos);
    pub(crate) const P999: Metric = Metric::new("latency_p999", "latency p99.9", Unit::Nanos);
    pub(crate) const READY: Metric = Metric::new("ready_after", "start to ready", Unit::Nanos);
    pub(crate) const COMPLETE: Metric =
        Metric::new("complete_after", "start to complete mesh", Unit::Nanos);
    pub(crate) const BOOT_CPU: Metric =
        Metric::new("boot_cpu", "server CPU until then", Unit::Nanos);
    pub(crate) const MEMORY_PER_SERVER: Metric =
        Metric::new("memory_per_server", "memory per server", Unit::Bytes);
    pub(crate) const RECOVERY: Metric =
        Metric::new("recovery", "cut to all interest back", Unit::Nanos);
    pub(crate) const WORST: Metric = Metric::new("latency_worst", "latency worst", Unit::Nanos);
    pub(crate) const MEMORY: Metric = Metric::new("memory", "server memory", Unit::Bytes);
    pub(crate) const MEMORY_IN_COMMON: Metric = Metric::new(
        "memory_in_common",
        "server memory, shared pages once",
        Unit::Bytes,
    );
    pub(crate) const MESSAGES_ALONE: Metric = Metric::new(
        "messages_per_second_alone",
        "local messages, remote wants none",
        Unit::PerSecond,
    );
    pub(crate) const MESSAGES_HEALTHY: Metric = Metric::new(
        "messages_per_second_healthy",
        "local messages, remote takes all",
        Unit::PerSecond,
    );
    pub(crate) const MESSAGES_BLACK_HOLED: Metric = Metric::new(
        "messages_per_second_black_holed",
        "local messages, remote is a black hole",
        Unit::PerSecond,
    );
    pub(crate) const KEPT: Metric = Metric::new(
        "throughput_kept",
        "throughput, black hole / remote wants none",
        Unit::Ratio,
    );
    pub(crate) const KEPT_OF_HEALTHY: Metric = Metric::new(
        "throughput_kept_of_healthy",
        "throughput, black hole / remote takes all",
        Unit::Ratio,
    );
    pub(crate) const CPU_RISE: Metric = Metric::new(
        "cpu_per_message_rise",
        "server CPU per message, black hole / remote wants none",
        Unit::Ratio,
    );
    pub(crate) const P99_ALONE: Metric = Metric::new(
        "latency_p99_alone",
        "local latency p99, remote wants none",
        Unit::Nanos,
    );
    pub(crate) const P99_HEALTHY: Metric = Metric::new(
        "latency_p99_healthy",
        "local latency p99, remote takes all",
        Unit::Nanos,
    );
    pub(crate) const P99_BLACK_HOLED: Metric = Metric::new(
        "latency_p99_black_holed",
        "local latency p99, remote is a black hole",
        Unit::Nanos,
    );
    pub(crate) const P99_RISE: Metric = Metric::new(
        "latency_p99_rise",
        "local latency p99, black hole / remote wants none",
        Unit::Ratio,
    );
    pub(crate) const MEMORY_PER_CONNECTION: Metric = Metric::new(
        "memory_per_connection",
        "memory per connection",
        Unit::Bytes,
    );
    pub(crate) const MEMORY_PER_SUBSCRIPTION: Metric = Metric::new(
        "memory_per_subscription",
        "memory per subscription",
        Unit::Bytes,
    );
    pub(crate) const MEMORY_KEPT: Metric =
        Metric::new("memory_kept", "memory kept afterwards", Unit::Bytes);
    pub(crate) const IDLE_CPU: Metric = Metric::new("idle_cpu", "idle CPU", Unit::Cores);
    pub(crate) const TOOL_CPU: Metric = Metric::new("tool_cpu", "load tool's own CPU", Unit::Nanos);

    /// A value of this metric.
    pub(crate) const fn of(self, value: f64) -> (Metric, f64) {
        (self, value)
    }

    /// The value for people, with its unit.
    pub(crate) fn show(self, value: f64) -> String {
        match self.unit {
            Unit::Nanos if value < 1e3 => format!("{value:.0} ns"),
            Unit::Nanos if value < 1e6 => format!("{} µs", digits(value / 1e3)),
            Unit::Nanos => format!("{} ms", digits(value / 1e6)),
            Unit::PerSecond if value < 1e3 => format!("{value:.0} /s"),
            Unit::PerSecond if value < 1e6 => format!("{} k/s", digits(value / 1e3)),
            Unit::PerSecond => format!("{} M/s", digits(value / 1e6)),
            Unit::Bytes if value.abs() < 1024.0 => format!("{value:.0} B"),
            Unit::Bytes if value.abs() < 1048576.0 => format!("{} KiB", digits(value / 1024.0)),
            Unit::Bytes => format!("{} MiB", digits(value / 1048576.0)),
            Unit::Cores => format!("{:.2} %", value * 100.0),
            Unit::Ratio => format!("{value:.3}"),
        }
    }
}

/// Three digits that matter.
fn digits(value: f64) -> String {
    match value.abs() {
        size if size < 10.0 => format!("{value:.2}"),
        size if size < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// A total divided over a count, which is at least one.
pub(crate) fn per(total: u64, count: u64) -> f64 {
    total as f64 / count.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_shown_with_three_digits_and_a_unit() {
        let shown = [
            Metric::P50.show(334.4),
            Metric::P50.show(3_512.0),
            Metric::P50.show(65_120.0),
            Metric::READY.show(12_345_678.0),
            Metric::MESSAGES.show(812.0),
            Metric::MESSAGES.show(407_123.0),
            Metric::MESSAGES.show(6_250_000.0),
            Metric::MEMORY_PER_SUBSCRIPTION.show(146.2),
            Metric::MEMORY_PER_CONNECTION.show(49_152.0),
            Metric::MEMORY_KEPT.show(1_120_927_744.0),
            Metric::IDLE_CPU.show(0.0012),
        ];
        assert_eq!(
            shown,
            [
                "334 ns", "3.51 µs", "65.1 µs", "12.3 ms", "812 /s", "407 k/s", "6.25 M/s",
                "146 B", "48.0 KiB", "1069 MiB", "0.12 %"
            ]
        );
    }
}
