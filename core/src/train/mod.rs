//! Training runs on a thread: recipes, checkpoints, early stopping.
//!
//! A run speaks only through the event log of its folder ([`crate::run`]) and listens only to [`Command`]s. Whoever wants
//! to see it folds the log; the `wake` function given to [`start`] only says that the log has grown.

mod begin;
mod branch;
mod checkpoint;
mod command;
mod comparison;
mod config;
mod configured;
mod data_change;
mod disk_full;
mod early_stop;
mod estimate;
mod evaluation;
mod extend;
mod handle;
mod heard;
mod in_turn;
mod judgement;
mod learner;
mod mistakes;
mod named_model;
mod noisy_student;
mod predictions;
mod prepare;
mod replay;
mod robustness;
mod schedule;
mod streams;
mod tag_curves;
mod timelines;
mod tracks;
mod trainer;

pub use branch::{BranchPoint, BranchRecord, BranchWeights};
pub use checkpoint::{Checkpoints, DataRecord, Position, RunFile, TeacherRecord};
pub use command::Command;
pub use comparison::{CONFIDENCE, Comparison, Disagreement, compare, tags_in_common};
pub use config::{Augmentation, DataChoice, ModelChoice, TrainConfig, ValidateEvery};
pub use configured::{Configured, SettingPair, setting_pairs};
pub use data_change::{DataChange, DataWatch, Difference};
pub use early_stop::{Best, EarlyStop, Verdict};
pub use estimate::{Estimate, estimate};
pub use evaluation::{Evaluation, evaluate};
pub use extend::More;
pub use handle::{Handle, Outcome, extend, resume, start, start_in};
pub use heard::{Heard, HeardClip, heard};
pub use in_turn::{Place, place};
pub use judgement::{
    Ranked, TagCurves, TagJudgement, ThresholdChoice, UnknownThreshold, mean_f1,
    write_judgements_csv,
};
pub use mistakes::{Judged, write_mistakes};
pub use named_model::open_model;
pub use noisy_student::{Halves, Losses, NoisyStudent, Passes, Targets, losses};
pub use predictions::Predictions;
pub use prepare::{
    CLIP_RATE_HZ, decode_split, open_cache_at, open_data, scoring_rate_hz, usual_scoring_rate_hz,
};
pub use replay::{Replay, ReplayOf, replay, tracks_of_run};
pub use robustness::{
    CleanScores, DrawnScore, EffectScores, Robustness, RobustnessPlan, Rung, RungScores,
    robustness, robustness_figure, write_robustness_csv,
};
pub use schedule::{Cosine, Course, Plateau, Schedule, Span, Stairs, Waiting};
pub use tag_curves::TagCurvesPlot;

use std::path::PathBuf;

/// Why a training run did not begin or did not go on.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Error {
    #[error("cannot read {}", path.display())]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("cannot write {}", path.display())]
    Write {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("not a configuration that Attune understands: {}", path.display())]
    Config {
        path: PathBuf,
        source: Box<toml::de::Error>,
    },
    #[error("{what} {why}")]
    OutOfRange { what: String, why: String },
    #[error("cannot go on from {}: {why}", path.display())]
    Checkpoint { path: PathBuf, why: String },
    #[error("the position in a checkpoint is not readable")]
    Position { source: serde_json::Error },
    #[error(
        "the model {model} does not know {n_unknown} of the {n_tags} tags of the data set (`{first}` among them): choose a model that was trained on tags of this data set, or open the data set that it was trained on"
    )]
    UnknownTags {
        model: String,
        n_unknown: usize,
        n_tags: usize,
        first: String,
    },
    #[error(
        "no tag is known to both models and the data set: the first model knows {first}, the second {second}, the data set {data}. Choose \
         models that were trained on tags of this data set, or open theirs; names for the tags of a checkpoint that has none are given by \
         `attune weights FILE --tags LIST --convert NEW`"
    )]
    NoTagInCommon {
        first: String,
        second: String,
        data: String,
    },
    #[error(
        "a moving-average teacher must be of the same network, sizes and tags (in the same order) as its student; {teacher} is not. Choose such a teacher, or leave moving_average out"
    )]
    TeacherSizes { teacher: String },
    #[error(
        "there are no unlabelled tracks to learn from: the data set has no `unlabelled` split. Name data sets that have some (noisy_student.unlabelled), or withhold labels (label_fraction below 1)"
    )]
    NothingUnlabelled,
    #[error(
        "{tracks} unlabelled tracks have audio, fewer than the {clips} of one step: name more data sets, or choose a smaller batch"
    )]
    TooFewUnlabelled { tracks: usize, clips: usize },
    #[error(
        "no such model: {} is neither a file of weights, nor `tunes` or `demo`, the models that come with Attune, nor a run", name.display()
    )]
    NoModel {
        name: PathBuf,
        source: crate::run::Error,
    },
    #[error(
        "localisation cannot be measured: no validation track of {data} tells when its tags sound (timelines.csv). Leave localisation out, or \
         choose a data set that has timelines"
    )]
    NoTimelines { data: String },
    #[error("the run {} does not learn from a track {track}: `attune runs` and the Library tell which it has", run.display())]
    NotTrainedOn { track: String, run: PathBuf },
    #[error("there is no epoch {epoch}: the run {} has epochs 1 to {epochs}", run.display())]
    NoSuchEpoch {
        epoch: u32,
        epochs: u32,
        run: PathBuf,
    },
    #[error(
        "there is no visit {visit} of a track of the {split} split: within an epoch of the run {} its tracks come {rounds} times at most, so visits are 0 to {}",
        run.display(),
        rounds - 1
    )]
    NoSuchVisit {
        visit: u32,
        rounds: u32,
        split: crate::dataset::Split,
        run: PathBuf,
    },
    #[error("the run has no {weights} weights: branch from its best or last checkpoint, {kept}: {}", run.display())]
    NoSuchWeights {
        weights: String,
        kept: String,
        run: PathBuf,
    },
    #[error(
        "a branch must have the tags of the run that it comes from, in the same order; {from} has {n_then}, the data set {n_now}{}. Choose a data set with the tags of that run",
        if n_then == n_now { " others" } else { "" }
    )]
    BranchTags {
        from: String,
        n_then: usize,
        n_now: usize,
    },
    #[error(
        "the network of the recipe does not fit the weights of {from} ({why}): leave the model as it is in that run's recipe"
    )]
    BranchNetwork { from: String, why: String },
    #[error("this run has no teacher: {}", run.display())]
    NoTeacher { run: PathBuf },
    #[error("the run has no checkpoint yet: {}", run.display())]
    NoCheckpoint { run: PathBuf },
    #[error("none of the tracks has audio that can be decoded")]
    NoAudio,
    #[error(
        "the training split has {tracks} tracks with audio, fewer than one batch of {batch_size}: choose a smaller batch"
    )]
    TooFewTracks { tracks: usize, batch_size: usize },
    #[error("the data set has changed since the run began (tags {then} then, {now} now)")]
    DataChanged { then: usize, now: usize },
    #[error(
        "the loss is not finite at step {step}, tracks {tracks}; the last good checkpoint is kept. A lower learning rate may help"
    )]
    NotFinite { step: u64, tracks: String },
    #[error("the disk is full{room}; {advice}")]
    DiskFull {
        room: String,
        advice: String,
        source: Box<Error>,
    },
    #[error("the training thread ended unexpectedly: {message}")]
    Panicked { message: String },
    #[error("the training thread could not be started")]
    Thread { source: std::io::Error },
    #[error("the predictions of the test split cannot be used: {why}: {}", path.display())]
    Predictions { path: PathBuf, why: String },
    #[error("stopped")]
    Cancelled(#[from] crate::job::Cancelled),
    #[error(transparent)]
    Audio(#[from] crate::audio::Error),
    #[error(transparent)]
    Augment(#[from] crate::augment::Error),
    #[error(transparent)]
    Dataset(#[from] crate::dataset::Error),
    #[error(transparent)]
    Model(#[from] crate::models::Error),
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
    #[error(transparent)]
    Predict(#[from] crate::predict::Error),
    #[error(transparent)]
    Interpret(#[from] crate::interpret::Error),
    #[error(transparent)]
    Run(#[from] crate::run::Error),
    #[error(transparent)]
    Weights(#[from] crate::weights::Error),
    #[error(transparent)]
    Scores(#[from] crate::metrics::file::Error),
}
