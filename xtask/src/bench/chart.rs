//! A bar for each measurement: how long it took, as a part of what plain pytest took.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use thiserror::Error;

const WIDTH: u32 = 800;
const ROW: u32 = 28;
const LABELS: u32 = 330;
const BAR: RGBColor = RGBColor(0x2b, 0x6c, 0xb0);
const RULE: RGBColor = RGBColor(0xc0, 0x39, 0x2b);

/// A chart could not be drawn.
#[derive(Debug, Error)]
#[error("failed to draw a chart: {0}")]
pub(crate) struct ChartError(String);

/// One bar.
#[derive(Debug)]
pub(super) struct Bar {
    pub(super) label: String,
    /// To plain pytest, which is 1.
    pub(super) ratio: f64,
}

/// An SVG document with the bars one below the other, and a rule where plain pytest is.
pub(super) fn draw(bars: &[Bar]) -> Result<String, ChartError> {
    let mut svg = String::new();
    let rows = u32::try_from(bars.len()).map_err(|error| ChartError(error.to_string()))?;
    let area = SVGBackend::with_string(&mut svg, (WIDTH, ROW * (rows + 1))).into_drawing_area();
    paint(&area, bars).map_err(|error| ChartError(error.to_string()))?;
    drop(area);
    Ok(svg)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Failure<'a> = DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>;

fn paint<'a>(area: &Area<'a>, bars: &[Bar]) -> Result<(), Failure<'a>> {
    area.fill(&WHITE)?;
    let longest = bars.iter().map(|bar| bar.ratio).fold(1.0, f64::max);
    let to_pixels = |ratio: f64| pixel(f64::from(LABELS) + ratio / longest * f64::from(WIDTH - LABELS - 60));
    let text = |anchor| ("sans-serif", 13).into_font().color(&BLACK).pos(Pos::new(anchor, VPos::Center));
    let (label, value) = (text(HPos::Right), text(HPos::Left));
    let mut top = 0;
    for bar in bars {
        let (middle, end) = (top + pixel(f64::from(ROW) / 2.0), to_pixels(bar.ratio));
        let corners = [(to_pixels(0.0), top + 5), (end, top + pixel(f64::from(ROW)) - 5)];
        area.draw(&Rectangle::new(corners, BAR.filled()))?;
        area.draw(&Text::new(bar.label.clone(), (to_pixels(0.0) - 8, middle), label.clone()))?;
        area.draw(&Text::new(format!("{:.2}", bar.ratio), (end + 6, middle), value.clone()))?;
        top += pixel(f64::from(ROW));
    }
    area.draw(&PathElement::new([(to_pixels(1.0), 0), (to_pixels(1.0), top)], RULE))?;
    area.draw(&Text::new("python -m pytest", (to_pixels(1.0) - 4, top + 12), label))?;
    area.present()
}

#[expect(clippy::cast_possible_truncation, reason = "a chart is not two billion pixels wide")]
fn pixel(position: f64) -> i32 {
    position.round() as i32
}

#[cfg(test)]
mod tests {
    use super::{Bar, draw};

    #[test]
    fn every_bar_has_its_label_and_its_number() {
        let bars = [("a & b", 0.25), ("slow", 1.5)].map(|(label, ratio)| Bar { label: label.into(), ratio });
        let svg = draw(&bars).expect("it can be drawn");
        for text in ["a &amp; b", "0.25", "slow", "1.50", "python -m pytest"] {
            assert!(svg.contains(text), "{text} in {svg}");
        }
    }
}
