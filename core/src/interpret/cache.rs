//! Explanations of songs on disk, so that what was once worked out is there at once: by the sound, the model, and how it was asked.
//!
//! ```text
//! cache/explanations/HASH.explanation   HASH over samples, fingerprint of the model, settings and version
//!   length of the header  u64, little-endian
//!   header                JSON: tags, methods, grids
//!   values                f64 times, then f32 values, little-endian, in the order of the header
//! ```
//!
//! The whole folder may be deleted at any time. A file that is cut off or was written by another version counts as none.

use super::{Error, Grid, Method, SongExplanation, SongSettings, TokenMap, song_in_parts};
use crate::job::Job;
use crate::predict::{Model, TagTimeline};
use crate::workspace::write_whole;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Changes whenever an explanation of the same song by the same model may come out in other numbers, or the format changes.
const VERSION: u32 = 2;

const EXTENSION: &str = "explanation";

/// When the folder holds more bytes than this, those that were not used for the longest time go.
const MOST_BYTES: u64 = 1 << 30;

/// The folder of explanations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplanationCache {
    folder: PathBuf,
    most_bytes: u64,
}

#[derive(Serialize, Deserialize)]
struct Header {
    tags: Vec<String>,
    n_windows: usize,
    has_self_attention: bool,
    maps: Vec<MapHeader>,
    completeness_error: Option<f32>,
}

#[derive(Serialize, Deserialize)]
struct MapHeader {
    method: Method,
    tags: Vec<usize>,
    sample_rate_hz: u32,
    n_tokens: usize,
    n_values: usize,
}

impl ExplanationCache {
    /// Below the workspace's folder of caches; made when first written to.
    pub fn below(cache: &Path) -> Self {
        Self {
            folder: cache.join("explanations"),
            most_bytes: MOST_BYTES,
        }
    }

    /// [`song_in_parts`], or what came out of it before.
    ///
    /// A cache that cannot be written to is as good as none: the explanation is given all the same.
    pub fn song_in_parts(
        &self,
        model: &Model,
        wave: &[f32],
        settings: &SongSettings,
        first_secs: f64,
        job: &Job,
        on_part: &mut dyn FnMut(SongExplanation),
    ) -> Result<SongExplanation, Error> {
        let path = self.path(model, wave, settings);
        if let Some(found) = read(&path, model) {
            // Whoever is used stays longest.
            if let Ok(file) = File::options().append(true).open(&path) {
                drop(file.set_modified(SystemTime::now()));
            }
            return Ok(found);
        }
        let explained = song_in_parts(model, wave, settings, first_secs, job, on_part)?;
        if write(&path, &explained).is_ok() {
            self.tidy(&path);
        }
        Ok(explained)
    }

    fn path(&self, model: &Model, wave: &[f32], settings: &SongSettings) -> PathBuf {
        let mut hasher = blake3::Hasher::new();
        let asked = format!(
            "{VERSION} {} {settings:?} {}",
            model.fingerprint,
            wave.len()
        );
        hasher.update(asked.as_bytes());
        let mut bytes = Vec::new();
        for samples in wave.chunks(1 << 16) {
            bytes.clear();
            bytes.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
            hasher.update(&bytes);
        }
        let name = &hasher.finalize().to_hex()[..32];
        self.folder.join(format!("{name}.{EXTENSION}"))
    }

    /// Deletes what was not used for the longest time until the rest is small enough; never `newest`. What a killed process left half written
    /// counts as well.
    fn tidy(&self, newest: &Path) {
        let Ok(entries) = std::fs::read_dir(&self.folder) else {
            return;
        };
        let mut files: Vec<(SystemTime, u64, PathBuf)> = entries
            .filter_map(|entry| {
                let (entry, path) = entry.ok().map(|entry| (entry.metadata(), entry.path()))?;
                let name = path.file_name()?.to_string_lossy();
                let is_one = name.contains(&format!(".{EXTENSION}"));
                let about = entry.ok().filter(|_| is_one)?;
                Some((about.modified().ok()?, about.len(), path))
            })
            .collect();
        files.sort();
        let mut n_bytes: u64 = files.iter().map(|(_, n_bytes, _)| n_bytes).sum();
        for (_, size, path) in files {
            if n_bytes <= self.most_bytes {
                break;
            }
            // Another process may have been faster.
            if path != newest && std::fs::remove_file(&path).is_ok() {
                n_bytes -= size;
            }
        }
    }
}

fn write(path: &Path, explained: &SongExplanation) -> std::io::Result<()> {
    let header = Header {
        tags: explained.tags.clone(),
        n_windows: explained.over_time.n_windows(),
        has_self_attention: !explained.self_attention.is_empty(),
        maps: explained
            .maps
            .iter()
            .map(|map| MapHeader {
                method: map.method,
                tags: map.tags.clone(),
                sample_rate_hz: map.grid.sample_rate_hz,
                n_tokens: map.grid.n_tokens,
                n_values: map.values.len(),
            })
            .collect(),
        completeness_error: explained.completeness_error,
    };
    let header = serde_json::to_vec(&header)?;
    let over_time = &explained.over_time;
    write_whole(path, |file| {
        file.write_all(&(header.len() as u64).to_le_bytes())?;
        file.write_all(&header)?;
        let mut times = vec![explained.duration_secs, over_time.window_secs];
        times.extend(&over_time.centres_secs);
        for grid in explained.maps.iter().map(|map| &map.grid) {
            times.extend([
                grid.samples_per_token,
                grid.first_centre_samples,
                grid.receptive_field_samples,
            ]);
        }
        for time in times {
            file.write_all(&time.to_le_bytes())?;
        }
        let fields = [
            &over_time.whole_song,
            &over_time.probabilities,
            &explained.self_attention,
        ];
        let maps = explained.maps.iter().map(|map| &map.values);
        for value in fields.into_iter().chain(maps).flatten() {
            file.write_all(&value.to_le_bytes())?;
        }
        Ok(())
    })
}

/// `None` if there is no such file, or it is not whole.
fn read(path: &Path, model: &Model) -> Option<SongExplanation> {
    let bytes = std::fs::read(path).ok()?;
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let (header, values) = rest.split_at_checked(length)?;
    let header: Header = serde_json::from_slice(header).ok()?;
    let n_tags = header.tags.len();
    if header.tags != model.tags || header.maps.is_empty() {
        return None;
    }
    // Sizes that are not true must not overflow.
    let n_times = header.n_windows.checked_add(2 + 3 * header.maps.len())?;
    let (times, values) = values.split_at_checked(n_times.checked_mul(8)?)?;
    let mut times = times
        .as_chunks::<8>()
        .0
        .iter()
        .map(|time| f64::from_le_bytes(*time));
    let (values, rest) = values.as_chunks::<4>();
    let n_own = if header.has_self_attention {
        header.n_windows
    } else {
        0
    };
    let n_mapped =
        (header.maps.iter()).try_fold(0usize, |sum, map| sum.checked_add(map.n_values))?;
    let n_windowed = header.n_windows.checked_mul(n_tags)?;
    let n_values = n_mapped
        .checked_add(n_windowed)?
        .checked_add(n_tags + n_own)?;
    if values.len() != n_values || !rest.is_empty() {
        return None;
    }
    let mut values = values.iter().map(|value| f32::from_le_bytes(*value));
    let mut take = |n: usize| -> Vec<f32> { values.by_ref().take(n).collect() };
    let (duration_secs, window_secs) = (times.next()?, times.next()?);
    let over_time = TagTimeline {
        centres_secs: times.by_ref().take(header.n_windows).collect(),
        window_secs,
        n_tags,
        whole_song: take(n_tags),
        probabilities: take(header.n_windows * n_tags),
    };
    let self_attention = take(n_own);
    let mut maps = Vec::new();
    for map in header.maps {
        maps.push(TokenMap {
            method: map.method,
            grid: Grid {
                samples_per_token: times.next()?,
                first_centre_samples: times.next()?,
                receptive_field_samples: times.next()?,
                n_tokens: map.n_tokens,
                sample_rate_hz: map.sample_rate_hz,
            },
            tags: map.tags,
            values: take(map.n_values),
        });
    }
    Some(SongExplanation {
        tags: header.tags,
        grid: maps.first()?.grid,
        duration_secs,
        over_time,
        self_attention,
        maps,
        completeness_error: header.completeness_error,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Cancel;
    use crate::predict::Shipped;

    fn explain(
        cache: &ExplanationCache,
        model: &Model,
        wave: &[f32],
        settings: &SongSettings,
        job: &Job,
    ) -> Result<SongExplanation, Error> {
        cache.song_in_parts(model, wave, settings, 0.0, job, &mut |_| {})
    }

    #[test]
    fn what_was_worked_out_once_is_there_at_once_and_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let cache = ExplanationCache::below(folder.path());
        let model = Shipped::Demo.load().unwrap();
        let wave: Vec<f32> = (0..model.input_samples + 30_000)
            .map(|i| (i as f32 * 0.01).sin())
            .collect();
        let usual = SongSettings::default();
        let occlusion = SongSettings {
            methods: vec![Method::Occlusion, Method::GradientInput],
            tags: Some(vec![2]),
            ..usual.clone()
        };
        // Whoever works in spite of this is told to stop.
        let stopped = || {
            let cancel = Cancel::new();
            cancel.cancel();
            Job::new(cancel, |_| ())
        };
        for settings in [&usual, &occlusion] {
            assert!(explain(&cache, &model, &wave, settings, &stopped()).is_err());
            let made = explain(&cache, &model, &wave, settings, &Job::quiet()).unwrap();
            assert_eq!(
                explain(&cache, &model, &wave, settings, &stopped()).unwrap(),
                made
            );
        }
        // Another sound, another model.
        assert!(explain(&cache, &model, &wave[1..], &usual, &stopped()).is_err());
        let other = model.with_fresh_head(1).unwrap();
        assert!(explain(&cache, &other, &wave, &usual, &stopped()).is_err());
        // A file that is cut off counts as none and is written anew.
        let path = cache.path(&model, &wave, &usual);
        let whole = std::fs::read(&path).unwrap();
        for n_bytes in [0, 7, 100, whole.len() - 1] {
            std::fs::write(&path, &whole[..n_bytes]).unwrap();
            assert!(
                explain(&cache, &model, &wave, &usual, &stopped()).is_err(),
                "{n_bytes} bytes"
            );
        }
        explain(&cache, &model, &wave, &usual, &Job::quiet()).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), whole);
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many() {
        let folder = tempfile::tempdir().unwrap();
        let model = Shipped::Demo.load().unwrap();
        let cache = ExplanationCache {
            most_bytes: 1,
            ..ExplanationCache::below(folder.path())
        };
        std::fs::create_dir_all(&cache.folder).unwrap();
        std::fs::write(cache.folder.join("note.txt"), "mine").unwrap();
        for n in [30_000, 40_000] {
            explain(
                &cache,
                &model,
                &vec![0.1; n],
                &SongSettings::default(),
                &Job::quiet(),
            )
            .unwrap();
            let names: Vec<_> = std::fs::read_dir(&cache.folder).unwrap().collect();
            assert_eq!(names.len(), 2, "{names:?}");
        }
        assert!(cache.folder.join("note.txt").is_file());
        assert!(
            cache
                .path(&model, &vec![0.1; 40_000], &SongSettings::default())
                .is_file()
        );
    }
}
