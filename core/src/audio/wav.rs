//! Sound out: 32-bit float WAV, so that what was computed is what is in the file, neither dithered nor clipped.

use super::{Clip, Error};
use crate::workspace::write_whole;
use std::io;
use std::path::Path;

/// Writes one channel as a 32-bit float WAV file; see [`write_clip`].
pub fn write_wav(path: &Path, samples: &[f32], rate_hz: u32) -> Result<(), Error> {
    write(path, samples, 1, rate_hz)
}

/// Writes a clip as a 32-bit float WAV file, which is whole or absent: an old file stays until the new one is complete.
pub fn write_clip(path: &Path, clip: &Clip) -> Result<(), Error> {
    write(path, &clip.samples, clip.channels, clip.rate_hz)
}

fn write(path: &Path, samples: &[f32], channels: u16, rate_hz: u32) -> Result<(), Error> {
    let spec = hound::WavSpec {
        channels,
        sample_rate: rate_hz,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    write_whole(path, |file| {
        let mut writer = hound::WavWriter::new(file, spec).map_err(io::Error::other)?;
        for &sample in samples {
            writer.write_sample(sample).map_err(io::Error::other)?;
        }
        writer.finalize().map_err(io::Error::other)
    })
    .map_err(|source| Error::Write {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::decode;
    use crate::job::Job;

    #[test]
    fn what_is_written_reads_back_bit_for_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        let samples = [0.0, 1.0, -1.0, 1.5, f32::MIN_POSITIVE, 0.1, -0.3];
        write_wav(&path, &samples, 22_050).unwrap();
        let read = decode(&path, &Job::quiet()).unwrap();
        assert_eq!(&*read.clip.samples, &samples);
        assert_eq!((read.clip.rate_hz, read.clip.channels), (22_050, 1));
        let stereo = Clip {
            channels: 2,
            ..Clip::mono(samples[..6].to_vec(), 8000)
        };
        write_clip(&path, &stereo).unwrap();
        assert_eq!(decode(&path, &Job::quiet()).unwrap().clip, stereo);
    }

    #[test]
    fn a_place_that_cannot_be_written_to_is_an_error_with_the_path() {
        let error = write_wav(Path::new("/dev/null/a.wav"), &[0.0], 8_000).unwrap_err();
        assert!(error.to_string().contains("/dev/null/a.wav"), "{error}");
    }
}
