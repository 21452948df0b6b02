//! A run as the panels see it: everything that its log tells, at one moment.

use super::RunSystem;
use attune_core::metrics::{PseudoLabels, Scores};
use attune_core::run::{
    Ends, Event, History, Pace, Pin, Record, Ruler, Scalar, Series, Status, Teaching, Validation,
    XAxis,
};
use std::path::PathBuf;
use std::sync::Arc;

/// A run as it stood when its log was last read. Immutable; a newer one replaces it.
#[derive(Debug)]
pub struct RunView {
    /// Its folder.
    pub folder: PathBuf,
    /// The folder's name.
    pub id: String,
    /// Grows with each view of the same run.
    pub revision: u64,
    /// Where it stands.
    pub status: Status,
    /// Names of the tags.
    pub tags: Vec<String>,
    /// All validations that count, by step.
    pub validations: Vec<Validation>,
    /// The one with the lowest loss.
    pub best: Option<Validation>,
    /// Name and scores of the split that was scored after training, as a rule the test split.
    pub evaluated: Option<(String, Scores)>,
    /// What ends it, by its recipe or as it was extended since.
    pub ends: Ends,
    /// Epochs since the best validation, as early stopping counts.
    pub epochs_waited: Option<u32>,
    /// (epoch, step) at which each epoch began.
    pub epoch_starts: Vec<(u32, u64)>,
    /// Everything that was logged, oldest first.
    pub events: Vec<Arc<Record>>,
    /// Steps done.
    pub last_step: u64,
    /// How fast it is, and how long it will still take.
    pub pace: Pace,
    /// The training loss, smoothed.
    pub smoothed_loss: Series,
    /// Where its data set lies, if the run says so.
    pub data_folder: Option<PathBuf>,
    /// Name and fingerprint of its data set as it was, if the run says so.
    pub data: Option<(String, String)>,
    /// Who teaches, if it is a noisy student's run.
    pub teaching: Option<Teaching>,
    /// Loss and scores of the teacher on the validation split.
    pub teacher_scored: Option<(f64, Scores)>,
    /// What the teacher answered to unlabelled clips before the last validation.
    pub pseudo_labels: Option<Arc<PseudoLabels>>,
    /// Notes to single steps, by step.
    pub pins: Vec<Pin>,
    /// Where its time goes, and what its machine is doing.
    pub system: RunSystem,
    /// The learning rate of its recipe.
    learning_rate: Option<f64>,
    series: Vec<Series>,
    /// In the order of [`XAxis::ALL`].
    rulers: [Ruler; XAxis::ALL.len()],
}

impl RunView {
    pub(super) fn new(
        history: &History,
        smoothed_loss: Series,
        pins: Vec<Pin>,
        system: RunSystem,
        revision: u64,
    ) -> Self {
        let data_folder = history
            .run_toml()
            .and_then(|run| run.get("data")?.get("folder")?.as_str().map(PathBuf::from));
        let data = history.run_toml().and_then(|run| {
            let told = |key: &str| Some(run.get("data")?.get(key)?.as_str()?.to_owned());
            Some((told("name")?, told("fingerprint")?))
        });
        Self {
            folder: history.folder().to_owned(),
            id: history.id().to_owned(),
            revision,
            status: history.status(),
            tags: history.tags().to_vec(),
            validations: history.validations().to_vec(),
            best: history.best().cloned(),
            evaluated: history
                .evaluated()
                .map(|(split, scores)| (split.to_owned(), scores.clone())),
            ends: history.ends(),
            epochs_waited: history.epochs_waited(),
            epoch_starts: history.epoch_starts().to_vec(),
            events: history.events().to_vec(),
            last_step: history.last_step(),
            pace: Pace::of(history),
            smoothed_loss,
            data_folder,
            data,
            teaching: history.teaching().cloned(),
            teacher_scored: history
                .teacher_scored()
                .map(|(loss, scores)| (loss, scores.clone())),
            pseudo_labels: history.pseudo_labels().cloned(),
            pins,
            system,
            learning_rate: history
                .run_toml()
                .and_then(|run| run.get("config")?.get("learning_rate")?.as_float()),
            series: Scalar::ALL
                .iter()
                .map(|scalar| history.series(*scalar).clone())
                .collect(),
            rulers: XAxis::ALL.map(|axis| Ruler::of(history, axis)),
        }
    }

    /// One measure over the steps.
    pub fn series(&self, scalar: Scalar) -> &Series {
        &self.series[scalar as usize]
    }

    /// How its steps lie on an axis.
    pub fn ruler(&self, axis: XAxis) -> &Ruler {
        &self.rulers[axis as usize]
    }

    /// The learning rate that a schedule scales: as it was set by hand last, else the recipe's.
    pub fn base_learning_rate(&self) -> Option<f64> {
        // What a resumption has voided does not count.
        let mut counts_up_to = u64::MAX;
        for record in self.events.iter().rev() {
            match record.event {
                Event::Resumed {
                    learning_rate: Some(learning_rate),
                    ..
                } if record.step <= counts_up_to => return Some(learning_rate),
                Event::Resumed { .. } => counts_up_to = counts_up_to.min(record.step),
                Event::LearningRateSet { learning_rate } if record.step <= counts_up_to => {
                    return Some(learning_rate);
                }
                _ => {}
            }
        }
        self.learning_rate
    }

    /// The facts with which the run began.
    pub fn facts(&self) -> Facts {
        self.events
            .iter()
            .find_map(|record| match &record.event {
                Event::Started {
                    name,
                    model,
                    data,
                    n_parameters,
                    steps_per_epoch,
                    ..
                } => Some(Facts {
                    name: name.clone(),
                    model: model.clone(),
                    data: data.clone(),
                    n_parameters: *n_parameters,
                    steps_per_epoch: *steps_per_epoch,
                }),
                _ => None,
            })
            .unwrap_or_default()
    }

    /// The epoch in which `step` lies.
    pub fn epoch_at(&self, step: u64) -> u32 {
        let after = self
            .epoch_starts
            .partition_point(|(_, start)| *start < step);
        self.epoch_starts[..after]
            .last()
            .map_or(0, |(epoch, _)| *epoch)
    }

    /// The epoch now in progress, or the last one.
    pub fn epoch(&self) -> u32 {
        self.epoch_starts.last().map_or(0, |(epoch, _)| *epoch)
    }
}

/// The facts with which a run began. Counts are 0 where an old log lacks them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The user's name for it.
    pub name: String,
    /// Model preset.
    pub model: String,
    /// Name of the data set.
    pub data: String,
    /// Trained numbers.
    pub n_parameters: u64,
    /// Steps of an epoch.
    pub steps_per_epoch: u64,
}

/// Of the same run with the same revision there is one view.
impl PartialEq for RunView {
    fn eq(&self, other: &Self) -> bool {
        (self.revision, &self.folder) == (other.revision, &other.folder)
    }
}
