//! Locking a file by its path.
//!
//! A lock belongs to what was opened, not to the path: between opening and locking somebody may remove the file and another make it anew.
//! Then two processes would each hold a lock and both believe that the path is theirs.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

/// With whom a lock is shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    /// With all who hold it shared as well.
    Shared,
    /// With nobody.
    Exclusive,
}

/// Opens a file and locks it without waiting; what is locked is what lies under the path at that time.
///
/// Fails with [`TryLockError::WouldBlock`] while somebody else holds it, else with what opening or locking said.
pub(crate) fn open_locked(
    path: &Path,
    options: &OpenOptions,
    hold: Hold,
) -> Result<File, TryLockError> {
    loop {
        let file = options.open(path).map_err(TryLockError::Error)?;
        match hold {
            Hold::Shared => file.try_lock_shared()?,
            Hold::Exclusive => file.try_lock()?,
        }
        if lies_at(&file, path) {
            return Ok(file);
        }
    }
}

/// Whether the path leads to this very file.
#[cfg(unix)]
fn lies_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let id = |meta: std::io::Result<std::fs::Metadata>| meta.ok().map(|m| (m.dev(), m.ino()));
    let own = id(file.metadata());
    own.is_some() && own == id(path.metadata())
}

/// Elsewhere a file that somebody has open cannot be removed.
#[cfg(not(unix))]
fn lies_at(_file: &File, _path: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    #[test]
    fn of_those_who_lock_and_remove_a_file_one_at_a_time_holds_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lock");
        let (n_inside, n_held) = (AtomicU32::new(0), AtomicU32::new(0));
        let was_shared = AtomicBool::new(false);
        let mut options = File::options();
        let options = options.create(true).append(true);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..2000 {
                        let Ok(held) = open_locked(&path, options, Hold::Exclusive) else {
                            continue;
                        };
                        let others = n_inside.fetch_add(1, Ordering::SeqCst);
                        was_shared.fetch_or(others > 0, Ordering::SeqCst);
                        n_held.fetch_add(1, Ordering::SeqCst);
                        std::thread::yield_now();
                        n_inside.fetch_sub(1, Ordering::SeqCst);
                        // While it is held, as who throws a shard away does.
                        std::fs::remove_file(&path).unwrap();
                        drop(held);
                    }
                });
            }
        });
        assert!(n_held.into_inner() > 100);
        assert!(!was_shared.into_inner());
    }
}
