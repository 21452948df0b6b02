//! What a training run says. Each event is one line of `events.jsonl`.

use super::Extension;
use crate::metrics::{Localised, PseudoLabels, Scores};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// One line of `events.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// When, in milliseconds since 1970 (UTC).
    pub at_unix_ms: u64,
    /// Training steps done by then.
    pub step: u64,
    /// Epoch, from 0.
    pub epoch: u32,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What happened. Readers skip kinds and fields that they do not know, so that old programs read new runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "event",
    rename_all = "kebab-case",
    rename_all_fields = "snake_case"
)]
pub enum Event {
    /// The run begins. First line of every run.
    Started {
        /// The user's name for the run.
        name: String,
        /// Model preset or name.
        model: String,
        /// Name of the data set.
        data: String,
        /// The tags, in the order of all per-tag scores.
        tags: Vec<String>,
        /// Trained numbers in the model.
        #[serde(default)]
        n_parameters: u64,
        /// Training steps of one epoch.
        #[serde(default)]
        steps_per_epoch: u64,
        /// At most so many epochs.
        #[serde(default)]
        epochs: u32,
        /// Stops early after so many epochs without a better validation loss; `None`: never.
        #[serde(default)]
        patience_epochs: Option<u32>,
        /// Version of Attune.
        #[serde(default)]
        version: String,
        /// Who teaches, if it is a noisy student's run.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        teaching: Option<Teaching>,
    },
    /// The teacher was scored on the validation split, to be compared with the student's validations.
    TeacherScored {
        /// As for a validation.
        #[serde(with = "number_or_null")]
        loss: f64,
        /// ROC-AUC and average precision.
        scores: Scores,
    },
    /// What the teacher answered to the unlabelled clips since the last such event.
    PseudoLabelled {
        /// Its probabilities, tag by tag.
        labels: PseudoLabels,
    },
    /// What the loader's threads were busy with since the last such event.
    LoaderTimed(LoaderTimes),
    /// An epoch begins; the record says which.
    EpochStarted,
    /// The validation split was scored.
    Validated {
        /// Binary cross entropy of the averaged probabilities; NaN (null in the file) if it is not finite.
        #[serde(with = "number_or_null")]
        loss: f64,
        /// ROC-AUC and average precision.
        scores: Scores,
        /// How long it took, in seconds.
        seconds: f64,
        /// How well the model finds what the tracks' timelines tell, if the recipe asks for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        localisation: Option<TimelineScores>,
    },
    /// Another split was scored, as a rule the test split with the best checkpoint.
    Evaluated {
        /// Name of the split.
        split: String,
        /// As for a validation.
        #[serde(with = "number_or_null")]
        loss: f64,
        /// ROC-AUC and average precision.
        scores: Scores,
    },
    /// A checkpoint lies complete on the disk.
    Checkpointed {
        /// The best so far, or the last.
        kind: CheckpointKind,
        /// The file, relative to the run folder.
        path: PathBuf,
    },
    /// The run goes on from a checkpoint of the record's step: what came after it no longer counts.
    Resumed {
        /// Rows in `scalars/` by then; of these, those of later steps no longer count.
        scalar_rows: u64,
        /// Step of the last validation that the checkpoint knows of: one of a later step is made again, also if it is of the record's
        /// own. `None` in old logs, where all up to the record's step count.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        validated_step: Option<u64>,
        /// The base learning rate that the checkpoint knows of; `None` in old logs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        learning_rate: Option<f64>,
    },
    /// The run is to go on for longer than its recipe, or an earlier one of these, says.
    Extended(Extension),
    /// Training waits.
    Paused,
    /// Training goes on after a pause.
    Continued,
    /// The base learning rate was changed by hand: the one that the recipe's schedule scales.
    LearningRateSet {
        /// The new one.
        learning_rate: f64,
    },
    /// The schedule lowered the learning rate, because the validation loss no longer fell.
    LearningRateLowered {
        /// The new one, schedule included.
        learning_rate: f64,
    },
    /// The weights of this moment were saved, by request or because the recipe keeps those of every validation.
    SnapshotTaken {
        /// The file, relative to the run folder.
        path: PathBuf,
    },
    /// Something the user should know.
    Warned {
        /// In words.
        message: String,
    },
    /// The user ended the run. It can be resumed.
    Stopped,
    /// The validation loss did not improve for the patience given.
    EarlyStopped {
        /// The epoch whose weights are kept as the best.
        best_epoch: u32,
    },
    /// All epochs are done.
    Finished,
    /// The run cannot go on.
    Failed {
        /// Why, in words.
        message: String,
    },
    /// An event of a newer version.
    #[serde(other)]
    Unknown,
}

impl Record {
    /// If a run goes on by this event: the last step whose validation counts, that step included.
    pub(super) fn validations_count_to(&self) -> Option<u64> {
        match self.event {
            Event::Resumed { validated_step, .. } => Some(validated_step.unwrap_or(self.step)),
            _ => None,
        }
    }
}

/// What a student learns from, as its run's log tells it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Teaching {
    /// The teacher's name.
    pub teacher: String,
    /// The teacher's trained numbers.
    pub teacher_parameters: u64,
    /// Labelled tracks.
    pub labelled_tracks: u64,
    /// Unlabelled tracks.
    pub unlabelled_tracks: u64,
    /// Steps in which the labelled tracks are gone through once.
    pub labelled_steps: u64,
    /// Steps in which the unlabelled tracks are gone through once. An epoch lasts as long as the longer of both.
    pub unlabelled_steps: u64,
}

impl Teaching {
    /// What the paper calls it, by the student's trained numbers: the student is smaller than its teacher, or not.
    pub fn kind(&self, n_parameters: u64) -> &'static str {
        if n_parameters < self.teacher_parameters {
            "knowledge distillation"
        } else {
            "knowledge expansion"
        }
    }
}

/// What the threads of a loader spent their time on, in seconds, added up over threads and clips.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LoaderTimes {
    /// How many threads there are.
    pub threads: u32,
    /// How many clips they made.
    pub clips: u64,
    /// The most that batches and clips may take in memory, in bytes; 0 in logs of older versions.
    #[serde(default)]
    pub memory_bytes: u64,
    /// Reading clips and cutting them out.
    pub reading_seconds: f64,
    /// Augmenting them.
    pub augmenting_seconds: f64,
    /// Computing what the networks take in.
    pub features_seconds: f64,
    /// Each effect's part of augmenting, by name.
    #[serde(default)]
    pub effects: BTreeMap<String, f64>,
}

/// How well a validation's model finds the moments in which tags are known to hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimelineScores {
    /// Name of the method that explained the tracks.
    pub method: String,
    /// Tracks that were explained.
    pub n_tracks: u64,
    /// What came of it.
    #[serde(flatten)]
    pub found: Localised,
    /// How long it took, in seconds; part of the validation's.
    pub seconds: f64,
}

/// Which checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckpointKind {
    /// The one with the lowest validation loss.
    Best,
    /// The newest, from which a run is resumed.
    Last,
}

/// A number that JSON can hold, or null for NaN and the infinities (read back as NaN).
mod number_or_null {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub(super) fn serialize<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
        value.is_finite().then_some(*value).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        Ok(Option::<f64>::deserialize(from)?.unwrap_or(f64::NAN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(record: Record, line: &str) {
        assert_eq!(serde_json::to_string(&record).unwrap(), line);
        assert_eq!(serde_json::from_str::<Record>(line).unwrap(), record);
    }

    #[test]
    fn a_line_reads_as_it_was_written() {
        check(
            Record {
                at_unix_ms: 1_700_000_000_123,
                step: 40,
                epoch: 1,
                event: Event::Checkpointed {
                    kind: CheckpointKind::Best,
                    path: "checkpoints/best.safetensors".into(),
                },
            },
            r#"{"at_unix_ms":1700000000123,"step":40,"epoch":1,"event":"checkpointed","kind":"best","path":"checkpoints/best.safetensors"}"#,
        );
        check(
            Record {
                at_unix_ms: 1,
                step: 2,
                epoch: 0,
                event: Event::Validated {
                    loss: 0.1 + 0.2,
                    scores: Scores {
                        roc_auc_macro: Some(0.75),
                        average_precision_macro: None,
                        roc_auc_per_tag: vec![Some(0.75), None],
                        average_precision_per_tag: vec![None, None],
                    },
                    seconds: 1.5,
                    localisation: None,
                },
            },
            r#"{"at_unix_ms":1,"step":2,"epoch":0,"event":"validated","loss":0.30000000000000004,"scores":{"roc_auc_macro":0.75,"average_precision_macro":null,"roc_auc_per_tag":[0.75,null],"average_precision_per_tag":[null,null]},"seconds":1.5}"#,
        );
        let localisation = TimelineScores {
            method: "contribution".into(),
            n_tracks: 20,
            found: Localised {
                n_tags: 3,
                roc_auc: None,
                average_precision: Some(1.0),
                pointing: Some(0.5),
            },
            seconds: 0.25,
        };
        check(
            Record {
                at_unix_ms: 1,
                step: 2,
                epoch: 0,
                event: Event::Validated {
                    loss: 0.5,
                    scores: Scores::default(),
                    seconds: 1.5,
                    localisation: Some(localisation),
                },
            },
            r#"{"at_unix_ms":1,"step":2,"epoch":0,"event":"validated","loss":0.5,"scores":{"roc_auc_macro":null,"average_precision_macro":null,"roc_auc_per_tag":[],"average_precision_per_tag":[]},"seconds":1.5,"localisation":{"method":"contribution","n_tracks":20,"n_tags":3,"roc_auc":null,"average_precision":1.0,"pointing":0.5,"seconds":0.25}}"#,
        );
    }

    #[test]
    fn an_extension_is_one_line_with_what_ends_the_run_from_now_on() {
        check(
            Record {
                at_unix_ms: 1,
                step: 30,
                epoch: 2,
                event: Event::Extended(Extension {
                    ends: crate::run::Ends {
                        epochs: 9,
                        patience_epochs: Some(4),
                        max_minutes: None,
                    },
                    waits_from: Some(2),
                }),
            },
            r#"{"at_unix_ms":1,"step":30,"epoch":2,"event":"extended","epochs":9,"patience_epochs":4,"waits_from":2}"#,
        );
    }

    #[test]
    fn a_loss_that_is_not_finite_is_null() {
        let event = Event::Evaluated {
            split: "test".into(),
            loss: f64::INFINITY,
            scores: Scores::default(),
        };
        let line = serde_json::to_string(&event).unwrap();
        assert!(line.contains(r#""loss":null"#), "{line}");
        let Event::Evaluated { loss, .. } = serde_json::from_str(&line).unwrap() else {
            panic!("{line}")
        };
        assert!(loss.is_nan());
    }

    #[test]
    fn events_of_a_newer_version_are_kept_as_unknown() {
        let line = r#"{"at_unix_ms":1,"step":2,"epoch":3,"event":"levitated","height_m":2.5}"#;
        let record: Record = serde_json::from_str(line).unwrap();
        assert_eq!((record.step, record.event), (2, Event::Unknown));
    }
}
