//! What the axes of a figure show: what was asked for, or all data.

use super::{Axis, Layer, Panel, Scale};

/// What the vertical axis of a panel shows.
pub(super) fn y_range(panel: &Panel) -> [f64; 2] {
    let fills = panel.layers.iter().all(|layer| {
        matches!(
            layer,
            Layer::HeatMap(_) | Layer::Spans { .. } | Layer::Mark { .. }
        )
    });
    axis_range(&panel.y, spread(panel, 1), if fills { 0.0 } else { 0.05 })
}

/// What an axis shows: what was asked for, or all data with `air` around it.
pub(super) fn axis_range(axis: &Axis, values: impl Iterator<Item = f64>, air: f64) -> [f64; 2] {
    if let Some([low, high]) = axis.range
        && low < high
        && (axis.scale == Scale::Linear || low > 0.0)
    {
        return [low, high];
    }
    let is_log = axis.scale == Scale::Log;
    let shown = values.filter(|value| value.is_finite() && (!is_log || *value > 0.0));
    let (low, high) = shown.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    match (is_log, low <= high) {
        (false, false) => [0.0, 1.0],
        (true, false) => [0.1, 1.0],
        (true, true) => {
            let factor = if low < high {
                (high / low).powf(air)
            } else {
                2.0
            };
            [low / factor, high * factor]
        }
        (false, true) => {
            let span = high - low;
            let pad = if span > high.abs().max(low.abs()) * 1e-12 {
                span * air
            } else if high == 0.0 {
                0.5
            } else {
                high.abs() * 0.1
            };
            [low - pad, high + pad]
        }
    }
}

/// All values of a panel along one axis (0: horizontal, 1: vertical).
pub(super) fn spread(panel: &Panel, along: usize) -> impl Iterator<Item = f64> + '_ {
    panel.layers.iter().flat_map(move |layer| -> Vec<f64> {
        match layer {
            Layer::Line { points, .. } | Layer::Dots { points, .. } => {
                points.iter().map(|point| point[along]).collect()
            }
            Layer::Area { points, .. } => {
                let zero = (along == 1).then_some(0.0);
                points
                    .iter()
                    .map(|point| point[along])
                    .chain(zero)
                    .collect()
            }
            Layer::Bars {
                points, thickness, ..
            } => points
                .iter()
                .flat_map(|&[x, y]| match along {
                    0 => [0.0, x],
                    _ => [y - thickness / 2.0, y + thickness / 2.0],
                })
                .collect(),
            Layer::Band { points, .. } | Layer::Envelope { points, .. } => points
                .iter()
                .flat_map(|&[x, low, high]| if along == 0 { [x, x] } else { [low, high] })
                .collect(),
            Layer::Spans { spans, .. } if along == 0 => spans.iter().flatten().copied().collect(),
            Layer::HeatMap(map) => [map.x, map.y][along].to_vec(),
            Layer::Mark { x, .. } if along == 0 => vec![*x],
            Layer::Level { y, .. } if along == 1 => vec![*y],
            Layer::Spans { .. } | Layer::Mark { .. } | Layer::Level { .. } => Vec::new(),
        }
    })
}
