//! From notes to sound: a dry stem per instrument, a mix in a room, and when each instrument is heard.

use super::instruments::{Played, sound};
use super::score::{Instrument, Part, Score};
use super::sound::{RATE_HZ, samples};
use crate::rng::Stream;
use std::collections::{BTreeMap, HashMap};

/// No sample is louder.
const PEAK: f32 = 0.89;

/// A rendered song.
pub(super) struct Rendered {
    /// Mono, at [`RATE_HZ`], -1..1.
    pub(super) wave: Vec<f32>,
    /// When each instrument sounds, in seconds.
    pub(super) timelines: BTreeMap<Instrument, Vec<(f64, f64)>>,
}

/// Renders a score. `chance` decides noise and phases; the same draws give the same samples.
pub(super) fn render(score: &Score, chance: &mut Stream) -> Rendered {
    let n_before = samples(score.from_secs as f32);
    let n_all = n_before + samples(score.length_secs as f32);
    let mut stems: BTreeMap<Instrument, Vec<f32>> = BTreeMap::new();
    for part in &score.parts {
        let mut stem = play(part, score, n_all, chance);
        stem.drain(..n_before);
        let Some(loudness) = loudness(&stem) else {
            continue;
        };
        let gain = db(part.level_db - 18.0) / loudness;
        let sum = stems
            .entry(part.instrument)
            .or_insert_with(|| vec![0.0; stem.len()]);
        for (sum, sample) in sum.iter_mut().zip(&stem) {
            *sum += gain * sample;
        }
    }
    let mut wave = vec![0.0; n_all - n_before];
    for stem in stems.values() {
        for (sum, sample) in wave.iter_mut().zip(stem) {
            *sum += sample;
        }
    }
    let mix_frames = frame_levels(&wave);
    let timelines = stems
        .iter()
        .map(|(&instrument, stem)| (instrument, heard(&frame_levels(stem), &mix_frames)))
        .collect();
    reverberate(&mut wave, score.room);
    level(&mut wave, db(score.level_db));
    Rendered { wave, timelines }
}

fn db(value: f32) -> f32 {
    10f32.powf(value / 20.0)
}

/// Plays all notes of a part. Notes that are equal sound equal and are made once.
fn play(part: &Part, score: &Score, n_samples: usize, chance: &mut Stream) -> Vec<f32> {
    let mut stem = vec![0.0; n_samples];
    let mut made: HashMap<(i32, u32, u32), Vec<f32>> = HashMap::new();
    for note in &part.notes {
        let from = samples(note.start_secs as f32);
        if from >= n_samples {
            continue;
        }
        // Steps that nobody hears, so that more notes are equal.
        let held = (note.held_secs * 100.0).ceil() as u32;
        let velocity = (note.velocity * 12.0).round() as u32;
        let wave = made.entry((note.key, held, velocity)).or_insert_with(|| {
            let played = Played {
                key: note.key,
                held_secs: held as f32 / 100.0,
                velocity: velocity as f32 / 12.0,
                timbre: &score.timbre,
            };
            sound(part.instrument, &played, chance)
        });
        for (sum, sample) in stem[from..].iter_mut().zip(&*wave) {
            *sum += sample;
        }
    }
    stem
}

/// Root mean square of the louder frames; `None` for silence.
fn loudness(wave: &[f32]) -> Option<f32> {
    let mut frames = frame_levels(wave);
    frames.sort_by(f32::total_cmp);
    let loudest = *frames.last()?;
    if loudest < 1e-6 {
        return None;
    }
    let loud: Vec<f32> = frames
        .into_iter()
        .filter(|&frame| frame > loudest * 0.1)
        .map(|frame| frame * frame)
        .collect();
    Some((loud.iter().sum::<f32>() / loud.len() as f32).sqrt())
}

/// Seconds from one frame to the next; a frame is 50 ms long.
const FRAME_STEP_SECS: f64 = 0.02;

/// Root mean square of 50 ms every 20 ms.
fn frame_levels(wave: &[f32]) -> Vec<f32> {
    let (step, length) = (samples(0.02), samples(0.05));
    (0..wave.len().div_ceil(step))
        .map(|frame| {
            // Centred on the step.
            let from = (frame * step + step / 2).saturating_sub(length / 2);
            let to = (from + length).min(wave.len());
            let sum: f32 = wave[from.min(to)..to].iter().map(|s| s * s).sum();
            (sum / length as f32).sqrt()
        })
        .collect()
}

/// When a stem is heard: louder than 32 dB below its own loud frames and 36 dB below the mix's; gaps up to 0.25 s are closed, stretches
/// under 0.1 s dropped (as in the `tunes` data set's measured timelines).
fn heard(stem: &[f32], mix: &[f32]) -> Vec<(f64, f64)> {
    let loud = |frames: &[f32]| {
        let mut sorted = frames.to_vec();
        sorted.sort_by(f32::total_cmp);
        sorted.get(sorted.len() * 95 / 100).copied().unwrap_or(0.0)
    };
    let threshold = (loud(stem) * db(-32.0))
        .max(loud(mix) * db(-36.0))
        .max(1e-9);
    let mut spans: Vec<(usize, usize)> = Vec::new();
    for frame in (0..stem.len()).filter(|&frame| stem[frame] > threshold) {
        match spans.last_mut() {
            Some(last) if (frame - last.1) as f64 * FRAME_STEP_SECS <= 0.25 => last.1 = frame + 1,
            _ => spans.push((frame, frame + 1)),
        }
    }
    spans
        .into_iter()
        .map(|(from, to)| (from as f64 * FRAME_STEP_SECS, to as f64 * FRAME_STEP_SECS))
        .filter(|(from, to)| to - from >= 0.1)
        .collect()
}

/// A small room: four combs and two all-passes (Schroeder 1962), mixed in by `amount`.
fn reverberate(wave: &mut [f32], amount: f32) {
    const COMBS: [usize; 4] = [809, 857, 953, 1031];
    const ALL_PASSES: [usize; 2] = [278, 113];
    let keep = 0.70 + 0.18 * amount;
    let mut combs = COMBS.map(|length| (vec![0.0f32; length], 0usize, 0.0f32));
    let mut all_passes = ALL_PASSES.map(|length| (vec![0.0f32; length], 0usize));
    for sample in wave.iter_mut() {
        let mut wet = 0.0;
        for (line, place, dull) in &mut combs {
            let out = line[*place];
            wet += out;
            *dull = 0.7 * out + 0.3 * *dull;
            line[*place] = *sample + keep * *dull;
            *place = (*place + 1) % line.len();
        }
        wet *= 0.25;
        for (line, place) in &mut all_passes {
            let out = line[*place];
            let into = wet + 0.5 * out;
            line[*place] = into;
            wet = out - 0.5 * into;
            *place = (*place + 1) % line.len();
        }
        *sample += amount * wet;
    }
}

/// Brings the mix to a root mean square of `rms`, holds its peaks below [`PEAK`], and takes the clicks off its ends.
fn level(wave: &mut [f32], rms: f32) {
    let n = wave.len().max(1);
    // Twice: holding the peaks takes some loudness away.
    for _ in 0..2 {
        let now = (wave.iter().map(|s| s * s).sum::<f32>() / n as f32).sqrt();
        if now > 0.0 {
            let gain = rms / now;
            for sample in wave.iter_mut() {
                *sample = limit(*sample * gain);
            }
        }
    }
    let n_edge = samples(0.004).min(wave.len() / 2);
    for place in 0..n_edge {
        let fade = place as f32 / n_edge as f32;
        wave[place] *= fade;
        wave[n - 1 - place] *= fade;
    }
}

/// Straight up to half of [`PEAK`], bent above.
fn limit(x: f32) -> f32 {
    const KNEE: f32 = 0.5 * PEAK;
    let over = x.abs() - KNEE;
    if over <= 0.0 {
        x
    } else {
        let room = PEAK - KNEE;
        (KNEE + room * over / (over + room)).copysign(x)
    }
}

/// Writes mono 16-bit WAV.
pub(super) fn write_wav(path: &std::path::Path, wave: &[f32]) -> std::io::Result<()> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE_HZ,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let told = |error: hound::Error| match error {
        hound::Error::IoError(error) => error,
        other => std::io::Error::other(other),
    };
    let mut writer = hound::WavWriter::create(path, spec).map_err(told)?;
    for &sample in wave {
        let sample = (sample * 32767.0).round() as i16;
        writer.write_sample(sample).map_err(told)?;
    }
    writer.finalize().map_err(told)
}

#[cfg(test)]
mod tests;
