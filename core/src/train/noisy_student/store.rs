//! Pseudo-labels of whole tracks on the disk, so that they are made once for a teacher, and a run that was killed while it made them
//! goes on where it was.
//!
//! ```text
//! cache/pseudo-labels/FINGERPRINT.f32   records: the track's key (16 bytes), then a probability a tag of the teacher, little endian
//! ```
//!
//! The file only grows, under a lock; a record without its end does not count and is cut off by the next writer.

use super::super::{Error, prepare::whole_track};
use crate::dataset::{Dataset, PcmCache};
use crate::job::Job;
use crate::predict::{self, Model};
use std::collections::HashMap;
use std::fs::{File, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

const KEY_BYTES: usize = 16;
/// How often a waiting process looks whether the file is free.
const LOCK_POLL: Duration = Duration::from_millis(100);

/// The teacher's probabilities, `[its tags]`, of each of the tracks, whole, averaged over their chunks. Those that are in `folder` already
/// are read, the others made and added. Tracks without audio in the cache are left out.
pub(in crate::train) fn label_tracks(
    teacher: &Model,
    dataset: &Dataset,
    cache: &PcmCache,
    track_idxs: &[usize],
    folder: &Path,
    job: &Job,
) -> Result<HashMap<usize, Vec<f32>>, Error> {
    let path = folder.join(format!("{}.f32", teacher.fingerprint));
    let failed = |source| Error::Write {
        path: path.clone(),
        source,
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    let mut file = File::options()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(&path)
        .map_err(failed)?;
    lock(&file, job)?.map_err(failed)?;
    let known = read(&mut file, teacher.tags.len()).map_err(failed)?;
    let mut labels = HashMap::with_capacity(track_idxs.len());
    for (n_done, &track_idx) in track_idxs.iter().enumerate() {
        job.check()?;
        let total = track_idxs.len() as u64;
        job.report(n_done as u64, total, "labelling with the teacher");
        let key = cache.key(&dataset.tracks[track_idx])?;
        let key = blake3::hash(key.as_bytes());
        let key: [u8; KEY_BYTES] = std::array::from_fn(|i| key.as_bytes()[i]);
        if let Some(probabilities) = known.get(&key) {
            labels.insert(track_idx, probabilities.clone());
            continue;
        }
        let rate_hz = teacher.sample_rate_hz();
        if let Some(wave) = whole_track(dataset, track_idx, cache, rate_hz)? {
            let probabilities = predict::tag_track(teacher, &wave, &Job::quiet())?;
            let mut record = key.to_vec();
            record.extend(probabilities.iter().flat_map(|p| p.to_le_bytes()));
            file.write_all(&record).map_err(failed)?;
            labels.insert(track_idx, probabilities);
        }
    }
    Ok(labels)
}

/// Waits for the right to write; released with the file.
fn lock(file: &File, job: &Job) -> Result<std::io::Result<()>, Error> {
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Ok(())),
            Err(TryLockError::WouldBlock) => {
                job.check()?;
                job.report(0, 0, "waiting for another Attune that labels tracks");
                std::thread::sleep(LOCK_POLL);
            }
            Err(TryLockError::Error(error)) => return Ok(Err(error)),
        }
    }
}

/// All whole records; the file is then at their end, and what was half written is gone.
fn read(file: &mut File, n_tags: usize) -> std::io::Result<HashMap<[u8; KEY_BYTES], Vec<f32>>> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let size = KEY_BYTES + 4 * n_tags;
    let mut known = HashMap::new();
    for record in bytes.chunks_exact(size) {
        let (key, values) = record.split_at(KEY_BYTES);
        let key = std::array::from_fn(|i| key[i]);
        let numbers = values.chunks_exact(4);
        known.insert(
            key,
            numbers
                .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
                .collect(),
        );
    }
    let whole = (bytes.len() / size * size) as u64;
    file.set_len(whole)?;
    file.seek(SeekFrom::Start(whole))?;
    Ok(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_written_record_is_cut_off_and_the_whole_ones_are_kept() {
        let mut file = tempfile::tempfile().unwrap();
        let record = |key: u8| -> Vec<u8> {
            let values = [0.25f32, f32::from(key)];
            let bytes = values.iter().flat_map(|x| x.to_le_bytes());
            std::iter::repeat_n(key, KEY_BYTES).chain(bytes).collect()
        };
        file.write_all(&record(1)).unwrap();
        file.write_all(&record(2)[..19]).unwrap();
        file.rewind().unwrap();
        let known = read(&mut file, 2).unwrap();
        assert_eq!(known.len(), 1);
        assert_eq!(known[&[1; KEY_BYTES]], [0.25, 1.0]);
        file.write_all(&record(3)).unwrap();
        file.rewind().unwrap();
        assert_eq!(read(&mut file, 2).unwrap().len(), 2);
    }
}
