//! The time ruler: which ticks to draw, what they say, and drawing them.

use super::TimeMap;
use crate::theme::Palette;
use egui::{Align2, FontId, Painter, Rect, Stroke, pos2};

/// A mark on the ruler.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// Where it stands.
    pub secs: f64,
    /// What it says; `None` for the small ones between.
    pub label: Option<String>,
}

/// Steps that people read at a glance, in seconds, with how many small parts each has.
const STEPS: [(f64, u32); 18] = [
    (0.001, 5),
    (0.002, 4),
    (0.005, 5),
    (0.01, 5),
    (0.02, 4),
    (0.05, 5),
    (0.1, 5),
    (0.2, 4),
    (0.5, 5),
    (1.0, 5),
    (2.0, 4),
    (5.0, 5),
    (10.0, 5),
    (15.0, 3),
    (30.0, 6),
    (60.0, 6),
    (300.0, 5),
    (600.0, 5),
];

/// The ticks of what `map` shows, labels at least `min_points` apart.
pub fn ticks(map: &TimeMap, min_points: f32) -> Vec<Tick> {
    let wanted = map.secs_per_point() * f64::from(min_points);
    let (step, parts) = STEPS
        .into_iter()
        .find(|&(step, _)| step >= wanted)
        .unwrap_or_else(|| ((wanted / 600.0).ceil() * 600.0, 5));
    let small = step / f64::from(parts);
    let first = (map.start_secs() / small).ceil() as i64;
    let last = (map.end_secs() / small).floor() as i64;
    (first..=last)
        .map(|number| Tick {
            secs: number as f64 * small,
            label: (number % i64::from(parts) == 0)
                .then(|| clock(number as f64 * small, decimals(step))),
        })
        .collect()
}

fn decimals(step_secs: f64) -> usize {
    match step_secs {
        step if step >= 1.0 => 0,
        step if step >= 0.1 => 1,
        step if step >= 0.01 => 2,
        _ => 3,
    }
}

/// A time as on a clock, `1:02:03.5`; hours only where there are any.
pub fn clock(secs: f64, decimals: usize) -> String {
    let scale = 10f64.powi(decimals as i32);
    let units = (secs.max(0.0) * scale).round() as u64;
    let whole = units / scale as u64;
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    let mut text = if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    };
    if decimals > 0 {
        let fraction = units % scale as u64;
        text = format!("{text}.{fraction:0decimals$}");
    }
    text
}

/// Draws the ruler into `rect`.
pub fn paint(painter: &Painter, rect: Rect, map: &TimeMap, palette: &Palette) {
    painter.rect_filled(rect, 0.0, palette.raised);
    for tick in ticks(map, 72.0) {
        let x = painter.round_to_pixel_center(map.x_from_secs(tick.secs));
        let top = rect.bottom() - if tick.label.is_some() { 9.0 } else { 4.0 };
        painter.vline(x, top..=rect.bottom(), Stroke::new(1.0, palette.grid));
        if let Some(label) = tick.label {
            // The label stands to the right of its tick, as on a tape measure: at 0 there is no room on both sides.
            painter.text(
                pos2(x + 3.0, rect.top() + 1.0),
                Align2::LEFT_TOP,
                label,
                FontId::monospace(10.5),
                palette.text,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(from: f64, to: f64) -> Vec<String> {
        let mut map = TimeMap::new(36_000.0);
        map.set_area(0.0, 800.0);
        map.show(from, to);
        ticks(&map, 72.0)
            .into_iter()
            .filter_map(|tick| tick.label)
            .collect()
    }

    #[test]
    fn labels_are_round_times_at_every_zoom() {
        assert_eq!(labels(0.0, 10.0)[..3], ["0:00", "0:01", "0:02"]);
        assert_eq!(labels(59.0, 60.5)[..3], ["0:59.0", "0:59.2", "0:59.4"]);
        assert_eq!(labels(0.0, 240.0)[..3], ["0:00", "0:30", "1:00"]);
        assert_eq!(labels(3590.0, 3620.0)[..3], ["59:50", "59:55", "1:00:00"]);
        assert_eq!(labels(0.0, 36_000.0)[..2], ["0:00", "1:00:00"]);
        assert_eq!(labels(1.0, 1.05)[..2], ["0:01.000", "0:01.005"]);
    }

    #[test]
    fn labels_never_come_closer_than_asked_and_never_vanish() {
        let mut map = TimeMap::new(36_000.0);
        map.set_area(0.0, 800.0);
        for power in 0..60 {
            map.fit();
            map.zoom_about_secs(1.25f64.powi(power), 12_345.678);
            let labelled: Vec<_> = ticks(&map, 72.0)
                .into_iter()
                .filter(|t| t.label.is_some())
                .collect();
            assert!(labelled.len() >= 2, "{map:?}");
            for pair in labelled.windows(2) {
                assert!(map.x_from_secs(pair[1].secs) - map.x_from_secs(pair[0].secs) >= 71.0);
                assert_ne!(pair[0].label, pair[1].label);
            }
        }
    }

    #[test]
    fn a_clock_rounds_upwards_into_the_next_minute() {
        assert_eq!(clock(59.96, 1), "1:00.0");
        assert_eq!(clock(3599.9999, 3), "1:00:00.000");
    }
}
