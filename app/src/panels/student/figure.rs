//! The spread of the pseudo-labels for paper: a lane for each tag, in the order in which the table stands.

use crate::theme;
use attune_core::figure::{Axis, Figure, Layer, Panel};
use attune_core::metrics::PseudoLabels;

/// Tenths of the probability along the axis, clips upwards on a logarithmic scale, as in the table. `order`: the tags by index.
pub(super) fn figure_of(
    title: &str,
    tags: &[String],
    labels: &PseudoLabels,
    order: &[usize],
) -> Figure {
    let palette = theme::palette_of(egui::Theme::Light);
    let colour = theme::on_paper(palette.augmented);
    let axis = Axis::new("Probability according to the teacher", "").range(0.0, 1.0);
    let mut figure = Figure::new(title, axis);
    for &tag in order {
        let bars = &labels.histogram[tag];
        let most = bars.iter().copied().max().unwrap_or(0).max(1);
        let width = 1.0 / bars.len().max(1) as f64;
        // Steps: each bar has its height from edge to edge.
        let steps = bars.iter().enumerate().flat_map(|(at, &n)| {
            let left = at as f64 * width;
            let height = f64::from(n).ln_1p() / f64::from(most).ln_1p();
            [[left, height], [left + width, height]]
        });
        let name = format!("{}\nmean {:.3}", tags[tag], labels.mean[tag]);
        let mut lane = Panel::lane(name);
        lane.y = lane.y.range(0.0, 1.0);
        figure = figure.with(lane.layer(Layer::Area {
            label: String::new(),
            above: colour,
            below: colour,
            points: steps.collect(),
        }));
    }
    figure
}
