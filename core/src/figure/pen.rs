//! The strokes that a figure is made of, as SVG elements. Lengths are in points.

use super::layout::{Rect, TICK_PT};
use super::{Colour, ColourMap, Stroke, text};

/// Frames and ticks.
pub(super) const FRAME: Colour = Colour([0x90, 0x90, 0x90]);

/// An SVG in the making.
#[derive(Debug, Default)]
pub(super) struct Pen {
    pub(super) out: String,
    n_ids: usize,
}

/// Which end of a text is given.
#[derive(Clone, Copy, Debug)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

impl Anchor {
    fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Middle => "middle",
            Self::End => "end",
        }
    }
}

impl Pen {
    pub(super) fn put(&mut self, line: std::fmt::Arguments<'_>) {
        self.out.push_str(&line.to_string());
        self.out.push('\n');
    }

    pub(super) fn text(
        &mut self,
        text: &str,
        x: f64,
        y: f64,
        size: f64,
        anchor: Anchor,
        colour: Colour,
    ) {
        let anchor = anchor.name();
        self.put(format_args!(
            r#"<text x="{x:.2}" y="{y:.2}" font-size="{size}" text-anchor="{anchor}" fill="{}">{}</text>"#,
            colour.hex(),
            text::escaped(text)
        ));
    }

    /// Text from below upwards, around the middle (x, y).
    pub(super) fn text_turned(&mut self, text: &str, x: f64, y: f64, size: f64, anchor: Anchor) {
        let anchor = anchor.name();
        self.put(format_args!(
            r#"<text transform="translate({x:.2} {y:.2}) rotate(-90)" font-size="{size}" text-anchor="{anchor}">{}</text>"#,
            text::escaped(text)
        ));
    }

    /// Text over data: a white halo keeps it readable.
    pub(super) fn text_over(&mut self, text: &str, x: f64, y: f64, anchor: Anchor) {
        let anchor = anchor.name();
        self.put(format_args!(
            r##"<text x="{x:.2}" y="{y:.2}" font-size="{TICK_PT}" text-anchor="{anchor}" fill="{}" stroke="#ffffff" stroke-width="2.4" stroke-linejoin="round" paint-order="stroke">{}</text>"##,
            Colour::INK.hex(),
            text::escaped(text)
        ));
    }

    pub(super) fn line(
        &mut self,
        from: [f64; 2],
        to: [f64; 2],
        colour: Colour,
        width: f64,
        dashes: &str,
    ) {
        let dashes = if dashes.is_empty() {
            String::new()
        } else {
            format!(r#" stroke-dasharray="{dashes}""#)
        };
        self.put(format_args!(
            r#"<line x1="{:.2}" y1="{:.2}" x2="{:.2}" y2="{:.2}" stroke="{}" stroke-width="{width}"{dashes}/>"#,
            from[0],
            from[1],
            to[0],
            to[1],
            colour.hex()
        ));
    }

    pub(super) fn polyline(&mut self, points: &[[f64; 2]], colour: Colour, stroke: Stroke) {
        if let [[x, y]] = points {
            self.dot(*x, *y, colour, 1.6);
            return;
        }
        let manner = match stroke {
            Stroke::Solid => r#"stroke-width="1.3""#,
            Stroke::Faint => r#"stroke-width="0.7" stroke-opacity="0.35""#,
            Stroke::Thin => r#"stroke-width="0.4""#,
            Stroke::Dashed => r#"stroke-width="1.3" stroke-dasharray="4 2.5""#,
        };
        self.put(format_args!(
            r#"<polyline fill="none" stroke="{}" {manner} stroke-linejoin="round" points="{}"/>"#,
            colour.hex(),
            coordinates(points)
        ));
    }

    pub(super) fn polygon(&mut self, points: &[[f64; 2]], colour: Colour, opacity: f64) {
        self.put(format_args!(
            r#"<polygon fill="{}" fill-opacity="{opacity}" points="{}"/>"#,
            colour.hex(),
            coordinates(points)
        ));
    }

    pub(super) fn dot(&mut self, x: f64, y: f64, colour: Colour, radius: f64) {
        if x.is_finite() && y.is_finite() {
            self.put(format_args!(
                r#"<circle cx="{x:.2}" cy="{y:.2}" r="{radius}" fill="{}"/>"#,
                colour.hex()
            ));
        }
    }

    pub(super) fn filled(&mut self, rect: Rect, colour: Colour, opacity: f64) {
        if rect.width() > 0.0 && rect.height() > 0.0 {
            self.put(format_args!(
                r#"<rect x="{:.2}" y="{:.2}" width="{:.2}" height="{:.2}" fill="{}" fill-opacity="{opacity}"/>"#,
                rect.left,
                rect.top,
                rect.width(),
                rect.height(),
                colour.hex()
            ));
        }
    }

    /// A clipping rectangle; gives its id.
    pub(super) fn clip(&mut self, rect: Rect) -> String {
        self.n_ids += 1;
        let id = format!("clip{}", self.n_ids);
        self.put(format_args!(
            r#"<clipPath id="{id}"><rect x="{:.2}" y="{:.2}" width="{:.2}" height="{:.2}"/></clipPath>"#,
            rect.left,
            rect.top,
            rect.width().max(0.0),
            rect.height().max(0.0)
        ));
        id
    }

    pub(super) fn gradient(&mut self, bar: Rect, colours: ColourMap) {
        const STEPS: usize = 32;
        self.n_ids += 1;
        let id = format!("colours{}", self.n_ids);
        self.put(format_args!(
            r#"<linearGradient id="{id}" x1="0" y1="1" x2="0" y2="0">"#
        ));
        for step in 0..=STEPS {
            let share = step as f32 / STEPS as f32;
            let colour = colours.at(share).hex();
            self.put(format_args!(
                r#"<stop offset="{share}" stop-color="{colour}"/>"#
            ));
        }
        self.put(format_args!("</linearGradient>"));
        self.put(format_args!(
            r#"<rect x="{:.2}" y="{:.2}" width="{:.2}" height="{:.2}" fill="url(#{id})" stroke="{}" stroke-width="0.6"/>"#,
            bar.left,
            bar.top,
            bar.width(),
            bar.height(),
            FRAME.hex()
        ));
    }
}

fn coordinates(points: &[[f64; 2]]) -> String {
    let points = points.iter().map(|[x, y]| format!("{x:.2},{y:.2}"));
    points.collect::<Vec<_>>().join(" ")
}
