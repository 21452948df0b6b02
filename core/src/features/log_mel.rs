//! From samples to decibels: the plan of a front end and its execution.
//!
//! Frames are computed in blocks of 16, always cut at the same places and each lane by the same operations, so that any
//! split over threads gives the same bits. Measured on 2 cores of an EPYC (Zen 5): see `tests/benches`.

use super::decibel::to_decibel;
use super::mel::{Bands, filterbank};
use super::stft::{LANES, Scratch, Stft, hann};
use super::{Error, FrontEnd, check_len};
use rayon::prelude::*;

/// From this many frames on the work is spread over threads (12 seconds of the paper's front end).
const PARALLEL_FRAMES: usize = 512;
/// Blocks in a piece of work for one thread.
const STRIP_BLOCKS: usize = 16;

/// A spectrogram.
#[derive(Clone, Debug, PartialEq)]
pub struct LogMel {
    /// Mel bands, the lowest first.
    pub n_mels: usize,
    /// Frames; frame `t` is centred at `t * hop_samples`.
    pub n_frames: usize,
    /// `[n_mels, n_frames]` row-major, in dB (or as power, from [`LogMelExtractor::mel_power`]).
    pub values: Vec<f32>,
}

/// Computes spectrograms of one front end. Share it by `Arc`; calls do not disturb each other.
#[derive(Debug)]
pub struct LogMelExtractor {
    front_end: FrontEnd,
    stft: Stft,
    bands: Bands,
}

#[derive(Clone, Copy)]
enum Scale {
    Power,
    Decibel,
}

impl LogMelExtractor {
    /// Plans the transform and the filters. Fails with [`Error::FrontEnd`].
    pub fn new(front_end: &FrontEnd) -> Result<Self, Error> {
        front_end.check()?;
        Self::with_buffers(front_end, &hann(front_end.n_fft), &filterbank(front_end))
    }

    /// With the buffers of a checkpoint (`spec.*`): `window` is `[n_fft]`, `filterbank` `[bins, mels]` row-major.
    /// Fails with [`Error::WrongLength`].
    pub fn with_buffers(
        front_end: &FrontEnd,
        window: &[f32],
        filterbank: &[f32],
    ) -> Result<Self, Error> {
        front_end.check()?;
        check_len("the window", window, front_end.n_fft)?;
        let n_weights = front_end.n_bins() * front_end.n_mels;
        check_len("the filter bank", filterbank, n_weights)?;
        Ok(Self {
            front_end: front_end.clone(),
            stft: Stft::new(front_end.hop_samples, window.to_vec()),
            bands: Bands::new(filterbank, front_end.n_mels),
        })
    }

    /// What is computed.
    pub fn front_end(&self) -> &FrontEnd {
        &self.front_end
    }

    /// The spectrogram of a mono sound at the front end's rate, in dB.
    /// Fails with [`Error::TooShort`] below `n_fft / 2 + 1` samples.
    pub fn log_mel(&self, wave: &[f32]) -> Result<LogMel, Error> {
        self.compute(wave, Scale::Decibel)
    }

    /// As [`LogMelExtractor::log_mel`], before the logarithm.
    pub fn mel_power(&self, wave: &[f32]) -> Result<LogMel, Error> {
        self.compute(wave, Scale::Power)
    }

    /// As [`LogMelExtractor::log_mel`], into a part of a batch: `out` is `[n_mels, n_frames]`.
    pub fn log_mel_into(&self, wave: &[f32], out: &mut [f32]) -> Result<(), Error> {
        self.fill(wave, Scale::Decibel, out)
    }

    fn compute(&self, wave: &[f32], scale: Scale) -> Result<LogMel, Error> {
        let n_frames = self.front_end.n_frames(wave.len());
        let mut values = vec![0.0; self.front_end.n_mels * n_frames];
        self.fill(wave, scale, &mut values)?;
        Ok(LogMel {
            n_mels: self.front_end.n_mels,
            n_frames,
            values,
        })
    }

    fn fill(&self, wave: &[f32], scale: Scale, out: &mut [f32]) -> Result<(), Error> {
        let min_samples = self.front_end.min_samples();
        if wave.len() < min_samples {
            return Err(Error::TooShort {
                n_samples: wave.len(),
                min_samples,
            });
        }
        let n_frames = self.front_end.n_frames(wave.len());
        check_len("the output", out, self.front_end.n_mels * n_frames)?;
        if n_frames < PARALLEL_FRAMES {
            let mut scratch = self.scratch();
            self.strip(wave, 0, n_frames, scale, &mut scratch, out);
            return Ok(());
        }
        let strip_frames = STRIP_BLOCKS * LANES;
        let n_strips = n_frames.div_ceil(strip_frames);
        let strips: Vec<Vec<f32>> = (0..n_strips)
            .into_par_iter()
            .map_init(
                || self.scratch(),
                |scratch, i| {
                    let first = i * strip_frames;
                    let n = strip_frames.min(n_frames - first);
                    let mut strip = vec![0.0; n * self.front_end.n_mels];
                    self.strip(wave, first, n, scale, scratch, &mut strip);
                    strip
                },
            )
            .collect();
        out.par_chunks_mut(n_frames)
            .enumerate()
            .for_each(|(mel, row)| {
                for (part, strip) in row.chunks_mut(strip_frames).zip(&strips) {
                    part.copy_from_slice(&strip[mel * part.len()..][..part.len()]);
                }
            });
        Ok(())
    }

    fn scratch(&self) -> (Scratch, Vec<[f32; LANES]>) {
        let mels = vec![[0.0; LANES]; self.front_end.n_mels];
        (self.stft.scratch(), mels)
    }

    /// Frames `first..first + n_frames` into `out`, `[n_mels, n_frames]`; `first` is a multiple of [`LANES`].
    fn strip(
        &self,
        wave: &[f32],
        first: usize,
        n_frames: usize,
        scale: Scale,
        (scratch, mels): &mut (Scratch, Vec<[f32; LANES]>),
        out: &mut [f32],
    ) {
        for at in (0..n_frames).step_by(LANES) {
            let n = LANES.min(n_frames - at);
            self.stft.power(wave, first + at, n, scratch);
            for (mel, (first_bin, weights)) in mels.iter_mut().zip(self.bands.iter()) {
                let mut sum = [0.0; LANES];
                for (weight, power) in weights.iter().zip(&scratch.power[first_bin..]) {
                    for (sum, power) in sum.iter_mut().zip(power) {
                        *sum += weight * power;
                    }
                }
                *mel = sum;
            }
            if let Scale::Decibel = scale {
                to_decibel(mels.as_flattened_mut());
            }
            for (row, mel) in out.chunks_exact_mut(n_frames).zip(mels.iter()) {
                row[at..at + n].copy_from_slice(&mel[..n]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(n: usize) -> Vec<f32> {
        let mut state = 1_u32;
        (0..n)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / (1 << 23) as f32 - 1.0
            })
            .collect()
    }

    /// The definition, in f64, by the sum.
    fn plain(front_end: &FrontEnd, wave: &[f32], frame: usize) -> Vec<f64> {
        let n = front_end.n_fft;
        let half = (n / 2) as isize;
        let at = |i: isize| {
            let i = i.unsigned_abs();
            let last = wave.len() - 1;
            f64::from(wave[if i > last { 2 * last - i } else { i }])
        };
        let tau = std::f64::consts::TAU;
        let windowed: Vec<f64> = (0..n)
            .map(|i| {
                let hann = 0.5 - 0.5 * (tau * i as f64 / n as f64).cos();
                hann * at((frame * front_end.hop_samples + i) as isize - half)
            })
            .collect();
        let power: Vec<f64> = (0..=n / 2)
            .map(|k| {
                let (mut re, mut im) = (0.0, 0.0);
                for (i, v) in windowed.iter().enumerate() {
                    let phase = tau * ((i * k) % n) as f64 / n as f64;
                    re += v * phase.cos();
                    im -= v * phase.sin();
                }
                re * re + im * im
            })
            .collect();
        let weights = filterbank(front_end);
        (0..front_end.n_mels)
            .map(|mel| {
                power
                    .iter()
                    .enumerate()
                    .map(|(k, p)| p * f64::from(weights[k * front_end.n_mels + mel]))
                    .sum()
            })
            .collect()
    }

    #[test]
    fn equals_the_definition_also_where_the_sound_is_reflected() {
        let front_end = FrontEnd::sota96();
        let extractor = LogMelExtractor::new(&front_end).unwrap();
        for n in [257, 300, 5_000] {
            let wave = noise(n);
            let found = extractor.mel_power(&wave).unwrap();
            assert_eq!(found.n_frames, 1 + n / 256);
            for frame in [0, 1, found.n_frames / 2, found.n_frames - 1] {
                let expected = plain(&front_end, &wave, frame);
                let loudest = expected.iter().copied().fold(0.0, f64::max);
                for (mel, power) in expected.iter().enumerate() {
                    let value = f64::from(found.values[mel * found.n_frames + frame]);
                    assert!((value - power).abs() < 1e-6 * loudest, "{n} {frame} {mel}");
                }
            }
        }
    }

    #[test]
    fn any_number_of_threads_gives_the_same_bits() {
        let extractor = LogMelExtractor::new(&FrontEnd::mtt()).unwrap();
        let wave = noise(22_050 * 20);
        let on = |n_threads| {
            rayon::ThreadPoolBuilder::new()
                .num_threads(n_threads)
                .build()
                .unwrap()
                .install(|| extractor.log_mel(&wave).unwrap())
        };
        let one = on(1);
        assert_eq!(one, on(3));
        // A short sound takes the path without threads.
        let short = extractor.log_mel(&wave[..512 * 100]).unwrap();
        for mel in 0..128 {
            let long = &one.values[mel * one.n_frames..][..99];
            assert_eq!(&short.values[mel * short.n_frames..][..99], long);
        }
    }

    #[test]
    fn a_sound_too_short_to_reflect_says_how_long_it_must_be() {
        let extractor = LogMelExtractor::new(&FrontEnd::mtt()).unwrap();
        assert!(extractor.log_mel(&noise(513)).is_ok());
        let error = extractor.log_mel(&noise(512)).unwrap_err().to_string();
        assert!(error.contains("512") && error.contains("513"), "{error}");
        assert!(extractor.log_mel(&[]).is_err());
    }

    #[test]
    fn wrong_buffers_and_impossible_front_ends_are_errors() {
        let good = FrontEnd::mtt();
        assert!(LogMelExtractor::with_buffers(&good, &[0.0; 1024], &[0.0; 7]).is_err());
        assert!(LogMelExtractor::with_buffers(&good, &[0.0; 10], &[0.0; 513 * 128]).is_err());
        let extractor = LogMelExtractor::new(&good).unwrap();
        assert!(
            extractor
                .log_mel_into(&[0.0; 5_000], &mut [0.0; 10])
                .is_err()
        );
        for bad in [
            FrontEnd {
                n_fft: 0,
                ..good.clone()
            },
            FrontEnd {
                n_fft: 7,
                ..good.clone()
            },
            FrontEnd {
                hop_samples: 0,
                ..good.clone()
            },
            FrontEnd {
                n_mels: 0,
                ..good.clone()
            },
            FrontEnd {
                f_min_hz: f32::NAN,
                ..good.clone()
            },
            FrontEnd {
                f_max_hz: 20_000.0,
                ..good.clone()
            },
        ] {
            assert!(LogMelExtractor::new(&bad).is_err(), "{bad:?}");
        }
    }

    /// Tensor `name` of tests/golden/frontend.safetensors; 16-bit integers come as samples.
    fn golden(name: &str) -> Vec<f32> {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../tests/golden/frontend.safetensors"
        );
        let file = std::fs::read(path).unwrap();
        let tensors = safetensors::SafeTensors::deserialize(&file).unwrap();
        let tensor = tensors.tensor(name).unwrap();
        let data = tensor.data();
        match tensor.dtype() {
            safetensors::Dtype::I16 => {
                let (values, _) = data.as_chunks::<2>();
                let sample = |v: &[u8; 2]| f32::from(i16::from_le_bytes(*v)) / 32_768.0;
                values.iter().map(sample).collect()
            }
            _ => {
                let (values, _) = data.as_chunks::<4>();
                values.iter().map(|v| f32::from_le_bytes(*v)).collect()
            }
        }
    }

    /// Column `frame` of `[128, n_frames]` values.
    fn column(values: &[f32], n_frames: usize, frame: usize) -> Vec<f32> {
        (0..128).map(|mel| values[mel * n_frames + frame]).collect()
    }

    #[test]
    fn power_equals_torchaudio_to_a_millionth_of_the_loudest_band() {
        let extractor = LogMelExtractor::new(&FrontEnd::mtt()).unwrap();
        let found = extractor.mel_power(&golden("wave.music")).unwrap();
        let golden = golden("mel_power.music");
        for frame in 0..38 {
            let expected = column(&golden, 38, frame);
            let loudest = expected.iter().copied().fold(0.0, f32::max);
            let found = column(&found.values, found.n_frames, frame);
            for (mel, (found, expected)) in found.iter().zip(&expected).enumerate() {
                let error = (found - expected).abs() / loudest;
                assert!(error < 1e-6, "band {mel}, frame {frame}: {error:e}");
            }
        }
    }

    #[test]
    fn decibels_equal_torchaudio_wherever_there_is_power() {
        let extractor = LogMelExtractor::new(&FrontEnd::mtt()).unwrap();
        for (wave, n_frames) in [("music", 38), ("short", 2)] {
            let found = extractor.log_mel(&golden(&format!("wave.{wave}"))).unwrap();
            let golden = golden(&format!("logmel.{wave}"));
            for frame in 0..n_frames {
                let expected = column(&golden, n_frames, frame);
                let loudest = expected.iter().copied().fold(-100.0, f32::max);
                let found = column(&found.values, found.n_frames, frame);
                for (mel, (found, expected)) in found.iter().zip(&expected).enumerate() {
                    if *expected > loudest - 60.0 {
                        let error = (found - expected).abs();
                        assert!(error < 1e-3, "{wave}, band {mel}, frame {frame}: {error}");
                    }
                }
            }
        }
    }
}
