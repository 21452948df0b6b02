//! From points to what is drawn: broken at gaps, thinned to what paper can show.

/// Points closer than this along the horizontal share a column, of which only the extremes are drawn.
const COLUMN_PT: f64 = 0.25;
/// Fewer points than this are drawn as they are.
const MIN_THINNED: usize = 2000;

/// The unbroken stretches of a line on paper, thinned.
pub(super) fn pieces(points: &[[f64; 2]]) -> Vec<Vec<[f64; 2]>> {
    let pieces = pieces_at(points).into_iter();
    pieces
        .map(|piece| piece.into_iter().map(|at| points[at]).collect())
        .collect()
}

/// The same as places among the points.
pub(super) fn pieces_at(points: &[[f64; 2]]) -> Vec<Vec<usize>> {
    let is_whole = |at: &usize| points[*at].iter().all(|x| x.is_finite());
    let all: Vec<usize> = (0..points.len()).collect();
    let pieces = all.chunk_by(|a, b| is_whole(a) == is_whole(b));
    pieces
        .filter(|piece| is_whole(&piece[0]))
        .map(|piece| {
            let kept = kept(&points[piece[0]..piece[0] + piece.len()]);
            kept.into_iter().map(|at| piece[at]).collect()
        })
        .collect()
}

/// Outlines between two edges that share their horizontal places.
pub(super) fn bands(low: &[[f64; 2]], high: &[[f64; 2]]) -> Vec<Vec<[f64; 2]>> {
    let is_whole = |at: &usize| {
        [low[*at], high[*at]]
            .as_flattened()
            .iter()
            .all(|x| x.is_finite())
    };
    let all: Vec<usize> = (0..low.len()).collect();
    let pieces = all.chunk_by(|a, b| is_whole(a) == is_whole(b));
    pieces
        .filter(|piece| is_whole(&piece[0]))
        .map(|piece| {
            let range = piece[0]..piece[0] + piece.len();
            let mut outline = thinned_if_long(&low[range.clone()]);
            outline.extend(thinned_if_long(&high[range]).into_iter().rev());
            outline
        })
        .collect()
}

/// The outline of the area between a line and the level `y`.
pub(super) fn down_to(y: f64, line: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let mut outline = Vec::with_capacity(line.len() + 2);
    if let (Some(first), Some(last)) = (line.first(), line.last()) {
        outline.push([first[0], y]);
        outline.extend(line);
        outline.push([last[0], y]);
    }
    outline
}

fn thinned_if_long(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    kept(points).into_iter().map(|at| points[at]).collect()
}

/// All points of a short line; of a long one the first, lowest, highest and last point of each column, in their order.
fn kept(points: &[[f64; 2]]) -> Vec<usize> {
    if points.len() < MIN_THINNED {
        return (0..points.len()).collect();
    }
    let column = |point: &[f64; 2]| (point[0] / COLUMN_PT).floor();
    let mut kept = Vec::new();
    let mut before = 0;
    for same in points.chunk_by(|a, b| column(a) == column(b)) {
        let extreme = |sign: f64| {
            let by_height = |a: &&[f64; 2], b: &&[f64; 2]| (sign * a[1]).total_cmp(&(sign * b[1]));
            same.iter()
                .enumerate()
                .min_by(|a, b| by_height(&a.1, &b.1))
                .map(|(at, _)| at)
        };
        let mut at = [Some(0), extreme(1.0), extreme(-1.0), Some(same.len() - 1)]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>();
        at.sort_unstable();
        at.dedup();
        kept.extend(at.into_iter().map(|at| before + at));
        before += same.len();
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_breaks_where_a_value_is_missing() {
        let points = [[0.0, 1.0], [1.0, f64::NAN], [2.0, 1.0], [3.0, 2.0]];
        assert_eq!(
            pieces(&points),
            [vec![[0.0, 1.0]], vec![[2.0, 1.0], [3.0, 2.0]]]
        );
        let high: Vec<_> = points.iter().map(|[x, y]| [*x, y + 1.0]).collect();
        assert_eq!(bands(&points, &high).len(), 2);
    }

    #[test]
    fn thinning_keeps_every_spike() {
        let mut points: Vec<_> = (0..100_000).map(|i| [f64::from(i) * 0.004, 0.0]).collect();
        points[77_777][1] = 9.0;
        points[12_345][1] = -9.0;
        let drawn = &pieces(&points)[0];
        assert!(drawn.len() < 7000, "{}", drawn.len());
        assert!(drawn.contains(&points[77_777]) && drawn.contains(&points[12_345]));
    }
}
