//! What the timeline shows of a song, made in background jobs from a file.

use super::Picture;
use attune_core::audio::{self, Overview};
use attune_core::features::{FrontEnd, LogMelExtractor};
use attune_core::job::Job;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A song, ready to be drawn and explained.
#[derive(Clone)]
pub struct Song {
    /// Its file.
    pub path: PathBuf,
    /// What to call it.
    pub name: String,
    /// Mono, at `rate_hz`: what the network hears.
    pub wave: Arc<[f32]>,
    /// Rate of `wave`.
    pub rate_hz: u32,
    /// The waveform, reduced for drawing.
    pub overview: Arc<Overview>,
    /// Where tags are known to hold, in seconds; empty for most songs.
    pub truth: Vec<TrueSpan>,
}

/// A stretch in which a tag is known to hold.
#[derive(Clone, Debug, PartialEq)]
pub struct TrueSpan {
    /// The tag.
    pub tag: String,
    /// When, in seconds.
    pub secs: Range<f64>,
}

impl Song {
    /// Decodes `path` and brings it to `rate_hz`.
    pub fn read(
        path: &Path,
        rate_hz: u32,
        truth: Vec<TrueSpan>,
        job: &Job,
    ) -> Result<Self, audio::Error> {
        let wave = audio::decode_mono(path, rate_hz, job)?;
        let name = path
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned())
            .unwrap_or_default();
        Ok(Self::from_wave(path, name, wave, rate_hz, truth))
    }

    /// A song from samples.
    pub fn from_wave(
        path: &Path,
        name: impl Into<String>,
        wave: impl Into<Arc<[f32]>>,
        rate_hz: u32,
        truth: Vec<TrueSpan>,
    ) -> Self {
        let wave = wave.into();
        Self {
            path: path.to_path_buf(),
            name: name.into(),
            overview: Arc::new(Overview::new(&wave)),
            wave,
            rate_hz,
            truth,
        }
    }

    /// Length in seconds.
    pub fn duration_secs(&self) -> f64 {
        self.wave.len() as f64 / f64::from(self.rate_hz)
    }

    /// The spans of a tag.
    pub fn truth_of(&self, tag: &str) -> Vec<Range<f64>> {
        self.truth
            .iter()
            .filter(|span| span.tag == tag)
            .map(|span| span.secs.clone())
            .collect()
    }
}

impl std::fmt::Debug for Song {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Song")
            .field("name", &self.name)
            .field("secs", &self.duration_secs())
            .finish_non_exhaustive()
    }
}

/// The log-mel picture of a wave at the front end's rate.
pub fn picture(wave: &[f32], front_end: &FrontEnd, job: &Job) -> anyhow::Result<Picture> {
    let extractor = LogMelExtractor::new(front_end)?;
    let log_mel = extractor.log_mel(wave)?;
    job.check()?;
    let secs_per_frame = front_end.hop_samples as f64 / f64::from(front_end.sample_rate_hz);
    Ok(Picture::new(
        &log_mel.values,
        log_mel.n_mels,
        secs_per_frame,
    ))
}

/// Centres of the mel bands in hertz (HTK scale), for readouts.
pub fn mel_centres_hz(front_end: &FrontEnd) -> Vec<f32> {
    let mel = |hz: f64| 2595.0 * (1.0 + hz / 700.0).log10();
    let (low, high) = (
        mel(f64::from(front_end.f_min_hz)),
        mel(f64::from(front_end.f_max_hz)),
    );
    (1..=front_end.n_mels)
        .map(|band| {
            let mel = low + (high - low) * band as f64 / (front_end.n_mels + 1) as f64;
            (700.0 * (10f64.powf(mel / 2595.0) - 1.0)) as f32
        })
        .collect()
}
