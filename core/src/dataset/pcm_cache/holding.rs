//! Who uses a shard, and removing one that nobody uses.
//!
//! Whoever reads or writes a shard holds a shared lock on its `.used` file, whose time of change says when that was last. A shard is only
//! removed by somebody who gets the exclusive lock, so that no process loses what it works with.

use super::super::Error;
use super::shard::{INDEX, SAMPLES, SUMS, USED, file_of};
use crate::file_lock::{Hold, open_locked};
use crate::job::Job;
use crate::machine;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// How often a waiting process looks whether the cache is free.
const DECODING_POLL: Duration = Duration::from_millis(100);
/// The same for what takes milliseconds.
const BRIEF_POLL: Duration = Duration::from_millis(2);

/// Notes that a shard is used from now on, until the file is dropped. `None` where files cannot be locked or written: then nobody can
/// remove the shard either. Fails if the shard is gone, while somebody removes it, and if this process has too many files open.
pub(super) fn hold(folder: &Path, shard: &str) -> io::Result<Option<Arc<File>>> {
    // Whoever lost this file alone gets another; of a shard that is gone nothing comes back.
    let is_there = file_of(folder, shard, SAMPLES).exists();
    held(folder, shard, File::options().create(is_there))
}

/// The same for a shard that is about to be made.
pub(super) fn hold_new(folder: &Path, shard: &str) -> io::Result<Option<Arc<File>>> {
    held(folder, shard, File::options().create(true))
}

fn held(folder: &Path, shard: &str, options: &mut OpenOptions) -> io::Result<Option<Arc<File>>> {
    let path = file_of(folder, shard, USED);
    match open_locked(&path, options.append(true), Hold::Shared) {
        Ok(file) => {
            // It only orders what is removed first.
            drop(file.set_modified(SystemTime::now()));
            Ok(Some(Arc::new(file)))
        }
        Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
        Err(TryLockError::Error(error))
            if error.kind() == io::ErrorKind::NotFound || machine::is_too_many_files(&error) =>
        {
            Err(error)
        }
        // A cache that may only be read, or that lies where there are no locks.
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

/// Removes a shard, unless somebody uses it. Returns whether it is gone.
pub(super) fn remove(folder: &Path, shard: &str) -> io::Result<bool> {
    let path = file_of(folder, shard, USED);
    let mut options = File::options();
    let options = options.create(true).append(true);
    let _held = match open_locked(&path, options, Hold::Exclusive) {
        Ok(file) => file,
        Err(TryLockError::WouldBlock) => return Ok(false),
        // Nobody can say whether it is used.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
            return Ok(false);
        }
        // Somebody has deleted the whole folder.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(true);
        }
        Err(TryLockError::Error(error)) => return Err(error),
    };
    // The index first: without it the rest is nothing.
    for kind in [INDEX, SAMPLES, SUMS, USED] {
        match std::fs::remove_file(file_of(folder, shard, kind)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(true)
}

/// Waits for the right to decode into the folder of a rate.
pub(super) fn lock_for_decoding(folder: &Path, job: &Job) -> Result<File, Error> {
    wait_for(folder, "lock", DECODING_POLL, || {
        job.check()?;
        job.report(0, 0, "waiting for another Attune that decodes audio");
        Ok(())
    })
}

/// Waits for the right to throw shards away below the cache's folder, of whatever rate. It is held for as long as that takes.
pub(super) fn lock_for_trimming(root: &Path) -> Result<File, Error> {
    wait_for(root, "trim.lock", BRIEF_POLL, || Ok(()))
}

/// Waits for the right to change the indexes in the folder of a rate. It is held for one write.
pub(super) fn lock_for_indexes(folder: &Path) -> Result<File, Error> {
    wait_for(folder, "index.lock", BRIEF_POLL, || Ok(()))
}

fn wait_for(
    folder: &Path,
    name: &str,
    poll: Duration,
    mut waiting: impl FnMut() -> Result<(), Error>,
) -> Result<File, Error> {
    let path = folder.join(name);
    let mut options = File::options();
    let options = options.create(true).truncate(false).write(true);
    loop {
        // The folder may be deleted at any time, also while somebody waits.
        std::fs::create_dir_all(folder).map_err(Error::io("make", folder))?;
        match open_locked(&path, options, Hold::Exclusive) {
            Ok(file) => return Ok(file),
            Err(TryLockError::WouldBlock) => {
                waiting()?;
                std::thread::sleep(poll);
            }
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::NotFound => {}
            Err(TryLockError::Error(error)) => return Err(Error::io("lock", path)(error)),
        }
    }
}
