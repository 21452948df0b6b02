//! The numbers that define a spectrogram; part of every model's configuration.

use super::Error;
use serde::{Deserialize, Serialize};

/// What a spectrogram is made of.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct FrontEnd {
    /// Rate of the sound that goes in.
    pub sample_rate_hz: u32,
    /// Samples in a window and in its Fourier transform.
    pub n_fft: usize,
    /// Samples from one frame to the next.
    pub hop_samples: usize,
    /// Mel bands.
    pub n_mels: usize,
    /// Lower edge of the lowest band.
    pub f_min_hz: f32,
    /// Upper edge of the highest band.
    pub f_max_hz: f32,
}

impl FrontEnd {
    /// The Music Tagging Transformer's: 22,050 Hz, 128 bands.
    pub fn mtt() -> Self {
        Self::new(22_050, 1024, 128)
    }

    /// That of FCN, Musicnn and CRNN: 16 kHz, 96 bands.
    pub fn sota96() -> Self {
        Self::new(16_000, 512, 96)
    }

    /// That of the short-chunk CNNs: 16 kHz, 128 bands, of which the lowest is empty.
    pub fn sota128() -> Self {
        Self::new(16_000, 512, 128)
    }

    /// Half-overlapping windows, bands from 0 Hz to the Nyquist frequency.
    fn new(sample_rate_hz: u32, n_fft: usize, n_mels: usize) -> Self {
        Self {
            sample_rate_hz,
            n_fft,
            hop_samples: n_fft / 2,
            n_mels,
            f_min_hz: 0.0,
            f_max_hz: sample_rate_hz as f32 / 2.0,
        }
    }

    /// Frames that `n_samples` samples give: `1 + floor(n / hop)`.
    pub fn n_frames(&self, n_samples: usize) -> usize {
        1 + n_samples / self.hop_samples.max(1)
    }

    /// Frequency bins of the Fourier transform: `n_fft / 2 + 1`.
    pub fn n_bins(&self) -> usize {
        self.n_fft / 2 + 1
    }

    /// The shortest sound that can be reflected at its ends by half a window.
    pub fn min_samples(&self) -> usize {
        self.n_fft / 2 + 1
    }

    /// Fails with [`Error::FrontEnd`] for numbers that make no spectrogram.
    pub fn check(&self) -> Result<(), Error> {
        let wrong = |text: &str| Err(Error::FrontEnd(text.to_owned()));
        if !(2..=1 << 20).contains(&self.n_fft) || !self.n_fft.is_multiple_of(2) {
            return wrong("n_fft is an even number between 2 and 1,048,576");
        }
        if self.hop_samples == 0 || self.n_mels == 0 || self.sample_rate_hz == 0 {
            return wrong("hop_samples, n_mels and sample_rate_hz are at least 1");
        }
        if self.n_mels > 4096 || self.hop_samples > self.n_fft {
            return wrong("n_mels is at most 4096, and hop_samples at most n_fft");
        }
        let nyquist_hz = self.sample_rate_hz as f32 / 2.0;
        if !(0.0 <= self.f_min_hz && self.f_min_hz < self.f_max_hz && self.f_max_hz <= nyquist_hz) {
            return wrong("0 <= f_min_hz < f_max_hz <= sample_rate_hz / 2");
        }
        Ok(())
    }
}
