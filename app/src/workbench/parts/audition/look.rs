//! Original and augmented clip held against each other for the eye: where their log-mels differ, and their spectra over time.

use super::Heard;
use crate::theme::{ColourMap, map_colour};
use crate::timeline::mel_centres_hz;
use attune_core::features::{FrontEnd, LevelSpectra, LogMel};
use egui::ColorImage;
use std::sync::Arc;

/// A difference of so many decibels has the strongest colour of the picture.
pub const RANGE_DB: f32 = 30.0;
/// What lies so far below the loudest in both is not heard: its difference is drawn as none.
pub const HEARD_DB: f32 = 80.0;

/// What is to be seen of both.
pub struct Looked {
    /// The two clips.
    pub heard: [Arc<Heard>; 2],
    /// Augmented less original, the highest band first: blue is softer, red is louder. `None` if the clip is too short for one.
    pub difference: Option<Arc<ColorImage>>,
    /// Spectra over time of both.
    pub spectra: [LevelSpectra; 2],
    /// Centres of the mel bands in hertz, the lowest first.
    pub band_hz: Vec<f32>,
}

impl Looked {
    pub(super) fn new(original: &Arc<Heard>, augmented: &Arc<Heard>, front_end: &FrontEnd) -> Self {
        let spectra = |heard: &Heard| LevelSpectra::new(&heard.clip.samples, heard.clip.rate_hz);
        let log_mels = original.log_mel.as_ref().zip(augmented.log_mel.as_ref());
        Self {
            difference: log_mels
                .map(|(a, b)| Arc::new(difference(a, b, original.loudest_db - HEARD_DB))),
            spectra: [spectra(original), spectra(augmented)],
            band_hz: mel_centres_hz(front_end),
            heard: [Arc::clone(original), Arc::clone(augmented)],
        }
    }

    /// Levels of original and augmented clip in a mel band at a moment, in dB.
    pub fn levels_db(&self, band: usize, part_of_clip: f64) -> Option<[f32; 2]> {
        let level = |heard: &Heard| {
            let log_mel = heard.log_mel.as_ref()?;
            let frame = (part_of_clip * log_mel.n_frames as f64) as usize;
            let frame = frame.min(log_mel.n_frames.saturating_sub(1));
            log_mel.values.get(band * log_mel.n_frames + frame).copied()
        };
        Some([level(&self.heard[0])?, level(&self.heard[1])?])
    }
}

impl std::fmt::Debug for Looked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Looked")
            .field("heard", &self.heard)
            .finish_non_exhaustive()
    }
}

/// Columns of the picture show the frame where the two differ most, if there are more frames than columns.
fn difference(original: &LogMel, augmented: &LogMel, floor_db: f32) -> ColorImage {
    let n_frames = original.n_frames.min(augmented.n_frames);
    let per_column = n_frames.div_ceil(super::clip::MAX_COLUMNS).max(1);
    let bands = original
        .values
        .chunks_exact(original.n_frames.max(1))
        .zip(augmented.values.chunks_exact(augmented.n_frames.max(1)));
    let bands: Vec<_> = bands.collect();
    let mut pixels = Vec::with_capacity(bands.len() * n_frames.div_ceil(per_column));
    for (a, b) in bands.into_iter().rev() {
        let columns = a[..n_frames]
            .chunks(per_column)
            .zip(b[..n_frames].chunks(per_column));
        pixels.extend(columns.map(|(a, b)| {
            let differences = a
                .iter()
                .zip(b)
                .map(|(a, b)| b.max(floor_db) - a.max(floor_db));
            let most = differences.fold(
                0.0,
                |most: f32, d| if d.abs() > most.abs() { d } else { most },
            );
            map_colour(ColourMap::Change, 0.5 + 0.5 * most / RANGE_DB)
        }));
    }
    ColorImage::new([n_frames.div_ceil(per_column), original.n_mels], pixels)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log_mel(values: [f32; 6]) -> LogMel {
        LogMel {
            n_mels: 2,
            n_frames: 3,
            values: values.to_vec(),
        }
    }

    #[test]
    fn softer_is_blue_louder_is_red_and_what_nobody_hears_is_neither() {
        let original = log_mel([-20.0, -20.0, -20.0, -95.0, -95.0, -20.0]);
        let augmented = log_mel([-20.0, 10.0, -50.0, -140.0, -85.0, -20.0]);
        let picture = difference(&original, &augmented, -80.0);
        assert_eq!(picture.size, [3, 2]);
        let (top, bottom) = picture.pixels.split_at(3);
        let none = map_colour(ColourMap::Change, 0.5);
        assert_eq!(
            top,
            [none, none, none],
            "the higher band: below what is heard, or the same"
        );
        let [same, red, blue] = bottom else {
            panic!("three frames")
        };
        assert_eq!(*same, none);
        assert!(red.r() > red.b() && blue.b() > blue.r());
    }
}
