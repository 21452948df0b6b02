//! The plots for paper: the same axes, runs, colours and marks as on the screen.

use super::shown::Shown;
use crate::theme;
use attune_core::figure::{Axis, Figure, Layer, Panel, Sheet, Stroke, Ticks};
use attune_core::run::{FieldAxis, RunSummary};

/// Room beside the outermost axes, as a part of the distance between two.
const MARGIN: f64 = 0.35;

/// Where a run without a value passes, below the axes.
const NO_VALUE: f64 = -0.12;

/// What is drawn, apart from the panel that it was drawn in.
#[derive(Clone, Debug)]
pub(super) struct Paper {
    axes: Vec<FieldAxis>,
    /// Colour and whether it is marked, of each run.
    runs: Vec<(egui::Color32, bool)>,
    /// What the colours mean.
    title: String,
    /// The values themselves.
    sheet: Sheet,
}

impl Paper {
    pub(super) fn parallel(shown: &Shown, list: &[RunSummary]) -> Self {
        Self::of(shown, shown.axes.clone(), list)
    }

    pub(super) fn scatter(shown: &Shown, list: &[RunSummary]) -> Self {
        Self::of(shown, vec![shown.x.clone(), shown.y.clone()], list)
    }

    fn of(shown: &Shown, axes: Vec<FieldAxis>, list: &[RunSummary]) -> Self {
        let colours = shown.colours.iter().copied();
        Self {
            sheet: sheet(shown, &axes, list),
            axes,
            runs: colours.zip(shown.is_bright.iter().copied()).collect(),
            title: format!(
                "Colour: {} from {} (dark) to {} (light)",
                shown.colour.field.label(),
                shown.colour.text_at(0.0),
                shown.colour.text_at(1.0)
            ),
        }
    }

    /// Runs that step back first, so that they lie below.
    fn in_order(&self) -> impl Iterator<Item = (usize, attune_core::figure::Colour)> + '_ {
        let pale = theme::palette_of(egui::Theme::Light).line;
        let of = move |is_bright: bool| {
            let runs = self.runs.iter().enumerate();
            let runs = runs.filter(move |(_, run)| run.1 == is_bright);
            runs.map(move |(idx, run)| {
                let colour = if run.1 { run.0 } else { pale };
                (idx, theme::on_paper(colour))
            })
        };
        of(false).chain(of(true))
    }

    /// A line a run. The greatest value of each axis stands at its head, the least below its foot.
    pub(super) fn parallel_figure(&self) -> Figure {
        let ticks = self.axes.iter().enumerate().map(|(at, axis)| {
            let name = axis.field.label();
            let text = if axis.is_numeric() {
                format!("{name} from {}", axis.text_at(0.0))
            } else {
                name
            };
            (at as f64, text)
        });
        let last = self.axes.len().saturating_sub(1) as f64;
        let x = Axis::new("", "")
            .ticks(Ticks::At(ticks.collect()))
            .range(-MARGIN, last + MARGIN);
        let y = Axis::new("", "")
            .ticks(Ticks::None)
            .range(NO_VALUE - 0.06, 1.05);
        let mut panel = Panel::new(y).height(240.0);
        for (run, colour) in self.in_order() {
            let points = self.axes.iter().enumerate();
            let points = points.map(|(at, axis)| [at as f64, axis.places[run].unwrap_or(NO_VALUE)]);
            panel = panel.layer(Layer::Line {
                label: String::new(),
                colour,
                stroke: Stroke::Thin,
                points: points.collect(),
            });
        }
        for (at, axis) in self.axes.iter().enumerate() {
            let head = if axis.is_numeric() {
                axis.text_at(1.0)
            } else {
                let words = axis.ticks(0).into_iter().rev().map(|tick| tick.1);
                words.collect::<Vec<_>>().join(", ")
            };
            panel = panel.mark(at as f64, head);
        }
        Figure::new(self.title.clone(), x)
            .with(panel)
            .with_sheet(self.sheet.clone())
    }

    /// A point a run, over the values themselves.
    pub(super) fn scatter_figure(&self) -> Figure {
        let [x, y] = &self.axes[..] else {
            return Figure::new("", Axis::new("", ""));
        };
        let mut panel = Panel::new(paper_axis(y)).height(240.0);
        for (run, colour) in self.in_order() {
            let (Some(at), Some(up)) = (x.places[run], y.places[run]) else {
                continue;
            };
            panel = panel.layer(Layer::Dots {
                label: String::new(),
                colour,
                points: vec![[value(x, at), value(y, up)]],
            });
        }
        Figure::new(self.title.clone(), paper_axis(x))
            .with(panel)
            .with_sheet(self.sheet.clone())
    }
}

/// A row a run: its name, its values on the axes and in the colours, in full, and whether it is marked.
fn sheet(shown: &Shown, axes: &[FieldAxis], list: &[RunSummary]) -> Sheet {
    let mut fields: Vec<_> = axes.iter().map(|axis| &axis.field).collect();
    if !fields.contains(&&shown.colour.field) {
        fields.push(&shown.colour.field);
    }
    let heads = fields.iter().map(|field| match field.unit() {
        "" => field.label(),
        unit => format!("{} ({unit})", field.label()),
    });
    let heads = std::iter::once("Run".to_owned()).chain(heads);
    let row = |run: usize| {
        let summary = shown.runs.get(run).and_then(|&at| list.get(at));
        let values = fields.iter().map(|field| {
            let value = summary.and_then(|summary| field.of(summary));
            value.map_or_else(String::new, |value| value.exact())
        });
        let values = std::iter::once(shown.ids[run].clone()).chain(values);
        values
            .chain(std::iter::once(shown.is_bright[run].to_string()))
            .collect()
    };
    Sheet {
        head: heads.chain(std::iter::once("Marked".to_owned())).collect(),
        rows: (0..shown.ids.len()).map(row).collect(),
    }
}

/// The number at a place; of words the place.
fn value(axis: &FieldAxis, place: f64) -> f64 {
    axis.number_at(place).unwrap_or(place)
}

fn paper_axis(axis: &FieldAxis) -> Axis {
    let paper = Axis::new(axis.field.label(), "");
    if !axis.is_numeric() {
        return paper.ticks(Ticks::At(axis.ticks(0))).range(0.0, 1.0);
    }
    if axis.is_logarithmic() {
        paper.log()
    } else {
        paper
    }
}
