//! The snapshots of a run: `snapshots/step-00001234.safetensors`, the weights of each validation, if its recipe asks for them.
//!
//! A file is a complete model and is written whole or not at all, so that its name alone says that it is there. What training found out at
//! its step is in the events; other files in the folder are passed over.

use super::Error;
use super::summary::{Brief, Digest};
use serde::Serialize;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

const FOLDER: &str = "snapshots";
const HEAD: &str = "step-";
const TAIL: &str = ".safetensors";

/// The weights of one validation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Snapshot {
    /// Training steps done by then.
    pub step: u64,
    /// Epoch, from 0; `None` if the log knows of no validation at this step, and so below.
    pub epoch: Option<u32>,
    /// Validation loss.
    pub loss: Option<f64>,
    /// Macro ROC-AUC on the validation split.
    pub roc_auc_macro: Option<f64>,
    /// Macro average precision on the validation split.
    pub average_precision_macro: Option<f64>,
    /// ROC-AUC of localisation on validation tracks with timelines, if the recipe asks for it.
    pub localisation_roc_auc: Option<f64>,
    /// The same of the pointing game.
    pub pointing_game: Option<f64>,
    /// The file of weights.
    pub path: PathBuf,
}

/// Where the snapshot of a step lies in a run's folder.
pub fn snapshot_path(run_folder: &Path, step: u64) -> PathBuf {
    run_folder
        .join(FOLDER)
        .join(format!("{HEAD}{step:08}{TAIL}"))
}

/// The snapshots of a run, by rising step; none if there is no such folder. Reads the run's digest and names of files, no weights.
///
/// Fails with [`Error::Io`] if the folder or the events cannot be read.
pub fn snapshots(run_folder: &Path) -> Result<Vec<Snapshot>, Error> {
    let found = steps(run_folder)?;
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let digest = Digest::load(run_folder).map_err(Error::io(run_folder))?;
    // Of two validations of one step the later one counts.
    let validations = digest.validations();
    let validations: BTreeMap<u64, &Brief> = validations.iter().map(|v| (v.step, v)).collect();
    let snapshot = |(step, path): (u64, PathBuf)| {
        let validation = validations.get(&step);
        Snapshot {
            step,
            epoch: validation.map(|v| v.epoch),
            loss: validation.map(|v| v.loss),
            roc_auc_macro: validation.and_then(|v| v.roc_auc_macro),
            average_precision_macro: validation.and_then(|v| v.average_precision_macro),
            localisation_roc_auc: validation.and_then(|v| v.localisation_roc_auc),
            pointing_game: validation.and_then(|v| v.pointing_game),
            path,
        }
    };
    Ok(found.into_iter().map(snapshot).collect())
}

/// Takes away the snapshots of later steps than `step`, and what a killed writer left half written.
///
/// A run that goes on from `step` does the later steps again and may validate at others, so that these would be of no validation.
pub fn forget_snapshots_after(run_folder: &Path, step: u64) -> Result<(), Error> {
    let later = steps(run_folder)?.into_iter().filter(|(at, _)| *at > step);
    for (_, path) in later {
        std::fs::remove_file(&path).map_err(Error::io(path))?;
    }
    for path in files(run_folder)? {
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or("");
        if name.starts_with(HEAD) && path.extension() == Some(OsStr::new("part")) {
            std::fs::remove_file(&path).map_err(Error::io(path))?;
        }
    }
    Ok(())
}

/// The snapshots by their steps.
fn steps(run_folder: &Path) -> Result<BTreeMap<u64, PathBuf>, Error> {
    let found = files(run_folder)?.into_iter().filter_map(|path| {
        let name = path.file_name()?.to_str()?;
        let step = name.strip_prefix(HEAD)?.strip_suffix(TAIL)?.parse().ok()?;
        // Whoever writes another name for the same step is no writer of snapshots.
        (path == snapshot_path(run_folder, step)).then_some((step, path))
    });
    Ok(found.collect())
}

fn files(run_folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let folder = run_folder.join(FOLDER);
    let entries = match std::fs::read_dir(&folder) {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(Vec::new());
        }
        entries => entries.map_err(Error::io(&folder))?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(Error::io(&folder))?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Scores;
    use crate::run::{Event, RunLog};

    fn write(run: &Path, name: &str) {
        std::fs::write(run.join(FOLDER).join(name), "weights").unwrap();
    }

    fn found(run: &Path) -> Vec<u64> {
        let snapshots = snapshots(run).unwrap();
        snapshots.iter().map(|snapshot| snapshot.step).collect()
    }

    #[test]
    fn snapshots_are_listed_by_step_with_what_the_log_knows_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path();
        let mut log = RunLog::create(run, &toml::Table::new()).unwrap();
        assert!(snapshots(run).unwrap().is_empty(), "no folder, none");
        let scores = Scores {
            roc_auc_macro: Some(0.75),
            ..Scores::default()
        };
        let validated = Event::Validated {
            loss: 0.5,
            scores,
            seconds: 0.1,
            localisation: None,
        };
        log.event(20, 1, validated).unwrap();
        std::fs::create_dir_all(run.join(FOLDER).join("step-00000007.safetensors")).unwrap();
        for name in [
            "step-123456789.safetensors",
            "step-00000020.safetensors",
            "step-00000003.safetensors",
            "step-00000030.safetensors.4711.part",
            "step-5.safetensors",
            "step-+0000009.safetensors",
            "step-.safetensors",
            "notes.txt",
        ] {
            write(run, name);
        }
        let all = snapshots(run).unwrap();
        assert_eq!(found(run), [3, 20, 123_456_789]);
        assert_eq!((all[0].epoch, all[0].loss), (None, None));
        assert_eq!((all[1].epoch, all[1].loss), (Some(1), Some(0.5)));
        assert_eq!(all[1].roc_auc_macro, Some(0.75));
        assert_eq!(all[1].average_precision_macro, None);
        assert_eq!(all[1].path, snapshot_path(run, 20));
    }

    #[test]
    fn what_came_after_a_step_and_what_is_half_written_is_forgotten_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path();
        forget_snapshots_after(run, 0).unwrap();
        std::fs::create_dir(run.join(FOLDER)).unwrap();
        for step in [10, 20, 30] {
            std::fs::write(snapshot_path(run, step), "weights").unwrap();
        }
        write(run, "step-00000030.safetensors.4711.part");
        write(run, "notes.txt");
        forget_snapshots_after(run, 20).unwrap();
        assert_eq!(found(run), [10, 20]);
        assert_eq!(files(run).unwrap().len(), 3, "two snapshots and the notes");
    }
}
