//! Where everything of a figure stands on paper, so that nothing overlaps and nothing is cut off.

use super::ticks::{Tick, ticks};
use super::{Axis, Figure, HeatMap, LabelSide, Layer, Panel, Scale, text};

pub(super) const TITLE_PT: f64 = 11.0;
pub(super) const PANEL_TITLE_PT: f64 = 9.0;
pub(super) const LABEL_PT: f64 = 8.5;
pub(super) const TICK_PT: f64 = 7.5;
pub(super) const LEGEND_PT: f64 = 8.0;
/// From line to line of a lane's label.
pub(super) const LANE_LINE: f64 = 9.5;
pub(super) const MARGIN: f64 = 8.0;
pub(super) const SWATCH: f64 = 14.0;
pub(super) const BAR_WIDTH: f64 = 8.0;

const HEADER_ROW: f64 = 13.0;
const LANE_LABEL_MAX: f64 = 130.0;

/// A rectangle on paper.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rect {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

/// From data to paper along one axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Map {
    pub(super) range: [f64; 2],
    scale: Scale,
    paper: [f64; 2],
}

/// A laid out figure.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) height: f64,
    /// Distance of the title's baseline from the top.
    pub(super) title: Option<(f64, String)>,
    pub(super) panels: Vec<PanelLayout>,
    pub(super) x_ticks: Vec<Tick>,
    /// Baseline of the horizontal axis' label.
    pub(super) x_label: Option<(f64, String)>,
}

/// A laid out panel.
#[derive(Clone, Debug)]
pub(super) struct PanelLayout {
    pub(super) plot: Rect,
    pub(super) x: Map,
    pub(super) y: Map,
    pub(super) y_ticks: Vec<Tick>,
    /// Line by line.
    pub(super) y_label: Vec<String>,
    /// Distance of a turned label's middle from the left edge of the figure.
    pub(super) y_label_x: f64,
    pub(super) title: Option<(f64, String)>,
    pub(super) legend: Vec<LegendEntry>,
    /// Ticks of the colour bar, if the panel has one.
    pub(super) colour_bar: Option<(Map, Vec<Tick>, String)>,
}

/// An entry of the legend and where it stands.
#[derive(Clone, Debug)]
pub(super) struct LegendEntry {
    pub(super) layer_idx: usize,
    pub(super) label: String,
    pub(super) left: f64,
    pub(super) baseline: f64,
}

impl Rect {
    pub(super) fn width(&self) -> f64 {
        self.right - self.left
    }

    pub(super) fn height(&self) -> f64 {
        self.bottom - self.top
    }

    /// The room of a small text.
    pub(super) fn over_baseline([left, right]: [f64; 2], baseline: f64) -> Self {
        Self {
            left,
            top: baseline - TICK_PT,
            right,
            bottom: baseline + 2.5,
        }
    }

    pub(super) fn touches(&self, other: &Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }

    pub(super) fn between(x: [f64; 2], y: [f64; 2]) -> Self {
        Self {
            left: x[0].min(x[1]),
            top: y[0].min(y[1]),
            right: x[0].max(x[1]),
            bottom: y[0].max(y[1]),
        }
    }
}

impl Map {
    fn new(axis: &Axis, range: [f64; 2], paper: [f64; 2]) -> Self {
        Self {
            range,
            scale: axis.scale,
            paper,
        }
    }

    /// The value that lies there.
    pub(super) fn value(&self, at: f64) -> f64 {
        let share = (at - self.paper[0]) / (self.paper[1] - self.paper[0]);
        let between = |[low, high]: [f64; 2]| low + share * (high - low);
        match self.scale {
            Scale::Linear => between(self.range),
            Scale::Log => 10f64.powf(between(self.range.map(f64::log10))),
        }
    }

    /// Where a value lies; NaN for what cannot be shown.
    pub(super) fn at(&self, value: f64) -> f64 {
        let place = |value: f64| match self.scale {
            Scale::Linear => value,
            Scale::Log if value > 0.0 => value.log10(),
            Scale::Log => f64::NAN,
        };
        let [low, high] = self.range.map(place);
        let share = (place(value) - low) / (high - low);
        self.paper[0] + share * (self.paper[1] - self.paper[0])
    }
}

impl Layout {
    pub(super) fn new(figure: &Figure) -> Self {
        let x_range = axis_range(
            &figure.x,
            figure.panels.iter().flat_map(|panel| spread(panel, 0)),
            0.0,
        );
        let y_ranges: Vec<_> = figure.panels.iter().map(y_range).collect();
        let y_ticks: Vec<_> = figure
            .panels
            .iter()
            .zip(&y_ranges)
            .map(|(panel, &range)| ticks(&panel.y, range, (panel.height_pt / 24.0) as usize))
            .collect();
        let left = figure
            .panels
            .iter()
            .zip(&y_ticks)
            .map(|(panel, ticks)| left_margin(panel, ticks))
            .fold(0.0, f64::max)
            + MARGIN;
        // Turned labels of panels below each other stand in one line, beside the widest ticks.
        let along_tick_room = figure
            .panels
            .iter()
            .zip(&y_ticks)
            .filter(|(panel, _)| panel.label_side == LabelSide::Along)
            .map(|(_, ticks)| tick_room(ticks))
            .fold(0.0, f64::max);
        let bars: Vec<_> = figure.panels.iter().map(colour_bar).collect();
        let bar_room = bars.iter().flatten().map(bar_room).fold(0.0, f64::max);
        let plot_right = figure.width_pt - MARGIN - bar_room;
        let (x_ticks, right) = x_ticks(figure, x_range, left, plot_right);

        let title = (!figure.title.is_empty()).then(|| {
            let room = figure.width_pt - 2.0 * MARGIN;
            (
                MARGIN + TITLE_PT,
                text::fitted(&figure.title, TITLE_PT, room),
            )
        });
        let mut top = title
            .as_ref()
            .map_or(MARGIN, |(baseline, _)| baseline + 9.0);
        let mut panels = Vec::new();
        let parts = figure.panels.iter().zip(y_ranges).zip(y_ticks).zip(bars);
        for (panel_idx, (((panel, y_range), y_ticks), bar)) in parts.enumerate() {
            if panel_idx > 0 {
                let both_lanes = [panel_idx - 1, panel_idx]
                    .iter()
                    .all(|&idx| figure.panels[idx].label_side == LabelSide::Beside);
                top += if both_lanes { 3.0 } else { 12.0 };
            }
            let (title, legend, header) = header(panel, top, left, right);
            let plot = Rect {
                left,
                top: top + header,
                right,
                bottom: top + header + panel.height_pt,
            };
            top = plot.bottom;
            panels.push(PanelLayout {
                plot,
                x: Map::new(&figure.x, x_range, [plot.left, plot.right]),
                y: Map::new(&panel.y, y_range, [plot.bottom, plot.top]),
                y_ticks,
                y_label: y_label(panel),
                y_label_x: left - along_tick_room - 4.0 - LABEL_PT / 2.0,
                title,
                legend,
                colour_bar: bar.map(|(map, ticks)| {
                    let axis = Axis::new("", "");
                    let range = map.shown_range().map(f64::from);
                    let label = text::fitted(&map.label, TICK_PT, panel.height_pt.max(40.0));
                    (
                        Map::new(&axis, range, [plot.bottom, plot.top]),
                        ticks,
                        label,
                    )
                }),
            });
        }
        if !x_ticks.is_empty() {
            top += 4.0 + TICK_PT + 2.0;
        }
        let x_label = with_unit(&figure.x);
        let x_label = (!x_label.is_empty()).then(|| {
            top += 4.0 + LABEL_PT;
            (top, text::fitted(&x_label, LABEL_PT, right - left))
        });
        Self {
            height: top + MARGIN,
            title,
            panels,
            x_ticks,
            x_label,
        }
    }
}

/// `label (unit)`
pub(super) fn with_unit(axis: &Axis) -> String {
    if axis.unit.is_empty() {
        axis.label.clone()
    } else {
        format!("{} ({})", axis.label, axis.unit)
    }
}

/// Ticks of the common axis and the right edge of the plots, moved in so that the last label is not cut off.
fn x_ticks(figure: &Figure, range: [f64; 2], left: f64, right: f64) -> (Vec<Tick>, f64) {
    // Wide labels want fewer ticks.
    let mut n_wanted = ((right - left) / 45.0) as usize;
    loop {
        let found = ticks(&figure.x, range, n_wanted);
        let widest = found
            .iter()
            .map(|tick| text::width(&tick.label, TICK_PT))
            .fold(0.0, f64::max);
        let right = match found.last() {
            Some(last) => {
                let end = Map::new(&figure.x, range, [left, right]).at(last.at);
                right.min(right - (end + widest / 2.0 - (figure.width_pt - 2.0)).max(0.0))
            }
            None => right,
        };
        let fits = (widest + 8.0) * found.len() as f64 <= right - left + widest;
        if fits || n_wanted <= 2 {
            return (found, right);
        }
        n_wanted -= 1;
    }
}

/// The lines of a vertical axis' label, cut to the room that they have.
fn y_label(panel: &Panel) -> Vec<String> {
    let label = with_unit(&panel.y);
    let (size, room) = match panel.label_side {
        LabelSide::Along => (LABEL_PT, panel.height_pt + 16.0),
        LabelSide::Beside => (LABEL_PT, LANE_LABEL_MAX),
    };
    let lines = label.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| text::fitted(line, size, room)).collect()
}

/// Room for the labels of a vertical axis' ticks.
pub(super) fn tick_room(ticks: &[Tick]) -> f64 {
    let widths = ticks.iter().map(|tick| text::width(&tick.label, TICK_PT));
    let widest = widths.fold(0.0, f64::max);
    if widest > 0.0 { widest + 5.0 } else { 0.0 }
}

fn left_margin(panel: &Panel, ticks: &[Tick]) -> f64 {
    let lines = y_label(panel);
    let widths = lines.iter().map(|line| text::width(line, LABEL_PT));
    tick_room(ticks)
        + match panel.label_side {
            _ if lines.is_empty() => 0.0,
            LabelSide::Along => LABEL_PT + 7.0,
            LabelSide::Beside => widths.fold(0.0, f64::max) + 6.0,
        }
}

/// Title and legend above a panel, and how much room they take: title first, entries behind it, then row by row.
fn header(
    panel: &Panel,
    top: f64,
    left: f64,
    right: f64,
) -> (Option<(f64, String)>, Vec<LegendEntry>, f64) {
    let mut baseline = top + LEGEND_PT;
    let title = (!panel.title.is_empty()).then(|| {
        (
            baseline,
            text::fitted(&panel.title, PANEL_TITLE_PT, right - left),
        )
    });
    let mut cursor = left
        + title
            .as_ref()
            .map_or(0.0, |(_, title)| text::width(title, PANEL_TITLE_PT) + 18.0);
    let mut legend = Vec::new();
    for (layer_idx, layer) in panel.layers.iter().enumerate() {
        let label = layer.legend_label();
        if label.is_empty() {
            continue;
        }
        let label = text::fitted(label, LEGEND_PT, right - left - SWATCH - 4.0);
        let width = SWATCH + 4.0 + text::width(&label, LEGEND_PT);
        if cursor > left && cursor + width > right {
            cursor = left;
            baseline += HEADER_ROW;
        }
        legend.push(LegendEntry {
            layer_idx,
            label,
            left: cursor,
            baseline,
        });
        cursor += width + 14.0;
    }
    let is_empty = title.is_none() && legend.is_empty();
    let header = if is_empty { 0.0 } else { baseline - top + 5.0 };
    (title, legend, header)
}

fn colour_bar(panel: &Panel) -> Option<(&HeatMap, Vec<Tick>)> {
    let map = panel.layers.iter().find_map(|layer| match layer {
        Layer::HeatMap(map) if !map.label.is_empty() => Some(map),
        _ => None,
    })?;
    let range = map.shown_range().map(f64::from);
    let n_wanted = (panel.height_pt / 18.0) as usize;
    Some((map, ticks(&Axis::new("", ""), range, n_wanted)))
}

fn bar_room((_, ticks): &(&HeatMap, Vec<Tick>)) -> f64 {
    let widest = ticks
        .iter()
        .map(|tick| text::width(&tick.label, TICK_PT))
        .fold(0.0, f64::max);
    6.0 + BAR_WIDTH + 4.0 + widest + 4.0 + TICK_PT
}

fn y_range(panel: &Panel) -> [f64; 2] {
    let fills = panel.layers.iter().all(|layer| {
        matches!(
            layer,
            Layer::HeatMap(_) | Layer::Spans { .. } | Layer::Mark { .. }
        )
    });
    axis_range(&panel.y, spread(panel, 1), if fills { 0.0 } else { 0.05 })
}

/// What an axis shows: what was asked for, or all data with `air` around it.
fn axis_range(axis: &Axis, values: impl Iterator<Item = f64>, air: f64) -> [f64; 2] {
    if let Some([low, high]) = axis.range
        && low < high
        && (axis.scale == Scale::Linear || low > 0.0)
    {
        return [low, high];
    }
    let is_log = axis.scale == Scale::Log;
    let shown = values.filter(|value| value.is_finite() && (!is_log || *value > 0.0));
    let (low, high) = shown.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    match (is_log, low <= high) {
        (false, false) => [0.0, 1.0],
        (true, false) => [0.1, 1.0],
        (true, true) => {
            let factor = if low < high {
                (high / low).powf(air)
            } else {
                2.0
            };
            [low / factor, high * factor]
        }
        (false, true) => {
            let span = high - low;
            let pad = if span > high.abs().max(low.abs()) * 1e-12 {
                span * air
            } else if high == 0.0 {
                0.5
            } else {
                high.abs() * 0.1
            };
            [low - pad, high + pad]
        }
    }
}

/// All values of a panel along one axis (0: horizontal, 1: vertical).
fn spread(panel: &Panel, along: usize) -> impl Iterator<Item = f64> + '_ {
    panel.layers.iter().flat_map(move |layer| -> Vec<f64> {
        match layer {
            Layer::Line { points, .. } | Layer::Dots { points, .. } => {
                points.iter().map(|point| point[along]).collect()
            }
            Layer::Area { points, .. } => {
                let zero = (along == 1).then_some(0.0);
                points
                    .iter()
                    .map(|point| point[along])
                    .chain(zero)
                    .collect()
            }
            Layer::Bars {
                points, thickness, ..
            } => points
                .iter()
                .flat_map(|&[x, y]| match along {
                    0 => [0.0, x],
                    _ => [y - thickness / 2.0, y + thickness / 2.0],
                })
                .collect(),
            Layer::Band { points, .. } | Layer::Envelope { points, .. } => points
                .iter()
                .flat_map(|&[x, low, high]| if along == 0 { [x, x] } else { [low, high] })
                .collect(),
            Layer::Spans { spans, .. } if along == 0 => spans.iter().flatten().copied().collect(),
            Layer::HeatMap(map) => [map.x, map.y][along].to_vec(),
            Layer::Mark { x, .. } if along == 0 => vec![*x],
            Layer::Level { y, .. } if along == 1 => vec![*y],
            Layer::Spans { .. } | Layer::Mark { .. } | Layer::Level { .. } => Vec::new(),
        }
    })
}

impl Layer {
    pub(super) fn legend_label(&self) -> &str {
        match self {
            Self::Line { label, .. }
            | Self::Dots { label, .. }
            | Self::Band { label, .. }
            | Self::Area { label, .. }
            | Self::Bars { label, .. }
            | Self::Spans { label, .. } => label,
            Self::Envelope { .. } | Self::HeatMap(_) | Self::Mark { .. } | Self::Level { .. } => "",
        }
    }
}
