//! The folder of all runs: a place for a new one, the list, and finding one by its name.

use super::{Error, RunSummary};
use std::path::{Path, PathBuf};

/// Makes an empty folder for a new run under `runs`: `NAME-1`, `NAME-2`, … `name` is reduced to letters, digits, `-` and `_`.
pub fn allocate(runs: &Path, name: &str) -> Result<PathBuf, Error> {
    let _ = (runs, name);
    unimplemented!()
}

/// All runs under `runs`, newest first. A folder that cannot be read is left out. No runs folder: no runs.
pub fn list(runs: &Path) -> Vec<RunSummary> {
    let _ = runs;
    unimplemented!()
}

/// The folder of the run that `id` means: its full id, an unmistakable beginning of it, or a path to a run folder.
pub fn find(runs: &Path, id: &str) -> Result<PathBuf, Error> {
    let _ = (runs, id);
    unimplemented!()
}
