//! Sound out: mono 32-bit float WAV, so that what was computed is what is in the file, neither dithered nor clipped.

use super::Error;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Writes one channel as a 32-bit float WAV file, which is whole or absent: an old file stays until the new one is complete.
pub fn write_wav(path: &Path, samples: &[f32], rate_hz: u32) -> Result<(), Error> {
    let failed = |source: io::Error| Error::Write {
        path: path.to_owned(),
        source,
    };
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.partial", std::process::id()));
    let beside = Path::new(&beside);
    let written = write_whole(beside, samples, rate_hz).and_then(|()| fs::rename(beside, path));
    if written.is_err() {
        // The error that matters is the first one.
        drop(fs::remove_file(beside));
    }
    written.map_err(failed)
}

fn write_whole(path: &Path, samples: &[f32], rate_hz: u32) -> io::Result<()> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: rate_hz,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let file = fs::File::create(path)?;
    let mut writer =
        hound::WavWriter::new(BufWriter::new(&file), spec).map_err(io::Error::other)?;
    for &sample in samples {
        writer.write_sample(sample).map_err(io::Error::other)?;
    }
    writer.finalize().map_err(io::Error::other)?;
    (&file).flush()?;
    file.sync_all()
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
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "nothing is left beside it"
        );
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error_with_the_path() {
        let error = write_wav(Path::new("/nowhere/a.wav"), &[0.0], 8_000).unwrap_err();
        assert!(error.to_string().contains("/nowhere/a.wav"), "{error}");
    }
}
