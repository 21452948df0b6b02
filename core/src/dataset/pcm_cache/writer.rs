//! Appends decoded samples to a shard of its own and keeps the shard's index.
//!
//! A writer never touches the shards of earlier writers: others may have mapped them. It starts a new shard when the last one is full.

use super::super::Error;
use super::index::{Entry, Index};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A shard is closed once it is longer than this many samples (1 GiB).
const FULL_SHARD_SAMPLES: u64 = 1 << 29;
/// The index is written after so many samples (64 MiB): at most so much work is lost when the process is killed.
const SAMPLES_BETWEEN_INDEXES: u64 = 1 << 25;

/// The writing end of the cache; there is one at a time, its owner holds the cache's lock.
pub(super) struct Writer {
    folder: PathBuf,
    shard: Option<OpenShard>,
}

struct OpenShard {
    name: String,
    path: PathBuf,
    file: BufWriter<File>,
    index: Index,
    n_samples: u64,
    n_indexed: u64,
}

impl Writer {
    pub(super) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_path_buf(),
            shard: None,
        }
    }

    /// Appends one file's samples. Returns the name of the shard and the entry that was made.
    pub(super) fn append(
        &mut self,
        key: String,
        samples: &[i16],
    ) -> Result<(String, Entry), Error> {
        if self
            .shard
            .as_ref()
            .is_some_and(|shard| shard.n_samples >= FULL_SHARD_SAMPLES)
        {
            self.finish()?;
        }
        let shard = match &mut self.shard {
            Some(shard) => shard,
            empty => empty.insert(OpenShard::create(&self.folder)?),
        };
        let entry = Entry {
            key,
            start: shard.n_samples,
            n_samples: samples.len() as u64,
        };
        shard.append(samples)?;
        shard.index.entries.push(entry.clone());
        if shard.n_samples - shard.n_indexed >= SAMPLES_BETWEEN_INDEXES {
            shard.write_index()?;
        }
        Ok((shard.name.clone(), entry))
    }

    /// Makes what was appended so far readable: flushes the shard and writes its index.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        match self.shard.take() {
            Some(mut shard) => shard.write_index(),
            None => Ok(()),
        }
    }
}

impl OpenShard {
    /// Creates the shard with the first free number.
    fn create(folder: &Path) -> Result<Self, Error> {
        for number in 0u32.. {
            let name = format!("{number:05}");
            let path = folder.join(format!("{name}.pcm"));
            match File::create_new(&path) {
                Ok(file) => {
                    return Ok(Self {
                        name,
                        path,
                        file: BufWriter::with_capacity(1 << 20, file),
                        index: Index::new(),
                        n_samples: 0,
                        n_indexed: 0,
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(Error::io("write", path)(error)),
            }
        }
        Err(Error::BadConfig(
            "the cache has no shard number left".into(),
        ))
    }

    fn append(&mut self, samples: &[i16]) -> Result<(), Error> {
        let mut bytes = [0; 8192];
        for block in samples.chunks(bytes.len() / 2) {
            for (bytes, sample) in bytes.chunks_exact_mut(2).zip(block) {
                bytes.copy_from_slice(&sample.to_ne_bytes());
            }
            self.file
                .write_all(&bytes[..block.len() * 2])
                .map_err(Error::io("write", &self.path))?;
        }
        self.n_samples += samples.len() as u64;
        Ok(())
    }

    /// The samples first, then the index that points at them.
    fn write_index(&mut self) -> Result<(), Error> {
        self.file
            .flush()
            .and_then(|()| self.file.get_ref().sync_data())
            .map_err(Error::io("write", &self.path))?;
        self.index.write(&self.path.with_extension("index"))?;
        self.n_indexed = self.n_samples;
        Ok(())
    }
}
