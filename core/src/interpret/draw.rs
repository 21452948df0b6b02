//! A song's explanation as a figure: waveform, log-mel, attention strip, and for each tag its probability and its contributions.

use super::{Method, SongExplanation, TokenMap};
use crate::audio::Overview;
use crate::features::LogMel;
use crate::figure::{Axis, ColourMap, Figure, HeatMap, Layer, Panel, Stroke, Ticks, palette};
use std::ops::Range;

/// More columns than this nobody sees in print.
const MAX_COLUMNS: usize = 1600;

/// What is drawn above the tags' lanes.
#[derive(Clone, Copy, Debug)]
pub struct Backdrop<'a> {
    /// Mono samples.
    pub wave: &'a [f32],
    /// Their rate in hertz.
    pub rate_hz: u32,
    /// The spectrogram of the whole song with its seconds per frame; left out if `None`.
    pub log_mel: Option<(&'a LogMel, f64)>,
}

/// Draws the lanes of `tags` (indices, from top to bottom) by `method`, or by the first that there is; `truth` gives the true spans of a tag in seconds, if known.
pub fn draw(
    explanation: &SongExplanation,
    method: Method,
    title: &str,
    tags: &[usize],
    backdrop: &Backdrop<'_>,
    truth: impl Fn(usize) -> Vec<Range<f64>>,
) -> Figure {
    let duration = explanation.duration_secs;
    let mut figure =
        Figure::new(title, Axis::time().range(0.0, duration)).with(waveform(backdrop, duration));
    if let Some((log_mel, secs_per_frame)) = backdrop.log_mel {
        figure = figure.with(spectrogram(log_mel, secs_per_frame));
    }
    if let Some(map) = explanation.attention() {
        figure = figure.with(attention(map));
    }
    for &tag in tags {
        let Some(name) = explanation.tags.get(tag) else {
            continue;
        };
        let over_time = &explanation.over_time;
        let song = over_time.whole_song.get(tag).copied().unwrap_or(f32::NAN);
        let mut curve: Vec<[f64; 2]> = (0..over_time.n_windows())
            .filter_map(|window| {
                let p = over_time.get(window, tag)?;
                Some([over_time.centres_secs[window], f64::from(p)])
            })
            .collect();
        // Held before the first centre and behind the last, as everywhere.
        if let (Some(&first), Some(&last)) = (curve.first(), curve.last()) {
            curve.insert(0, [0.0, first[1]]);
            curve.push([duration, last[1]]);
        }
        let mut lane = Panel::lane(format!("{name}\np = {song:.2}")).height(30.0);
        lane.y = lane.y.range(0.0, 1.0);
        let spans: Vec<[f64; 2]> = truth(tag)
            .iter()
            .map(|span| [span.start, span.end])
            .collect();
        if !spans.is_empty() {
            lane = lane.layer(Layer::Spans {
                label: String::new(),
                colour: palette(2),
                spans,
            });
        }
        figure = figure.with(lane.layer(Layer::Line {
            label: String::new(),
            colour: palette(0),
            stroke: Stroke::Solid,
            points: curve,
        }));
        if let Some(map) = explanation.map_or_first(method) {
            figure = figure.with(contribution(map, tag));
        }
    }
    figure
}

fn waveform(backdrop: &Backdrop<'_>, duration: f64) -> Panel {
    let extremes = Overview::new(backdrop.wave).min_max(0..backdrop.wave.len(), MAX_COLUMNS);
    let n = extremes.len().max(1) as f64;
    let edge = |which: usize| {
        let points = extremes
            .iter()
            .enumerate()
            .map(|(column, peaks)| {
                let secs = (column as f64 + 0.5) / n * duration;
                [secs, f64::from(peaks[which])]
            })
            .collect();
        Layer::Area {
            label: String::new(),
            above: palette(0),
            below: palette(0),
            points,
        }
    };
    let mut lane = Panel::lane("waveform").height(36.0);
    lane.y = lane.y.range(-1.0, 1.0);
    lane.layer(edge(0)).layer(edge(1))
}

fn spectrogram(log_mel: &LogMel, secs_per_frame: f64) -> Panel {
    let rows = log_mel.values.chunks_exact(log_mel.n_frames.max(1));
    let (mut values, mut n_columns, mut n_each) = (Vec::new(), 0, 1);
    for row in rows {
        let pooled;
        (pooled, n_each) = max_pool(row);
        n_columns = pooled.len();
        values.extend(pooled);
    }
    let loudest = log_mel
        .values
        .iter()
        .copied()
        .fold(f32::NEG_INFINITY, f32::max);
    let mut lane = Panel::lane("log-mel").height(64.0);
    lane.y = lane.y.range(0.0, log_mel.n_mels as f64);
    lane.layer(Layer::HeatMap(HeatMap {
        x: [
            -0.5 * secs_per_frame,
            ((n_columns * n_each) as f64 - 0.5) * secs_per_frame,
        ],
        y: [0.0, log_mel.n_mels as f64],
        n_columns,
        values,
        range: Some([loudest - 80.0, loudest]),
        map: ColourMap::Magma,
        label: String::new(),
    }))
}

fn attention(map: &TokenMap) -> Panel {
    let grid = &map.grid;
    let left = grid.centre_secs(0) - 0.5 * grid.token_secs();
    let (values, n_each) = max_pool(&map.values);
    let mut lane = Panel::lane("attention").height(14.0);
    lane.y = lane.y.range(0.0, 1.0);
    lane.layer(Layer::HeatMap(HeatMap {
        x: [
            left,
            left + (values.len() * n_each) as f64 * grid.token_secs(),
        ],
        y: [0.0, 1.0],
        n_columns: values.len(),
        range: Some([
            0.0,
            values.iter().copied().fold(f32::MIN_POSITIVE, f32::max),
        ]),
        values,
        map: ColourMap::Paper,
        label: String::new(),
    }))
}

fn contribution(map: &TokenMap, tag: usize) -> Panel {
    let values = map.tag(tag);
    let highest = values
        .iter()
        .fold(1e-6f32, |highest, v| highest.max(v.abs()));
    let n_tokens_each = values.len().div_ceil(MAX_COLUMNS).max(1);
    let points =
        values
            .chunks(n_tokens_each)
            .enumerate()
            .map(|(idx, tokens)| {
                // The one furthest from zero: a peak must not vanish in print.
                let extreme = tokens.iter().copied().fold(0.0f32, |most, v| {
                    if v.abs() > most.abs() { v } else { most }
                });
                let middle = idx * n_tokens_each + tokens.len() / 2;
                [map.grid.centre_secs(middle), f64::from(extreme)]
            })
            .collect();
    let (name, unit) = (map.method.name(), map.method.unit());
    let mut lane = Panel::lane(format!("{name}\n±{highest:.2} {unit}")).height(34.0);
    lane.y = lane
        .y
        .range(f64::from(-highest), f64::from(highest))
        .ticks(Ticks::None);
    lane.layer(Layer::Area {
        label: String::new(),
        above: palette(1),
        below: palette(0),
        points,
    })
}

/// As few values as can be seen, each the highest of so many neighbours.
fn max_pool(row: &[f32]) -> (Vec<f32>, usize) {
    let n_each = row.len().div_ceil(MAX_COLUMNS).max(1);
    let highest = |values: &[f32]| values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    (row.chunks(n_each).map(highest).collect(), n_each)
}
