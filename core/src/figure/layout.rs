//! Where everything of a figure stands on paper, so that nothing overlaps and nothing is cut off.

use super::extent::{axis_range, spread, y_range};
use super::legend::{Header, LegendEntry, common_legend};
use super::ticks::{Tick, ticks};
use super::{Axis, Figure, HeatMap, LabelSide, Layer, Panel, Scale, Ticks, text};

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

/// Between the columns of small multiples.
const COLUMN_GAP: f64 = 12.0;
const LANE_LABEL_MAX: f64 = 130.0;
/// Longest name below an upright tick.
const TURNED_MAX: f64 = 110.0;

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
    /// Whether these are named upright, because the names have no room side by side.
    pub(super) x_is_turned: bool,
    /// Baseline of the horizontal axis' label.
    pub(super) x_label: Option<(f64, String)>,
}

/// A laid out panel.
#[derive(Clone, Debug)]
pub(super) struct PanelLayout {
    pub(super) plot: Rect,
    pub(super) x: Map,
    pub(super) y: Map,
    /// Whether nothing stands below it, so that it has the numbers of the horizontal axis.
    pub(super) is_lowest: bool,
    pub(super) y_ticks: Vec<Tick>,
    /// Line by line.
    pub(super) y_label: Vec<String>,
    /// Distance of a turned label's middle from the left edge of the figure.
    pub(super) y_label_x: f64,
    pub(super) title: Option<(f64, String)>,
    /// Its left end, on the title's baseline.
    pub(super) note: Option<(f64, String)>,
    pub(super) legend: Vec<LegendEntry>,
    /// Ticks of the colour bar, if the panel has one.
    pub(super) colour_bar: Option<(Map, Vec<Tick>, String)>,
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
        let measured: Vec<Measured<'_>> = figure.panels.iter().map(Measured::of).collect();
        let n_columns = figure.n_columns.clamp(1, measured.len().max(1));
        let (columns, x_ticks, x_is_turned) = columns(figure, x_range, &measured, n_columns);

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
        let mut legends = vec![Vec::new(); measured.len()];
        if n_columns > 1 {
            let ends = [columns[0].left, columns[n_columns - 1].right];
            top += common_legend(&figure.panels, top, ends, &mut legends);
        }
        let x_tick_room = match x_ticks.is_empty() {
            true => 0.0,
            false if x_is_turned => 4.0 + widest_label(&x_ticks) + 2.0,
            false => 4.0 + TICK_PT + 2.0,
        };
        let n_panels = measured.len();
        let is_lowest = |at: usize| at + n_columns >= n_panels;
        let mut panels: Vec<PanelLayout> = Vec::with_capacity(n_panels);
        for (row_idx, row) in measured.chunks(n_columns).enumerate() {
            let first = row_idx * n_columns;
            if row_idx > 0 {
                let both_lanes = [first - n_columns, first]
                    .iter()
                    .all(|&at| figure.panels[at].label_side == LabelSide::Beside);
                top += if both_lanes { 3.0 } else { 12.0 };
                // The numbers below a panel over an unfinished last row.
                if (first - n_columns..first).any(is_lowest) {
                    top += x_tick_room;
                }
            }
            let headers: Vec<_> = row
                .iter()
                .zip(&columns)
                .map(|(measured, column)| {
                    let with_legend = n_columns == 1;
                    let ends = [column.left, column.right];
                    Header::of(measured.panel, top, ends, with_legend)
                })
                .collect();
            top += headers.iter().map(|header| header.room).fold(0.0, f64::max);
            let mut bottom = top;
            for (at, (measured, header)) in row.iter().zip(headers).enumerate() {
                let (panel, column) = (measured.panel, &columns[at]);
                let plot = Rect {
                    left: column.left,
                    top,
                    right: column.right,
                    bottom: top + panel.height_pt,
                };
                bottom = bottom.max(plot.bottom);
                let legend = if n_columns == 1 {
                    header.legend
                } else {
                    std::mem::take(&mut legends[first + at])
                };
                panels.push(PanelLayout {
                    plot,
                    x: Map::new(&figure.x, x_range, [plot.left, plot.right]),
                    y: Map::new(&panel.y, measured.y_range, [plot.bottom, plot.top]),
                    is_lowest: is_lowest(first + at),
                    y_ticks: measured.y_ticks.clone(),
                    y_label: y_label(panel),
                    y_label_x: plot.left - column.tick_room - 4.0 - LABEL_PT / 2.0,
                    title: header.title,
                    note: header.note,
                    legend,
                    colour_bar: measured.bar.as_ref().map(|(map, ticks)| {
                        let axis = Axis::new("", "");
                        let range = map.shown_range().map(f64::from);
                        let label = text::fitted(&map.label, TICK_PT, panel.height_pt.max(40.0));
                        (
                            Map::new(&axis, range, [plot.bottom, plot.top]),
                            ticks.clone(),
                            label,
                        )
                    }),
                });
            }
            top = bottom;
        }
        top += x_tick_room;
        let x_label = with_unit(&figure.x);
        let x_label = (!x_label.is_empty()).then(|| {
            top += 4.0 + LABEL_PT;
            let room = columns[n_columns - 1].right - columns[0].left;
            (top, text::fitted(&x_label, LABEL_PT, room))
        });
        Self {
            height: top + MARGIN,
            title,
            panels,
            x_ticks,
            x_is_turned,
            x_label,
        }
    }

    /// Left and right end of all plots together.
    pub(super) fn ends(&self) -> [f64; 2] {
        let plots = self.panels.iter().map(|panel| panel.plot);
        plots.fold([f64::INFINITY, f64::NEG_INFINITY], |[left, right], plot| {
            [left.min(plot.left), right.max(plot.right)]
        })
    }
}

/// A panel with what its own size follows from.
struct Measured<'a> {
    panel: &'a Panel,
    y_range: [f64; 2],
    y_ticks: Vec<Tick>,
    bar: Option<(&'a HeatMap, Vec<Tick>)>,
}

impl<'a> Measured<'a> {
    fn of(panel: &'a Panel) -> Self {
        let y_range = y_range(panel);
        Self {
            panel,
            y_range,
            y_ticks: match panel.y.ticks {
                Ticks::At(_) => with_room(ticks(&panel.y, y_range, 0), panel.height_pt),
                _ => ticks(&panel.y, y_range, (panel.height_pt / 24.0) as usize),
            },
            bar: colour_bar(panel),
        }
    }
}

/// Where the plots of a column lie from left to right.
struct ColumnPlace {
    left: f64,
    right: f64,
    /// Turned labels of panels below each other stand in one line, beside the widest ticks.
    tick_room: f64,
}

/// Plots of all columns are equally wide; what stands beside them is as wide as it must be in each column. With them the ticks of the common
/// axis, and whether their names are turned.
fn columns(
    figure: &Figure,
    x_range: [f64; 2],
    measured: &[Measured<'_>],
    n_columns: usize,
) -> (Vec<ColumnPlace>, Vec<Tick>, bool) {
    let widest = |column: usize, width: &dyn Fn(&Measured<'_>) -> f64| {
        let panels = measured.iter().skip(column).step_by(n_columns);
        panels.map(width).fold(0.0, f64::max)
    };
    let margins: Vec<[f64; 2]> = (0..n_columns)
        .map(|column| {
            [
                widest(column, &|one| left_margin(one.panel, &one.y_ticks)),
                widest(column, &|one| one.bar.as_ref().map_or(0.0, bar_room)),
            ]
        })
        .collect();
    let gaps = COLUMN_GAP * (n_columns - 1) as f64;
    let taken: f64 = margins.iter().flatten().sum::<f64>() + gaps + 2.0 * MARGIN;
    let width = ((figure.width_pt - taken) / n_columns as f64).max(1.0);
    let last_right = figure.width_pt - MARGIN - margins[n_columns - 1][1];
    let (x_ticks, right, is_turned) = x_ticks(figure, x_range, last_right - width, last_right);
    let narrower = right - (last_right - width);
    let mut cursor = MARGIN;
    let places = margins.iter().enumerate().map(|(column, [left, right])| {
        let start = cursor + left;
        cursor = start + width + right + COLUMN_GAP;
        ColumnPlace {
            left: start,
            right: start + narrower,
            tick_room: widest(column, &|one| match one.panel.label_side {
                LabelSide::Along => tick_room(&one.y_ticks),
                LabelSide::Beside => 0.0,
            }),
        }
    });
    (places.collect(), x_ticks, is_turned)
}

/// `label (unit)`
pub(super) fn with_unit(axis: &Axis) -> String {
    if axis.unit.is_empty() {
        axis.label.clone()
    } else {
        format!("{} ({})", axis.label, axis.unit)
    }
}

/// Ticks of the common axis and the right edge of the plots, moved in so that the last label is not cut off; whether names are turned.
fn x_ticks(figure: &Figure, range: [f64; 2], left: f64, right: f64) -> (Vec<Tick>, f64, bool) {
    // Wide labels want fewer ticks.
    let mut n_wanted = ((right - left) / 45.0) as usize;
    loop {
        let mut found = ticks(&figure.x, range, n_wanted);
        let widest = widest_label(&found);
        let inner = match found.last() {
            Some(last) => {
                let end = Map::new(&figure.x, range, [left, right]).at(last.at);
                right.min(right - (end + widest / 2.0 - (figure.width_pt - 2.0)).max(0.0))
            }
            None => right,
        };
        let fits = (widest + 8.0) * found.len() as f64 <= inner - left + widest;
        if fits {
            return (found, inner, false);
        }
        if matches!(figure.x.ticks, Ticks::At(_)) {
            for tick in &mut found {
                tick.label = text::fitted(&tick.label, TICK_PT, TURNED_MAX);
            }
            return (with_room(found, right - left), right, true);
        }
        if n_wanted <= 2 {
            return (found, inner, false);
        }
        n_wanted -= 1;
    }
}

fn widest_label(ticks: &[Tick]) -> f64 {
    let widths = ticks.iter().map(|tick| text::width(&tick.label, TICK_PT));
    widths.fold(0.0, f64::max)
}

/// Names below each other, each as high as a line, as many as `room` holds: every second, every third of them.
fn with_room(ticks: Vec<Tick>, room: f64) -> Vec<Tick> {
    let every = (ticks.len() as f64 * (TICK_PT + 1.0) / room)
        .ceil()
        .max(1.0);
    ticks.into_iter().step_by(every as usize).collect()
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
    let widest = widest_label(ticks);
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
    let widest = widest_label(ticks);
    6.0 + BAR_WIDTH + 4.0 + widest + 4.0 + TICK_PT
}
