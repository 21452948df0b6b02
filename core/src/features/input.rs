//! What a network takes in of a clip: a log-mel spectrogram, a power spectrum or the waveform itself.

use super::spectrum::SpectrumExtractor;
use super::{Error, FrontEnd, LogMel, LogMelExtractor};
use serde::{Deserialize, Serialize};

/// The window of a checkpoint's front end, `[n_fft]`.
const WINDOW: &str = "spec.spectrogram.window";
/// The filter bank of a checkpoint's front end, `[bins, mels]`.
const FILTERBANK: &str = "spec.mel_scale.fb";
/// The window of the Harmonic CNN's front end, `[n_fft]`.
const HARMONIC_WINDOW: &str = "hstft.spec.window";

/// A spectrum before any filter bank; the network has its own.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct SpectrumFrontEnd {
    /// Rate of the sound that goes in.
    pub sample_rate_hz: u32,
    /// Samples in a window and in its Fourier transform.
    pub n_fft: usize,
    /// Samples from one frame to the next.
    pub hop_samples: usize,
}

/// What a network takes in: rows of numbers in columns of time.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Mel bands in dB; a column is a frame.
    LogMel(FrontEnd),
    /// Power of the Fourier transform's bins; a column is a frame.
    Spectrum(SpectrumFrontEnd),
    /// The sound itself: one row, a column is a sample.
    Waveform {
        /// Rate of the sound.
        sample_rate_hz: u32,
    },
}

impl Input {
    /// Rate of the sound that goes in.
    pub fn sample_rate_hz(&self) -> u32 {
        match self {
            Self::LogMel(front_end) => front_end.sample_rate_hz,
            Self::Spectrum(front_end) => front_end.sample_rate_hz,
            Self::Waveform { sample_rate_hz } => *sample_rate_hz,
        }
    }

    /// Numbers in a column.
    pub fn n_rows(&self) -> usize {
        match self {
            Self::LogMel(front_end) => front_end.n_mels,
            Self::Spectrum(front_end) => front_end.n_fft / 2 + 1,
            Self::Waveform { .. } => 1,
        }
    }

    /// Columns that `n_samples` samples give.
    pub fn n_columns(&self, n_samples: usize) -> usize {
        match self {
            Self::Waveform { .. } => n_samples,
            _ => 1 + n_samples / self.hop_samples(),
        }
    }

    /// Samples from one column to the next.
    pub fn hop_samples(&self) -> usize {
        match self {
            Self::LogMel(front_end) => front_end.hop_samples.max(1),
            Self::Spectrum(front_end) => front_end.hop_samples.max(1),
            Self::Waveform { .. } => 1,
        }
    }

    /// The shortest sound that it can be made of.
    pub fn min_samples(&self) -> usize {
        match self {
            Self::LogMel(front_end) => front_end.min_samples(),
            Self::Spectrum(front_end) => front_end.n_fft / 2 + 1,
            Self::Waveform { .. } => 1,
        }
    }

    /// The lengths of sound that give a number of columns in this range.
    pub fn samples_of(
        &self,
        columns: std::ops::RangeInclusive<usize>,
    ) -> std::ops::RangeInclusive<usize> {
        let hop = self.hop_samples();
        let (first, last) = (*columns.start(), *columns.end());
        match self {
            Self::Waveform { .. } => first.max(1)..=last,
            _ => {
                let shortest = (first.saturating_sub(1) * hop).max(self.min_samples());
                shortest..=last.saturating_mul(hop).saturating_sub(1)
            }
        }
    }

    /// What a column is called.
    pub fn column_name(&self) -> &'static str {
        match self {
            Self::Waveform { .. } => "samples",
            _ => "frames",
        }
    }

    /// The log-mel to draw for people: the network's own, or the usual one at its rate.
    pub fn picture(&self) -> FrontEnd {
        match self {
            Self::LogMel(front_end) => front_end.clone(),
            Self::Spectrum(SpectrumFrontEnd { sample_rate_hz, .. })
            | Self::Waveform { sample_rate_hz } => FrontEnd {
                sample_rate_hz: *sample_rate_hz,
                f_max_hz: *sample_rate_hz as f32 / 2.0,
                ..FrontEnd::mtt()
            },
        }
    }

    /// Fails with [`Error::FrontEnd`] for numbers that make no input.
    pub fn check(&self) -> Result<(), Error> {
        let wrong = |text: &str| Err(Error::FrontEnd(text.to_owned()));
        match self {
            Self::LogMel(front_end) => front_end.check(),
            Self::Spectrum(front_end) => {
                if !(2..=1 << 20).contains(&front_end.n_fft) || !front_end.n_fft.is_multiple_of(2) {
                    return wrong("n_fft is an even number between 2 and 1,048,576");
                }
                if !(1..=front_end.n_fft).contains(&front_end.hop_samples) {
                    return wrong("hop_samples lies between 1 and n_fft");
                }
                if front_end.sample_rate_hz == 0 {
                    return wrong("sample_rate_hz is at least 1");
                }
                Ok(())
            }
            Self::Waveform { sample_rate_hz: 0 } => wrong("sample_rate_hz is at least 1"),
            Self::Waveform { .. } => Ok(()),
        }
    }
}

/// Makes a network's input of sound. Share it by `Arc`; calls do not disturb each other.
#[derive(Debug)]
pub struct InputExtractor {
    input: Input,
    way: Way,
}

#[derive(Debug)]
enum Way {
    LogMel(LogMelExtractor),
    Spectrum(SpectrumExtractor),
    Waveform,
}

impl InputExtractor {
    /// Plans transforms and filters. Fails with [`Error::FrontEnd`].
    pub fn new(input: &Input) -> Result<Self, Error> {
        Self::with_tables(input, |_| None)
    }

    /// With the tables that a PyTorch checkpoint carries, by their names there. Fails with [`Error::FrontEnd`] and
    /// [`Error::WrongLength`].
    pub fn with_tables(
        input: &Input,
        table: impl Fn(&str) -> Option<Vec<f32>>,
    ) -> Result<Self, Error> {
        input.check()?;
        let way = match input {
            Input::LogMel(front_end) => Way::LogMel(match (table(WINDOW), table(FILTERBANK)) {
                (Some(window), Some(filterbank)) => {
                    LogMelExtractor::with_buffers(front_end, &window, &filterbank)?
                }
                _ => LogMelExtractor::new(front_end)?,
            }),
            Input::Spectrum(front_end) => {
                Way::Spectrum(SpectrumExtractor::new(front_end, table(HARMONIC_WINDOW))?)
            }
            Input::Waveform { .. } => Way::Waveform,
        };
        Ok(Self {
            input: input.clone(),
            way,
        })
    }

    /// Names of the tables that [`InputExtractor::with_tables`] asks for.
    pub const TABLES: [&str; 3] = [WINDOW, FILTERBANK, HARMONIC_WINDOW];

    /// What is made.
    pub fn input(&self) -> &Input {
        &self.input
    }

    /// A mono sound at the input's rate into a part of a batch: `out` is `[rows, columns]`.
    ///
    /// Fails with [`Error::TooShort`] and [`Error::WrongLength`].
    pub fn extract_into(&self, wave: &[f32], out: &mut [f32]) -> Result<(), Error> {
        match &self.way {
            Way::LogMel(extractor) => extractor.log_mel_into(wave, out),
            Way::Spectrum(extractor) => extractor.power_into(wave, out),
            Way::Waveform => {
                super::check_len("the output", out, wave.len())?;
                out.copy_from_slice(wave);
                Ok(())
            }
        }
    }

    /// The spectrogram to draw for people, of [`Input::picture`].
    pub fn picture(&self, wave: &[f32]) -> Result<LogMel, Error> {
        match &self.way {
            Way::LogMel(extractor) => extractor.log_mel(wave),
            _ => LogMelExtractor::new(&self.input.picture())?.log_mel(wave),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_columns_belong_together() {
        let spectrum = Input::Spectrum(SpectrumFrontEnd {
            sample_rate_hz: 16_000,
            n_fft: 512,
            hop_samples: 256,
        });
        let waveform = Input::Waveform {
            sample_rate_hz: 16_000,
        };
        for (input, columns) in [
            (Input::LogMel(FrontEnd::sota96()), 1280..=2559),
            (Input::LogMel(FrontEnd::mtt()), 1..=usize::MAX),
            (spectrum, 288..=usize::MAX),
            (waveform, 59_047..=118_095),
        ] {
            let samples = input.samples_of(columns.clone());
            assert!(columns.contains(&input.n_columns(*samples.start())));
            assert!(
                input.n_columns(samples.start() - 1) < *columns.start()
                    || *samples.start() == input.min_samples()
            );
            if *columns.end() < usize::MAX {
                assert_eq!(input.n_columns(*samples.end()), *columns.end());
                assert!(!columns.contains(&input.n_columns(samples.end() + 1)));
            }
        }
    }

    #[test]
    fn each_way_fills_the_shape_that_it_promises() {
        let wave: Vec<f32> = (0..5_000).map(|i| (i as f32 * 0.1).sin()).collect();
        for input in [
            Input::LogMel(FrontEnd::sota96()),
            Input::Spectrum(SpectrumFrontEnd {
                sample_rate_hz: 16_000,
                n_fft: 512,
                hop_samples: 256,
            }),
            Input::Waveform {
                sample_rate_hz: 16_000,
            },
        ] {
            let extractor = InputExtractor::new(&input).unwrap();
            let n = input.n_rows() * input.n_columns(wave.len());
            let mut out = vec![f32::NAN; n];
            extractor.extract_into(&wave, &mut out).unwrap();
            assert!(out.iter().all(|x| x.is_finite()), "{input:?}");
            assert!(
                extractor
                    .extract_into(&wave, &mut vec![0.0; n - 1])
                    .is_err()
            );
            assert!(extractor.picture(&wave).unwrap().n_frames > 1);
        }
    }
}
