//! What one audio file sounds like, as far as its faults go: decoded once, measured in one go.

use super::fingerprint;
use crate::audio::{self, Clip};
use crate::job::Job;
use crate::message::full_message;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Below this a tenth of a second counts as silent: -60 dB of full scale.
const SILENT_RMS: f64 = 1e-3;
/// Length of the pieces whose loudness is measured, in seconds.
const PIECE_SECS: f64 = 0.1;
/// A cut top lies at least so high.
const TOP: f32 = 0.5;
/// Neighbours on a cut top differ by less than this, two steps of 16 bits.
const FLAT: f32 = 6.2e-5;
/// Beside a cut top the sound falls off by this at least; a slow wave that only reaches its top falls off more slowly.
const EDGE: f32 = 4e-3;
/// Samples on a cut top, at least.
const MIN_TOP: usize = 3;

/// What was found in a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Outcome {
    /// It could be decoded.
    Heard(Box<Heard>),
    /// It could not; why not, in words.
    Unreadable(String),
}

/// Figures of a decoded file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Heard {
    pub(super) rate_hz: u32,
    pub(super) channels: u16,
    pub(super) secs: f64,
    /// What the decoder says is wrong with it.
    pub(super) warnings: Vec<String>,
    /// Whether one of the warnings is that it ends too early.
    pub(super) is_cut_off: bool,
    /// Root mean square over all samples.
    pub(super) rms: f64,
    /// Share of its time that is silent, 0 to 1.
    pub(super) silent_share: f64,
    /// The longest silence: start and length in seconds.
    pub(super) silence: (f64, f64),
    /// Share of its samples that lie beyond full scale or on a cut top.
    pub(super) clipped_share: f64,
    /// Where that is worst, in seconds.
    pub(super) clipped_at_secs: f64,
    /// The mean of the channel that is farthest from zero.
    pub(super) dc: f64,
    /// Digest of rate, channels and samples.
    pub(super) digest: String,
    /// The acoustic fingerprint; see [`fingerprint`]. Kept beside the figures, as bytes.
    #[serde(skip)]
    pub(super) print: Vec<u32>,
}

/// Listens to a file. Only a cancel is an error.
pub(super) fn hear(path: &Path, job: &Job) -> Result<Outcome, crate::job::Cancelled> {
    match audio::decode(path, job) {
        Ok(decoded) => {
            let is_cut_off = decoded.is_cut_off();
            Ok(Outcome::Heard(Box::new(Heard {
                warnings: decoded.warnings,
                is_cut_off,
                ..measure(&decoded.clip)
            })))
        }
        Err(audio::Error::Cancelled(cancelled)) => Err(cancelled),
        Err(error) => {
            job.check()?;
            Ok(Outcome::Unreadable(reason(&error)))
        }
    }
}

/// Why a file cannot be decoded, without its path, which is told beside it.
fn reason(error: &audio::Error) -> String {
    match error {
        audio::Error::Open { source, .. } => format!("it cannot be read: {source}"),
        audio::Error::Unsupported { reason, .. } => {
            format!("not audio that Attune can decode ({reason})")
        }
        audio::Error::Damaged { reason, .. } => format!("nothing in it can be decoded ({reason})"),
        other => full_message(other),
    }
}

fn measure(clip: &Clip) -> Heard {
    let channels = usize::from(clip.channels.max(1));
    let rate = f64::from(clip.rate_hz.max(1));
    let piece = ((PIECE_SECS * rate) as usize).max(1) * channels;
    let (mut energy, mut n_silent, mut n_pieces) = (0.0, 0usize, 0usize);
    let mut silence = (0usize, 0usize);
    let mut run = 0usize;
    for (place, samples) in clip.samples.chunks(piece).enumerate() {
        let sum: f64 = samples.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
        energy += sum;
        n_pieces += 1;
        if (sum / samples.len() as f64).sqrt() < SILENT_RMS {
            n_silent += 1;
            run += 1;
            if run > silence.1 {
                silence = (place + 1 - run, run);
            }
        } else {
            run = 0;
        }
    }
    let mut dc = 0.0f64;
    let mut clipped = Clipped::new(clip.n_frames(), clip.rate_hz);
    for channel in 0..channels {
        let samples = clip.samples[channel.min(clip.samples.len())..]
            .iter()
            .step_by(channels);
        let mean = samples.map(|&x| f64::from(x)).sum::<f64>() / clip.n_frames().max(1) as f64;
        if mean.abs() > dc.abs() {
            dc = mean;
        }
        clipped.count(&clip.samples, channel, channels);
    }
    let (clipped_share, clipped_at_secs) = clipped.share_and_worst(channels);
    let secs = |pieces: usize| pieces as f64 * (piece / channels) as f64 / rate;
    Heard {
        rate_hz: clip.rate_hz,
        channels: clip.channels,
        secs: clip.duration_secs(),
        warnings: Vec::new(),
        is_cut_off: false,
        rms: (energy / clip.samples.len().max(1) as f64).sqrt(),
        silent_share: n_silent as f64 / n_pieces.max(1) as f64,
        silence: (secs(silence.0), secs(silence.1).min(clip.duration_secs())),
        clipped_share,
        clipped_at_secs,
        dc,
        digest: digest(clip),
        print: fingerprint::of(clip),
    }
}

/// Condenses the sound itself: the same for a WAV and a FLAC file of it.
fn digest(clip: &Clip) -> String {
    let mut hash = blake3::Hasher::new();
    hash.update(&clip.rate_hz.to_le_bytes());
    hash.update(&clip.channels.to_le_bytes());
    let mut bytes = [0u8; 4096];
    for samples in clip.samples.chunks(bytes.len() / 4) {
        for (place, sample) in bytes.chunks_exact_mut(4).zip(samples) {
            place.copy_from_slice(&sample.to_le_bytes());
        }
        hash.update(&bytes[..samples.len() * 4]);
    }
    hash.finalize().to_hex()[..32].to_owned()
}

/// Counts samples beyond full scale, which the cache's 16 bits would cut, and those on tops that were cut before.
struct Clipped {
    n_samples: usize,
    n_frames: usize,
    rate_hz: u32,
    per_second: Vec<u32>,
}

impl Clipped {
    fn new(n_frames: usize, rate_hz: u32) -> Self {
        Self {
            n_samples: 0,
            n_frames,
            rate_hz: rate_hz.max(1),
            per_second: vec![0; n_frames / rate_hz.max(1) as usize + 1],
        }
    }

    fn add(&mut self, frame: usize, n: usize) {
        self.n_samples += n;
        self.per_second[frame / self.rate_hz as usize] += n as u32;
    }

    fn count(&mut self, samples: &[f32], channel: usize, channels: usize) {
        let at = |frame: usize| samples[frame * channels + channel];
        let mut frame = 0;
        while frame < self.n_frames {
            let first = at(frame);
            if first.abs() > 1.0 {
                self.add(frame, 1);
                frame += 1;
                continue;
            }
            if first.abs() < TOP {
                frame += 1;
                continue;
            }
            let mut end = frame + 1;
            while end < self.n_frames && (at(end) - first).abs() < FLAT {
                end += 1;
            }
            if end - frame >= MIN_TOP {
                // Of the two samples beside it: the nearer one may lie just below the top by chance.
                let falls = |beside: usize| first.abs() - at(beside) * first.signum() > EDGE;
                let before = (frame.saturating_sub(2)..frame).any(falls);
                if before && (end..(end + 2).min(self.n_frames)).any(falls) {
                    self.add(frame, end - frame);
                }
            }
            frame = end;
        }
    }

    /// The share of all samples, and the second with most of them.
    fn share_and_worst(&self, channels: usize) -> (f64, f64) {
        let worst = (0..self.per_second.len())
            .rev()
            .max_by_key(|&second| self.per_second[second]);
        let share = self.n_samples as f64 / (self.n_frames * channels).max(1) as f64;
        (share, worst.unwrap_or(0) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hz: f32, gain: f32) -> Vec<f32> {
        let wave =
            (0..44_100).map(|i| gain * (std::f32::consts::TAU * hz * i as f32 / 44_100.0).sin());
        wave.collect()
    }

    fn clipped_share(wave: Vec<f32>) -> f64 {
        measure(&Clip::mono(wave, 44_100)).clipped_share
    }

    #[test]
    fn cut_tops_are_clipped_and_slow_waves_at_full_scale_are_not() {
        for hz in [30.0, 100.0, 440.0, 3000.0] {
            assert_eq!(clipped_share(tone(hz, 1.0)), 0.0, "{hz} Hz at full scale");
        }
        // A sine of twice the height is cut during two thirds of the time.
        for ceiling in [1.0, 0.8] {
            let cut: Vec<f32> = tone(440.0, 2.0 * ceiling)
                .iter()
                .map(|x| x.clamp(-ceiling, ceiling))
                .collect();
            let share = clipped_share(cut);
            assert!(
                (share - 0.66).abs() < 0.05,
                "{share} at a ceiling of {ceiling}"
            );
        }
        let share = clipped_share(tone(440.0, 1.1));
        assert!((share - 0.273).abs() < 0.02, "beyond full scale: {share}");
    }

    #[test]
    fn silence_offset_and_length_are_measured_on_all_channels() {
        let mut wave = tone(440.0, 0.5);
        wave.extend(vec![0.0; 88_200]);
        let interleaved: Vec<f32> = wave.iter().flat_map(|&x| [x, x * 0.1 + 0.05]).collect();
        let heard = measure(&Clip {
            rate_hz: 44_100,
            channels: 2,
            samples: interleaved.into(),
        });
        assert_eq!(heard.secs, 3.0);
        assert!((heard.dc - 0.05).abs() < 1e-3, "{}", heard.dc);
        let mut wave = tone(440.0, 0.5);
        wave.extend(vec![0.0; 88_200]);
        let heard = measure(&Clip::mono(wave, 44_100));
        assert!((heard.silent_share - 2.0 / 3.0).abs() < 0.02);
        assert!((heard.silence.0 - 1.0).abs() < 0.11 && (heard.silence.1 - 2.0).abs() < 0.11);
    }
}
