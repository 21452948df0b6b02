//! What a training run is: the recipe as data. A run folder keeps it, so that nothing else is needed to repeat the run.

mod choices;

pub use choices::{Augmentation, DataChoice, ModelChoice};

use crate::augment::Chains;
use crate::models::presets;
use crate::nn::{OptimizerConfig, Precision};
use crate::workspace::Workspace;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

use super::{BranchPoint, CLIP_RATE_HZ, Error, NoisyStudent, Schedule};

/// The configuration of a training run, as written in `CONFIG.toml` and kept in `run.toml`.
///
/// Defaults equal the paper's (section 4.3) and its reference implementation's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainConfig {
    /// A name for people; empty: made from the model and the data set.
    pub name: String,
    /// Where the tracks come from.
    pub data: DataChoice,
    /// Length of a training clip, in seconds; the model is later asked about chunks of the same length.
    pub input_secs: f64,
    /// Rate at which clips are cut and augmented, in hertz; a network that takes in another is given them resampled. 22,050 usually, which
    /// all presets were measured with; 16,000 spares resampling for networks that hear at 16 kHz.
    #[serde(skip_serializing_if = "is_usual_rate")]
    pub clip_rate_hz: u32,
    /// Clips per step.
    pub batch_size: usize,
    /// How far a step goes: what the schedule scales.
    pub learning_rate: f64,
    /// How the learning rate changes over the run.
    #[serde(skip_serializing_if = "Schedule::is_constant")]
    pub schedule: Schedule,
    /// Gradients whose norm (Euclidean, of all together) is larger are scaled down to it; `None`: none is, as in the paper.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip_gradient_norm: Option<f64>,
    /// What makes a step of a gradient: Adam without decay in the paper.
    pub optimizer: OptimizerConfig,
    /// What a GPU computes in; without one it makes no difference.
    #[serde(skip_serializing_if = "is_usual_precision")]
    pub precision: Precision,
    /// The run ends after this many epochs at the latest.
    pub epochs: u32,
    /// The run ends after this many epochs without a lower validation loss; 0: never.
    pub patience_epochs: u32,
    /// The run ends after this many minutes of training at the latest. A run with a time limit does not repeat exactly.
    pub max_minutes: Option<f64>,
    /// Seed of every random choice of the run.
    pub seed: u64,
    /// How training clips are augmented; with a teacher, the unlabelled clips as well.
    pub augmentation: Augmentation,
    /// The share of the training tracks that keep their labels, above 0 and up to 1. The others count as unlabelled.
    pub label_fraction: f64,
    /// Seed of the choice of these tracks: runs that share it, whatever their own seed, know the same labels.
    pub label_seed: u64,
    /// When the run validates.
    pub validate: ValidateEvery,
    /// Whether the weights of every validation are kept ([`crate::run::snapshots()`]), to see later how the model came to know what it knows.
    pub snapshots: bool,
    /// Whether each validation also measures how well the model's explanations find what the timelines of validation tracks tell, beside how
    /// well it tags. The validation split must have timelines.
    pub localisation: bool,
    /// Whether TensorBoard's event file is written beside the run's own files.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub tensorboard: bool,
    /// The network: a preset's name, or its configuration in full.
    pub model: ModelChoice,
    /// Begin with weights of another run, which must be of the same network and tags; `None`: with weights drawn from the seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch_from: Option<BranchPoint>,
    /// Learning from a teacher's answers to unlabelled clips; `None`: from labels alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noisy_student: Option<NoisyStudent>,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            name: String::new(),
            data: DataChoice::Demo,
            input_secs: 10.0,
            clip_rate_hz: CLIP_RATE_HZ,
            batch_size: 32,
            learning_rate: 1e-4,
            schedule: Schedule::default(),
            clip_gradient_norm: None,
            optimizer: OptimizerConfig::default(),
            precision: Precision::default(),
            epochs: 200,
            patience_epochs: 20,
            max_minutes: None,
            seed: 1,
            augmentation: Augmentation::Preset("none".to_owned()),
            label_fraction: 1.0,
            label_seed: 1,
            validate: ValidateEvery::Epochs(1),
            snapshots: false,
            localisation: false,
            tensorboard: false,
            model: ModelChoice::Preset("paper".to_owned()),
            branch_from: None,
            noisy_student: None,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_usual_rate(rate_hz: &u32) -> bool {
    *rate_hz == CLIP_RATE_HZ
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_usual_precision(precision: &Precision) -> bool {
    *precision == Precision::default()
}

/// When a run validates. It always validates at its end.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ValidateEvery {
    /// After every so many epochs.
    Epochs(u32),
    /// After every so many steps.
    Steps(u64),
    /// After so many minutes of training. Such a run does not repeat exactly.
    Minutes(f64),
}

impl TrainConfig {
    /// A recipe for a preset of the model that suits it: clips of the published length; the tiny ones learn on two CPU cores within minutes.
    pub fn for_preset(preset: &str) -> Self {
        let base = Self {
            model: ModelChoice::Preset(preset.to_owned()),
            input_secs: presets::preset(preset).map_or(10.0, |preset| preset.input_secs),
            ..Self::default()
        };
        match preset {
            "tiny" | "tiny-student" | "tiny-resnet" => Self {
                batch_size: 16,
                learning_rate: 1e-3,
                ..base
            },
            _ => base,
        }
    }

    /// The demo's recipe: the tiny model on the demo set, done within four minutes on two cores.
    pub fn demo() -> Self {
        Self {
            name: "demo".to_owned(),
            max_minutes: Some(3.5),
            epochs: 120,
            ..Self::for_preset("tiny")
        }
    }

    /// Gives the student `teacher`, and a recipe that had none the paper's way of learning from it. Where clips were not augmented they
    /// go through the reference chain from now on: without noise it would be no noisy student.
    pub fn teach(&mut self, teacher: impl Into<PathBuf>) {
        if let Some(student) = &mut self.noisy_student {
            student.teacher = teacher.into();
            return;
        }
        self.noisy_student = Some(NoisyStudent::of(teacher));
        if self.augmentation == Augmentation::Preset("none".to_owned()) {
            self.augmentation = Augmentation::Preset("reference".to_owned());
        }
    }

    /// The same, with everything in it that the workspace knows by name (an own augmentation chain) in full.
    pub fn in_full(mut self, workspace: &Workspace) -> Result<Self, Error> {
        self.augmentation = self.augmentation.in_full(&Chains::of(workspace))?;
        Ok(self)
    }

    /// Labelled and unlabelled clips of a step.
    pub fn clips(&self) -> (usize, usize) {
        match &self.noisy_student {
            None => (self.batch_size, 0),
            Some(student) => student.clips(self.batch_size),
        }
    }

    /// The name, or one made from the model and the data set.
    pub fn label(&self) -> String {
        if !self.name.is_empty() {
            return self.name.clone();
        }
        let model = self.model.label();
        let data = match &self.data {
            DataChoice::Demo => "demo".into(),
            DataChoice::Folder(folder) => folder
                .file_name()
                .unwrap_or(folder.as_os_str())
                .to_string_lossy(),
        };
        match &self.noisy_student {
            None => format!("{model}-{data}"),
            Some(_) => format!("{model}-{data}-student"),
        }
    }

    /// Reads a configuration file.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::Read {
            path: path.to_owned(),
            source,
        })?;
        let config: Self = toml::from_str(&text).map_err(|source| Error::Config {
            path: path.to_owned(),
            source: Box::new(source),
        })?;
        config.check()?;
        Ok(config)
    }

    /// Says if the network cannot take clips of this length, or is impossible altogether. Takes longer than
    /// [`TrainConfig::check`].
    pub fn check_network(&self) -> Result<(), Error> {
        let network = self.model.resolve(1)?.without_weights()?;
        let rate_hz = f64::from(network.input().sample_rate_hz());
        let n_samples = (self.input_secs * rate_hz).round() as usize;
        Ok(crate::predict::check_length(&*network, n_samples)?)
    }

    /// Says what is out of range, before anything is begun.
    pub fn check(&self) -> Result<(), Error> {
        let wrong = |what: &str, why: &str| {
            Err(Error::OutOfRange {
                what: what.to_owned(),
                why: why.to_owned(),
            })
        };
        if !(self.input_secs.is_finite() && self.input_secs > 0.0) {
            return wrong("input_secs", "must be a positive number of seconds");
        }
        if !(4_000..=192_000).contains(&self.clip_rate_hz) {
            return wrong("clip_rate_hz", "must lie between 4,000 and 192,000 Hz");
        }
        if self.batch_size < 2 {
            return wrong(
                "batch_size",
                "must be at least 2: batch normalisation needs company",
            );
        }
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            return wrong("learning_rate", "must be a positive number");
        }
        if let Some((what, why)) = self.optimizer.out_of_range() {
            return wrong(&format!("optimizer.{what}"), why);
        }
        if self.epochs == 0 {
            return wrong("epochs", "must be at least 1");
        }
        if let Some((what, why)) = self.schedule.out_of_range(self.epochs) {
            return wrong(&format!("schedule.{what}"), why);
        }
        if self
            .clip_gradient_norm
            .is_some_and(|norm| !(norm.is_finite() && norm > 0.0))
        {
            return wrong("clip_gradient_norm", "must be a positive number");
        }
        if self
            .max_minutes
            .is_some_and(|minutes| !(minutes.is_finite() && minutes > 0.0))
        {
            return wrong("max_minutes", "must be a positive number of minutes");
        }
        if !(self.label_fraction > 0.0 && self.label_fraction <= 1.0) {
            return wrong("label_fraction", "must lie above 0 and be at most 1");
        }
        if let Some(student) = &self.noisy_student
            && let Some((what, why)) = student.out_of_range(self.batch_size)
        {
            return wrong(&format!("noisy_student.{what}"), why);
        }
        self.augmentation.check()?;
        if self.noisy_student.is_some() && self.augmentation.mixes_labels() {
            return wrong(
                "augmentation",
                "has mixup, which mixes labels, but a teacher labels each unlabelled clip by itself: leave mixup out of the chain (background from other tracks may stay)",
            );
        }
        match self.validate {
            ValidateEvery::Epochs(0) | ValidateEvery::Steps(0) => {
                wrong("validate", "must be at least 1")
            }
            ValidateEvery::Minutes(minutes) if !(minutes.is_finite() && minutes > 0.0) => {
                wrong("validate", "must be a positive number of minutes")
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::Chain;

    #[test]
    fn defaults_equal_the_paper() {
        let config: TrainConfig = toml::from_str("").unwrap();
        assert_eq!(
            (
                config.learning_rate,
                config.patience_epochs,
                config.batch_size
            ),
            (1e-4, 20, 32)
        );
        assert_eq!(config.model, ModelChoice::Preset("paper".to_owned()));
        assert_eq!(
            (config.schedule, config.clip_gradient_norm),
            (Schedule::default(), None)
        );
        let written = toml::to_string(&config).unwrap();
        for beyond in ["schedule", "clip_gradient_norm", "branch_from"] {
            assert!(
                !written.contains(beyond),
                "earlier versions read it:\n{written}"
            );
        }
    }

    #[test]
    fn a_configuration_survives_its_file() {
        let config = TrainConfig {
            data: DataChoice::Folder("/music".into()),
            validate: ValidateEvery::Steps(250),
            snapshots: true,
            localisation: true,
            tensorboard: true,
            max_minutes: Some(4.0),
            optimizer: OptimizerConfig::usual()[2],
            schedule: Schedule::usual()[1],
            clip_gradient_norm: Some(1.0),
            branch_from: Some("other-1:step-20".parse().unwrap()),
            ..TrainConfig::for_preset("tiny")
        };
        assert_eq!(
            toml::from_str::<TrainConfig>(&toml::to_string(&config).unwrap()).unwrap(),
            config
        );
    }

    #[test]
    fn a_noisy_student_needs_its_teacher_and_the_rest_is_the_papers() {
        let text = "[noisy_student]\nteacher = \"tunes-1\"";
        let config: TrainConfig = toml::from_str(text).unwrap();
        let student = config.noisy_student.clone().unwrap();
        assert_eq!(student, NoisyStudent::of("tunes-1"));
        assert_eq!((config.clips(), student.weight), ((16, 16), 1.0));
        assert!(student.beyond_paper().is_empty());
        assert!(toml::from_str::<TrainConfig>("[noisy_student]\nweight = 1.0").is_err());
        let with = |text: &str| -> String {
            let text = format!("[noisy_student]\nteacher = \"t\"\n{text}");
            let config: TrainConfig = toml::from_str(&text).unwrap();
            config
                .check()
                .map_or_else(|error| error.to_string(), |()| String::new())
        };
        assert_eq!(
            with("pseudo_labels = { hard = { threshold = 0.5 } }\npasses = \"two\""),
            ""
        );
        assert_eq!(with("unlabelled = [{ folder = \"/music\" }, \"demo\"]"), "");
        assert!(with("unlabelled_clips = 32").contains("unlabelled_clips"));
        assert!(with("moving_average = 1.0").contains("decay"));
        assert!(with("moving_average = 0.99\nprecomputed = true").contains("exclude"));
    }

    #[test]
    fn a_chain_in_a_recipe_is_held_to_what_its_effects_take() {
        let message = |percent: u32| -> String {
            let chain = format!(
                "{{ steps = [{{ probability = 1.0, choices = [{{ effect = \"time-stretch\", percent = {{ min = {percent}, max = {percent} }} }}] }}] }}"
            );
            let [own, bare] = [
                format!("[augmentation.own]\nname = \"mine\"\nchain = {chain}"),
                format!("[augmentation]\nchain = {chain}"),
            ]
            .map(|text| {
                let config: TrainConfig = toml::from_str(&text).unwrap();
                let checked = config.check();
                checked.map_or_else(
                    |error| crate::message::full_message(&error),
                    |()| String::new(),
                )
            });
            assert_eq!(own, bare);
            own
        };
        let told = message(0);
        assert!(
            told.contains("step 1") && told.contains("percent 0"),
            "{told}"
        );
        assert_eq!(message(110), "");
    }

    #[test]
    fn a_chain_that_mixes_labels_is_refused_beside_a_teacher_and_a_background_is_not() {
        let message = |effect: &str| -> String {
            let text = format!(
                "[noisy_student]\nteacher = \"t\"\n[augmentation.own]\nname = \"mine\"\n\
                 chain = {{ steps = [{{ probability = 0.5, choices = [{{ effect = {effect}, other = {{ min = 0, max = 1 }} }}] }}] }}"
            );
            let config: TrainConfig = toml::from_str(&text).unwrap();
            let checked = config.check();
            checked.map_or_else(|error| error.to_string(), |()| String::new())
        };
        let refused = message("\"mixup\", share = { min = 0.5, max = 1 }");
        assert!(
            refused.contains("augmentation") && refused.contains("mixup"),
            "{refused}"
        );
        assert_eq!(message("\"background\", snr = { min = 5, max = 30 }"), "");
    }

    #[test]
    fn an_own_chain_is_taken_up_in_full_with_its_name_and_survives_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(folder.path());
        let chains = Chains::of(&workspace);
        let mut chain = Chain::preset("paper").unwrap();
        chain.steps.truncate(2);
        chains.save("mine", &chain).unwrap();
        let config = TrainConfig {
            augmentation: Augmentation::Preset("mine".to_owned()),
            ..TrainConfig::default()
        };
        assert!(config.augmentation.resolve().is_err());
        let config = config.in_full(&workspace).unwrap();
        assert_eq!(config.augmentation.label(), "mine");
        assert_eq!(config.augmentation.resolve().unwrap(), Some(chain));
        let text = toml::to_string(&config).unwrap();
        assert_eq!(toml::from_str::<TrainConfig>(&text).unwrap(), config);
        let shipped = Augmentation::named("paper", &chains).unwrap();
        assert_eq!(shipped, Augmentation::Preset("paper".to_owned()));
        let error = Augmentation::named("other", &chains).unwrap_err();
        let error = error.to_string();
        assert!(
            error.contains("`other`") && error.contains("mine"),
            "{error}"
        );
    }

    #[test]
    fn a_misspelt_key_is_an_error_that_names_it() {
        let error = toml::from_str::<TrainConfig>("learning_rat = 1e-3").unwrap_err();
        assert!(error.to_string().contains("learning_rat"), "{error}");
    }
}
