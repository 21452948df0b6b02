//! ROC and precision–recall curves of runs as a figure: small multiples, one for each tag.

use super::{Ranked, ThresholdChoice};
use crate::figure::{Axis, Colour, Figure, Layer, Panel, Stroke};
use crate::metrics::{CurveKind, OperatingPoints};

/// Parts of the width of a panel; in each a curve has two points at most.
const COLUMNS: usize = 200;
/// More panels side by side would be smaller than their titles.
const MOST_COLUMNS: usize = 6;

/// What is drawn, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct TagCurvesPlot {
    /// Which curves.
    pub kind: CurveKind,
    /// The tags, a panel for each, in this order.
    pub tags: Vec<String>,
    /// Where the dots lie.
    pub threshold: ThresholdChoice,
    /// Panels side by side; at most six.
    pub n_columns: usize,
}

impl TagCurvesPlot {
    /// Draws the runs, each with its name and colour. Where a curve is not defined there is none.
    pub fn figure<'a>(
        &self,
        runs: impl IntoIterator<Item = (&'a str, Colour, &'a Ranked)>,
    ) -> Figure {
        let runs: Vec<_> = runs.into_iter().collect();
        let judged: Vec<_> = runs
            .iter()
            .map(|(_, _, ranked)| ranked.judge(self.threshold))
            .collect();
        let [x_label, y_label] = match self.kind {
            CurveKind::Roc => ["False positive rate", "True positive rate"],
            CurveKind::PrecisionRecall => ["Recall", "Precision"],
        };
        let n_columns = self.n_columns.clamp(1, MOST_COLUMNS);
        let x = Axis::new(x_label, "").range(0.0, 1.0);
        let mut figure = Figure::new("", x).in_columns(n_columns);
        let height = 0.8 * figure.width_pt / n_columns as f64 - 10.0;
        for (at, tag) in self.tags.iter().enumerate() {
            let label = if at % n_columns == 0 { y_label } else { "" };
            // With air, so that a point on the edge is seen whole.
            let y = Axis::new(label, "").range(0.0, 1.02);
            let mut panel = Panel::new(y).height(height.min(190.0)).title(tag.clone());
            let all = runs.iter().filter_map(|(_, _, ranked)| ranked.tag(tag));
            if let Some(first) = all.clone().next() {
                panel = panel.layer(self.guessing(first));
            }
            let areas = all.map(|points| match points.area(self.kind) {
                Some(area) => format!("{area:.3}"),
                None => "–".to_owned(),
            });
            panel = panel.note(areas.collect::<Vec<_>>().join(", "));
            for ((name, colour, ranked), judged) in runs.iter().zip(&judged) {
                let Some(points) = ranked.tag(tag) else {
                    continue;
                };
                let curve = points.curve(self.kind, Some(COLUMNS));
                if curve.is_empty() {
                    continue;
                }
                let curve = curve.iter().map(|point| [point.x, point.y]);
                panel = panel.line(*name, *colour, curve.collect());
                let judged = judged.iter().find(|judged| judged.tag == *tag);
                let dot = judged.and_then(|judged| judged.counts?.on_curve(self.kind));
                panel = panel.layer(Layer::Dots {
                    label: String::new(),
                    colour: *colour,
                    points: dot.into_iter().map(|(x, y)| [x, y]).collect(),
                });
            }
            figure = figure.with(panel);
        }
        figure
    }

    /// The diagonal, or the share of the tracks that have the tag.
    fn guessing(&self, points: &OperatingPoints) -> Layer {
        let share = points.n_positives() as f64 / points.n_clips().max(1) as f64;
        Layer::Line {
            label: "guessing".to_owned(),
            colour: Colour::GREY,
            stroke: Stroke::Dashed,
            points: match self.kind {
                CurveKind::Roc => vec![[0.0, 0.0], [1.0, 1.0]],
                CurveKind::PrecisionRecall => vec![[0.0, share], [1.0, share]],
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::palette;
    use crate::train::Predictions;

    fn ranked(probabilities: [f32; 4], tag: &str) -> Ranked {
        Ranked::of(Predictions {
            tracks: ["a", "b", "c", "d"].map(str::to_owned).to_vec(),
            tags: vec![tag.to_owned()],
            probabilities: probabilities.to_vec(),
            labels: vec![true, true, false, false],
        })
    }

    #[test]
    fn each_tag_has_a_panel_with_the_runs_that_know_it() {
        let runs = [
            ranked([0.9, 0.2, 0.4, 0.1], "piano"),
            ranked([0.9, 0.8, 0.4, 0.1], "drums"),
        ];
        let plot = TagCurvesPlot {
            kind: CurveKind::PrecisionRecall,
            tags: ["piano", "drums", "organ"].map(str::to_owned).to_vec(),
            threshold: ThresholdChoice::At(0.15),
            n_columns: 2,
        };
        let named = runs.iter().zip(["one", "two"]).enumerate();
        let figure = plot.figure(named.map(|(at, (run, name))| (name, palette(at), run)));
        let labels = |at: usize| -> Vec<&str> {
            let layers = figure.panels[at].layers.iter();
            let labels = layers.filter_map(|layer| match layer {
                Layer::Line { label, .. } => Some(label.as_str()),
                _ => None,
            });
            labels.collect()
        };
        assert_eq!(labels(0), ["guessing", "one"]);
        assert_eq!(labels(1), ["guessing", "two"]);
        assert!(labels(2).is_empty(), "no run knows the tag");
        assert_eq!(figure.panels[1].note, "1.000");
        // Three are taken, two of them rightly, and none is missed.
        let dots = figure.panels[0]
            .layers
            .iter()
            .find_map(|layer| match layer {
                Layer::Dots { points, .. } => Some(points.clone()),
                _ => None,
            });
        assert_eq!(dots, Some(vec![[1.0, 2.0 / 3.0]]));
    }
}
