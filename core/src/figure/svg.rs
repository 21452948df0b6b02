//! A laid out figure as SVG. Text stays text, so that it can be searched, copied and set in the reader's font.

use super::layout::{
    BAR_WIDTH, LABEL_PT, LANE_LINE, LEGEND_PT, Layout, MARGIN, Map, PANEL_TITLE_PT, PanelLayout,
    Rect, SWATCH, TICK_PT, TITLE_PT, tick_room,
};
use super::paths;
use super::pen::{Anchor, FRAME, Pen};
use super::{Colour, ColourMap, Figure, LabelSide, Layer, Panel, Stroke, Ticks, text};

/// Whether heat maps stand in the SVG, or are painted below it by the renderer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pictures {
    Inside,
    Below,
}

pub(super) fn write(figure: &Figure, layout: &Layout, pictures: Pictures) -> String {
    let mut svg = Pen::default();
    let (width, height) = (figure.width_pt, layout.height);
    let [paper_width, paper_height] = [width, height].map(|pt| pt * figure.zoom);
    svg.put(format_args!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{paper_width:.2}pt" height="{paper_height:.2}pt" viewBox="0 0 {width:.2} {height:.2}" font-family="{}" fill="{}">"#,
        text::FAMILY,
        Colour::INK.hex()
    ));
    if pictures == Pictures::Inside {
        svg.put(format_args!(
            r##"<rect width="{width:.2}" height="{height:.2}" fill="#ffffff"/>"##
        ));
    }
    if let Some((baseline, title)) = &layout.title {
        svg.text(
            title,
            MARGIN,
            *baseline,
            TITLE_PT,
            Anchor::Start,
            Colour::INK,
        );
    }
    for (panel, place) in figure.panels.iter().zip(&layout.panels) {
        svg.panel(panel, place, layout, pictures);
    }
    svg.x_axis(layout);
    svg.put(format_args!("</svg>"));
    svg.out
}

/// Panels and axes.
impl Pen {
    fn panel(&mut self, panel: &Panel, place: &PanelLayout, layout: &Layout, pictures: Pictures) {
        let plot = place.plot;
        if pictures == Pictures::Inside {
            self.heat_maps(panel, place);
        }
        let has_picture = panel
            .layers
            .iter()
            .any(|layer| matches!(layer, Layer::HeatMap(_)));
        if !has_picture {
            self.grid(panel, place, layout);
        }
        let clip = self.clip(plot);
        self.put(format_args!(r#"<g clip-path="url(#{clip})">"#));
        for layer in &panel.layers {
            self.layer(layer, place);
        }
        self.put(format_args!("</g>"));
        self.put(format_args!(
            r#"<rect x="{:.2}" y="{:.2}" width="{:.2}" height="{:.2}" fill="none" stroke="{}" stroke-width="0.6"/>"#,
            plot.left,
            plot.top,
            plot.width(),
            plot.height(),
            FRAME.hex()
        ));
        self.labels_over(panel, place);
        self.header(panel, place);
        self.y_axis(panel, place);
        self.colour_bar(panel, place);
    }

    fn heat_maps(&mut self, panel: &Panel, place: &PanelLayout) {
        for (rect, map) in pictures(panel, place) {
            let clip = self.clip(place.plot);
            self.put(format_args!(
                r#"<g clip-path="url(#{clip})"><image x="{:.2}" y="{:.2}" width="{:.2}" height="{:.2}" preserveAspectRatio="none" style="image-rendering:pixelated" href="{}"/></g>"#,
                rect.left,
                rect.top,
                rect.width(),
                rect.height(),
                map.pixels().to_data_url()
            ));
        }
    }

    fn grid(&mut self, panel: &Panel, place: &PanelLayout, layout: &Layout) {
        let plot = place.plot;
        for tick in &layout.x_ticks {
            let x = place.x.at(tick.at);
            self.line([x, plot.top], [x, plot.bottom], Colour::GRID, 0.6, "");
        }
        if !matches!(panel.y.ticks, Ticks::At(_)) {
            for tick in &place.y_ticks {
                let y = place.y.at(tick.at);
                self.line([plot.left, y], [plot.right, y], Colour::GRID, 0.6, "");
            }
        }
    }

    fn layer(&mut self, layer: &Layer, place: &PanelLayout) {
        let plot = place.plot;
        let on_paper = |points: &[[f64; 2]]| -> Vec<[f64; 2]> {
            let points = points.iter();
            points
                .map(|&[x, y]| [place.x.at(x), place.y.at(y)])
                .collect()
        };
        match layer {
            Layer::Line {
                colour,
                stroke,
                points,
                ..
            } => {
                for piece in paths::pieces(&on_paper(points)) {
                    self.polyline(&piece, *colour, *stroke);
                }
            }
            Layer::Dots { colour, points, .. } => {
                for [x, y] in on_paper(points) {
                    self.dot(x, y, *colour, 2.0);
                }
            }
            Layer::Band { colour, points, .. } => {
                let edge = |at: usize| -> Vec<[f64; 2]> {
                    let edge = points.iter().map(|point| [point[0], point[at]]);
                    on_paper(&edge.collect::<Vec<_>>())
                };
                for outline in paths::bands(&edge(1), &edge(2)) {
                    self.polygon(&outline, *colour, 0.2);
                }
            }
            Layer::Envelope { colour, points } => {
                let edge = |at: usize| -> Vec<[f64; 2]> {
                    let edge = points.iter().map(|point| [point[0], point[at]]);
                    on_paper(&edge.collect::<Vec<_>>())
                };
                // A thin line around it keeps quiet stretches visible.
                for outline in paths::bands(&edge(1), &edge(2)) {
                    self.polygon(&outline, *colour, 0.85);
                    self.polyline(&outline, *colour, Stroke::Thin);
                }
            }
            Layer::Area {
                above,
                below,
                points,
                ..
            } => {
                let zero = place.y.at(0.0).clamp(plot.top, plot.bottom);
                let halves = [
                    (
                        *above,
                        Rect {
                            bottom: zero,
                            ..plot
                        },
                    ),
                    (*below, Rect { top: zero, ..plot }),
                ];
                for (colour, half) in halves {
                    let clip = self.clip(half);
                    self.put(format_args!(r#"<g clip-path="url(#{clip})">"#));
                    for piece in paths::pieces(&on_paper(points)) {
                        self.polygon(&paths::down_to(zero, &piece), colour, 0.75);
                    }
                    self.put(format_args!("</g>"));
                }
                self.line([plot.left, zero], [plot.right, zero], FRAME, 0.4, "");
            }
            Layer::Bars {
                colour,
                thickness,
                points,
                ..
            } => {
                for &[x, y] in points {
                    let ends = [place.x.at(0.0), place.x.at(x)];
                    let sides = [
                        place.y.at(y + thickness / 2.0),
                        place.y.at(y - thickness / 2.0),
                    ];
                    self.filled(Rect::between(ends, sides), *colour, 1.0);
                }
            }
            Layer::Spans { colour, spans, .. } => {
                for &[from, to] in spans {
                    let ends = [place.x.at(from), place.x.at(to)];
                    self.filled(Rect::between(ends, [plot.top, plot.bottom]), *colour, 0.45);
                }
            }
            Layer::Mark { x, .. } => {
                let x = place.x.at(*x);
                self.line([x, plot.top], [x, plot.bottom], Colour::GREY, 0.8, "3 2");
            }
            Layer::Level { y, .. } => {
                let y = place.y.at(*y);
                self.line([plot.left, y], [plot.right, y], Colour::GREY, 0.8, "3 2");
            }
            Layer::HeatMap(_) => {}
        }
    }

    /// Words of levels, then of marks: each in the first row below the top where nothing stands yet.
    fn labels_over(&mut self, panel: &Panel, place: &PanelLayout) {
        let plot = place.plot;
        let mut taken: Vec<Rect> = Vec::new();
        let inside = |at: f64, low: f64, high: f64| at >= low - 0.5 && at <= high + 0.5;
        for layer in &panel.layers {
            let Layer::Level { label, y } = layer else {
                continue;
            };
            let at = place.y.at(*y);
            if label.is_empty() || !inside(at, plot.top, plot.bottom) {
                continue;
            }
            let has_room = at - TICK_PT - 4.0 >= plot.top;
            let baseline = if has_room {
                at - 3.0
            } else {
                at + TICK_PT + 2.0
            };
            let right = plot.right - 4.0;
            self.text_over(label, right, baseline, Anchor::End);
            let left = right - text::width(label, TICK_PT);
            taken.push(Rect::over_baseline([left, right], baseline));
        }
        for layer in &panel.layers {
            let Layer::Mark { label, x } = layer else {
                continue;
            };
            let at = place.x.at(*x);
            if label.is_empty() || !inside(at, plot.left, plot.right) {
                continue;
            }
            let width = text::width(label, TICK_PT) + 3.0;
            let fits_right = at + width <= plot.right;
            let (ends, from, anchor) = if fits_right {
                ([at, at + width], at + 3.0, Anchor::Start)
            } else {
                ([at - width, at], at - 3.0, Anchor::End)
            };
            let mut baseline = plot.top + TICK_PT + 2.0;
            let mut rect = Rect::over_baseline(ends, baseline);
            // More marks than rows lie over each other rather than outside.
            while taken.iter().any(|other| rect.touches(other)) && rect.bottom < plot.bottom {
                baseline += TICK_PT + 3.0;
                rect = Rect::over_baseline(ends, baseline);
            }
            self.text_over(label, from, baseline, anchor);
            taken.push(rect);
        }
    }

    fn header(&mut self, panel: &Panel, place: &PanelLayout) {
        if let Some((baseline, title)) = &place.title {
            self.text(
                title,
                place.plot.left,
                *baseline,
                PANEL_TITLE_PT,
                Anchor::Start,
                Colour::INK,
            );
            if let Some((left, note)) = &place.note {
                self.text(note, *left, *baseline, TICK_PT, Anchor::Start, Colour::GREY);
            }
        }
        for entry in &place.legend {
            let middle = entry.baseline - LEGEND_PT * 0.36;
            let swatch = |height: f64| Rect {
                left: entry.left,
                top: middle - height / 2.0,
                right: entry.left + SWATCH,
                bottom: middle + height / 2.0,
            };
            match &panel.layers[entry.layer_idx] {
                Layer::Line { colour, stroke, .. } => {
                    let ends = [[entry.left, middle], [entry.left + SWATCH, middle]];
                    self.polyline(&ends, *colour, *stroke);
                }
                Layer::Dots { colour, .. } => {
                    self.dot(entry.left + SWATCH / 2.0, middle, *colour, 2.0);
                }
                Layer::Band { colour, .. } => self.filled(swatch(7.0), *colour, 0.2),
                Layer::Spans { colour, .. } => self.filled(swatch(7.0), *colour, 0.45),
                Layer::Bars { colour, .. } => self.filled(swatch(7.0), *colour, 1.0),
                Layer::Area { above, below, .. } => {
                    let whole = swatch(7.0);
                    let middle = entry.left + SWATCH / 2.0;
                    self.filled(
                        Rect {
                            right: middle,
                            ..whole
                        },
                        *above,
                        0.75,
                    );
                    self.filled(
                        Rect {
                            left: middle,
                            ..whole
                        },
                        *below,
                        0.75,
                    );
                }
                Layer::Envelope { .. }
                | Layer::HeatMap(_)
                | Layer::Mark { .. }
                | Layer::Level { .. } => {}
            }
            self.text(
                &entry.label,
                entry.left + SWATCH + 4.0,
                entry.baseline,
                LEGEND_PT,
                Anchor::Start,
                Colour::INK,
            );
        }
    }

    fn y_axis(&mut self, panel: &Panel, place: &PanelLayout) {
        let plot = place.plot;
        for tick in &place.y_ticks {
            let y = place.y.at(tick.at);
            self.line([plot.left - 2.5, y], [plot.left, y], FRAME, 0.6, "");
            self.text(
                &tick.label,
                plot.left - 4.5,
                y + TICK_PT * 0.36,
                TICK_PT,
                Anchor::End,
                Colour::INK,
            );
        }
        let middle = f64::midpoint(plot.top, plot.bottom);
        match (panel.label_side, place.y_label.as_slice()) {
            (_, []) => {}
            (LabelSide::Along, lines) => self.text_turned(
                &lines.join(" "),
                place.y_label_x + LABEL_PT * 0.36,
                middle,
                LABEL_PT,
                Anchor::Middle,
            ),
            (LabelSide::Beside, [first, rest @ ..]) => {
                let right = plot.left - tick_room(&place.y_ticks) - 5.0;
                let mut baseline = middle + LABEL_PT * 0.36 - rest.len() as f64 * LANE_LINE / 2.0;
                self.text(first, right, baseline, LABEL_PT, Anchor::End, Colour::INK);
                for line in rest {
                    baseline += LANE_LINE;
                    self.text(line, right, baseline, TICK_PT, Anchor::End, Colour::GREY);
                }
            }
        }
    }

    fn colour_bar(&mut self, panel: &Panel, place: &PanelLayout) {
        let Some((map, ticks, label)) = &place.colour_bar else {
            return;
        };
        let colours = panel.layers.iter().find_map(|layer| match layer {
            Layer::HeatMap(map) if !map.label.is_empty() => Some(map.map),
            _ => None,
        });
        let plot = place.plot;
        let bar = Rect {
            left: plot.right + 6.0,
            right: plot.right + 6.0 + BAR_WIDTH,
            ..plot
        };
        self.gradient(bar, colours.unwrap_or(ColourMap::Paper));
        let mut widest = 0f64;
        for tick in ticks {
            let y = map.at(tick.at);
            self.line([bar.right, y], [bar.right + 2.0, y], FRAME, 0.6, "");
            self.text(
                &tick.label,
                bar.right + 4.0,
                y + TICK_PT * 0.36,
                TICK_PT,
                Anchor::Start,
                Colour::INK,
            );
            widest = widest.max(text::width(&tick.label, TICK_PT));
        }
        self.text_turned(
            label,
            bar.right + 4.0 + widest + 3.0 + TICK_PT * 0.86,
            f64::midpoint(plot.top, plot.bottom),
            TICK_PT,
            Anchor::Middle,
        );
    }

    fn x_axis(&mut self, layout: &Layout) {
        for panel in layout.panels.iter().filter(|panel| panel.is_lowest) {
            let bottom = panel.plot.bottom;
            for tick in &layout.x_ticks {
                let x = panel.x.at(tick.at);
                self.line([x, bottom], [x, bottom + 2.5], FRAME, 0.6, "");
                if layout.x_is_turned {
                    let (x, top) = (x + TICK_PT * 0.36, bottom + 4.0);
                    self.text_turned(&tick.label, x, top, TICK_PT, Anchor::End);
                } else {
                    self.text(
                        &tick.label,
                        x,
                        bottom + 4.0 + TICK_PT,
                        TICK_PT,
                        Anchor::Middle,
                        Colour::INK,
                    );
                }
            }
        }
        let [left, right] = layout.ends();
        if let Some((baseline, label)) = &layout.x_label
            && left < right
        {
            let middle = f64::midpoint(left, right);
            self.text(
                label,
                middle,
                *baseline,
                LABEL_PT,
                Anchor::Middle,
                Colour::INK,
            );
        }
    }
}

/// The heat maps of a panel and where they lie on paper.
pub(super) fn pictures<'a>(
    panel: &'a Panel,
    place: &'a PanelLayout,
) -> impl Iterator<Item = (Rect, &'a super::HeatMap)> + 'a {
    panel.layers.iter().filter_map(|layer| match layer {
        Layer::HeatMap(map) => {
            let along = |axis: Map, ends: [f64; 2]| ends.map(|end| axis.at(end));
            let rect = Rect::between(along(place.x, map.x), along(place.y, map.y));
            (rect.width() > 0.0 && rect.height() > 0.0 && map.n_rows() > 0).then_some((rect, map))
        }
        _ => None,
    })
}
