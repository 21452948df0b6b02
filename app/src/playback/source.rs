//! A track at the device's rate, ready for the callback: variants appear in it as the worker gets them done.

use super::{Track, Variant};
use attune_core::audio::{self, Clip};
use std::sync::{Arc, OnceLock};

/// Frames that are imagined beyond both ends of a clip while it is resampled.
const EDGE_FRAMES: usize = 512;

/// One track as the engine reads it. The worker keeps a reference until the engine has let go of it,
/// so that nothing is freed in the callback.
#[derive(Debug)]
pub(super) struct Prepared {
    /// Which call to load it belongs to.
    pub(super) serial: u64,
    /// Length at the device's rate.
    pub(super) n_frames: u64,
    variants: Vec<OnceLock<Sound>>,
}

/// Mono or stereo samples at the device's rate, and the factor with which they are heard.
#[derive(Clone, Debug)]
struct Sound {
    stereo: bool,
    gain: f32,
    samples: Arc<[f32]>,
}

impl Prepared {
    /// A track of which nothing is ready yet.
    pub(super) fn new(serial: u64, track: &Track, rate_hz: u32) -> Self {
        Self {
            serial,
            n_frames: (track.duration_secs() * f64::from(rate_hz)).round() as u64,
            variants: track.variants.iter().map(|_| OnceLock::new()).collect(),
        }
    }

    /// The track `new` in the place of `old`, which this was made from: what they have in common is ready.
    pub(super) fn exchanged(&self, old: &Track, new: &Track, rate_hz: u32) -> Self {
        let fresh = Self::new(self.serial, new, rate_hz);
        for (slot, variant) in fresh.variants.iter().zip(&new.variants) {
            let mut olds = old.variants.iter().zip(&self.variants);
            let same = olds.find(|(old, sound)| sound.get().is_some() && variant.has_clip_of(old));
            if let Some(sound) = same.and_then(|(_, sound)| sound.get()) {
                // It is empty, so that this cannot fail.
                drop(slot.set(Sound {
                    gain: variant.gain,
                    ..sound.clone()
                }));
            }
        }
        fresh
    }

    /// Brings a variant to the device's rate; does nothing if it is there.
    pub(super) fn prepare(
        &self,
        variant: usize,
        source: &Variant,
        rate_hz: u32,
    ) -> Result<(), audio::Error> {
        let clip = &source.clip;
        let Some(slot) = self
            .variants
            .get(variant)
            .filter(|slot| slot.get().is_none())
        else {
            return Ok(());
        };
        let stereo = clip.channels == 2;
        let samples = if stereo || clip.channels == 1 {
            to_rate(
                &clip.samples,
                usize::from(clip.channels),
                clip.rate_hz,
                rate_hz,
            )?
        } else {
            to_rate(&clip.to_mono().into(), 1, clip.rate_hz, rate_hz)?
        };
        // Only the worker sets it.
        drop(slot.set(Sound {
            stereo,
            gain: source.gain,
            samples,
        }));
        Ok(())
    }

    /// The first variant that is not ready, the wanted one before all.
    pub(super) fn next_missing(&self, wanted: usize) -> Option<usize> {
        std::iter::once(wanted)
            .chain(0..self.variants.len())
            .find(|&i| {
                self.variants
                    .get(i)
                    .is_some_and(|slot| slot.get().is_none())
            })
    }

    /// Whether the engine can play it.
    pub(super) fn is_ready(&self, variant: usize) -> bool {
        self.variants
            .get(variant)
            .is_some_and(|slot| slot.get().is_some())
    }

    /// Left and right at a frame; silence beyond the end.
    #[inline]
    pub(super) fn frame(&self, variant: usize, at: u64) -> [f32; 2] {
        let sound = self.variants.get(variant).and_then(OnceLock::get);
        let Some(sound) = sound else { return [0.0; 2] };
        let at = at as usize;
        let frame = if sound.stereo {
            let (frames, _) = sound.samples.as_chunks::<2>();
            frames.get(at).copied().unwrap_or_default()
        } else {
            [sound.samples.get(at).copied().unwrap_or_default(); 2]
        };
        frame.map(|sample| sample * sound.gain)
    }
}

/// Resamples `[frames, channels]`. A clip that was cut out of music would ring at its ends as at a step to silence, which is heard as a click
/// each time it repeats: both ends are continued, turned about the first and the last sample, and the continuation is cut off again.
fn to_rate(
    samples: &Arc<[f32]>,
    channels: usize,
    from_hz: u32,
    to_hz: u32,
) -> Result<Arc<[f32]>, audio::Error> {
    let resampled = |samples: Arc<[f32]>| {
        let clip = Clip {
            rate_hz: from_hz,
            channels: channels as u16,
            samples,
        };
        Ok(audio::resample_clip(&clip, to_hz)?.samples)
    };
    // So many frames at the one rate are a whole number of frames at the other.
    let divisor = gcd(from_hz, to_hz).max(1);
    let (unit_from, unit_to) = ((from_hz / divisor) as usize, (to_hz / divisor) as usize);
    let n_units = EDGE_FRAMES.div_ceil(unit_from.max(1));
    let n_edge = n_units * unit_from;
    let n_frames = samples.len() / channels;
    if from_hz == to_hz || n_edge >= n_frames {
        return resampled(Arc::clone(samples));
    }
    let at = |frame: usize, channel: usize| samples[frame * channels + channel];
    let last = n_frames - 1;
    let turned = |about: usize, frame: usize| {
        (0..channels).map(move |channel| 2.0 * at(about, channel) - at(frame, channel))
    };
    let before = (1..=n_edge).rev().flat_map(|i| turned(0, i));
    let after = (1..=n_edge).flat_map(|i| turned(last, last - i));
    let whole = samples[..n_frames * channels].iter().copied();
    let wide = resampled(before.chain(whole).chain(after).collect())?;
    let n_wanted =
        (n_frames as u64 * u64::from(to_hz) * 2 + u64::from(from_hz)) / (2 * u64::from(from_hz));
    let start = n_units * unit_to * channels;
    let end = (start + n_wanted as usize * channels).min(wide.len());
    Ok(wide[start..end].into())
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}
