//! What the list of runs shows of each, without reading its scalars.
//!
//! The writer keeps a digest of the events beside them (`summary.json`), with the number of bytes that it covers. A
//! reader takes it, folds in the lines after it, and so reads a few kilobytes of a run of any length. The
//! digest is never the truth: deleted, broken or old, the events are folded from the start.

use super::{
    About, Ends, Event, Measure, Pick, Record, Setting, Settings, Status, columns, lines, lock,
    settings,
};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};

const FILE: &str = "summary.json";
const VERSION: u32 = 4;

/// A run in the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunSummary {
    /// Name of its folder.
    pub id: String,
    /// Where it lies.
    pub folder: PathBuf,
    /// The user's name for it.
    pub name: String,
    /// Where it stands.
    pub status: Status,
    /// Model preset or name.
    pub model: String,
    /// Name of the data set.
    pub data: String,
    /// Name of the teacher, if it is a noisy student's run.
    pub teacher: Option<String>,
    /// When it began, in milliseconds since 1970 (UTC); `None` before its first event.
    pub started_unix_ms: Option<u64>,
    /// When it last wrote an event.
    pub last_unix_ms: Option<u64>,
    /// Training steps done.
    pub steps: u64,
    /// Epochs begun.
    pub epochs: u32,
    /// Lowest validation loss.
    pub best_loss: Option<f64>,
    /// Epoch of the lowest validation loss.
    pub best_epoch: Option<u32>,
    /// Macro ROC-AUC at the lowest validation loss.
    pub roc_auc_macro: Option<f64>,
    /// Macro average precision at the lowest validation loss.
    pub average_precision_macro: Option<f64>,
    /// ROC-AUC of localisation at the lowest validation loss; `None` as well if the recipe does not ask for it.
    pub localisation_roc_auc: Option<f64>,
    /// The same of the pointing game.
    pub pointing_game: Option<f64>,
    /// Scores of the validations, in the order of [`Measure::ALL`] and [`Pick::ALL`].
    #[serde(skip)]
    picked: [[Option<f64>; Pick::ALL.len()]; Measure::ALL.len()],
    /// What people say of it.
    pub about: About,
    /// Its recipe.
    pub settings: Settings,
    /// Macro ROC-AUC on the split evaluated last, as a rule the test split.
    pub test_roc_auc_macro: Option<f64>,
    /// Macro average precision on the split evaluated last.
    pub test_average_precision_macro: Option<f64>,
}

impl RunSummary {
    /// Reads what the list shows of one run. Fails if the folder cannot be read.
    pub fn read(folder: &Path) -> io::Result<Self> {
        // Before the events, so that an end is not missed: a writer says how it ends, then lets go.
        let has_writer = lock::has_writer(folder);
        let digest = Digest::load(folder)?;
        let best = digest.best();
        let steps = match columns::last_step(folder) {
            Some((n_rows, step)) if n_rows > digest.scalar_rows => step.max(digest.last_step),
            _ => digest.last_step,
        };
        let id = folder.file_name().unwrap_or_default().to_string_lossy();
        Ok(Self {
            id: id.into_owned(),
            status: if digest.status.needs_writer() && !has_writer {
                Status::Interrupted
            } else {
                digest.status
            },
            steps,
            epochs: digest.epochs,
            best_loss: best.map(|best| best.loss),
            best_epoch: best.map(|best| best.epoch),
            roc_auc_macro: best.and_then(|best| best.roc_auc_macro),
            average_precision_macro: best.and_then(|best| best.average_precision_macro),
            localisation_roc_auc: best.and_then(|best| best.localisation_roc_auc),
            pointing_game: best.and_then(|best| best.pointing_game),
            picked: digest.picked(),
            // What cannot be read is told where it is about to be changed.
            about: About::read(folder).unwrap_or_default(),
            settings: settings::read(folder, digest.extended),
            test_roc_auc_macro: digest.test.and_then(|test| test.0),
            test_average_precision_macro: digest.test.and_then(|test| test.1),
            folder: folder.to_owned(),
            name: digest.name,
            model: digest.model,
            data: digest.data,
            teacher: digest.teacher,
            started_unix_ms: digest.started_unix_ms,
            last_unix_ms: digest.last_unix_ms,
        })
    }
}

impl RunSummary {
    /// Its name for people: the title that it was given, else the name with which it began.
    pub fn title(&self) -> &str {
        if self.about.title.is_empty() {
            &self.name
        } else {
            &self.about.title
        }
    }

    /// A score of the validation split.
    pub fn validation(&self, measure: Measure, pick: Pick) -> Option<f64> {
        self.picked[measure as usize][pick as usize]
    }

    /// A setting by its dotted name or, if there is but one such, by the end of it (`preset` for `model.preset`).
    pub fn setting(&self, name: &str) -> Option<&Setting> {
        if let Some(setting) = self.settings.get(name) {
            return Some(setting);
        }
        let is_end = |full: &str| {
            let before = full.strip_suffix(name);
            before.is_some_and(|before| before.ends_with('.'))
        };
        let mut ends = self.settings.iter().filter(|(full, _)| is_end(full));
        let found = ends.next().map(|(_, setting)| setting);
        found.filter(|_| ends.next().is_none())
    }
}

/// The events of a run, folded to what the list needs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Digest {
    version: u32,
    /// Bytes of `events.jsonl` folded.
    events_bytes: u64,
    name: String,
    model: String,
    data: String,
    teacher: Option<String>,
    started_unix_ms: Option<u64>,
    last_unix_ms: Option<u64>,
    status: Status,
    last_step: u64,
    epochs: u32,
    /// Rows of `scalars/` that were there when the run was last resumed.
    scalar_rows: u64,
    validations: Vec<Brief>,
    test: Option<(Option<f64>, Option<f64>)>,
    /// What ends the run, if it was asked for more than its recipe.
    extended: Option<Ends>,
}

/// A validation whose loss was finite, as far as lists show it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Brief {
    pub(super) step: u64,
    pub(super) epoch: u32,
    pub(super) loss: f64,
    pub(super) roc_auc_macro: Option<f64>,
    pub(super) average_precision_macro: Option<f64>,
    pub(super) localisation_roc_auc: Option<f64>,
    pub(super) pointing_game: Option<f64>,
}

impl Digest {
    /// The digest of all whole lines of a run's events.
    pub(super) fn load(folder: &Path) -> io::Result<Self> {
        let kept = std::fs::read(folder.join(FILE))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .filter(|digest: &Self| digest.version == VERSION)
            .unwrap_or_default();
        for mut digest in [kept, Self::default()] {
            let mut reader = lines::Reader::from_offset(digest.events_bytes);
            if let Some(appended) = reader.read::<Record>(&folder.join(lines::FILE))? {
                for record in appended.values {
                    digest.take_in(&record, reader.offset());
                }
                return Ok(digest);
            }
        }
        Ok(Self::default())
    }

    /// Writes the digest beside the events. It saves readers time and may be missing: an error is of no consequence.
    pub(super) fn save(&self, folder: &Path) {
        let beside = folder.join(format!("{FILE}.part"));
        if let Ok(bytes) = serde_json::to_vec(self)
            && std::fs::write(&beside, bytes).is_ok()
        {
            drop(std::fs::rename(&beside, folder.join(FILE)));
        }
    }

    pub(super) fn take_in(&mut self, record: &Record, events_bytes: u64) {
        self.version = VERSION;
        self.events_bytes = events_bytes;
        self.last_unix_ms = Some(record.at_unix_ms);
        self.last_step = record.step;
        self.status = self.status.after(&record.event);
        match &record.event {
            Event::Started {
                name,
                model,
                data,
                teaching,
                ..
            } => {
                let teacher = teaching.as_ref().map(|teaching| &teaching.teacher);
                self.teacher = teacher.cloned();
                self.name.clone_from(name);
                self.model.clone_from(model);
                self.data.clone_from(data);
                self.started_unix_ms = Some(record.at_unix_ms);
            }
            Event::EpochStarted => self.epochs = record.epoch + 1,
            Event::Validated {
                loss,
                scores,
                localisation,
                ..
            } if loss.is_finite() => {
                let found = localisation.as_ref().map(|localisation| localisation.found);
                self.validations.push(Brief {
                    step: record.step,
                    epoch: record.epoch,
                    loss: *loss,
                    roc_auc_macro: scores.roc_auc_macro,
                    average_precision_macro: scores.average_precision_macro,
                    localisation_roc_auc: found.and_then(|found| found.roc_auc),
                    pointing_game: found.and_then(|found| found.pointing),
                });
            }
            Event::Evaluated { scores, .. } => {
                self.test = Some((scores.roc_auc_macro, scores.average_precision_macro));
            }
            Event::Extended(extension) => self.extended = Some(extension.ends),
            Event::Resumed { scalar_rows, .. } => {
                self.scalar_rows = *scalar_rows;
                self.epochs = self.epochs.min(record.epoch + 1);
                let validated = record.validations_count_to().unwrap_or(record.step);
                self.validations.retain(|brief| brief.step <= validated);
                self.test = None;
            }
            _ => {}
        }
    }

    /// All that still count, in the order of the log.
    pub(super) fn validations(&self) -> &[Brief] {
        &self.validations
    }

    fn picked(&self) -> [[Option<f64>; Pick::ALL.len()]; Measure::ALL.len()] {
        let of = |brief: &Brief, measure| match measure {
            Measure::Loss => Some(brief.loss),
            Measure::RocAuc => brief.roc_auc_macro,
            Measure::AveragePrecision => brief.average_precision_macro,
            Measure::LocalisationRocAuc => brief.localisation_roc_auc,
            Measure::PointingGame => brief.pointing_game,
        };
        let best = self.best();
        Measure::ALL.map(|measure| {
            let values = self
                .validations
                .iter()
                .filter_map(|brief| of(brief, measure));
            Pick::ALL.map(|pick| match pick {
                Pick::AtBest => best.as_ref().and_then(|brief| of(brief, measure)),
                Pick::Best if measure.is_loss() => values.clone().reduce(f64::min),
                Pick::Best => values.clone().reduce(f64::max),
                Pick::Last => self.validations.last().and_then(|brief| of(brief, measure)),
            })
        })
    }

    fn best(&self) -> Option<Brief> {
        let validations = self.validations.iter().copied();
        validations.reduce(|best, brief| if brief.loss < best.loss { brief } else { best })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Scores;
    use crate::run::RunLog;

    fn validated(loss: f64) -> Event {
        Event::Validated {
            loss,
            scores: Scores {
                roc_auc_macro: Some(1.0 - loss),
                ..Scores::default()
            },
            seconds: 0.1,
            localisation: None,
        }
    }

    #[test]
    fn the_kept_digest_and_a_fold_of_all_events_agree() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = RunLog::create(folder.path(), &toml::Table::new()).unwrap();
        log.event(0, 0, Event::EpochStarted).unwrap();
        log.event(10, 0, validated(0.5)).unwrap();
        log.event(20, 1, validated(0.1)).unwrap();
        drop(log);
        let mut log = RunLog::resume(folder.path(), 10, 0).unwrap();
        log.event(20, 1, validated(0.4)).unwrap();
        let read = || RunSummary::read(folder.path()).unwrap();
        let with_digest = read();
        assert_eq!(with_digest.best_loss, Some(0.4), "the 0.1 was forgotten");
        assert_eq!(with_digest.roc_auc_macro, Some(0.6));
        assert_eq!(with_digest.status, Status::Running);
        let digest = folder.path().join(FILE);
        for broken in [Some("rubbish"), None] {
            match broken {
                Some(text) => std::fs::write(&digest, text).unwrap(),
                None => std::fs::remove_file(&digest).unwrap(),
            }
            assert_eq!(read(), with_digest);
        }
        drop(log);
        assert_eq!(read().status, Status::Interrupted);
    }
}
