//! Many lines of a chart as one mesh, which is kept while nothing moves.
//!
//! A plot's own lines are cut, transformed and tessellated one by one in each frame, which for fifty runs in six charts costs more than a
//! frame has. Here a point costs three vertices: the line, and on either side of it nothing, so that it is smooth without anything else. Its
//! thickness is measured straight up, as fits curves that never go back. What stands out of a column's mean far more than is usual for
//! the curve is drawn as a spike up to its extreme.

use super::columns::Known;
use super::scale::Scale;
use attune_core::run::Column;
use egui::{Color32, Mesh, Pos2, Rect, Shape, Ui, pos2};
use egui_plot::{PlotBounds, PlotGeometry, PlotItem, PlotItemBase, PlotTransform};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};

/// What lies so many times as far from the mean of its column as is usual stands out.
const STANDS_OUT: f32 = 3.0;
/// A steep line is measured no thicker than this, in widths.
const THICKEST: f32 = 8.0;

/// A line.
#[derive(Clone, Debug)]
pub(super) struct Strip {
    pub(super) known: Known,
    /// In points.
    pub(super) width: f32,
    pub(super) colour: Color32,
}

/// What a mesh was made of.
#[derive(Clone, Debug, PartialEq)]
struct Key {
    frame: Rect,
    min: [f64; 2],
    max: [f64; 2],
    is_logarithmic: bool,
    /// Number of the columns and colour of each line.
    strips: Vec<(u64, Color32)>,
}

/// A mesh with what it was made of.
type Made = (Key, Arc<Mesh>);

/// The mesh of the last frame.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept(Arc<Mutex<Option<Made>>>);

/// The lines of a chart that are drawn together.
pub(super) struct Strips {
    base: PlotItemBase,
    lines: Vec<Strip>,
    scale: Scale,
    kept: Kept,
}

impl Strips {
    pub(super) fn new(kept: &Kept, scale: Scale) -> Self {
        Self {
            base: PlotItemBase::new("lines".to_owned()),
            lines: Vec::new(),
            scale,
            kept: kept.clone(),
        }
    }

    pub(super) fn add(&mut self, strip: Strip) {
        self.lines.push(strip);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    fn key(&self, transform: &PlotTransform) -> Key {
        let strips = self.lines.iter();
        Key {
            frame: *transform.frame(),
            min: transform.bounds().min(),
            max: transform.bounds().max(),
            is_logarithmic: self.scale.logarithmic,
            strips: strips
                .map(|strip| (strip.known.number, strip.colour))
                .collect(),
        }
    }

    fn mesh(&self, transform: &PlotTransform) -> Mesh {
        self.mesh_at(&Place::of(transform, self.scale))
    }

    fn mesh_at(&self, place: &Place) -> Mesh {
        let mut mesh = Mesh::default();
        let n_points: usize = self.lines.iter().map(|s| s.known.shown().len()).sum();
        mesh.reserve_vertices(3 * n_points);
        mesh.reserve_triangles(4 * n_points);
        for strip in &self.lines {
            place.line(strip, &mut mesh);
            place.spikes(strip, &mut mesh);
        }
        mesh
    }
}

/// From positions to points of the screen.
struct Place {
    left: f64,
    bottom: f64,
    start: [f64; 2],
    per_unit: [f64; 2],
    scale: Scale,
}

impl Place {
    fn of(transform: &PlotTransform, scale: Scale) -> Self {
        let (frame, bounds) = (transform.frame(), transform.bounds());
        Self {
            left: f64::from(frame.left()),
            bottom: f64::from(frame.bottom()),
            start: bounds.min(),
            per_unit: [
                f64::from(frame.width()) / bounds.width(),
                -f64::from(frame.height()) / bounds.height(),
            ],
            scale,
        }
    }

    fn point(&self, x: f64, value: f32) -> Pos2 {
        let position = self.scale.position(f64::from(value));
        pos2(
            (self.left + (x - self.start[0]) * self.per_unit[0]) as f32,
            (self.bottom + (position - self.start[1]) * self.per_unit[1]) as f32,
        )
    }

    fn line(&self, strip: &Strip, mesh: &mut Mesh) {
        let columns = strip.known.shown();
        let mut before: Option<Pos2> = None;
        let mut at = columns.first().map(|first| self.point(first.x, first.mean));
        for nth in 0..columns.len() {
            let Some(here) = at else { return };
            let after = columns.get(nth + 1);
            let after = after.map(|after| self.point(after.x, after.mean));
            let ends = (before.unwrap_or(here), after.unwrap_or(here));
            let way = ends.1 - ends.0;
            let slope = (way.y / way.x.max(1e-3)).abs();
            // Fades out on both sides: twice as wide, and as dark in all.
            let half = strip.width.max(1.0) * (1.0 + slope * slope).sqrt().min(THICKEST);
            let first = mesh.vertices.len() as u32;
            mesh.colored_vertex(pos2(here.x, here.y - half), Color32::TRANSPARENT);
            mesh.colored_vertex(here, strip.colour);
            mesh.colored_vertex(pos2(here.x, here.y + half), Color32::TRANSPARENT);
            if after.is_some() {
                for side in [first, first + 1] {
                    mesh.add_triangle(side, side + 1, side + 3);
                    mesh.add_triangle(side + 1, side + 3, side + 4);
                }
            }
            (before, at) = (at, after);
        }
    }

    /// Draws what means would hide.
    fn spikes(&self, strip: &Strip, mesh: &mut Mesh) {
        let columns = strip.known.shown();
        let reach = |column: &Column| (column.max - column.mean).max(column.mean - column.min);
        let usual = columns.iter().map(reach).sum::<f32>() / columns.len().max(1) as f32;
        for column in columns {
            for extreme in [column.min, column.max] {
                if (extreme - column.mean).abs() > STANDS_OUT * usual {
                    let (foot, tip) = (
                        self.point(column.x, column.mean),
                        self.point(column.x, extreme),
                    );
                    let first = mesh.vertices.len() as u32;
                    mesh.colored_vertex(foot - egui::vec2(strip.width, 0.0), strip.colour);
                    mesh.colored_vertex(foot + egui::vec2(strip.width, 0.0), strip.colour);
                    mesh.colored_vertex(tip, strip.colour);
                    mesh.add_triangle(first, first + 1, first + 2);
                }
            }
        }
    }
}

impl PlotItem for Strips {
    fn shapes(&self, _ui: &Ui, transform: &PlotTransform, shapes: &mut Vec<Shape>) {
        let key = self.key(transform);
        let mut kept = self.kept.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mesh = match &*kept {
            Some((made_of, mesh)) if *made_of == key => Arc::clone(mesh),
            _ => Arc::new(self.mesh(transform)),
        };
        *kept = Some((key, Arc::clone(&mesh)));
        if !mesh.is_empty() {
            shapes.push(Shape::Mesh(mesh));
        }
    }

    fn initialize(&mut self, _x_range: RangeInclusive<f64>) {}

    fn color(&self) -> Color32 {
        Color32::TRANSPARENT
    }

    /// The pointer reads values in the head of the chart.
    fn allow_hover(&self) -> bool {
        false
    }

    fn geometry(&self) -> PlotGeometry<'_> {
        PlotGeometry::None
    }

    /// The charts set theirs.
    fn bounds(&self) -> PlotBounds {
        PlotBounds::NOTHING
    }

    fn base(&self) -> &PlotItemBase {
        &self.base
    }

    fn base_mut(&mut self) -> &mut PlotItemBase {
        &mut self.base
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panels::curves::columns::View;
    use crate::panels::curves::horizontal::Horizontal;

    /// A unit is a point of the screen, and up is up.
    fn mesh(columns: Vec<Column>) -> Mesh {
        let view = View {
            x: Horizontal::default(),
            start: 0.0,
            end: 1000.0,
            n_columns: 100,
        };
        let scale = Scale { logarithmic: false };
        let mut strips = Strips::new(&Kept::default(), scale);
        strips.add(Strip {
            known: Known::of(1, columns.into(), &view),
            width: 1.0,
            colour: Color32::WHITE,
        });
        strips.mesh_at(&Place {
            left: 0.0,
            bottom: 0.0,
            start: [0.0, 0.0],
            per_unit: [1.0, -1.0],
            scale,
        })
    }

    fn column(x: usize) -> Column {
        Column {
            x: 10.0 * x as f64,
            min: 49.0,
            max: 51.0,
            mean: 50.0,
        }
    }

    #[test]
    fn a_line_goes_through_the_means_and_its_noise_is_not_drawn() {
        let mesh = mesh((0..100).map(column).collect());
        assert!(mesh.is_valid());
        assert_eq!(mesh.vertices.len(), 300);
        let seen = mesh
            .vertices
            .iter()
            .filter(|v| v.color != Color32::TRANSPARENT);
        let seen: Vec<Pos2> = seen.map(|vertex| vertex.pos).collect();
        assert_eq!(seen.len(), 100);
        assert!(seen.iter().all(|at| at.y == -50.0), "{seen:?}");
        let bounds = mesh.calc_bounds();
        assert!((bounds.height() - 2.0).abs() < 1e-3, "{bounds:?}");
    }

    #[test]
    fn a_single_value_far_outside_stays_visible() {
        let mut columns: Vec<Column> = (0..100).map(column).collect();
        columns[40].max = 900.0;
        columns[70].min = -300.0;
        let bounds = mesh(columns).calc_bounds();
        assert_eq!((bounds.top(), bounds.bottom()), (-900.0, 300.0));
    }

    #[test]
    fn a_curve_of_one_value_and_one_of_none_are_no_trouble() {
        assert!(mesh(Vec::new()).is_empty());
        assert!(mesh(vec![column(3)]).is_valid());
    }
}
