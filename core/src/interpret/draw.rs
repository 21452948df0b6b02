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

/// What is drawn.
#[derive(Clone, Debug)]
pub struct Drawing<'a> {
    /// Stands above it.
    pub title: &'a str,
    /// What is drawn above the tags' lanes.
    pub backdrop: Backdrop<'a>,
    /// The stretch of the song.
    pub secs: Range<f64>,
    /// The tags, from top to bottom.
    pub rows: Vec<DrawnTag<'a>>,
}

/// The lanes of a tag.
#[derive(Clone, Debug)]
pub struct DrawnTag<'a> {
    /// Which (an index).
    pub tag: usize,
    /// A lane for each of these methods that there is.
    pub methods: Vec<Method>,
    /// When it is known to sound, in seconds.
    pub truth: Vec<Range<f64>>,
    /// What another model finds: its name, its explanation, the tag's index there. A lane by the first method, and the difference.
    pub other: Option<(&'a str, &'a SongExplanation, usize)>,
}

/// Draws an explanation.
pub fn draw(explanation: &SongExplanation, drawing: &Drawing<'_>) -> Figure {
    let (duration, secs) = (explanation.duration_secs, &drawing.secs);
    let backdrop = &drawing.backdrop;
    let axis = Axis::time().range(secs.start, secs.end);
    let mut figure = Figure::new(drawing.title, axis).with(waveform(backdrop, secs));
    if let Some((log_mel, secs_per_frame)) = backdrop.log_mel {
        figure = figure.with(spectrogram(log_mel, secs_per_frame, secs));
    }
    if let Some(map) = explanation.attention() {
        figure = figure.with(attention(map, secs));
    }
    for row in &drawing.rows {
        let Some(name) = explanation.tags.get(row.tag) else {
            continue;
        };
        let whole = explanation.over_time.whole_song.get(row.tag);
        let whole = whole.copied().unwrap_or(f32::NAN);
        let mut lane = Panel::lane(format!("{name}\np = {whole:.2}")).height(30.0);
        lane.y = lane.y.range(0.0, 1.0);
        if !row.truth.is_empty() {
            lane = lane.layer(Layer::Spans {
                label: String::new(),
                colour: palette(2),
                spans: row.truth.iter().map(|s| [s.start, s.end]).collect(),
            });
        }
        if let Some((_, other, tag)) = row.other {
            lane = lane.layer(probability(other, tag, duration, 4, Stroke::Dashed));
        }
        let own = probability(explanation, row.tag, duration, 0, Stroke::Solid);
        figure = figure.with(lane.layer(own));
        for &method in &row.methods {
            if let Some(map) = explanation.map(method) {
                let lane = Lane::of(map.method.name(), map, map.tag(row.tag));
                figure = figure.with(lane.panel(secs));
            }
        }
        if let (Some((name, other, tag)), Some(&method)) = (row.other, row.methods.first())
            && let Some((map, theirs)) = explanation.map(method).zip(other.map(method))
        {
            figure = figure.with(Lane::of(name, theirs, theirs.tag(tag)).panel(secs));
            let less = map.less(row.tag, theirs, tag);
            let title = format!("less {name}");
            figure = figure.with(Lane::of(&title, map, &less).panel(secs));
        }
    }
    figure
}

/// The curve of a tag's probability over time.
fn probability(
    explanation: &SongExplanation,
    tag: usize,
    duration: f64,
    colour: usize,
    stroke: Stroke,
) -> Layer {
    let over_time = &explanation.over_time;
    let mut points: Vec<[f64; 2]> = (0..over_time.n_windows())
        .filter_map(|window| {
            let p = over_time.get(window, tag)?;
            Some([over_time.centres_secs[window], f64::from(p)])
        })
        .collect();
    // Held before the first centre and behind the last, as everywhere.
    if let (Some(&first), Some(&last)) = (points.first(), points.last()) {
        points.insert(0, [0.0, first[1]]);
        points.push([duration, last[1]]);
    }
    Layer::Line {
        label: String::new(),
        colour: palette(colour),
        stroke,
        points,
    }
}

fn waveform(backdrop: &Backdrop<'_>, secs: &Range<f64>) -> Panel {
    let frame = |secs: f64| {
        let frame = secs.max(0.0) * f64::from(backdrop.rate_hz);
        (frame as usize).min(backdrop.wave.len())
    };
    let (from, to) = (frame(secs.start), frame(secs.end));
    let extremes = Overview::new(backdrop.wave).min_max(from..to, MAX_COLUMNS);
    let n = extremes.len().max(1) as f64;
    let length = (to - from) as f64 / f64::from(backdrop.rate_hz.max(1));
    let edge = |which: usize| {
        let points = extremes
            .iter()
            .enumerate()
            .map(|(column, peaks)| {
                let at = secs.start + (column as f64 + 0.5) / n * length;
                [at, f64::from(peaks[which])]
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

/// Which of `n` values that lie `step` seconds apart from `first` on are seen.
fn seen(n: usize, first: f64, step: f64, secs: &Range<f64>) -> Range<usize> {
    let at = |secs: f64| (secs - first) / step;
    let from = (at(secs.start).floor().max(0.0) as usize).min(n);
    let to = (at(secs.end).ceil().max(0.0) as usize + 1).min(n);
    from..to.max(from)
}

fn spectrogram(log_mel: &LogMel, secs_per_frame: f64, secs: &Range<f64>) -> Panel {
    let frames = seen(log_mel.n_frames, 0.0, secs_per_frame, secs);
    let rows = log_mel.values.chunks_exact(log_mel.n_frames.max(1));
    let (mut values, mut n_columns, mut n_each) = (Vec::new(), 0, 1);
    for row in rows {
        let pooled;
        (pooled, n_each) = max_pool(&row[frames.clone()]);
        n_columns = pooled.len();
        values.extend(pooled);
    }
    let loudest = log_mel
        .values
        .iter()
        .copied()
        .fold(f32::NEG_INFINITY, f32::max);
    let left = (frames.start as f64 - 0.5) * secs_per_frame;
    let mut lane = Panel::lane("log-mel").height(64.0);
    lane.y = lane.y.range(0.0, log_mel.n_mels as f64);
    lane.layer(Layer::HeatMap(HeatMap {
        x: [left, left + (n_columns * n_each) as f64 * secs_per_frame],
        y: [0.0, log_mel.n_mels as f64],
        n_columns,
        values,
        range: Some([loudest - 80.0, loudest]),
        map: ColourMap::Magma,
        label: String::new(),
    }))
}

fn attention(map: &TokenMap, secs: &Range<f64>) -> Panel {
    let (first, step) = (map.grid.centre_secs(0), map.grid.token_secs());
    let tokens = seen(map.values.len(), first, step, secs);
    let left = first + (tokens.start as f64 - 0.5) * step;
    let (values, n_each) = max_pool(&map.values[tokens]);
    let mut lane = Panel::lane("attention").height(14.0);
    lane.y = lane.y.range(0.0, 1.0);
    lane.layer(Layer::HeatMap(HeatMap {
        x: [left, left + (values.len() * n_each) as f64 * step],
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

/// What speaks for and against a tag.
struct Lane<'a> {
    title: &'a str,
    map: &'a TokenMap,
    values: &'a [f32],
}

impl<'a> Lane<'a> {
    fn of(title: &'a str, map: &'a TokenMap, values: &'a [f32]) -> Self {
        Self { title, map, values }
    }

    /// The scale is that of the whole song, whatever is seen of it.
    fn panel(&self, secs: &Range<f64>) -> Panel {
        let grid = &self.map.grid;
        let highest = self
            .values
            .iter()
            .fold(1e-6f32, |highest, v| highest.max(v.abs()));
        let n = self.values.len();
        let tokens = seen(n, grid.centre_secs(0), grid.token_secs(), secs);
        let first = tokens.start;
        let values = &self.values[tokens];
        let n_tokens_each = values.len().div_ceil(MAX_COLUMNS).max(1);
        let points = values
            .chunks(n_tokens_each)
            .enumerate()
            .map(|(idx, tokens)| {
                // The one furthest from zero: a peak must not vanish in print.
                let known = tokens.iter().copied().filter(|v| v.is_finite());
                let extreme = known.reduce(|most, v| if v.abs() > most.abs() { v } else { most });
                let extreme = extreme.unwrap_or(f32::NAN);
                let middle = first + idx * n_tokens_each + tokens.len() / 2;
                [grid.centre_secs(middle), f64::from(extreme)]
            })
            .collect();
        let (title, unit) = (self.title, self.map.method.unit());
        let mut lane = Panel::lane(format!("{title}\n±{highest:.2} {unit}")).height(34.0);
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
}

/// As few values as can be seen, each the highest of so many neighbours.
fn max_pool(row: &[f32]) -> (Vec<f32>, usize) {
    let n_each = row.len().div_ceil(MAX_COLUMNS).max(1);
    // What is not known stays so.
    let highest = |values: &[f32]| values.iter().copied().fold(f32::NAN, f32::max);
    (row.chunks(n_each).map(highest).collect(), n_each)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_in_the_stretch_is_seen_with_a_neighbour_on_each_side() {
        assert_eq!(seen(100, 0.5, 1.0, &(10.0..20.0)), 9..21);
        assert_eq!(seen(100, 0.5, 1.0, &(-3.0..0.2)), 0..1);
        assert_eq!(seen(100, 0.5, 1.0, &(95.0..500.0)), 94..100);
        assert_eq!(seen(0, 0.5, 1.0, &(0.0..5.0)), 0..0);
    }
}
