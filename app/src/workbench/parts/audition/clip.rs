//! The clip: which stretch of the song, and what is shown of it, made in background jobs.

use super::sound::Sound;
use crate::theme::ColourMap;
use crate::timeline::Song;
use attune_core::audio::{Clip, Loudness, Overview};
use attune_core::augment::{Draw, Picked};
use attune_core::features::{FrontEnd, LogMel, LogMelExtractor};
use attune_core::predict::Model;
use egui::ColorImage;
use std::path::PathBuf;
use std::sync::Arc;

/// Length of a clip while there is no model to say, in seconds.
const USUAL_SECS: f64 = 10.0;
/// Decibels below the loudest that a picture shows.
const RANGE_DB: f32 = 80.0;
/// Columns of a picture at most; more frames share a column, which shows the loudest.
pub(super) const MAX_COLUMNS: usize = 2048;

/// How long a clip is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ClipLength {
    /// As long as what the model hears at once.
    Model,
    /// So many seconds.
    Secs(f64),
    /// The whole song.
    Whole,
}

/// A stretch of a song, and the rate and front end with which it is seen.
#[derive(Clone, Debug, PartialEq)]
pub struct ClipKey {
    /// The song's file.
    pub path: PathBuf,
    /// The song's name.
    pub song: String,
    /// Rate of the samples.
    pub rate_hz: u32,
    /// First sample in the song.
    pub start_sample: usize,
    /// Number of samples.
    pub n_samples: usize,
    /// What pictures are made with.
    pub front_end: FrontEnd,
    /// Where mixup and background find other clips.
    company: Company,
    /// Address of the song's samples: a song that was decoded anew is another song.
    wave: usize,
}

impl ClipKey {
    /// A clip that begins at `start_secs` or, if it would reach beyond the end, earlier.
    pub fn of(song: &Song, model: Option<&Model>, start_secs: f64, length: ClipLength) -> Self {
        let (n, rate) = (song.wave.len(), f64::from(song.rate_hz));
        let usual = model
            .filter(|model| model.sample_rate_hz() == song.rate_hz)
            .map_or((USUAL_SECS * rate) as usize, |model| model.input_samples);
        let n_samples = match length {
            ClipLength::Model => usual,
            ClipLength::Secs(secs) => (secs * rate) as usize,
            ClipLength::Whole => n,
        };
        let n_samples = n_samples.clamp(1.min(n), n);
        let mut front_end =
            model.map_or_else(FrontEnd::mtt, |model| model.config.input().picture());
        if front_end.sample_rate_hz != song.rate_hz {
            front_end = FrontEnd::mtt();
        }
        Self {
            path: song.path.clone(),
            song: song.name.clone(),
            rate_hz: song.rate_hz,
            start_sample: ((start_secs * rate) as usize).min(n - n_samples),
            n_samples,
            front_end,
            company: Company::default(),
            wave: Arc::as_ptr(&song.wave).cast::<f32>() as usize,
        }
    }

    /// The same clip, in other company.
    pub(super) fn among(self, company: Company) -> Self {
        Self { company, ..self }
    }

    /// Whether both are the same stretch of the same song, whatever is mixed in.
    pub(super) fn is_same_stretch(&self, other: &Self) -> bool {
        *self == other.clone().among(self.company.clone())
    }

    /// Other clips for mixup and background, at the clip's rate.
    pub(super) fn company(&self) -> &Picked {
        &self.company.0
    }

    /// Where it begins in the song, in seconds.
    pub fn start_secs(&self) -> f64 {
        self.start_sample as f64 / f64::from(self.rate_hz)
    }

    /// How long it is, in seconds.
    pub fn duration_secs(&self) -> f64 {
        self.n_samples as f64 / f64::from(self.rate_hz)
    }

    /// Its samples.
    pub(super) fn cut(&self, song: &[f32]) -> Vec<f32> {
        song[self.start_sample..self.start_sample + self.n_samples].to_vec()
    }
}

/// Other tracks; the same only if they are the very same samples, which is quickly known.
#[derive(Clone, Debug, Default)]
pub(super) struct Company(pub(super) Arc<Picked>);

impl PartialEq for Company {
    fn eq(&self, other: &Self) -> bool {
        let key = |company: &Self| {
            let waves = company.0.waves.iter();
            let keys =
                waves.map(|(number, wave)| (number.to_bits(), Arc::as_ptr(wave).cast::<f32>()));
            keys.collect::<Vec<_>>()
        };
        Arc::ptr_eq(&self.0, &other.0) || key(self) == key(other)
    }
}

/// One variant of the clip, ready to be heard and drawn.
pub struct Heard {
    /// Its sound, mono.
    pub clip: Clip,
    /// Its waveform, reduced for drawing.
    pub overview: Overview,
    /// Its log-mel picture, the highest band first; black is 80 dB below the original's loudest.
    /// `None` if the clip is too short for one.
    pub picture: Option<Arc<ColorImage>>,
    /// The log-mel behind the picture, in dB.
    pub log_mel: Option<LogMel>,
    /// The loudest band and frame, in dB.
    pub loudest_db: f32,
    /// Largest sample, in dB below full scale; `None` for silence.
    pub peak_db: Option<f32>,
    /// Root mean square, in dB below full scale; `None` for silence.
    pub rms_db: Option<f32>,
    /// How loud it is heard.
    pub loudness: Loudness,
    /// Samples that an effect had to clip.
    pub n_clipped: usize,
}

impl Heard {
    /// The clip as it is in the song.
    pub(super) fn new(
        wave: Vec<f32>,
        key: &ClipKey,
        model: Option<&Model>,
    ) -> anyhow::Result<Arc<Self>> {
        let loudness = Loudness::of(&wave, 1, key.rate_hz);
        Self::drawn(Clip::mono(wave, key.rate_hz), loudness, 0, key, None, model)
    }

    /// An augmented sound, drawn on the original's scale, so that a softer clip looks softer.
    pub(super) fn augmented(
        sound: &Sound,
        original: &Self,
        model: Option<&Model>,
    ) -> anyhow::Result<Arc<Self>> {
        let scale_db = Some(original.loudest_db);
        let (clip, loudness) = (sound.clip.clone(), sound.loudness.clone());
        Self::drawn(clip, loudness, sound.n_clipped, &sound.key, scale_db, model)
    }

    fn drawn(
        clip: Clip,
        loudness: Loudness,
        n_clipped: usize,
        key: &ClipKey,
        scale_db: Option<f32>,
        model: Option<&Model>,
    ) -> anyhow::Result<Arc<Self>> {
        let wave = &*clip.samples;
        let log_mel = if wave.len() < key.front_end.min_samples() {
            None
        } else {
            let of_model = model.filter(|model| model.config.input().picture() == key.front_end);
            Some(match of_model {
                Some(model) => model.picture(wave)?,
                None => LogMelExtractor::new(&key.front_end)?.log_mel(wave)?,
            })
        };
        let loudest_db = log_mel.as_ref().map_or(-100.0, loudest_db);
        let decibels = |amplitude: f32| (amplitude > 0.0).then(|| 20.0 * amplitude.log10());
        let peak = wave
            .iter()
            .fold(0.0, |peak: f32, sample| peak.max(sample.abs()));
        let squares: f64 = wave.iter().map(|&sample| f64::from(sample).powi(2)).sum();
        let rms = (squares / wave.len().max(1) as f64).sqrt();
        Ok(Arc::new(Self {
            overview: Overview::new(wave),
            picture: log_mel
                .as_ref()
                .map(|log_mel| Arc::new(picture(log_mel, scale_db.unwrap_or(loudest_db)))),
            log_mel,
            loudest_db,
            peak_db: decibels(peak),
            rms_db: decibels(rms as f32),
            n_clipped,
            loudness,
            clip,
        }))
    }

    /// The clip with a draw.
    pub(super) fn with(
        &self,
        draw: &Draw,
        key: &ClipKey,
        model: Option<&Model>,
    ) -> anyhow::Result<Arc<Self>> {
        Self::augmented(&Sound::of(self, key, draw), self, model)
    }
}

impl std::fmt::Debug for Heard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Heard")
            .field("secs", &self.clip.duration_secs())
            .field("peak_db", &self.peak_db)
            .finish_non_exhaustive()
    }
}

/// The loudest band and frame of a log-mel, in dB; at least -100.
pub(in crate::workbench::parts) fn loudest_db(log_mel: &LogMel) -> f32 {
    log_mel.values.iter().copied().fold(-100.0, f32::max)
}

/// A log-mel to look at, the highest band first; black is 80 dB below `scale_db`.
pub(in crate::workbench::parts) fn picture(log_mel: &LogMel, scale_db: f32) -> ColorImage {
    let colours = ColourMap::Magma.table();
    let per_column = log_mel.n_frames.div_ceil(MAX_COLUMNS).max(1);
    let pixels = log_mel
        .values
        .chunks_exact(log_mel.n_frames)
        .rev()
        .flat_map(|band| band.chunks(per_column))
        .map(|frames| {
            let loudest = frames.iter().copied().fold(f32::MIN, f32::max);
            colours[((loudest - scale_db + RANGE_DB) / RANGE_DB * 255.0) as u8 as usize]
        })
        .collect();
    ColorImage::new(
        [log_mel.n_frames.div_ceil(per_column), log_mel.n_mels],
        pixels,
    )
}
