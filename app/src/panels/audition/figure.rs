//! Clips and their spectra for paper: original and augmented as they are shown.

use crate::theme;
use crate::workbench::parts::audition::{DIFFERENCE_DB, HEARD_DB, Heard, Looked};
use attune_core::features::LogMel;
use attune_core::figure::{Axis, ColourMap, Figure, HeatMap, Layer, Panel, Ticks};
use std::sync::Arc;

/// Columns of a waveform: finer than any paper shows.
const N_COLUMNS: usize = 1600;
/// Frames of a picture; of more, several share a column.
const MOST_FRAMES: usize = 2048;
/// Decibels below full scale that are shown of a spectrum.
pub(super) const FLOOR_DB: f64 = -100.0;

/// Waveform and log-mel of each clip below each other.
pub(super) fn clips(heard: &[(&'static str, Arc<Heard>)]) -> Figure {
    let seconds = heard
        .first()
        .map_or(0.0, |(_, one)| one.clip.duration_secs());
    let mut figure = Figure::new("", Axis::time().range(0.0, seconds));
    let original = heard.first().map(|(_, one)| one.loudest_db);
    for (at, (name, one)) in heard.iter().enumerate() {
        figure = figure.with(wave_panel().title(*name).layer(envelope(one, at)));
        if let (Some(log_mel), Some(loudest_db)) = (&one.log_mel, original) {
            figure = figure.with(mel_panel(one, log_mel, loudest_db));
        }
    }
    figure
}

/// Both waveforms over each other, both log-mels, and the augmented one less the original.
pub(super) fn look(looked: &Looked) -> Figure {
    let [original, augmented] = &looked.heard;
    let seconds = original.clip.duration_secs();
    let waves = wave_panel()
        .title("Original and augmented")
        .layer(envelope(original, 0))
        .layer(envelope(augmented, 1));
    let mut figure = Figure::new("", Axis::time().range(0.0, seconds)).with(waves);
    let loudest_db = original.loudest_db;
    for (name, one) in ["Original", "Augmented"].into_iter().zip(&looked.heard) {
        if let Some(log_mel) = &one.log_mel {
            figure = figure.with(mel_panel(one, log_mel, loudest_db).title(name));
        }
    }
    if let (Some(one), Some(other)) = (&original.log_mel, &augmented.log_mel) {
        let floor_db = loudest_db - HEARD_DB;
        let pairs = one.values.chunks_exact(one.n_frames.max(1));
        let pairs = pairs.zip(other.values.chunks_exact(other.n_frames.max(1)));
        let n_frames = one.n_frames.min(other.n_frames);
        let differences = pairs.flat_map(|(one, other)| {
            let cells = one.iter().zip(other).take(n_frames);
            // As in the window: what is below hearing is equal.
            cells.map(|(one, other)| other.max(floor_db) - one.max(floor_db))
        });
        let map = HeatMap {
            range: Some([-DIFFERENCE_DB, DIFFERENCE_DB]),
            map: ColourMap::Diverging,
            label: "Difference (dB)".to_owned(),
            ..mel_map(
                original,
                &differences.collect::<Vec<_>>(),
                n_frames,
                f32::abs,
            )
        };
        let panel = bands().title("Augmented less original");
        figure = figure.with(panel.layer(Layer::HeatMap(map)));
    }
    figure
}

/// Levels of both clips against frequency at a moment.
pub(super) fn spectrum(looked: &Looked, at_secs: f64) -> Figure {
    let palette = theme::palette_of(egui::Theme::Light);
    let x = Axis::new("Frequency", "Hz").log();
    let y = Axis::new("Level", "dBFS").range(FLOOR_DB, 0.0);
    let mut panel = Panel::new(y);
    let colours = [palette.original, palette.augmented];
    let names = ["Original", "Augmented"];
    for ((spectra, colour), name) in looked.spectra.iter().zip(colours).zip(names) {
        let levels = spectra.centres_hz.iter().zip(spectra.at(at_secs));
        let points = levels.map(|(hz, db)| [f64::from(*hz), f64::from(*db).max(FLOOR_DB)]);
        panel = panel.line(name, theme::on_paper(colour), points.collect());
    }
    Figure::new(format!("Spectra at {at_secs:.2} s"), x).with(panel)
}

fn wave_panel() -> Panel {
    Panel::new(Axis::new("Sample", "").range(-1.0, 1.0)).height(56.0)
}

fn envelope(heard: &Heard, place: usize) -> Layer {
    let palette = theme::palette_of(egui::Theme::Light);
    let colour = [palette.original, palette.augmented][place.min(1)];
    let seconds = heard.clip.duration_secs();
    let extremes = heard.overview.min_max(0..heard.clip.n_frames(), N_COLUMNS);
    let step = seconds / extremes.len().max(1) as f64;
    let points = extremes.into_iter().enumerate().map(|(at, ends)| {
        let [low, high] = ends.map(f64::from);
        [(at as f64 + 0.5) * step, low, high]
    });
    Layer::Envelope {
        colour: theme::on_paper(colour),
        points: points.collect(),
    }
}

fn bands() -> Panel {
    Panel::new(Axis::new("Mel band", "").ticks(Ticks::Whole)).height(90.0)
}

fn mel_panel(heard: &Heard, log_mel: &LogMel, loudest_db: f32) -> Panel {
    let map = HeatMap {
        range: Some([loudest_db - HEARD_DB, loudest_db]),
        map: ColourMap::Magma,
        label: "Level (dB)".to_owned(),
        ..mel_map(heard, &log_mel.values, log_mel.n_frames, |level| level)
    };
    bands().layer(Layer::HeatMap(map))
}

/// Bands from bottom to top over the time of the clip. Where frames share a column, it shows the one with the highest `weight`.
fn mel_map(heard: &Heard, values: &[f32], n_frames: usize, weight: fn(f32) -> f32) -> HeatMap {
    let n_bands = values.len() / n_frames.max(1);
    let per_column = n_frames.div_ceil(MOST_FRAMES).max(1);
    let columns = values
        .chunks_exact(n_frames.max(1))
        .flat_map(|band| band.chunks(per_column));
    let reduced = columns.map(|column| {
        let cells = column.iter().copied();
        let most = cells.max_by(|one, other| weight(*one).total_cmp(&weight(*other)));
        most.unwrap_or(f32::NAN)
    });
    HeatMap {
        x: [0.0, heard.clip.duration_secs()],
        y: [0.0, n_bands as f64],
        n_columns: n_frames.div_ceil(per_column),
        values: reduced.collect(),
        range: None,
        map: ColourMap::Magma,
        label: String::new(),
    }
}
