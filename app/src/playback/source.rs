//! A track at the device's rate, ready for the callback: variants appear in it as the worker gets them done.

use super::Track;
use attune_core::audio::{self, Clip};
use std::sync::{Arc, OnceLock};

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

/// Mono or stereo samples at the device's rate.
#[derive(Clone, Debug)]
struct Sound {
    stereo: bool,
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

    /// The same track with everything ready but `variant`.
    pub(super) fn without(&self, variant: usize, track: &Track, rate_hz: u32) -> Self {
        let fresh = Self::new(self.serial, track, rate_hz);
        for (i, (old, new)) in self.variants.iter().zip(&fresh.variants).enumerate() {
            if i != variant
                && let Some(sound) = old.get()
            {
                // It is empty, so that this cannot fail.
                drop(new.set(sound.clone()));
            }
        }
        fresh
    }

    /// Brings a variant to the device's rate; does nothing if it is there.
    pub(super) fn prepare(
        &self,
        variant: usize,
        clip: &Clip,
        rate_hz: u32,
    ) -> Result<(), audio::Error> {
        let Some(slot) = self
            .variants
            .get(variant)
            .filter(|slot| slot.get().is_none())
        else {
            return Ok(());
        };
        let stereo = clip.channels == 2;
        let samples = if stereo || clip.channels == 1 {
            audio::resample_clip(clip, rate_hz)?.samples
        } else {
            audio::resample(&clip.to_mono(), clip.rate_hz, rate_hz)?.into()
        };
        // Only the worker sets it.
        drop(slot.set(Sound { stereo, samples }));
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
        if sound.stereo {
            let (frames, _) = sound.samples.as_chunks::<2>();
            frames.get(at).copied().unwrap_or_default()
        } else {
            [sound.samples.get(at).copied().unwrap_or_default(); 2]
        }
    }
}
