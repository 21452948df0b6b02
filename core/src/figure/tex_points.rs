//! The points of a plot as TeX can place them: thinned as on paper, and none so far away that its lengths overflow.

use super::layout::{Map, PanelLayout};
use super::paths;

/// What lies further outside, in widths or heights of the plot, is too large for TeX's lengths.
const FAR: f64 = 3.0;

/// The unbroken stretches of a line, thinned as on paper, without what lies so far outside that TeX could not place it.
pub(super) fn pieces(points: &[[f64; 2]], place: &PanelLayout) -> Vec<Vec<[f64; 2]>> {
    let points = in_view(points, place.x.range);
    let on_paper = points.iter().map(|&[x, y]| [place.x.at(x), place.y.at(y)]);
    let on_paper: Vec<[f64; 2]> = on_paper.collect();
    let pieces = paths::pieces_at(&on_paper).into_iter();
    pieces
        .map(|piece| {
            let kept = piece.into_iter().map(|at| match near(on_paper[at], place) {
                // Numbers that need not be moved stay as they are.
                Some(near) => {
                    let moved = from_paper(near, place);
                    let is_moved = |axis: usize| near[axis] != on_paper[at][axis];
                    [0, 1].map(|axis| [points[at], moved][usize::from(is_moved(axis))][axis])
                }
                None => points[at],
            });
            kept.collect()
        })
        .collect()
}

/// The points of a line that are in view from left to right, and one more on each side, where the line enters and leaves. A line that does not
/// go from left to right stays whole.
fn in_view(points: &[[f64; 2]], [left, right]: [f64; 2]) -> &[[f64; 2]] {
    if !points.is_sorted_by(|one, other| one[0] <= other[0]) {
        return points;
    }
    let first = points.partition_point(|point| point[0] < left);
    let end = points.partition_point(|point| point[0] <= right);
    &points[first.saturating_sub(1)..(end + 1).min(points.len())]
}

/// The nearest place that TeX can count to; `None` for what is near enough.
pub(super) fn near([x, y]: [f64; 2], place: &PanelLayout) -> Option<[f64; 2]> {
    let plot = place.plot;
    let (wide, high) = (plot.width() * FAR, plot.height() * FAR);
    let near = [
        x.clamp(plot.left - wide, plot.right + wide),
        y.clamp(plot.top - high, plot.bottom + high),
    ];
    (near != [x, y]).then_some(near)
}

pub(super) fn from_paper(at: [f64; 2], place: &PanelLayout) -> [f64; 2] {
    let [x, y] = near(at, place).unwrap_or(at);
    let value = |map: &Map, at: f64| map.value(at);
    [value(&place.x, x), value(&place.y, y)]
}

/// What lies on one side of zero, with the points where the line crosses it; the other side is zero.
pub(super) fn one_sided(points: &[[f64; 2]], sign: f64) -> Vec<[f64; 2]> {
    let mut edge: Vec<[f64; 2]> = Vec::with_capacity(points.len());
    let mut before: Option<[f64; 2]> = None;
    for &[x, y] in points {
        if let Some([x0, y0]) = before
            && y0 * y < 0.0
        {
            edge.push([x0 + (x - x0) * y0 / (y0 - y), 0.0]);
        }
        let kept = if y.is_nan() {
            y
        } else {
            sign * (sign * y).max(0.0)
        };
        edge.push([x, kept]);
        before = Some([x, y]);
    }
    edge
}
