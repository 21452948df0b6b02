//! A tag's probability over time: one value per window, drawn at the window's middle.

use super::evidence::TagRow;
use super::lane::{Bars, CachedMesh, Canvas, Lane};
use attune_core::interpret::SongExplanation;
use attune_core::predict::TagTimeline;
use egui::{Color32, Mesh, Stroke};
use std::ops::Range;
use std::sync::Arc;

/// The lane of a tag's probability.
pub(super) struct Probability {
    explanation: Arc<SongExplanation>,
    tag_idx: usize,
    colour: Color32,
    /// Another model's, and the tag there.
    other: Option<(Arc<SongExplanation>, usize)>,
    is_unfolded: bool,
    subtitle: String,
    mesh: CachedMesh,
}

impl Probability {
    /// Of a tag, in its colour.
    pub(super) fn new(explanation: Arc<SongExplanation>, row: &TagRow, colour: Color32) -> Self {
        let whole = |explanation: &SongExplanation, tag_idx: usize| {
            let answer = explanation.over_time.whole_song.get(tag_idx);
            answer.copied().unwrap_or(f32::NAN)
        };
        let other = row.other.as_ref();
        let other = other.and_then(|other| Some((other.usual.clone()?, other.tag_idx)));
        let mut subtitle = format!("probability, song {:.2}", whole(&explanation, row.tag_idx));
        if let Some((other, tag_idx)) = &other {
            subtitle += &format!(", other {:.2}", whole(other, *tag_idx));
        }
        Self {
            explanation,
            tag_idx: row.tag_idx,
            colour,
            other,
            is_unfolded: row.is_unfolded,
            subtitle,
            mesh: CachedMesh::default(),
        }
    }
}

impl Lane for Probability {
    fn title(&self) -> &str {
        self.explanation
            .tags
            .get(self.tag_idx)
            .map_or("", String::as_str)
    }

    fn subtitle(&self) -> &str {
        &self.subtitle
    }

    fn height(&self) -> f32 {
        38.0
    }

    fn paint(&mut self, canvas: &Canvas<'_>) {
        let rect = canvas.rect;
        let half = canvas.painter.round_to_pixel_center(rect.center().y);
        canvas
            .painter
            .hline(rect.x_range(), half, Stroke::new(1.0, canvas.palette.line));
        let (over_time, tag_idx, colour) = (&self.explanation.over_time, self.tag_idx, self.colour);
        let other = &self.other;
        let weak = canvas.palette.weak;
        let faint = colour.gamma_multiply(0.28);
        self.mesh.paint(canvas, |mesh| {
            let ys = |over_time: &TagTimeline, tag_idx: usize| -> Vec<Option<(Range<f32>, f32)>> {
                let columns = canvas.columns().map(|(left, right, times)| {
                    let p = over_time.at_secs(0.5 * (times.start + times.end), tag_idx)?;
                    let y = rect.bottom() - 1.0 - p * (rect.height() - 3.0);
                    // A window may not be explained yet.
                    y.is_finite().then_some((left..right, y))
                });
                columns.collect()
            };
            let own = ys(over_time, tag_idx);
            let mut area = Bars::new(mesh);
            for (x, y) in own.iter().flatten() {
                area.add(x.clone(), *y..rect.bottom(), faint);
            }
            drop(area);
            if let Some((other, tag_idx)) = other {
                line(mesh, &ys(&other.over_time, *tag_idx), weak);
            }
            line(mesh, &own, colour);
        });
    }

    fn readout(&self, secs: f64) -> Option<String> {
        let p = self.explanation.over_time.at_secs(secs, self.tag_idx)?;
        let other = self.other.as_ref();
        let other = other.and_then(|(other, tag_idx)| other.over_time.at_secs(secs, *tag_idx));
        let other = other.filter(|p| p.is_finite());
        let other = other.map_or_else(String::new, |p| format!(", other {p:.3}"));
        p.is_finite().then(|| format!("p = {p:.3}{other}"))
    }

    fn leads(&self) -> Option<(usize, bool)> {
        Some((self.tag_idx, self.is_unfolded))
    }
}

/// A line through the points, column by column; a gap where there is none.
fn line(mesh: &mut Mesh, points: &[Option<(Range<f32>, f32)>], colour: Color32) {
    let mut line = Bars::new(mesh);
    let mut before = None;
    for point in points {
        let Some((x, y)) = point else {
            before = None;
            continue;
        };
        let from = before.unwrap_or(*y);
        line.add(x.clone(), from.min(*y) - 0.75..from.max(*y) + 0.75, colour);
        before = Some(*y);
    }
}
