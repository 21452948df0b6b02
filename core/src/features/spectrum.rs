//! Power spectra, for networks that learn their own filter bank.

use super::input::SpectrumFrontEnd;
use super::stft::{LANES, Stft, hann};
use super::{Error, check_len};

/// Computes power spectra.
#[derive(Debug)]
pub(super) struct SpectrumExtractor {
    front_end: SpectrumFrontEnd,
    stft: Stft,
}

impl SpectrumExtractor {
    /// `window`: `[n_fft]`, a periodic Hann window if there is none. Fails with [`Error::WrongLength`].
    pub(super) fn new(
        front_end: &SpectrumFrontEnd,
        window: Option<Vec<f32>>,
    ) -> Result<Self, Error> {
        let window = window.unwrap_or_else(|| hann(front_end.n_fft));
        check_len("the window", &window, front_end.n_fft)?;
        Ok(Self {
            front_end: front_end.clone(),
            stft: Stft::new(front_end.hop_samples, window),
        })
    }

    /// Power `[bins, frames]` of a mono sound. Fails with [`Error::TooShort`] and [`Error::WrongLength`].
    pub(super) fn power_into(&self, wave: &[f32], out: &mut [f32]) -> Result<(), Error> {
        let n_bins = self.front_end.n_fft / 2 + 1;
        if wave.len() < n_bins {
            return Err(Error::TooShort {
                n_samples: wave.len(),
                min_samples: n_bins,
            });
        }
        let n_frames = 1 + wave.len() / self.front_end.hop_samples;
        check_len("the output", out, n_bins * n_frames)?;
        let mut scratch = self.stft.scratch();
        for at in (0..n_frames).step_by(LANES) {
            let n = LANES.min(n_frames - at);
            self.stft.power(wave, at, n, &mut scratch);
            for (row, power) in out.chunks_exact_mut(n_frames).zip(&scratch.power) {
                row[at..at + n].copy_from_slice(&power[..n]);
            }
        }
        Ok(())
    }
}
