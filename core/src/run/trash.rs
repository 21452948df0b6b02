//! Runs that were thrown away: moved, whole, into a folder of their own, until it is emptied.

use super::{Error, RunSummary, lock, store};
use std::path::{Path, PathBuf};

/// Moves the run in `folder` into `trash`; gives where it lies now.
///
/// Fails with [`Error::Locked`] while somebody writes it, with [`Error::NoRun`] if it is none, with [`Error::Foreign`] if it is not of the
/// trash's workspace, with [`Error::Io`] if it cannot be moved.
pub fn discard(folder: &Path, trash: &Path) -> Result<PathBuf, Error> {
    if !super::log::is_run(folder) {
        return Err(Error::NoRun(folder.to_owned()));
    }
    // Runs lie in a folder beside the trash.
    if folder.parent().and_then(Path::parent) != trash.parent() {
        return Err(Error::Foreign(folder.to_owned()));
    }
    if lock::has_writer(folder) {
        return Err(Error::Locked(folder.to_owned()));
    }
    move_into(folder, trash)
}

/// Moves a discarded run back into `runs`; gives where it lies now: where it was, unless another run has taken its name.
///
/// Fails with [`Error::NoRun`] if it does not lie in `trash`.
pub fn restore(discarded: &Path, trash: &Path, runs: &Path) -> Result<PathBuf, Error> {
    if discarded.parent() != Some(trash) {
        return Err(Error::NoRun(discarded.to_owned()));
    }
    move_into(discarded, runs)
}

/// Deletes everything in `trash` for good; gives how many runs that were.
pub fn empty(trash: &Path) -> Result<usize, Error> {
    let discarded = store::list(trash);
    for run in &discarded {
        std::fs::remove_dir_all(&run.folder).map_err(Error::io(&run.folder))?;
    }
    Ok(discarded.len())
}

/// Runs in the trash, the newest first.
pub fn discarded(trash: &Path) -> Vec<RunSummary> {
    store::list(trash)
}

fn move_into(folder: &Path, place: &Path) -> Result<PathBuf, Error> {
    std::fs::create_dir_all(place).map_err(Error::io(place))?;
    let id = folder.file_name().unwrap_or_default().to_string_lossy();
    let mut to = place.join(&*id);
    let mut n = 2;
    while to.exists() {
        to = place.join(format!("{id}-again-{n}"));
        n += 1;
    }
    let moved = std::fs::rename(folder, &to);
    moved.map_err(Error::io(format!(
        "{} to {}",
        folder.display(),
        to.display()
    )))?;
    Ok(to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::RunLog;

    #[test]
    fn a_discarded_run_comes_back_whole_and_what_is_written_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (runs, trash) = (folder.path().join("runs"), folder.path().join("trash"));
        let run = runs.join("demo-1");
        let log = RunLog::create(&run, &toml::Table::new()).unwrap();
        assert!(matches!(discard(&run, &trash), Err(Error::Locked(_))));
        drop(log);
        let elsewhere = folder.path().join("other/trash");
        assert!(matches!(discard(&run, &elsewhere), Err(Error::Foreign(_))));
        let lies = discard(&run, &trash).unwrap();
        assert!(store::list(&runs).is_empty());
        assert_eq!(discarded(&trash).len(), 1);
        // Its name is taken meanwhile.
        RunLog::create(&run, &toml::Table::new()).unwrap();
        assert!(
            restore(&run, &trash, &runs).is_err(),
            "it is not in the trash"
        );
        let back = restore(&lies, &trash, &runs).unwrap();
        assert_eq!(back, runs.join("demo-1-again-2"));
        assert_eq!(store::list(&runs).len(), 2);
        discard(&back, &trash).unwrap();
        discard(&run, &trash).unwrap();
        assert_eq!(empty(&trash).unwrap(), 2);
        assert!(discarded(&trash).is_empty());
        assert!(matches!(discard(&run, &trash), Err(Error::NoRun(_))));
    }
}
