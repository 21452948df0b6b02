//! Windowed Fourier transforms of a sound, as power.

use realfft::num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};
use std::f32::consts::TAU;
use std::fmt;
use std::sync::Arc;

/// Frames that are computed side by side: the mel sum then runs over lanes of a vector register.
pub(super) const LANES: usize = 16;

/// Power spectra of overlapping windows, centred on multiples of the hop; beyond its ends the sound is reflected.
pub(super) struct Stft {
    hop_samples: usize,
    window: Vec<f32>,
    fft: Arc<dyn RealToComplex<f32>>,
}

/// Buffers of one thread.
pub(super) struct Scratch {
    windowed: Vec<f32>,
    spectrum: Vec<Complex32>,
    fft: Vec<Complex32>,
    /// `[bins, LANES]`
    pub(super) power: Vec<[f32; LANES]>,
}

impl Stft {
    /// With the given window, `[n_fft]`.
    pub(super) fn new(hop_samples: usize, window: Vec<f32>) -> Self {
        Self {
            hop_samples,
            fft: RealFftPlanner::new().plan_fft_forward(window.len()),
            window,
        }
    }

    pub(super) fn scratch(&self) -> Scratch {
        Scratch {
            windowed: self.fft.make_input_vec(),
            spectrum: self.fft.make_output_vec(),
            fft: self.fft.make_scratch_vec(),
            power: vec![[0.0; LANES]; self.window.len() / 2 + 1],
        }
    }

    /// Power of frames `first..first + n` (at most [`LANES`]) into lanes `0..n` of `scratch.power`.
    /// `wave` holds at least `n_fft / 2 + 1` samples.
    pub(super) fn power(&self, wave: &[f32], first: usize, n: usize, scratch: &mut Scratch) {
        for lane in 0..n.min(LANES) {
            self.cut(wave, first + lane, &mut scratch.windowed);
            let done = self.fft.process_with_scratch(
                &mut scratch.windowed,
                &mut scratch.spectrum,
                &mut scratch.fft,
            );
            assert!(done.is_ok(), "buffers made by the transform fit it");
            for (power, bin) in scratch.power.iter_mut().zip(&scratch.spectrum) {
                power[lane] = bin.re * bin.re + bin.im * bin.im;
            }
        }
    }

    /// The windowed samples of a frame.
    fn cut(&self, wave: &[f32], frame: usize, windowed: &mut [f32]) {
        let centre = frame * self.hop_samples;
        let half = self.window.len() / 2;
        let inside = centre
            .checked_sub(half)
            .and_then(|start| wave.get(start..start + self.window.len()));
        if let Some(samples) = inside {
            for ((out, sample), weight) in windowed.iter_mut().zip(samples).zip(&self.window) {
                *out = sample * weight;
            }
            return;
        }
        let last = wave.len() - 1;
        for (i, (out, weight)) in windowed.iter_mut().zip(&self.window).enumerate() {
            let at = (centre + i).abs_diff(half);
            let at = if at > last {
                (2 * last).saturating_sub(at)
            } else {
                at
            };
            *out = wave[at] * weight;
        }
    }
}

impl fmt::Debug for Stft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stft")
            .field("hop_samples", &self.hop_samples)
            .field("n_fft", &self.window.len())
            .finish_non_exhaustive()
    }
}

/// The periodic Hann window, computed in `f32` as PyTorch does.
pub(super) fn hann(n: usize) -> Vec<f32> {
    (0..n)
        .map(|i| 0.5 - 0.5 * (TAU / n as f32 * i as f32).cos())
        .collect()
}
