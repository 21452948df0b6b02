//! The table of scores for paper: bars by tag, in the order in which the table stands.

use crate::theme;
use attune_core::figure::{Axis, Figure, Layer, Panel, Ticks};

/// A tag with its ROC-AUC and average precision.
pub(super) type Scored = (String, [Option<f64>; 2]);

/// Bars from top to bottom; what is not defined has none.
pub(super) fn figure_of(title: &str, rows: &[Scored]) -> Figure {
    let palette = theme::palette_of(egui::Theme::Light);
    let height = |at: usize| (rows.len() - 1 - at) as f64;
    let names = rows.iter().enumerate();
    let names = names.map(|(at, (tag, _))| (height(at), tag.clone()));
    let axis = Axis::new("", "")
        .range(-0.6, rows.len() as f64 - 0.4)
        .ticks(Ticks::At(names.collect()));
    let mut panel = Panel::new(axis).height((rows.len() as f64 * 15.0).max(40.0));
    let measures = [
        ("ROC-AUC", palette.roc_auc, 0.19),
        ("PR-AUC", palette.average_precision, -0.19),
    ];
    for (which, (label, colour, offset)) in measures.into_iter().enumerate() {
        let points = rows.iter().enumerate();
        let points =
            points.filter_map(|(at, (_, scores))| Some([scores[which]?, height(at) + offset]));
        panel = panel.layer(Layer::Bars {
            label: label.to_owned(),
            colour: theme::on_paper(colour),
            thickness: 0.36,
            points: points.collect(),
        });
    }
    Figure::new(title, Axis::new("Score", "").range(0.0, 1.0)).with(panel)
}
