//! Options of `attune train` about validations: when they are made, and what is done beside the scores.

use attune_core::train::{TrainConfig, ValidateEvery};

/// When a run validates, and what it does then.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Validation")]
pub(super) struct ValidationArguments {
    /// Validate after every so many steps instead of every epoch
    #[arg(long, value_name = "N")]
    validate_steps: Option<u64>,
    /// Keep the weights of every validation, as files that open like any model, in the run's folder `snapshots`
    #[arg(long)]
    snapshots: bool,
    /// Measure at each validation how well the model's explanations find when tags sound, on up to 20 validation tracks with timelines
    #[arg(long)]
    localisation: bool,
    /// Write TensorBoard's event file beside the run's own files (`tensorboard --logdir RUNS`)
    #[arg(long)]
    tensorboard: bool,
}

impl ValidationArguments {
    /// Changes a recipe as these options say.
    pub(super) fn apply(&self, config: &mut TrainConfig) {
        let every = self.validate_steps.map(ValidateEvery::Steps);
        config.validate = every.unwrap_or(config.validate);
        config.snapshots |= self.snapshots;
        config.localisation |= self.localisation;
        config.tensorboard |= self.tensorboard;
    }
}
