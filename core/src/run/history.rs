//! A run's history, folded from its files. Reading goes on where it ended, so that a run is followed while it grows.

use super::columns::{self, Rows};
use super::log::{self, CONFIGURATION};
use super::pauses::Pauses;
use super::{
    Clock, Ends, Error, Event, Extension, Record, Scalar, Series, Status, Teaching, TimelineScores,
    lines, lock,
};
use crate::metrics::{PseudoLabels, Scores};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One scoring of the validation split.
#[derive(Clone, Debug, PartialEq)]
pub struct Validation {
    /// When, in milliseconds since 1970 (UTC).
    pub at_unix_ms: u64,
    /// Training steps done by then.
    pub step: u64,
    /// Epoch, from 0.
    pub epoch: u32,
    /// Binary cross entropy of the averaged probabilities; NaN if it was not finite.
    pub loss: f64,
    /// ROC-AUC and average precision.
    pub scores: Arc<Scores>,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// How well the model finds what the tracks' timelines tell, if the recipe asks for it.
    pub localisation: Option<TimelineScores>,
}

impl Validation {
    /// ROC-AUC over the moments of tracks whose timelines are known, mean over the tags; `None` if it was not asked for or is not defined.
    pub fn localisation_roc_auc(&self) -> Option<f64> {
        self.localisation.as_ref()?.found.roc_auc
    }

    /// Pointing game: share of these tracks whose most telling moment is a true one, mean over the tags; `None` as above.
    pub fn pointing_game(&self) -> Option<f64> {
        self.localisation.as_ref()?.found.pointing
    }
}

/// What is known of a run. Cheap to clone: the data is shared, and a refreshed original copies only what it changes.
#[derive(Clone, Debug)]
pub struct History {
    folder: PathBuf,
    id: String,
    configuration: Option<Arc<toml::Table>>,
    reader: lines::Reader,
    rows_read: u64,
    /// For each `Resumed`: of the rows before this one, those of later steps than this do not count.
    resumes: Vec<Resume>,
    events: Vec<Arc<Record>>,
    n_bad_lines: usize,
    /// What the events say; see [`History::status`].
    told_status: Status,
    has_writer: bool,
    started: Option<Arc<Record>>,
    extended: Option<Extension>,
    /// The epoch from which early stopping counts anew, after an extension.
    waits_from: Option<u32>,
    validations: Vec<Validation>,
    evaluated: Option<(String, Arc<Scores>)>,
    teacher_scored: Option<(f64, Arc<Scores>)>,
    /// With the steps done by then.
    pseudo_labels: Vec<(u64, Arc<PseudoLabels>)>,
    epoch_starts: Vec<(u32, u64)>,
    series: [Series; Scalar::ALL.len()],
    clock: Clock,
    pauses: Pauses,
    /// The sitting of the newest row: its number, when it began (ms since 1970), and the seconds of work before it.
    sitting: Option<(usize, u64, f64)>,
    last_row_step: Option<u64>,
    last_event_step: u64,
}

#[derive(Clone, Copy, Debug)]
struct Resume {
    row: u64,
    step: u64,
    at_unix_ms: u64,
}

impl History {
    /// Reads a run folder. Fails with [`Error::NoRun`] if it holds none.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        if !log::is_run(folder) {
            return Err(Error::NoRun(folder.to_owned()));
        }
        let mut history = Self::empty(folder);
        history.refresh()?;
        Ok(history)
    }

    /// Reads what was appended since; whether anything changed. Starts over if the files became shorter or are of
    /// another run.
    pub fn refresh(&mut self) -> Result<bool, Error> {
        let had_writer = self.has_writer;
        // Looked at before the events, so that an end is not missed: a writer says how it ends, then lets go.
        self.has_writer = lock::has_writer(&self.folder);
        let changed = if let Some(changed) = self.read_appended()? {
            changed
        } else {
            let has_writer = self.has_writer;
            *self = Self::empty(&self.folder);
            self.has_writer = has_writer;
            self.read_appended()?;
            true
        };
        Ok(changed || (had_writer != self.has_writer && self.told_status.needs_writer()))
    }

    /// The run folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder's name, by which the run is called.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// One measure over the steps.
    pub fn series(&self, scalar: Scalar) -> &Series {
        &self.series[scalar.index()]
    }

    /// All validations that still count, by step.
    pub fn validations(&self) -> &[Validation] {
        &self.validations
    }

    /// Name and scores of the split evaluated last (after training, as a rule the test split).
    pub fn evaluated(&self) -> Option<(&str, &Scores)> {
        let (split, scores) = self.evaluated.as_ref()?;
        Some((split, scores))
    }

    /// Loss and scores of the teacher on the validation split, if it is a noisy student's run.
    pub fn teacher_scored(&self) -> Option<(f64, &Scores)> {
        let (loss, scores) = self.teacher_scored.as_ref()?;
        Some((*loss, scores))
    }

    /// What the teacher answered to unlabelled clips between the last two validations.
    pub fn pseudo_labels(&self) -> Option<&Arc<PseudoLabels>> {
        self.pseudo_labels.last().map(|(_, labels)| labels)
    }

    /// Who teaches, if it is a noisy student's run.
    pub fn teaching(&self) -> Option<&Teaching> {
        match &self.started()?.event {
            Event::Started { teaching, .. } => teaching.as_ref(),
            _ => None,
        }
    }

    /// Where the run stood at the last refresh.
    pub fn status(&self) -> Status {
        if self.told_status.needs_writer() && !self.has_writer {
            Status::Interrupted
        } else {
            self.told_status
        }
    }

    /// The validation with the lowest loss, the first of equals.
    pub fn best(&self) -> Option<&Validation> {
        let finite = self.validations.iter().filter(|v| v.loss.is_finite());
        finite.reduce(|best, v| if v.loss < best.loss { v } else { best })
    }

    /// Epochs validated since the best validation, or since the run was extended with its patience used up: as early stopping counts them.
    pub fn epochs_waited(&self) -> Option<u32> {
        let newest = self.validations.last()?;
        let since = self.best()?.epoch.max(self.waits_from.unwrap_or(0));
        Some(newest.epoch.saturating_sub(since))
    }

    /// How the run was extended last, if it was.
    pub fn extended(&self) -> Option<&Extension> {
        self.extended.as_ref()
    }

    /// What ends the run, by its recipe or as it was extended since.
    pub fn ends(&self) -> Ends {
        if let Some(extension) = &self.extended {
            return extension.ends;
        }
        let (epochs, patience_epochs) = match self.started().map(|record| &record.event) {
            Some(Event::Started {
                epochs,
                patience_epochs,
                ..
            }) => (*epochs, *patience_epochs),
            _ => (0, None),
        };
        let recipe = self.run_toml().and_then(|run| run.get("config"));
        Ends {
            epochs,
            patience_epochs,
            max_minutes: recipe.and_then(|recipe| recipe.get("max_minutes")?.as_float()),
        }
    }

    /// `run.toml`, if it can be read.
    pub fn run_toml(&self) -> Option<&toml::Table> {
        self.configuration.as_deref()
    }

    /// All events in the order written, those that no longer count among them.
    pub fn events(&self) -> &[Arc<Record>] {
        &self.events
    }

    /// Names of the tags, from `Started`; empty before it.
    pub fn tags(&self) -> &[String] {
        match self.started().map(|record| &record.event) {
            Some(Event::Started { tags, .. }) => tags,
            _ => &[],
        }
    }

    /// The run's `Started` event.
    pub fn started(&self) -> Option<&Record> {
        self.started.as_deref()
    }

    /// The start of each epoch that still counts: (epoch, steps done at its start), rising.
    pub fn epoch_starts(&self) -> &[(u32, u64)] {
        &self.epoch_starts
    }

    /// Training steps of one epoch; `None` where the log does not tell.
    pub fn steps_per_epoch(&self) -> Option<u64> {
        match self.started()?.event {
            Event::Started {
                steps_per_epoch, ..
            } if steps_per_epoch > 0 => Some(steps_per_epoch),
            _ => None,
        }
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Training steps done, as far as written.
    pub fn last_step(&self) -> u64 {
        self.last_event_step.max(self.last_row_step.unwrap_or(0))
    }

    /// Lines of `events.jsonl` that could not be understood (they are skipped).
    pub fn n_bad_lines(&self) -> usize {
        self.n_bad_lines
    }

    fn empty(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            id: folder
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            configuration: None,
            reader: lines::Reader::default(),
            rows_read: 0,
            resumes: Vec::new(),
            events: Vec::new(),
            n_bad_lines: 0,
            told_status: Status::default(),
            has_writer: false,
            started: None,
            extended: None,
            waits_from: None,
            validations: Vec::new(),
            evaluated: None,
            teacher_scored: None,
            pseudo_labels: Vec::new(),
            epoch_starts: Vec::new(),
            series: Default::default(),
            clock: Clock::default(),
            pauses: Pauses::default(),
            sitting: None,
            last_row_step: None,
            last_event_step: 0,
        }
    }

    /// Reads what was appended; whether there was anything. `None` if reading has to start over.
    fn read_appended(&mut self) -> Result<Option<bool>, Error> {
        if self.configuration.is_none() {
            self.configuration = std::fs::read_to_string(self.folder.join(CONFIGURATION))
                .ok()
                .and_then(|text| text.parse().ok())
                .map(Arc::new);
        }
        let path = self.folder.join(lines::FILE);
        let appended = self.reader.read::<Record>(&path);
        let Some(appended) = appended.map_err(Error::io(path))? else {
            return Ok(None);
        };
        self.n_bad_lines += appended.bad_lines.len();
        let mut changed = !appended.bad_lines.is_empty();
        for record in appended.values {
            if let Event::Resumed { scalar_rows, .. } = record.event
                && scalar_rows < self.rows_read
            {
                // Rows of after the resumption were read before it was known.
                return Ok(None);
            }
            self.take_in(record);
            changed = true;
        }
        let Some(rows) = columns::read_rows(&self.folder, self.rows_read)? else {
            return Ok(None);
        };
        changed |= !rows.steps.is_empty();
        self.take_in_rows(&rows);
        Ok(Some(changed))
    }

    fn take_in(&mut self, record: Record) {
        let record = Arc::new(record);
        self.told_status = self.told_status.after(&record.event);
        self.pauses.take_in(&record);
        self.last_event_step = record.step;
        match &record.event {
            Event::Started { .. } => self.started = Some(Arc::clone(&record)),
            Event::Extended(extension) => {
                self.extended = Some(*extension);
                self.waits_from = extension.waits_from.or(self.waits_from);
            }
            Event::EpochStarted => {
                let epoch = record.epoch;
                self.epoch_starts.retain(|start| start.0 < epoch);
                self.epoch_starts.push((epoch, record.step));
            }
            Event::Validated {
                loss,
                scores,
                seconds,
                localisation,
            } => self.validations.push(Validation {
                at_unix_ms: record.at_unix_ms,
                step: record.step,
                epoch: record.epoch,
                loss: *loss,
                scores: Arc::new(scores.clone()),
                seconds: *seconds,
                localisation: localisation.clone(),
            }),
            Event::Evaluated { split, scores, .. } => {
                self.evaluated = Some((split.clone(), Arc::new(scores.clone())));
            }
            Event::TeacherScored { loss, scores } => {
                self.teacher_scored = Some((*loss, Arc::new(scores.clone())));
            }
            Event::PseudoLabelled { labels } => {
                self.pseudo_labels
                    .push((record.step, Arc::new(labels.clone())));
            }
            Event::Resumed { scalar_rows, .. } => self.forget_after(&record, *scalar_rows),
            _ => {}
        }
        self.events.push(record);
    }

    /// What came after the step of `resumed` no longer counts, of validations what came after the one that it names, in the scalars up to row
    /// `scalar_rows`.
    fn forget_after(&mut self, resumed: &Record, scalar_rows: u64) {
        let step = resumed.step;
        let validated_step = resumed.validations_count_to().unwrap_or(step);
        self.validations.retain(|v| v.step <= validated_step);
        self.epoch_starts.retain(|start| start.1 <= step);
        self.evaluated = None;
        // Told with a validation.
        self.pseudo_labels.retain(|told| told.0 <= validated_step);
        self.cut_after(step);
        // A power cut may have taken rows that an earlier resumption had still seen.
        for resume in &mut self.resumes {
            resume.row = resume.row.min(scalar_rows);
        }
        self.resumes.push(Resume {
            row: scalar_rows,
            step,
            at_unix_ms: resumed.at_unix_ms,
        });
    }

    fn cut_after(&mut self, step: u64) {
        for series in &mut self.series {
            series.cut_after(step);
        }
        self.clock.cut_after(step);
        self.last_row_step = self.last_row_step.map(|last| last.min(step));
    }

    fn take_in_rows(&mut self, rows: &Rows) {
        let first_row = self.rows_read;
        self.rows_read += rows.steps.len() as u64;
        // Rows are taken in by stretches of rising steps that count.
        let mut row = 0;
        while row < rows.steps.len() {
            let step = rows.steps[row];
            if !self.counts(first_row + row as u64, step) {
                row += 1;
                continue;
            }
            if let Some(last) = self.last_row_step
                && step <= last
            {
                // A resumption whose event is not there yet.
                self.cut_after(step.saturating_sub(1));
            }
            let start = row;
            let mut last = step;
            row += 1;
            while row < rows.steps.len()
                && rows.steps[row] > last
                && self.counts(first_row + row as u64, rows.steps[row])
            {
                last = rows.steps[row];
                row += 1;
            }
            self.last_row_step = Some(last);
            let steps = &rows.steps[start..row];
            self.take_in_times(
                first_row + start as u64,
                steps,
                &rows.at_unix_ms[start..row],
            );
            for (series, values) in self.series.iter_mut().zip(&rows.values) {
                series.extend(
                    steps
                        .iter()
                        .copied()
                        .zip(values[start..row].iter().copied()),
                );
            }
        }
    }

    /// Neither pauses nor the time between sittings count: each of these begins with its `Started` or `Resumed`.
    fn take_in_times(&mut self, first_row: u64, steps: &[u64], at_unix_ms: &[u64]) {
        let began_unix_ms = self.started.as_ref().map(|started| started.at_unix_ms);
        for (idx, (&step, &at)) in steps.iter().zip(at_unix_ms).enumerate() {
            let row = first_row + idx as u64;
            let sitting = self.resumes.partition_point(|resume| resume.row <= row);
            if self.sitting.is_none_or(|current| current.0 != sitting) {
                let resumed = sitting
                    .checked_sub(1)
                    .map(|idx| self.resumes[idx].at_unix_ms);
                let began = resumed.or(began_unix_ms).unwrap_or(at);
                self.sitting = Some((sitting, began, self.clock.secs()));
            }
            if let Some((_, began, before)) = self.sitting {
                let paused_ms = self.pauses.until(at) - self.pauses.until(began.min(at));
                let worked_ms = at.saturating_sub(began).saturating_sub(paused_ms);
                let secs = worked_ms as f64 / 1000.0;
                self.clock.push(step, before + secs);
            }
        }
    }

    fn counts(&self, row: u64, step: u64) -> bool {
        self.resumes
            .iter()
            .all(|resume| row >= resume.row || step <= resume.step)
    }
}
