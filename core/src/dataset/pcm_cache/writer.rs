//! Appends decoded samples to a shard of its own and keeps the shard's checksums and index.
//!
//! A writer never touches the shards of earlier writers: others may have mapped them. It starts a new shard when the last one is full.

use super::super::Error;
use super::holding::hold_new;
use super::index::{Entry, IndexFile};
use super::shard::{INDEX, SAMPLES, SUMS, USED, file_of};
use super::sums::sums_of;
use pulp::bytemuck;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// A shard is closed once it is longer than this many samples (1 GiB).
const FULL_SHARD_SAMPLES: u64 = 1 << 29;
/// With a budget, shards are at most this part of it: what is thrown away is whole shards.
const SHARDS_IN_BUDGET: u64 = 16;
/// The index is written after so many samples (64 MiB): at most so much work is lost when the process is killed.
const SAMPLES_BETWEEN_INDEXES: u64 = 1 << 25;

/// The writing end of the cache. As long as it lives, nobody throws away what it wrote.
#[derive(Debug)]
pub(super) struct Writer {
    folder: PathBuf,
    full_samples: u64,
    shard: Option<OpenShard>,
    /// What holds the shards that are closed, by name.
    in_use: HashMap<String, Arc<File>>,
    /// Why nothing more can be written.
    failed: Option<(PathBuf, io::ErrorKind)>,
}

/// What [`Writer::append`] did.
#[derive(Debug)]
pub(super) struct Appended {
    /// The shard's name.
    pub(super) shard: String,
    /// Where the samples lie in it.
    pub(super) entry: Entry,
    /// Whether all that was appended so far is readable, so that it is a good time to look at the budget.
    pub(super) is_written: bool,
}

#[derive(Debug)]
struct OpenShard {
    name: String,
    samples_path: PathBuf,
    samples: BufWriter<File>,
    sums_path: PathBuf,
    sums: BufWriter<File>,
    index: IndexFile,
    n_samples: u64,
    n_sums: u64,
    n_indexed: u64,
    in_use: Option<Arc<File>>,
}

impl Writer {
    pub(super) fn new(folder: &Path, budget_bytes: Option<u64>) -> Self {
        let of_budget = budget_bytes.map(|bytes| bytes / SHARDS_IN_BUDGET / 2);
        Self {
            folder: folder.to_path_buf(),
            full_samples: of_budget.map_or(FULL_SHARD_SAMPLES, |n| n.min(FULL_SHARD_SAMPLES)),
            shard: None,
            in_use: HashMap::new(),
            failed: None,
        }
    }

    /// Appends one file's samples. After a failure (a full disk) every further call fails alike: nobody can say how much of what was to be
    /// written is in the shard, so that nothing may be put behind it. What was appended before can still be read.
    pub(super) fn append(&mut self, key: u128, samples: &[i16]) -> Result<Appended, Error> {
        if let Some((path, kind)) = &self.failed {
            return Err(Error::io("write", path)((*kind).into()));
        }
        let appended = self.try_append(key, samples);
        if let Err(error) = &appended {
            self.failed = Some(match error {
                Error::Io { path, source, .. } => (path.clone(), source.kind()),
                _ => (self.folder.clone(), io::ErrorKind::Other),
            });
            // The first error is the one to tell.
            drop(self.finish());
        }
        appended
    }

    fn try_append(&mut self, key: u128, samples: &[i16]) -> Result<Appended, Error> {
        let shard = match &mut self.shard {
            Some(shard) => shard,
            empty => empty.insert(OpenShard::create(&self.folder)?),
        };
        let entry = Entry {
            key,
            start: shard.n_samples,
            n_samples: samples.len() as u64,
            first_sum: shard.n_sums,
        };
        shard.append(samples)?;
        shard.index.push(entry);
        let name = shard.name.clone();
        let is_full = shard.n_samples >= self.full_samples;
        let is_long = shard.n_samples - shard.n_indexed >= SAMPLES_BETWEEN_INDEXES;
        if is_long && !is_full {
            shard.write_index()?;
        }
        if is_full {
            self.finish()?;
        }
        Ok(Appended {
            shard: name,
            entry,
            is_written: is_full || is_long,
        })
    }

    /// Makes what was appended so far readable: flushes the shard and writes its index. The shard stays open for more.
    pub(super) fn publish(&mut self) -> Result<(), Error> {
        self.shard.as_mut().map_or(Ok(()), OpenShard::write_index)
    }

    /// The same for the last time: what is appended from now on goes into another shard.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        match self.shard.take() {
            Some(mut shard) => {
                shard.write_index()?;
                self.in_use
                    .extend(shard.in_use.map(|file| (shard.name, file)));
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// What holds a shard of this writer.
    pub(super) fn holder(&self, shard: &str) -> Option<&Arc<File>> {
        let open = self.shard.as_ref().filter(|open| open.name == shard);
        match open {
            Some(open) => open.in_use.as_ref(),
            None => self.in_use.get(shard),
        }
    }
}

impl OpenShard {
    /// Creates a shard whose name was never used before, so that nobody takes its samples for those of one that was removed: the time,
    /// in nanoseconds since 1970, in hexadecimal digits. So names are in the order in which they were made.
    fn create(folder: &Path) -> Result<Self, Error> {
        // Somebody may have deleted it.
        std::fs::create_dir_all(folder).map_err(Error::io("make", folder))?;
        loop {
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            let name = format!("{:016x}", now.unwrap_or_default().as_nanos() as u64);
            let samples_path = file_of(folder, &name, SAMPLES);
            let in_use = match hold_new(folder, &name) {
                Ok(in_use) => in_use,
                // Who throws away leftovers was faster than the lock.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(error) => return Err(Error::io("lock", file_of(folder, &name, USED))(error)),
            };
            let samples = match File::create_new(&samples_path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(Error::io("write", samples_path)(error)),
            };
            let sums_path = file_of(folder, &name, SUMS);
            let sums = File::create_new(&sums_path).map_err(Error::io("write", &sums_path))?;
            return Ok(Self {
                index: IndexFile::create(file_of(folder, &name, INDEX))?,
                name,
                samples_path,
                samples: BufWriter::with_capacity(1 << 20, samples),
                sums_path,
                sums: BufWriter::new(sums),
                n_samples: 0,
                n_sums: 0,
                n_indexed: 0,
                in_use,
            });
        }
    }

    fn append(&mut self, samples: &[i16]) -> Result<(), Error> {
        self.samples
            .write_all(bytemuck::cast_slice(samples))
            .map_err(Error::io("write", &self.samples_path))?;
        for sum in sums_of(samples) {
            self.sums
                .write_all(&sum.to_le_bytes())
                .map_err(Error::io("write", &self.sums_path))?;
            self.n_sums += 1;
        }
        self.n_samples += samples.len() as u64;
        Ok(())
    }

    /// The samples and sums first, then the index that points at them: if these cannot be written, it names nothing more.
    fn write_index(&mut self) -> Result<(), Error> {
        for (path, file) in [
            (&self.samples_path, &mut self.samples),
            (&self.sums_path, &mut self.sums),
        ] {
            file.flush()
                .and_then(|()| file.get_ref().sync_data())
                .map_err(Error::io("write", path))?;
        }
        self.index.write()?;
        self.n_indexed = self.n_samples;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::index;
    use super::super::shard::Shard;
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn after_a_failed_write_no_entry_points_into_what_was_torn() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = Writer::new(folder.path(), None);
        let tone = |seed: i16| -> Vec<i16> { (0..70_000).map(|at| at as i16 ^ seed).collect() };
        let name = writer.append(1, &tone(1)).unwrap().shard;
        // More than is kept back, so that it fails at once: a disk that takes nothing more.
        let shard = writer.shard.as_mut().unwrap();
        shard.samples.flush().unwrap();
        let full = File::options().write(true).open("/dev/full").unwrap();
        let disk = std::mem::replace(shard.samples.get_mut(), full);
        let long: Vec<i16> = vec![7; 1 << 20];
        let error = writer.append(2, &long).unwrap_err();
        assert!(crate::workspace::is_disk_full(&error), "{error}");
        drop(disk);
        // Another thread had decoded a track meanwhile.
        let again = writer.append(3, &tone(3)).unwrap_err();
        assert!(crate::workspace::is_disk_full(&again), "{again}");
        writer.finish().unwrap();
        let shards = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(shards, 4, "no second shard was begun");
        let index = index::read(&file_of(folder.path(), &name, INDEX)).unwrap();
        let shard = Shard::open(folder.path(), &name).unwrap().unwrap();
        for entry in index {
            let place = shard.place(&entry).unwrap();
            let samples = shard.samples(place, 0..place.n_samples).unwrap();
            assert_eq!((entry.key, samples), (1, &*tone(1)));
        }
    }
}
