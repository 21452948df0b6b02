//! What a lane is: something with a height that draws itself along the time axis and says its value at a time.

use super::TimeMap;
use crate::theme::Palette;
use egui::{Color32, Mesh, Painter, Rect, Shape, pos2};
use std::ops::Range;
use std::sync::Arc;

/// Something that is drawn along the time axis.
pub trait Lane {
    /// What it shows ("waveform", a tag).
    fn title(&self) -> &str;

    /// What its values are, with the unit ("contribution, ±2.1 logit").
    fn subtitle(&self) -> &str;

    /// Height in points.
    fn height(&self) -> f32;

    /// Draws. Called once a frame while visible: it must draw what is cached, and compute no more than a few pixels' worth.
    fn paint(&mut self, canvas: &Canvas<'_>);

    /// What it shows at a time, with its unit; `None` where it has nothing to say.
    fn readout(&self, secs: f64) -> Option<String>;

    /// The stretch of the song that is worth hearing where a time was pointed at: around the next peak.
    fn peak_near(&self, _secs: f64) -> Option<Range<f64>> {
        None
    }

    /// The tag (index) whose lanes it leads, and whether they are unfolded.
    fn leads(&self) -> Option<(usize, bool)> {
        None
    }

    /// How it stands to the lane above.
    fn place(&self) -> Place {
        Place::Apart
    }
}

/// How a lane stands to the one above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It begins something new.
    Apart,
    /// It belongs to the lane above.
    Joined,
}

/// Where a lane draws.
#[derive(Clone, Copy)]
pub struct Canvas<'a> {
    /// Clipped to `rect`.
    pub painter: &'a Painter,
    /// The lane's own area; as wide as the time map's.
    pub rect: Rect,
    /// Seconds ⇄ x.
    pub map: &'a TimeMap,
    /// Colours.
    pub palette: &'static Palette,
}

impl Canvas<'_> {
    /// The columns of pixels: `(left x, right x, times)` from left to right.
    pub fn columns(&self) -> impl Iterator<Item = (f32, f32, Range<f64>)> + '_ {
        let per_point = self.painter.pixels_per_point();
        let n_columns = (self.rect.width() * per_point).round().max(1.0) as usize;
        let width = self.rect.width() / n_columns as f32;
        let start = self.map.start_secs();
        let secs_per_column = self.map.secs_per_point() * f64::from(width);
        (0..n_columns).map(move |column| {
            let left = self.rect.left() + column as f32 * width;
            let from = start + column as f64 * secs_per_column;
            (left, left + width, from..from + secs_per_column)
        })
    }

    /// What must stay the same for a cached mesh to be drawn again.
    fn key(&self) -> [u64; 7] {
        let bits = |value: f32| u64::from(value.to_bits());
        [
            bits(self.rect.left()),
            bits(self.rect.top()),
            bits(self.rect.width()),
            bits(self.rect.height()),
            self.map.start_secs().to_bits(),
            self.map.span_secs().to_bits(),
            // Two looks differ in every role.
            u64::from(u32::from_le_bytes(self.palette.panel.to_array()))
                ^ bits(self.painter.pixels_per_point()).rotate_left(32),
        ]
    }
}

/// A mesh that is made anew only when what is visible changes.
#[derive(Debug, Default)]
pub struct CachedMesh {
    made_for: Option<[u64; 7]>,
    mesh: Arc<Mesh>,
}

impl CachedMesh {
    /// Draws what `make` makes, or made before for the same canvas.
    pub fn paint(&mut self, canvas: &Canvas<'_>, make: impl FnOnce(&mut Mesh)) {
        let key = canvas.key();
        if self.made_for != Some(key) {
            let mut mesh = Mesh::default();
            make(&mut mesh);
            self.mesh = Arc::new(mesh);
            self.made_for = Some(key);
        }
        if !self.mesh.is_empty() {
            canvas.painter.add(Shape::Mesh(Arc::clone(&self.mesh)));
        }
    }
}

/// Bars side by side, as few rectangles as there are different ones.
#[derive(Debug)]
pub(super) struct Bars<'a> {
    mesh: &'a mut Mesh,
    open: Option<(Rect, Color32)>,
}

impl<'a> Bars<'a> {
    pub(super) fn new(mesh: &'a mut Mesh) -> Self {
        Self { mesh, open: None }
    }

    /// A bar; it joins the one before if that touches it and is alike.
    pub(super) fn add(&mut self, x: Range<f32>, y: Range<f32>, colour: Color32) {
        if let Some((rect, its)) = &mut self.open
            && *its == colour
            && rect.top() == y.start
            && rect.bottom() == y.end
            && (rect.right() - x.start).abs() < 1e-2
        {
            rect.max.x = x.end;
            return;
        }
        self.close();
        self.open = Some((
            Rect::from_min_max(pos2(x.start, y.start), pos2(x.end, y.end)),
            colour,
        ));
    }

    fn close(&mut self) {
        if let Some((rect, colour)) = self.open.take() {
            self.mesh.add_colored_rect(rect, colour);
        }
    }
}

impl Drop for Bars<'_> {
    fn drop(&mut self) {
        self.close();
    }
}

/// The tokens whose cells a stretch of time touches: at least one where the stretch lies on the grid.
pub(super) fn tokens_in(grid: &attune_core::interpret::Grid, times: &Range<f64>) -> Range<usize> {
    let half = 0.5 * grid.token_secs();
    let first_edge = grid.centre_secs(0) - half;
    let position = |secs: f64| (secs - first_edge) / grid.token_secs();
    let (from, to) = (position(times.start), position(times.end));
    if to <= 0.0 || from >= grid.n_tokens as f64 {
        return 0..0;
    }
    let from = from.max(0.0) as usize;
    let to = (to.ceil().max(0.0) as usize).min(grid.n_tokens);
    from..to.max(from + 1).min(grid.n_tokens)
}

#[cfg(test)]
mod tests {
    use super::*;
    use attune_core::interpret::Grid;

    #[test]
    fn a_column_of_pixels_sees_every_token_that_it_touches() {
        let grid = Grid {
            samples_per_token: 4.0,
            first_centre_samples: 1.5,
            receptive_field_samples: 4.0,
            n_tokens: 10,
            sample_rate_hz: 4,
        };
        // Token t covers t - 0.125 .. t + 0.875 seconds.
        assert_eq!(tokens_in(&grid, &(0.0..0.01)), 0..1);
        assert_eq!(tokens_in(&grid, &(0.8..2.0)), 0..3);
        assert_eq!(tokens_in(&grid, &(9.0..20.0)), 9..10);
        assert_eq!(tokens_in(&grid, &(9.9..20.0)), 0..0);
        assert_eq!(tokens_in(&grid, &(-3.0..-1.0)), 0..0);
        assert_eq!(tokens_in(&grid, &(-3.0..30.0)), 0..10);
    }

    #[test]
    fn equal_neighbours_become_one_bar() {
        let mut mesh = Mesh::default();
        let (one, two) = (Color32::RED, Color32::BLUE);
        let mut bars = Bars::new(&mut mesh);
        for i in 0..10u8 {
            let x = f32::from(i);
            bars.add(x..x + 1.0, 0.0..5.0, if i < 7 { one } else { two });
        }
        drop(bars);
        assert_eq!(mesh.vertices.len(), 8);
    }
}
