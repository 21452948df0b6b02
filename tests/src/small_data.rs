//! A data set in the generic format, small enough to train on within seconds: three kinds of sound, three tags.

use attune_core::audio::write_wav;
use attune_core::rng::{Address, Purpose};
use std::fmt::Write as _;
use std::path::Path;

/// Rate of the rendered files, in Hz.
pub const RATE_HZ: u32 = 22_050;

/// The tags, in the order of `tags.txt`.
pub const TAGS: [&str; 3] = ["low", "high", "noisy"];

/// Writes a data set of `n_tracks` tracks of `secs` seconds into `folder`: two thirds train, the rest valid and test.
///
/// Track i has a low or a high tone, and noise in every third track, so that each tag can be learnt and is in every split.
///
/// # Panics
/// If the folder cannot be written to.
#[expect(clippy::unwrap_used, reason = "a test without its data cannot go on")]
pub fn write(folder: &Path, n_tracks: usize, secs: f64) {
    let audio = folder.join("audio");
    std::fs::create_dir_all(&audio).unwrap();
    let mut tracks = "track_id,path,artist,split,duration_s,source,license\r\n".to_owned();
    let mut labels = "track_id,tag\r\n".to_owned();
    for i in 0..n_tracks {
        let split = ["train", "train", "train", "train", "valid", "test"][(i / 6) % 6];
        let (is_low, is_noisy) = (i % 2 == 0, i % 3 == 0);
        let mut stream = Address::new(1, Purpose::Check, i as u64).stream();
        let hz = if is_low {
            stream.range(100.0, 200.0)
        } else {
            stream.range(2000.0, 3000.0)
        };
        let n_samples = (secs * f64::from(RATE_HZ)) as usize;
        let wave: Vec<f32> = (0..n_samples)
            .map(|n| {
                let tone = 0.3 * (std::f32::consts::TAU * hz * n as f32 / RATE_HZ as f32).sin();
                tone + if is_noisy {
                    0.1 * stream.normal()
                } else {
                    0.001 * stream.normal()
                }
            })
            .collect();
        write_wav(&audio.join(format!("x{i:03}.wav")), &wave, RATE_HZ).unwrap();
        write!(
            tracks,
            "x{i:03},audio/x{i:03}.wav,artist{},{split},{secs:.3},made,CC0-1.0\r\n",
            i / 2
        )
        .unwrap();
        write!(
            labels,
            "x{i:03},{}\r\n",
            if is_low { "low" } else { "high" }
        )
        .unwrap();
        if is_noisy {
            write!(labels, "x{i:03},noisy\r\n").unwrap();
        }
    }
    std::fs::write(folder.join("tracks.csv"), tracks).unwrap();
    std::fs::write(folder.join("labels.csv"), labels).unwrap();
    std::fs::write(
        folder.join("tags.txt"),
        TAGS.map(|tag| format!("{tag}\n")).concat(),
    )
    .unwrap();
}

/// Writes a song of `secs` seconds: a beat twice a second over a steady tone.
///
/// # Panics
/// If it cannot be written.
#[expect(clippy::unwrap_used, reason = "a test without its song cannot go on")]
pub fn write_beat(path: &Path, secs: f64) {
    let wave: Vec<f32> = (0..(secs * f64::from(RATE_HZ)) as usize)
        .map(|i| {
            let secs = i as f32 / RATE_HZ as f32;
            let beat = (-8.0 * (secs % 0.5)).exp();
            0.5 * beat * (secs * 1400.0).sin() + 0.2 * (secs * 2765.0).sin()
        })
        .collect();
    write_wav(path, &wave, RATE_HZ).unwrap();
}
