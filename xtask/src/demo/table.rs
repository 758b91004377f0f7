//! The table that the demo ends with.

use std::time::Duration;

use crate::figures::{milliseconds, ratio};

const HEADINGS: [&str; 4] = ["", "python -m pytest", "rpytest, no daemon yet", "rpytest, warm"];

/// Median times of one scenario.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) plain: Duration,
    pub(super) cold: Duration,
    pub(super) warm: Duration,
}

/// One line per row below a line of headings; times in milliseconds, ratios to [`Row::plain`].
pub(super) fn render(rows: &[Row]) -> String {
    let lines: Vec<_> = std::iter::once(HEADINGS.map(str::to_owned)).chain(rows.iter().map(cells)).collect();
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2), width(3)];
    lines.iter().map(|line| aligned(line, widths)).collect()
}

fn cells(row: &Row) -> [String; 4] {
    let against = |time: Duration| format!("{}  {:5.2} ×", milliseconds(time), ratio(time, row.plain));
    [row.name.to_owned(), milliseconds(row.plain), against(row.cold), against(row.warm)]
}

/// The first column to the left, the others to the right.
fn aligned(line: &[String; 4], widths: [usize; 4]) -> String {
    let [name, plain, cold, warm] = line;
    let [first, second, third, fourth] = widths;
    let text = format!("{name:first$}   {plain:>second$}   {cold:>third$}   {warm:>fourth$}");
    text.trim_end().to_owned() + "\n"
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Row, render};

    #[test]
    fn columns_are_aligned_and_ratios_are_to_pytest() {
        let millis = Duration::from_millis;
        let rows = [
            Row { name: "all", plain: millis(1200), cold: millis(1260), warm: millis(300) },
            Row { name: "one test", plain: millis(200), cold: millis(190), warm: millis(20) },
        ];
        let expected = [
            "           python -m pytest   rpytest, no daemon yet     rpytest, warm\n",
            "all                 1200 ms         1260 ms   1.05 ×   300 ms   0.25 ×\n",
            "one test             200 ms          190 ms   0.95 ×    20 ms   0.10 ×\n",
        ];
        assert_eq!(render(&rows), expected.concat());
    }
}
