//! The folder of all runs: a place for a new one, the list, and finding one by its name.

use super::{Error, RunSummary, log};
use crate::workspace::TRASH;
use rayon::prelude::*;
use std::io;
use std::path::{Path, PathBuf};

/// Makes an empty folder for a new run under `runs`: `NAME-1`, `NAME-2`, … `name` is reduced to letters, digits, `-`, `_`
/// and `.`; two callers never get the same folder.
pub fn allocate(runs: &Path, name: &str) -> Result<PathBuf, Error> {
    std::fs::create_dir_all(runs).map_err(Error::io(runs))?;
    let name = plain_name(name);
    // A run in the trash keeps its number: what names it must not come to mean another.
    let discarded = folders(&runs.with_file_name(TRASH)).unwrap_or_default();
    let numbers = folders(runs)
        .map_err(Error::io(runs))?
        .into_iter()
        .chain(discarded)
        .filter_map(|folder| {
            let id = folder.file_name()?.to_str()?.to_owned();
            let number = id.strip_prefix(&name)?.strip_prefix('-')?;
            number.parse::<u64>().ok()
        });
    let mut number = numbers.max().unwrap_or(0) + 1;
    loop {
        let folder = runs.join(format!("{name}-{number}"));
        match std::fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(source) => {
                return Err(Error::Io {
                    path: folder,
                    source,
                });
            }
        }
    }
}

/// All runs under `runs`, the newest first. A folder that cannot be read, or holds no run, is left out. No runs folder:
/// no runs. Reads a few kilobytes per run and no scalars.
pub fn list(runs: &Path) -> Vec<RunSummary> {
    let mut summaries: Vec<RunSummary> = folders(runs)
        .unwrap_or_default()
        .into_par_iter()
        .filter(|folder| log::is_run(folder))
        .filter_map(|folder| RunSummary::read(&folder).ok())
        .collect();
    summaries
        .sort_by(|a, b| (b.started_unix_ms.cmp(&a.started_unix_ms)).then_with(|| b.id.cmp(&a.id)));
    summaries
}

/// The folder of the run that `id` means: a path to a run folder, a run's full id, or an unmistakable beginning of one.
pub fn find(runs: &Path, id: &str) -> Result<PathBuf, Error> {
    let is_path = Path::new(id).components().count() > 1 || id == ".";
    for folder in [runs.join(id), PathBuf::from(id)] {
        if !id.is_empty() && log::is_run(&folder) {
            return Ok(folder);
        }
    }
    let mut matching: Vec<_> = folders(runs)
        .unwrap_or_default()
        .into_iter()
        .filter(|folder| {
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            !is_path && !id.is_empty() && name.starts_with(id) && log::is_run(folder)
        })
        .collect();
    match (matching.pop(), matching.len()) {
        (Some(folder), 0) => Ok(folder),
        (last, more) => Err(Error::NotFound {
            id: id.to_owned(),
            found: more + usize::from(last.is_some()),
            folder: runs.to_owned(),
        }),
    }
}

fn folders(runs: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(runs)?;
    entries
        .filter(|entry| {
            entry.as_ref().map_or(true, |entry| {
                entry.file_type().is_ok_and(|kind| kind.is_dir())
            })
        })
        .map(|entry| entry.map(|entry| entry.path()))
        .collect()
}

fn plain_name(name: &str) -> String {
    let plain: String = name
        .trim()
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || "-_.".contains(c) {
                c
            } else {
                '-'
            }
        })
        .take(60)
        .collect();
    let plain = plain.trim_matches(['-', '.']);
    if plain.is_empty() { "run" } else { plain }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::RunLog;

    #[test]
    fn new_runs_are_numbered_by_name() {
        let runs = tempfile::tempdir().unwrap();
        let allocate = |name: &str| {
            let folder = super::allocate(runs.path(), name).unwrap();
            folder.file_name().unwrap().to_str().unwrap().to_owned()
        };
        assert_eq!(allocate("tiny"), "tiny-1");
        assert_eq!(allocate("tiny"), "tiny-2");
        assert_eq!(allocate("tiny student"), "tiny-student-1");
        assert_eq!(allocate("../../etc/passwd"), "etc-passwd-1");
        assert_eq!(allocate(" "), "run-1");
        std::fs::remove_dir(runs.path().join("tiny-1")).unwrap();
        assert_eq!(allocate("tiny"), "tiny-3");
    }

    #[test]
    fn a_run_is_found_by_its_id_the_beginning_of_it_or_its_path() {
        let runs = tempfile::tempdir().unwrap();
        for id in ["demo-1", "demo-12", "tunes-1"] {
            RunLog::create(&runs.path().join(id), &toml::Table::new()).unwrap();
        }
        let find = |id: &str| find(runs.path(), id).map_err(|error| error.to_string());
        assert_eq!(find("demo-1").unwrap(), runs.path().join("demo-1"));
        assert_eq!(find("tu").unwrap(), runs.path().join("tunes-1"));
        let path = runs.path().join("demo-12");
        assert_eq!(find(path.to_str().unwrap()).unwrap(), path);
        assert!(find("demo").unwrap_err().starts_with("2 runs match"));
        assert!(find("x").unwrap_err().starts_with("0 runs match"));
        assert!(find("").is_err());
        assert_eq!(list(runs.path()).len(), 3);
        assert!(list(&runs.path().join("none")).is_empty());
    }
}
