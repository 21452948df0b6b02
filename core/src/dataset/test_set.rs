//! Small data sets on disk for the tests of this module: every sample says which track it is of and where.

use super::{Dataset, Problem, Split, TagIdx, Track};
use std::path::Path;

/// A rate at which a thousand samples are long.
pub(super) const RATE_HZ: u32 = 8000;

/// `lengths.len()` labelled training tracks with as many samples as `lengths` says, written as WAV files into `folder`.
pub(super) fn make(folder: &Path, lengths: &[usize]) -> Dataset {
    let tracks = (0..)
        .zip(lengths)
        .map(|(number, &n_samples)| {
            let path = folder.join(format!("{number}.wav"));
            write_wav(&path, &samples(number, n_samples));
            Track {
                id: format!("t{number}"),
                path,
                artist: format!("a{number}"),
                album: String::new(),
                title: String::new(),
                split: Split::Train,
                duration_secs: None,
                source: String::new(),
                license: String::new(),
                tags: vec![TagIdx(number as u32 % 3)],
                timeline: Vec::new(),
            }
        })
        .collect();
    Dataset {
        name: "test".into(),
        root: folder.to_path_buf(),
        place: folder.to_path_buf(),
        labelling: String::new(),
        tags: ["one", "two", "three"].map(str::to_owned).to_vec(),
        tracks,
        problems: Vec::<Problem>::new(),
        findings: Vec::new(),
    }
}

/// The samples of track `number`.
pub(super) fn samples(number: usize, n_samples: usize) -> Vec<i16> {
    (0..n_samples)
        .map(|place| ((number * 7919 + place * 31) % 20_011) as i16 - 10_005)
        .collect()
}

pub(super) fn write_wav(path: &Path, samples: &[i16]) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE_HZ,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    for &sample in samples {
        writer.write_sample(sample).unwrap();
    }
    writer.finalize().unwrap();
}
