//! A data set in the generic format with timelines: sounds of which it is known when they sound.

use attune_core::audio::write_wav;
use attune_core::rng::{Address, Purpose};
use std::fmt::Write as _;
use std::path::Path;

/// Rate of the rendered files, in Hz.
pub const RATE_HZ: u32 = 22_050;
const SECS: f64 = 4.0;

/// Writes a data set of `n_tracks` tracks of 4 s into `folder`, one in six for validation and one for the test.
///
/// Faint noise; each tag comes with a chance of a half, as a burst of 0.9 s somewhere.
///
/// # Panics
/// If the folder cannot be written to.
#[expect(clippy::unwrap_used, reason = "a test without its data cannot go on")]
pub fn write(folder: &Path, n_tracks: usize) {
    std::fs::create_dir_all(folder.join("audio")).unwrap();
    let mut tracks = "track_id,path,artist,split,duration_s,source,license\n".to_owned();
    let mut labels = "track_id,tag\n".to_owned();
    let mut timelines = "track_id,tag,start_s,end_s\n".to_owned();
    for i in 0..n_tracks {
        let split = ["train", "train", "train", "train", "valid", "test"][i % 6];
        let mut draws = Address::new(5, Purpose::Check, i as u64).stream();
        let n = (SECS * f64::from(RATE_HZ)) as usize;
        let mut wave: Vec<f32> = (0..n).map(|_| 0.003 * draws.normal()).collect();
        let present = [draws.chance(0.5), draws.chance(0.5)];
        for (tag, hz) in [("low", 220.0), ("high", 2600.0)] {
            if !present[usize::from(tag == "high")] {
                continue;
            }
            let start = f64::from(draws.range(0.2, 2.9));
            let hz = hz * draws.range(0.9, 1.1);
            for at in 0..(0.9 * f64::from(RATE_HZ)) as usize {
                let secs = at as f32 / RATE_HZ as f32;
                let fade = (secs * 100.0).min((0.9 - secs) * 100.0).clamp(0.0, 1.0);
                let tone = (std::f32::consts::TAU * hz * secs).sin();
                wave[(start * f64::from(RATE_HZ)) as usize + at] += 0.2 * fade * tone;
            }
            writeln!(labels, "x{i:03},{tag}").unwrap();
            writeln!(timelines, "x{i:03},{tag},{start:.3},{:.3}", start + 0.9).unwrap();
        }
        let path = format!("audio/x{i:03}.wav");
        write_wav(&folder.join(&path), &wave, RATE_HZ).unwrap();
        writeln!(tracks, "x{i:03},{path},a{i},{split},{SECS},made,CC0-1.0").unwrap();
    }
    std::fs::write(folder.join("tracks.csv"), tracks).unwrap();
    std::fs::write(folder.join("labels.csv"), labels).unwrap();
    std::fs::write(folder.join("timelines.csv"), timelines).unwrap();
    std::fs::write(folder.join("tags.txt"), "low\nhigh\n").unwrap();
}
