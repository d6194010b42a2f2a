//! A picture with axes: just what the plots need, in plain SVG.

use std::fmt::Write;

/// Colours that can be told apart; the subject has the first.
const COLOURS: [&str; 9] =
    ["#c0392b", "#2c6fbb", "#3a8f3a", "#8e44ad", "#d68910", "#16a3a3", "#7f5539", "#5d6d7e", "#d63f8f"];

/// The colour of a number.
pub fn colour(number: usize) -> &'static str {
    COLOURS[number % COLOURS.len()]
}

/// A picture that grows.
pub struct Svg {
    width: f64,
    height: f64,
    body: String,
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

impl Svg {
    /// An empty one with a title.
    pub fn new(width: f64, height: f64, title: &str) -> Svg {
        let mut svg = Svg { width, height, body: String::new() };
        svg.text(width / 2.0, 22.0, "middle", 15.0, title);
        svg
    }

    /// Text; `anchor` is `start`, `middle` or `end`.
    pub fn text(&mut self, x: f64, y: f64, anchor: &str, size: f64, text: &str) {
        let text = escape(text);
        let _ = writeln!(
            self.body,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" font-size=\"{size}\">{text}</text>"
        );
    }

    /// A filled rectangle.
    pub fn bar(&mut self, x: f64, y: f64, width: f64, height: f64, colour: &str) {
        let _ = writeln!(
            self.body,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{colour}\"/>"
        );
    }

    /// A line through points.
    pub fn line(&mut self, points: &[(f64, f64)], colour: &str, width: f64) {
        self.stroke(points, colour, width, "");
    }

    /// The line of a number: in its colour, and in dashes where colours come again.
    pub fn line_of(&mut self, number: usize, points: &[(f64, f64)], width: f64) {
        let dashes = ["", " stroke-dasharray=\"6 3\"", " stroke-dasharray=\"2 2\""];
        self.stroke(points, colour(number), width, dashes[number / COLOURS.len() % dashes.len()]);
    }

    fn stroke(&mut self, points: &[(f64, f64)], colour: &str, width: f64, dashes: &str) {
        let points: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = writeln!(
            self.body,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\"{dashes}/>",
            points.join(" ")
        );
    }

    /// A dot.
    pub fn dot(&mut self, x: f64, y: f64, colour: &str) {
        let _ = writeln!(self.body, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>");
    }

    /// The file.
    pub fn finish(self) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" height=\"{h}\" \
             font-family=\"sans-serif\">\n<rect width=\"{w}\" height=\"{h}\" fill=\"white\"/>\n{}</svg>\n",
            self.body,
            w = self.width,
            h = self.height
        )
    }
}

/// Maps numbers to places, in equal steps or in equal ratios.
pub struct Axis {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    ratios: bool,
}

impl Axis {
    /// From `low` at place `from` to `high` at place `to`.
    pub fn linear(low: f64, high: f64, from: f64, to: f64) -> Axis {
        Axis { low, high: if high > low { high } else { low + 1.0 }, from, to, ratios: false }
    }

    /// The same by ratios; `low` is above 0.
    pub fn ratios(low: f64, high: f64, from: f64, to: f64) -> Axis {
        Axis { ratios: true, ..Axis::linear(low, high, from, to) }
    }

    /// The place of a number.
    pub fn at(&self, number: f64) -> f64 {
        let scale = |n: f64| if self.ratios { n.max(self.low).ln() } else { n };
        let part = (scale(number) - scale(self.low)) / (scale(self.high) - scale(self.low));
        self.from + part * (self.to - self.from)
    }

    /// Round numbers along it.
    pub fn ticks(&self) -> Vec<f64> {
        if self.ratios {
            let powers = self.low.log10().floor() as i32..=self.high.log10().floor() as i32;
            // Where there are few powers of ten, what is between them helps.
            let steps: &[f64] = if self.high / self.low < 200.0 { &[1.0, 2.0, 5.0] } else { &[1.0] };
            let all = powers.flat_map(|power| steps.iter().map(move |step| step * 10f64.powi(power)));
            return all.filter(|tick| (self.low..=self.high).contains(tick)).collect();
        }
        let rough = (self.high - self.low) / 6.0;
        let power = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|step| *step >= rough).unwrap_or(rough);
        let first = (self.low / step).ceil() as i64;
        (first..=(self.high / step).floor() as i64).map(|n| n as f64 * step).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(Axis::linear(0.0, 10.0, 0.0, 1.0).ticks(), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(Axis::ratios(0.5, 200.0, 0.0, 1.0).ticks(), [1.0, 10.0, 100.0]);
        assert_eq!(Axis::ratios(0.7, 12.0, 0.0, 1.0).ticks(), [1.0, 2.0, 5.0, 10.0]);
    }

    #[test]
    fn places_follow_numbers() {
        assert_eq!(Axis::linear(0.0, 10.0, 100.0, 0.0).at(5.0), 50.0);
        assert!((Axis::ratios(1.0, 100.0, 0.0, 10.0).at(10.0) - 5.0).abs() < 1e-9);
    }

    #[test]
    fn text_is_escaped() {
        assert!(Svg::new(10.0, 10.0, "a < b & c").finish().contains("a &lt; b &amp; c"));
    }
}
