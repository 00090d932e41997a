//! What this process has cost so far: processor time and memory.

use std::time::Duration;

/// How long one tick of the system's accounting is: `USER_HZ` is 100 on every Linux.
const TICK: Duration = Duration::from_millis(10);

/// Returns the processor time of all threads of this process; zero where the system does not tell as Linux does.
pub(super) fn processor_time() -> Duration {
    let Ok(stat) = std::fs::read_to_string("/proc/self/stat") else {
        return Duration::ZERO;
    };
    // Behind the name in parentheses, user and system time are the 12th and 13th. Source: proc(5).
    let behind_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u32 = behind_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|ticks| ticks.parse::<u32>().ok())
        .sum();
    TICK * ticks
}

/// Returns the resident memory now, in bytes; 0 where the system does not tell as Linux does.
pub(super) fn resident_bytes() -> u64 {
    status("VmRSS:")
}

/// Returns the most memory that was ever resident, in bytes; 0 where the system does not tell as Linux does.
pub(super) fn peak_bytes() -> u64 {
    status("VmHWM:")
}

/// Returns what this process has handed to the disk so far, in bytes; 0 where the system does not tell as Linux does.
pub(super) fn written_bytes() -> u64 {
    let io = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    io.lines()
        .find_map(|line| line.strip_prefix("write_bytes: "))
        .and_then(|bytes| bytes.trim().parse().ok())
        .unwrap_or(0)
}

fn status(name: &str) -> u64 {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else {
        return 0;
    };
    status
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .and_then(|rest| rest.trim().strip_suffix("kB"))
        .and_then(|number| number.trim().parse::<u64>().ok())
        .map_or(0, |kibibytes| kibibytes * 1024)
}

/// Returns a count as a figure to reckon with.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts and sizes here are far below 2^52"
)]
pub(super) fn figure(count: u64) -> f64 {
    count as f64
}

/// Returns the value below which so many of a hundred lie; zero for none.
pub(super) fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let at = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(at).copied().unwrap_or_default()
}

/// Returns the middle of some figures; the lower of the two middle ones when there is no single one.
pub(super) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures
        .get(figures.len().saturating_sub(1) / 2)
        .copied()
        .unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_and_a_percentile_is_one_of_the_values() {
        assert_eq!(median(vec![5.0, 1.0, 3.0]).to_string(), "3");
        assert_eq!(median(vec![4.0, 1.0]).to_string(), "1");
        let sorted: Vec<Duration> = (1..=200).map(Duration::from_micros).collect();
        assert_eq!(percentile(&sorted, 50), Duration::from_micros(100));
        assert_eq!(percentile(&sorted, 99), Duration::from_micros(198));
        assert_eq!(percentile(&[], 99), Duration::ZERO);
    }
}
