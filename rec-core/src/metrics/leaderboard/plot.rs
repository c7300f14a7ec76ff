//! Plots as inline SVG.

use std::fmt::Write as _;

use super::html::escape;

/// One mark of a plot of intervals.
pub(super) struct Mark<'a> {
    pub(super) name: &'a str,
    pub(super) mean: f64,
    pub(super) interval: Option<(f64, f64)>,
    /// Drawn in the colour of the baseline.
    pub(super) is_baseline: bool,
}

const ROW: f64 = 22.0;
const LEFT: f64 = 170.0;
const WIDTH: f64 = 560.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 30.0;

/// Means with their intervals, one a row, over a common axis; the baseline's mean is a dashed line.
pub(super) fn intervals(title: &str, marks: &[Mark<'_>]) -> String {
    let ends = marks.iter().flat_map(|m| {
        let (low, high) = m.interval.unwrap_or((m.mean, m.mean));
        [low, high, m.mean]
    });
    let Some(axis) = Axis::over(ends, LEFT, WIDTH - RIGHT) else { return String::new() };
    let bottom = TOP + ROW * marks.len() as f64;
    let mut svg = open(title, WIDTH, bottom + 30.0);
    axis.draw_below(&mut svg, TOP, bottom);
    if let Some(base) = marks.iter().find(|mark| mark.is_baseline) {
        let x = axis.at(base.mean);
        let _ = writeln!(
            svg,
            "<line class=\"base\" x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{bottom}\"/>"
        );
    }
    for (row, mark) in marks.iter().enumerate() {
        let y = TOP + ROW * (row as f64 + 0.5);
        let class = if mark.is_baseline { "mark baseline" } else { "mark" };
        let _ = writeln!(svg, "<g class=\"{class}\"><title>{}</title>", escape(&told(mark)));
        let _ = writeln!(
            svg,
            "<text class=\"name\" x=\"{}\" y=\"{:.1}\">{}</text>",
            LEFT - 8.0,
            y + 4.0,
            escape(&cut(mark.name, 24))
        );
        if let Some((low, high)) = mark.interval {
            let (a, b) = (axis.at(low), axis.at(high));
            let _ =
                writeln!(svg, "<line x1=\"{a:.1}\" y1=\"{y:.1}\" x2=\"{b:.1}\" y2=\"{y:.1}\"/>");
        }
        let _ =
            writeln!(svg, "<circle cx=\"{:.1}\" cy=\"{y:.1}\" r=\"4\"/></g>", axis.at(mark.mean));
    }
    svg + "</svg>\n"
}

/// One point of a plot of two figures.
pub(super) struct Point<'a> {
    pub(super) name: &'a str,
    pub(super) x: f64,
    pub(super) y: f64,
}

const SIDE: f64 = 360.0;

/// Two figures of each recommender against each other.
pub(super) fn scatter(across: &str, up: &str, points: &[Point<'_>]) -> String {
    let (left, bottom) = (60.0, SIDE - 45.0);
    let x = Axis::over(points.iter().map(|p| p.x), left, SIDE - RIGHT);
    let y = Axis::over(points.iter().map(|p| p.y), bottom, TOP);
    let (Some(x), Some(y)) = (x, y) else { return String::new() };
    let mut svg = open(&format!("{up} against {across}"), SIDE, SIDE);
    x.draw_below(&mut svg, TOP, bottom);
    y.draw_beside(&mut svg, left, SIDE - RIGHT);
    let _ = writeln!(
        svg,
        "<text class=\"label\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
        (left + SIDE - RIGHT) / 2.0,
        SIDE - 8.0,
        escape(across)
    );
    for point in points {
        let (cx, cy) = (x.at(point.x), y.at(point.y));
        let name = escape(&cut(point.name, 18));
        // A name at the right edge goes to the left of its point.
        let (anchor, at) = if cx > SIDE * 0.65 { ("end", cx - 7.0) } else { ("start", cx + 7.0) };
        let _ = writeln!(
            svg,
            "<g class=\"mark\"><title>{}: {:.4}, {:.4}</title><circle cx=\"{cx:.1}\" cy=\"{cy:.1}\" r=\"4\"/>\
             <text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{name}</text></g>",
            escape(point.name),
            point.x,
            point.y,
            cy - 5.0
        );
    }
    svg + "</svg>\n"
}

fn open(title: &str, width: f64, height: f64) -> String {
    let title = escape(title);
    format!(
        "<svg role=\"img\" aria-label=\"{title}\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" xmlns=\"http://www.w3.org/2000/svg\">\n\
         <text class=\"title\" x=\"8\" y=\"16\">{title}</text>\n"
    )
}

fn told(mark: &Mark<'_>) -> String {
    let interval = mark.interval.map(|(low, high)| format!(" ({low:.4} – {high:.4})"));
    format!("{}: {:.4}{}", mark.name, mark.mean, interval.unwrap_or_default())
}

fn cut(name: &str, most: usize) -> String {
    if name.chars().count() <= most {
        return name.to_owned();
    }
    name.chars().take(most - 1).chain(['…']).collect()
}

/// A scale from values to pixels, with round ticks.
pub(super) struct Axis {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    step: f64,
}

impl Axis {
    /// Over all finite values, with room at the ends; none without any.
    fn over(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Option<Self> {
        let finite = values.filter(|value| value.is_finite());
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        if low > high {
            return None;
        }
        let span = if high > low { high - low } else { high.abs().max(1e-3) };
        let (low, high) = (low - 0.05 * span, high + 0.05 * span);
        Some(Self { low, high, from, to, step: round_step((high - low) / 4.0) })
    }

    fn at(&self, value: f64) -> f64 {
        self.from + (value - self.low) / (self.high - self.low) * (self.to - self.from)
    }

    fn ticks(&self) -> impl Iterator<Item = f64> + '_ {
        let first = (self.low / self.step).ceil() as i64;
        let last = (self.high / self.step).floor() as i64;
        (first..=last).map(|at| at as f64 * self.step)
    }

    /// As many decimals as the step has.
    fn label(&self, value: f64) -> String {
        let decimals = (-self.step.log10().floor()).max(0.0) as usize;
        format!("{value:.decimals$}")
    }

    fn draw_below(&self, svg: &mut String, top: f64, bottom: f64) {
        for tick in self.ticks() {
            let x = self.at(tick);
            let _ = writeln!(
                svg,
                "<line class=\"grid\" x1=\"{x:.1}\" y1=\"{top}\" x2=\"{x:.1}\" y2=\"{bottom}\"/>\
                 <text class=\"tick\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>",
                bottom + 16.0,
                self.label(tick)
            );
        }
    }

    fn draw_beside(&self, svg: &mut String, left: f64, right: f64) {
        for tick in self.ticks() {
            let y = self.at(tick);
            let _ = writeln!(
                svg,
                "<line class=\"grid\" x1=\"{left}\" y1=\"{y:.1}\" x2=\"{right}\" y2=\"{y:.1}\"/>\
                 <text class=\"name\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                left - 6.0,
                y + 4.0,
                self.label(tick)
            );
        }
    }
}

/// 1, 2 or 5 times a power of ten, the nearest at or above.
fn round_step(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= step * 0.999_999);
    factor.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_round_ticks_and_ends_with_room() {
        assert_eq!(
            [0.03, 0.11, 0.3, 0.6, 7.0, 1.0].map(round_step),
            [0.05, 0.2, 0.5, 1.0, 10.0, 1.0]
        );
        let axis = Axis::over([0.1, 0.5, f64::NAN].into_iter(), 0.0, 110.0).unwrap();
        assert!((axis.at(0.1) - 5.0).abs() < 1e-9 && (axis.at(0.5) - 105.0).abs() < 1e-9);
        let ticks: Vec<String> = axis.ticks().map(|tick| axis.label(tick)).collect();
        assert_eq!(ticks, ["0.2", "0.4"]);
        assert!(Axis::over([f64::NAN].into_iter(), 0.0, 1.0).is_none());
        let one = Axis::over([0.25; 2].into_iter(), 0.0, 100.0).unwrap();
        assert!((one.at(0.25) - 50.0).abs() < 1e-9);
    }
}
