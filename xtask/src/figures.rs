//! What is made of measured times.

use std::time::Duration;

/// The middle of the times; of an even number of them, the mean of the two in the middle. Zero for none.
pub(crate) fn median(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort_unstable();
    let middle = times.len() / 2;
    match times.len() {
        0 => Duration::ZERO,
        length if length % 2 == 1 => times[middle],
        _ => (times[middle - 1] + times[middle]) / 2,
    }
}

/// How many times as long.
pub(crate) fn ratio(time: Duration, reference: Duration) -> f64 {
    time.as_secs_f64() / reference.as_secs_f64()
}

/// As tables show it.
pub(crate) fn milliseconds(time: Duration) -> String {
    let milliseconds = time.as_secs_f64() * 1000.0;
    format!("{milliseconds:.*} ms", usize::from(milliseconds < 10.0))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::median;

    fn times(milliseconds: &[u64]) -> Vec<Duration> {
        milliseconds.iter().copied().map(Duration::from_millis).collect()
    }

    #[test]
    fn one_outlier_does_not_move_the_median() {
        assert_eq!(median(&times(&[30, 10, 9000])), Duration::from_millis(30));
    }

    #[test]
    fn the_median_of_an_even_number_lies_between_two() {
        assert_eq!(median(&times(&[10, 40, 20, 30])), Duration::from_millis(25));
    }

    #[test]
    fn nothing_has_no_median() {
        assert_eq!(median(&[]), Duration::ZERO);
    }
}
