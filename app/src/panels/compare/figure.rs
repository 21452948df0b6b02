//! Both models over the time of a song for paper: the visible stretch, a lane for each tag.

use crate::theme;
use crate::timeline::Song;
use attune_core::figure::{Axis, Colour, Figure, Layer, Panel, Stroke};
use attune_core::predict::TagTimeline;
use std::ops::Range;
use std::sync::Arc;

/// Finer than any paper shows.
const N_POINTS: usize = 1200;

/// What is shown, held by handles.
#[derive(Clone)]
pub(super) struct Shown {
    pub(super) song: Song,
    /// Names of the models.
    pub(super) models: [String; 2],
    pub(super) tags: Vec<(String, [usize; 2])>,
    pub(super) answers: [Option<Arc<TagTimeline>>; 2],
    /// The visible stretch.
    pub(super) secs: Range<f64>,
}

impl Shown {
    /// Probabilities from 0 to 1 in each lane; what is known to hold lies behind them.
    pub(super) fn figure(&self) -> Figure {
        let palette = theme::palette_of(egui::Theme::Light);
        let axis = Axis::time().range(self.secs.start, self.secs.end);
        let mut figure = Figure::new(self.song.name.clone(), axis);
        for (at, (tag, places)) in self.tags.iter().enumerate() {
            let mut lane = Panel::lane(tag.clone()).height(40.0);
            lane.y = lane.y.range(0.0, 1.0);
            let truth = self.song.truth_of(tag);
            if !truth.is_empty() {
                lane = lane.layer(Layer::Spans {
                    label: String::new(),
                    colour: Colour::TRUTH,
                    spans: truth.iter().map(|secs| [secs.start, secs.end]).collect(),
                });
            }
            for (model, answer) in self.answers.iter().enumerate() {
                let Some(answer) = answer else { continue };
                let step = (self.secs.end - self.secs.start) / N_POINTS as f64;
                let times = (0..=N_POINTS).map(|n| self.secs.start + step * n as f64);
                let points = times.filter_map(|secs| {
                    let probability = answer.at_secs(secs, places[model])?;
                    Some([secs, f64::from(probability)])
                });
                let label = if at == 0 {
                    self.models[model].clone()
                } else {
                    String::new()
                };
                lane = lane.layer(Layer::Line {
                    label,
                    colour: theme::on_paper(palette.of_series(model)),
                    stroke: Stroke::Solid,
                    points: points.collect(),
                });
            }
            figure = figure.with(lane);
        }
        figure
    }
}
