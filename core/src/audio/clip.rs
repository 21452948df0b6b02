//! Samples with their rate: the value that decoding gives and playback takes.

use std::sync::Arc;

/// A piece of sound. Cheap to clone.
#[derive(Clone, Debug, PartialEq)]
pub struct Clip {
    /// Frames per second.
    pub rate_hz: u32,
    /// Samples per frame; 1 is mono, 2 is left and right.
    pub channels: u16,
    /// `[frames, channels]`, interleaved.
    pub samples: Arc<[f32]>,
}

impl Clip {
    /// A clip of one channel.
    pub fn mono(samples: impl Into<Arc<[f32]>>, rate_hz: u32) -> Self {
        Self {
            rate_hz,
            channels: 1,
            samples: samples.into(),
        }
    }

    /// Length in frames (samples of one channel).
    pub fn n_frames(&self) -> usize {
        self.samples.len() / usize::from(self.channels.max(1))
    }

    /// Length in seconds.
    pub fn duration_secs(&self) -> f64 {
        self.n_frames() as f64 / f64::from(self.rate_hz.max(1))
    }

    /// The mean of the channels, `[frames]`: how the networks hear.
    pub fn to_mono(&self) -> Vec<f32> {
        match self.channels {
            0 | 1 => self.samples.to_vec(),
            2 => {
                let (frames, _) = self.samples.as_chunks::<2>();
                frames.iter().map(|[l, r]| (l + r) * 0.5).collect()
            }
            n => mixed(&self.samples, usize::from(n)).collect(),
        }
    }
}

/// The mean of the channels of interleaved samples.
pub(crate) fn mixed(samples: &[f32], channels: usize) -> impl Iterator<Item = f32> {
    let frames = samples.chunks_exact(channels.max(1));
    frames.map(move |frame| frame.iter().sum::<f32>() / channels as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mixing_down_takes_the_mean_of_all_channels() {
        let clip = |channels, samples: &[f32]| Clip {
            rate_hz: 4,
            channels,
            samples: samples.into(),
        };
        assert_eq!(clip(1, &[0.5, -0.25]).to_mono(), [0.5, -0.25]);
        assert_eq!(clip(2, &[0.5, -0.25, 1.0, 0.0]).to_mono(), [0.125, 0.5]);
        assert_eq!(clip(3, &[0.25, 0.5, 0.75]).to_mono(), [0.5]);
        assert_eq!(clip(2, &[0.0; 16]).n_frames(), 8);
        assert_eq!(clip(2, &[0.0; 16]).duration_secs(), 2.0);
    }
}
