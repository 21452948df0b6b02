//! A tag's evidence lane: what each token says for the tag (upwards) or against it (downwards), by one method of one model, or what two
//! models differ by.

use super::lane::{Bars, CachedMesh, Canvas, Lane, Place, tokens_in};
use crate::theme::Palette;
use attune_core::interpret::{Grid, Method, SongExplanation, heard_by};
use egui::{Color32, Stroke};
use std::ops::Range;
use std::sync::Arc;

/// What speaks for a tag.
pub(super) fn evidence_for(palette: &Palette) -> Color32 {
    palette.of_series(7)
}

/// What speaks against it.
pub(super) fn evidence_against(palette: &Palette) -> Color32 {
    palette.of_series(6)
}

/// The lane of what speaks for and against a tag.
pub(super) struct Evidence {
    title: String,
    subtitle: String,
    unit: &'static str,
    grid: Grid,
    duration_secs: f64,
    /// One per token; not a number where it is not known yet.
    values: Vec<f32>,
    /// Probability of the tag if only this token is read, where the method tells.
    alone: Vec<f32>,
    highest: f32,
    mesh: CachedMesh,
}

impl Evidence {
    /// Of the lane, in points.
    pub(super) const HEIGHT: f32 = 48.0;

    /// Of a tag, by a method of an explanation; `of` names the model if it is not the one in use. The scale is the tag's own highest value, the
    /// same at every zoom.
    pub(super) fn new(
        explanation: &SongExplanation,
        method: Method,
        tag_idx: usize,
        of: Option<&str>,
    ) -> Self {
        let map = explanation.map(method);
        let grid = map.map_or(explanation.grid, |map| map.grid);
        let values = map.map_or(&[][..], |map| map.tag(tag_idx)).to_vec();
        let alone = explanation
            .map(Method::OnlyToken)
            .filter(|alone| alone.grid == grid)
            .map_or(&[][..], |alone| alone.tag(tag_idx));
        let title = of.unwrap_or(method.name());
        Self::of_values(title, method, explanation, grid, values).with_alone(alone)
    }

    /// What a map has more than that of another model, called `other`.
    pub(super) fn difference(
        explanation: &SongExplanation,
        method: Method,
        tag_idx: usize,
        other: (&SongExplanation, usize, &str),
    ) -> Self {
        let (theirs, their_tag, name) = other;
        let maps = explanation.map(method).zip(theirs.map(method));
        let grid = maps.map_or(explanation.grid, |(map, _)| map.grid);
        let values = maps.map(|(map, theirs)| map.less(tag_idx, theirs, their_tag));
        let title = format!("less {name}");
        Self::of_values(
            &title,
            method,
            explanation,
            grid,
            values.unwrap_or_default(),
        )
    }

    fn of_values(
        title: &str,
        method: Method,
        explanation: &SongExplanation,
        grid: Grid,
        values: Vec<f32>,
    ) -> Self {
        let sizes = values.iter().map(|value| value.abs());
        let highest = sizes.fold(0.0f32, f32::max);
        let decimals = decimals(highest);
        Self {
            title: title.to_owned(),
            subtitle: format!("±{highest:.decimals$} {}", method.unit()),
            unit: method.unit(),
            grid,
            duration_secs: explanation.duration_secs,
            values,
            alone: Vec::new(),
            highest,
            mesh: CachedMesh::default(),
        }
    }

    fn with_alone(mut self, alone: &[f32]) -> Self {
        self.alone = alone.to_vec();
        self
    }
}

/// As many as mean something in a lane of that height.
fn decimals(highest: f32) -> usize {
    if highest < 0.5 { 4 } else { 2 }
}

impl Lane for Evidence {
    fn title(&self) -> &str {
        &self.title
    }

    fn subtitle(&self) -> &str {
        &self.subtitle
    }

    fn height(&self) -> f32 {
        Self::HEIGHT
    }

    fn place(&self) -> Place {
        Place::Joined
    }

    fn paint(&mut self, canvas: &Canvas<'_>) {
        let rect = canvas.rect;
        let zero = canvas.painter.round_to_pixel_center(rect.center().y);
        let (grid, values) = (&self.grid, &self.values);
        let scale = if self.highest > 0.0 {
            (0.5 * rect.height() - 2.0) / self.highest
        } else {
            0.0
        };
        self.mesh.paint(canvas, |mesh| {
            let mut bars = Bars::new(mesh);
            for (left, right, times) in canvas.columns() {
                let tokens = values.get(tokens_in(grid, &times)).unwrap_or_default();
                let (low, high) = tokens.iter().fold((0.0f32, 0.0f32), |(low, high), &v| {
                    (low.min(v), high.max(v))
                });
                if high > 0.0 {
                    bars.add(
                        left..right,
                        zero - high * scale..zero,
                        evidence_for(canvas.palette),
                    );
                }
                if low < 0.0 {
                    bars.add(
                        left..right,
                        zero..zero - low * scale,
                        evidence_against(canvas.palette),
                    );
                }
            }
        });
        canvas
            .painter
            .hline(rect.x_range(), zero, Stroke::new(1.0, canvas.palette.grid));
    }

    fn readout(&self, secs: f64) -> Option<String> {
        let token = self.grid.token_at_secs(secs)?;
        let value = self.values.get(token).filter(|value| value.is_finite())?;
        let alone = self.alone.get(token);
        let alone = alone.map_or_else(String::new, |p| format!(", alone p = {p:.2}"));
        let decimals = decimals(self.highest);
        Some(format!("{value:+.decimals$} {}{alone}", self.unit))
    }

    /// What the strongest token hears whose sound holds this time.
    fn peak_near(&self, secs: f64) -> Option<Range<f64>> {
        let hears =
            |token: &usize| heard_by(&self.grid, *token, self.duration_secs).contains(&secs);
        let size = |token: &usize| self.values[*token].abs();
        let tokens = (0..self.values.len()).filter(hears);
        let known = tokens.filter(|token| self.values[*token].is_finite());
        let peak = known.max_by(|a, b| size(a).total_cmp(&size(b)))?;
        Some(heard_by(&self.grid, peak, self.duration_secs))
    }
}

/// Explanations of one tag.
#[derive(Clone, Debug)]
pub struct TagRow {
    /// The tag (index in the explanation of the model in use).
    pub tag_idx: usize,
    /// The methods, each with what is explained by it, if it is there.
    pub methods: Vec<(Method, Option<Arc<SongExplanation>>)>,
    /// Whether there is a lane for each method that the model has.
    pub is_unfolded: bool,
    /// The same tag by another model.
    pub other: Option<OtherRow>,
}

/// A tag explained by another model.
#[derive(Clone, Debug)]
pub struct OtherRow {
    /// What the model is called.
    pub name: String,
    /// The tag (index) there.
    pub tag_idx: usize,
    /// Its probability over time.
    pub usual: Option<Arc<SongExplanation>>,
    /// What is explained by the first method, if it is there.
    pub map: Option<Arc<SongExplanation>>,
    /// Why it is not, if it is not.
    pub missing: &'static str,
}
