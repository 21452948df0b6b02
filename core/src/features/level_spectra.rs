//! Spectra over time in decibels below full scale, for a person to look at next to the play head.

use super::stft::{LANES, Stft, hann};

/// Samples of a window: 93 ms at 22,050 Hz, fine enough for single notes.
const N_FFT: usize = 2048;
const HOP_SAMPLES: usize = 1024;
/// Lowest band.
const LOWEST_HZ: f32 = 30.0;
/// Bands in an octave: one a semitone.
const PER_OCTAVE: f32 = 12.0;
/// Silence is shown as this.
const FLOOR_DB: f32 = -120.0;

/// The level of a sound band by band, one band a semitone.
#[derive(Clone, Debug, PartialEq)]
pub struct LevelSpectra {
    /// Middle of each band in hertz, the lowest first.
    pub centres_hz: Vec<f32>,
    /// Windows, 1,024 samples apart.
    pub n_frames: usize,
    rate_hz: u32,
    /// `[frames, bands]`
    levels_db: Vec<f32>,
}

impl LevelSpectra {
    /// Of a mono sound of any length.
    ///
    /// A band's level is that of its strongest partial: a sine of amplitude 1 has 0 dB; silence −120 dB.
    pub fn new(wave: &[f32], rate_hz: u32) -> Self {
        let n_octaves = (0.5 * rate_hz as f32 / LOWEST_HZ).log2().max(0.0);
        let centres_hz: Vec<f32> = (0..(n_octaves * PER_OCTAVE) as usize)
            .map(|band| LOWEST_HZ * ((band as f32 + 0.5) / PER_OCTAVE).exp2())
            .collect();
        let hz_per_bin = rate_hz as f32 / N_FFT as f32;
        let bins: Vec<_> = centres_hz
            .iter()
            .map(|&hz| {
                let half = (0.5 / PER_OCTAVE).exp2();
                let first = (hz / half / hz_per_bin).round() as usize;
                let end = (hz * half / hz_per_bin).round() as usize;
                // Low bands are narrower than a bin: they show the nearest.
                first..end.max(first + 1)
            })
            .collect();
        let padded;
        let wave = if wave.len() < N_FFT {
            let mut longer = wave.to_vec();
            longer.resize(N_FFT, 0.0);
            padded = longer;
            &padded
        } else {
            wave
        };
        let n_frames = 1 + wave.len() / HOP_SAMPLES;
        let window = hann(N_FFT);
        let full_scale = 0.5 * window.iter().sum::<f32>();
        let stft = Stft::new(HOP_SAMPLES, window);
        let mut scratch = stft.scratch();
        let mut levels_db = Vec::with_capacity(n_frames * bins.len());
        for first in (0..n_frames).step_by(LANES) {
            let n = LANES.min(n_frames - first);
            stft.power(wave, first, n, &mut scratch);
            for lane in 0..n {
                levels_db.extend(bins.iter().map(|bins| {
                    let power = scratch.power[bins.start..bins.end.min(N_FFT / 2 + 1)]
                        .iter()
                        .map(|lanes| lanes[lane])
                        .fold(0.0, f32::max);
                    (10.0 * (power / (full_scale * full_scale)).log10()).max(FLOOR_DB)
                }));
            }
        }
        Self {
            centres_hz,
            n_frames,
            rate_hz,
            levels_db,
        }
    }

    /// The levels around a moment, in dB, a band each; of the nearest one beyond the ends.
    pub fn at(&self, secs: f64) -> &[f32] {
        let frame = (secs.max(0.0) * f64::from(self.rate_hz) / HOP_SAMPLES as f64).round();
        let frame = (frame as usize).min(self.n_frames.saturating_sub(1));
        let n_bands = self.centres_hz.len();
        &self.levels_db[frame * n_bands..(frame + 1) * n_bands]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f32::consts::TAU;

    const RATE_HZ: u32 = 22_050;

    #[test]
    fn a_full_scale_sine_is_zero_decibels_in_its_band_while_it_sounds() {
        for hz in [220.0, 1000.0, 5000.0] {
            let mut wave: Vec<f32> = (0..2 * RATE_HZ)
                .map(|i| (TAU * hz * i as f32 / RATE_HZ as f32).sin())
                .collect();
            wave[RATE_HZ as usize..].fill(0.0);
            let spectra = LevelSpectra::new(&wave, RATE_HZ);
            let levels = spectra.at(0.5);
            let loudest = (0..levels.len())
                .max_by(|&a, &b| levels[a].total_cmp(&levels[b]))
                .unwrap();
            let cents = 1200.0 * (spectra.centres_hz[loudest] / hz).log2();
            assert!(cents.abs() <= 60.0, "{hz}: {cents}");
            // A sine between two bins loses 1.4 dB at most.
            assert!((-1.5..0.1).contains(&levels[loudest]), "{hz}");
            assert!(spectra.at(1.5).iter().all(|level| *level == FLOOR_DB));
        }
    }

    #[test]
    fn any_length_and_any_moment_has_a_spectrum() {
        for n in [0, 1, 2047, 2048, 5000] {
            let spectra = LevelSpectra::new(&vec![0.1; n], RATE_HZ);
            for secs in [-1.0, 0.0, 1e9] {
                let levels = spectra.at(secs);
                assert_eq!(levels.len(), spectra.centres_hz.len());
                assert!(levels.iter().all(|level| level.is_finite()));
            }
        }
        assert_eq!(LevelSpectra::new(&[0.5; 100], 1).at(0.0).len(), 0);
    }
}
