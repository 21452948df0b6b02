//! Runs that are worked through one after the other, by an experiment or from the queue: where each is trained, so that none is lost sight of
//! and none begun twice, however the program ends in between.

use super::{Checkpoints, DataChoice, Error, RunFile, TrainConfig};
use crate::run::{self, History};
use std::path::{Path, PathBuf};

impl TrainConfig {
    /// The same, to be carried out later and from another folder: paths are absolute, from where the program was started. Names of runs and of
    /// shipped models stay names.
    #[must_use]
    pub fn absolute(mut self) -> Self {
        let absolute = |path: &mut PathBuf| {
            if let Ok(found) = std::path::absolute(&path) {
                *path = found;
            }
        };
        let folder = |data: &mut DataChoice| {
            if let DataChoice::Folder(folder) = data {
                absolute(folder);
            }
        };
        folder(&mut self.data);
        if let Some(student) = &mut self.noisy_student {
            student.unlabelled.iter_mut().for_each(folder);
            if student.teacher.exists() {
                absolute(&mut student.teacher);
            }
        }
        if let Some(point) = &mut self.branch_from
            && point.run.exists()
        {
            absolute(&mut point.run);
        }
        self
    }
}

/// Where a run is trained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its folder.
    pub folder: PathBuf,
    /// Whether the run is in it, to go on with; else the folder is empty.
    pub is_begun: bool,
}

/// The place of the run with the recipe `config` (its augmentation in full) for which `noted` was kept, or for which there is none yet.
///
/// If another run has taken the folder since, a new one is made under `runs`. Fails if that cannot be done.
pub fn place(noted: Option<PathBuf>, config: &TrainConfig, runs: &Path) -> Result<Place, Error> {
    let (folder, is_begun) = match noted.map(|folder| (what_is_in(&folder, config), folder)) {
        Some((Inside::Run, folder)) => (folder, true),
        Some((Inside::Nothing, folder)) => (folder, false),
        Some((Inside::Rest, folder)) => {
            std::fs::remove_dir_all(&folder)
                .and_then(|()| std::fs::create_dir(&folder))
                .map_err(|source| Error::Write {
                    path: folder.clone(),
                    source,
                })?;
            (folder, false)
        }
        Some((Inside::Other, _)) | None => (run::allocate(runs, &config.label())?, false),
    };
    Ok(Place { folder, is_begun })
}

/// What is in the folder that was noted.
enum Inside {
    /// The run, to go on with.
    Run,
    /// Nothing: the program ended before the run began.
    Nothing,
    /// Its configuration and no event: the program ended while it began.
    Rest,
    /// Another run: the folder was removed, and its name given again.
    Other,
}

fn what_is_in(folder: &Path, config: &TrainConfig) -> Inside {
    let is_empty = std::fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none());
    if is_empty {
        // A name that is free may be taken by somebody else at any time; a folder that is there is of whoever noted it.
        return if folder.is_dir() {
            Inside::Nothing
        } else {
            Inside::Other
        };
    }
    let is_ours = RunFile::read(folder).is_ok_and(|run_file| run_file.config == *config);
    // A log that cannot be read now may hold a run: only one that proves empty is taken away.
    let has_begun = History::open(folder).map_or(true, |history| history.started().is_some())
        || Checkpoints::of(folder).last().exists();
    match (is_ours, has_begun) {
        (true, true) => Inside::Run,
        (true, false) if !run::has_writer(folder) => Inside::Rest,
        _ => Inside::Other,
    }
}
