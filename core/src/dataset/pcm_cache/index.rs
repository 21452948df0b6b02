//! The index of one shard: which file's samples lie where in it. Records of one length, appended and never changed.
//!
//! Who verifies may take records out while somebody still appends to the shard. So an index is opened by its path for each write, under a
//! lock that is held just so long.
//!
//! Not JSON: a cache of a million tracks would be read for seconds at each start. Each record carries its own checksum, so that a record
//! that was half written or damaged is as good as none: its track is decoded again.

use super::super::Error;
use super::holding::lock_for_indexes;
use super::sums::sum_of;
use std::collections::HashSet;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// What an index begins with. Of others (older versions) nothing is used, so that the audio is decoded again.
const MAGIC: &[u8; 8] = b"AttPCM2\n";
/// Length of a record: key, start, number of samples, first sum, checksum of these.
const RECORD_BYTES: usize = 16 + 4 * 8;

/// Where one file's samples lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Entry {
    /// Condenses path, size and time of change of the audio file, and the rate.
    pub(super) key: u128,
    /// First sample, counted in samples from the start of the shard.
    pub(super) start: u64,
    /// How many samples.
    pub(super) n_samples: u64,
    /// Number of the first of its checksums among those of the shard.
    pub(super) first_sum: u64,
}

impl Entry {
    fn to_record(self) -> [u8; RECORD_BYTES] {
        let mut record = [0; RECORD_BYTES];
        record[..16].copy_from_slice(&self.key.to_be_bytes());
        record[16..24].copy_from_slice(&self.start.to_le_bytes());
        record[24..32].copy_from_slice(&self.n_samples.to_le_bytes());
        record[32..40].copy_from_slice(&self.first_sum.to_le_bytes());
        let sum = sum_of(&record[..40]);
        record[40..].copy_from_slice(&sum.to_le_bytes());
        record
    }

    fn of_record(record: &[u8; RECORD_BYTES]) -> Option<Self> {
        let number = |at: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&record[at..at + 8]);
            u64::from_le_bytes(bytes)
        };
        let mut key = [0; 16];
        key.copy_from_slice(&record[..16]);
        (number(40) == sum_of(&record[..40])).then(|| Self {
            key: u128::from_be_bytes(key),
            start: number(16),
            n_samples: number(24),
            first_sum: number(32),
        })
    }
}

/// All sound records of an index; `None` if it is not there or of another version.
pub(super) fn read(path: &Path) -> Option<Vec<Entry>> {
    let bytes = std::fs::read(path).ok()?;
    let (records, _cut_off) = bytes.strip_prefix(MAGIC)?.as_chunks::<RECORD_BYTES>();
    Some(records.iter().filter_map(Entry::of_record).collect())
}

/// An index that is being written.
#[derive(Debug)]
pub(super) struct IndexFile {
    path: PathBuf,
    waiting: Vec<u8>,
}

impl IndexFile {
    /// Begins an index of nothing.
    pub(super) fn create(path: PathBuf) -> Result<Self, Error> {
        File::create_new(&path)
            .and_then(|mut file| file.write_all(MAGIC))
            .map_err(Error::io("write", &path))?;
        Ok(Self {
            path,
            waiting: Vec::new(),
        })
    }

    /// Takes in an entry; it is on disk after [`Self::write`].
    pub(super) fn push(&mut self, entry: Entry) {
        self.waiting.extend(entry.to_record());
    }

    /// Appends what was taken in. What it points at must be on disk.
    pub(super) fn write(&mut self) -> Result<(), Error> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let _held = lock_for_indexes(folder_of(&self.path))?;
        File::options()
            .append(true)
            .open(&self.path)
            .and_then(|mut file| {
                file.write_all(&self.waiting)?;
                file.sync_data()
            })
            .map_err(Error::io("write", &self.path))?;
        self.waiting.clear();
        Ok(())
    }
}

/// Takes entries out of an index.
pub(super) fn remove(path: &Path, removed: &HashSet<Entry>) -> Result<(), Error> {
    let _held = lock_for_indexes(folder_of(path))?;
    // As it is now: somebody may have appended to it.
    let Some(entries) = read(path) else {
        return Ok(());
    };
    let kept = entries.into_iter().filter(|entry| !removed.contains(entry));
    let records: Vec<u8> = kept.flat_map(Entry::to_record).collect();
    crate::workspace::write_whole(path, |file| {
        file.write_all(MAGIC)?;
        file.write_all(&records)
    })
    .map_err(Error::io("write", path))
}

fn folder_of(index: &Path) -> &Path {
    index.parent().unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_and_half_written_records_are_as_good_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("an.index");
        let entries: Vec<Entry> = (0..5)
            .map(|n| Entry {
                key: u128::MAX / 7 * n,
                start: n as u64 * 1000,
                n_samples: 999,
                first_sum: n as u64,
            })
            .collect();
        let mut index = IndexFile::create(path.clone()).unwrap();
        for entry in &entries {
            index.push(*entry);
        }
        assert_eq!(read(&path).unwrap(), [], "not written yet");
        index.write().unwrap();
        assert_eq!(read(&path).unwrap(), entries);
        let whole = std::fs::read(&path).unwrap();
        for at in MAGIC.len()..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            std::fs::write(&path, bytes).unwrap();
            let mut expected = entries.clone();
            expected.remove((at - MAGIC.len()) / RECORD_BYTES);
            assert_eq!(read(&path).unwrap(), expected, "byte {at}");
        }
        std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        assert_eq!(read(&path).unwrap(), entries[..4]);
        std::fs::write(&path, "{\"version\":1,\"entries\":[]}").unwrap();
        assert_eq!(read(&path), None);
    }

    #[test]
    fn what_is_taken_out_while_somebody_appends_costs_no_other_entry() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("an.index");
        let entry = |key: u128| Entry {
            key,
            start: 0,
            n_samples: 9,
            first_sum: 0,
        };
        let mut index = IndexFile::create(path.clone()).unwrap();
        for key in 0..6 {
            index.push(entry(key));
            index.write().unwrap();
            if key % 2 == 0 {
                remove(&path, &HashSet::from([entry(key)])).unwrap();
            }
        }
        assert_eq!(read(&path).unwrap(), [1, 3, 5].map(entry));
    }
}
