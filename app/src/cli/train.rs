//! `attune train`: a training run in the terminal, with progress, Ctrl-C (an orderly stop) and resuming.

use super::cache::{self, RateChoice};
use super::student_arguments::StudentArguments;
use super::training_console::{Summary, follow};
use super::validation_arguments::ValidationArguments;
use super::{Console, Failure, Fault, ResultExt};
use attune_core::augment::Chains;
use attune_core::models::registry;
use attune_core::nn::{OptimizerConfig, Precision};
use attune_core::train::{
    self, Augmentation, BranchPoint, DataChoice, ModelChoice, More, Schedule, TrainConfig,
};
use std::path::PathBuf;
use std::time::Instant;

/// Options of `attune train`.
#[derive(Debug, Default, clap::Args)]
#[command(after_help = "\
Examples:
  attune train --preset tiny --data demo --epochs 10
  attune train --preset tiny --data ~/music/tunes --augment
  attune train --preset tiny --data ~/music/tunes --augment my-chain
  attune train my-recipe.toml --json
  attune train --preset tiny --data demo --snapshots --localisation
  attune train --preset tiny --data demo --schedule cosine:warmup=2,floor=0.01 --clip-gradient-norm 1
  attune train --preset all --data demo --epochs 3 --batch 8
  attune train --preset tiny --data ~/music/tunes --label-fraction 0.2 --teacher tiny-tunes-1 --unlabelled ~/music/more
  attune train --resume tiny-tunes-1
  attune train --resume tiny-tunes-1 --epochs 300
  attune train --from tiny-tunes-1:best --name gentle --learning-rate 1e-4 --schedule cosine

Schedules, with the settings that they have if none are named (a share is one of the learning rate):
  constant
  cosine:warmup=0,floor=0            up along a line for so many epochs, then down along half a cosine until the last epoch, to this share
  step:every=30,factor=0.1           by this factor after every so many epochs
  plateau:patience=10,factor=0.1,threshold=0.0001,floor=0
                                     by this factor after more than so many epochs without a validation loss that lies below the best by
                                     this share of it, at the lowest to the share that is the floor
warmup and every may count steps: cosine:warmup=500steps. A learning rate that is set by hand is scaled in the same way. A cosine of a run that
is extended spans all its epochs.

Ctrl-C stops the run after a checkpoint; --resume goes on, with the same numbers as if it had never stopped.")]
pub(super) struct Args {
    /// A recipe; options given beside it win
    #[arg(value_name = "CONFIG.toml", conflicts_with = "resume")]
    config: Option<PathBuf>,
    /// Go on with a run (its id or its folder) that was stopped or killed; with more --epochs, --patience or --minutes one that has ended, too
    #[arg(long, value_name = "RUN", conflicts_with_all = ["preset", "data", "augment", "learning_rate", "schedule", "clip_gradient_norm", "optimizer", "weight_decay", "precision", "batch", "input_secs", "clip_rate", "seed", "name", "validate_steps", "snapshots", "localisation", "tensorboard", "teacher", "label_fraction", "label_seed", "estimate"])]
    resume: Option<PathBuf>,
    /// Branch: begin a new run with weights of this one and its recipe, or that of CONFIG.toml; options given beside win. RUN is an id or a folder, and its best checkpoint is meant if nothing is named. The optimizer's state comes along with the last
    #[arg(long, value_name = "RUN[:best|:last|:step-N]", conflicts_with_all = ["resume", "preset"])]
    from: Option<BranchPoint>,
    /// Model, or several with commas between them, or `all` networks of the paper, trained one after the other: `tiny` (two CPU cores), `student` (0.5 M parameters), `paper` (4.6 M) or another of `attune models`
    #[arg(long, value_name = "NAME")]
    preset: Option<String>,
    /// Data set: `demo`, or a folder in the generic format
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// Augment training clips with this chain (`reference` if none is named): shipped, an own one (see `attune chains list`), or a .toml file
    #[arg(long, value_name = "CHAIN", num_args = 0..=1, default_missing_value = "reference")]
    augment: Option<String>,
    /// End after so many epochs (with --resume: those done among them)
    #[arg(long, value_name = "N")]
    epochs: Option<u32>,
    /// End after so many minutes of training (with --resume: those spent among them)
    #[arg(long, value_name = "M")]
    minutes: Option<f64>,
    /// End after so many epochs without a lower validation loss (0: never)
    #[arg(long, value_name = "N")]
    patience: Option<u32>,
    /// Learning rate: how far a step goes
    #[arg(long, value_name = "RATE")]
    learning_rate: Option<f64>,
    /// How the learning rate changes over the run: constant (as in the paper), cosine, step or plateau; settings after a colon, see below
    #[arg(long, value_name = "SCHEDULE")]
    schedule: Option<Schedule>,
    /// Scale gradients down to this norm (of all together) where theirs is larger; the paper: never
    #[arg(long, value_name = "NORM")]
    clip_gradient_norm: Option<f64>,
    /// Optimizer: adam, adam_w, or sgd with Nesterov's momentum of 0.9; other settings by a recipe
    #[arg(long, value_name = "NAME", value_parser = OptimizerConfig::usual().map(|usual| usual.name()))]
    optimizer: Option<String>,
    /// Decay of the weights: added to the gradient (adam, sgd) or taken off the weights (adam_w)
    #[arg(long, value_name = "X")]
    weight_decay: Option<f64>,
    /// What a GPU computes in: f32 (its products in TF32), or bf16 with sums, statistics and weights in f32
    #[arg(long, value_name = "NAME", value_parser = Precision::of_name)]
    precision: Option<Precision>,
    /// Clips per step
    #[arg(long, value_name = "N")]
    batch: Option<usize>,
    /// Length of a training clip in seconds
    #[arg(long, value_name = "S")]
    input_secs: Option<f64>,
    /// Rate at which clips are cut and augmented, in hertz, or `source`: that of the data set's files, if all have the same (default: 22050)
    #[arg(long, value_name = "HZ")]
    clip_rate: Option<RateChoice>,
    /// Seed of every random choice
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Name of the run
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    validation: ValidationArguments,
    #[command(flatten)]
    student: StudentArguments,
    /// Say what the run will cost, and do not begin it
    #[arg(long)]
    estimate: bool,
    /// Print the run's id, folder and best scores as JSON
    #[arg(long)]
    json: bool,
}

/// What the command line asks for, to be trained at once or put into the queue.
pub(super) enum Order {
    /// A recipe, and how many students are trained by it one after the other.
    New(Box<TrainConfig>, u32),
    /// A run that is there already, and what more is asked of it.
    GoOn(PathBuf, More),
}

impl Args {
    /// What is asked for, one run after the other.
    pub(super) fn orders(&self, console: &Console) -> Result<Vec<Order>, Failure> {
        if self.estimate {
            let why = "--estimate trains nothing: use it with `attune train`";
            return Err(Failure::new(Fault::Usage, anyhow::anyhow!(why)));
        }
        if let Some(run) = &self.resume {
            return Ok(vec![Order::GoOn(console.run_folder(run)?, self.more())]);
        }
        let presets = self.presets();
        self.check_iterations(&presets)?;
        let presets = presets.into_iter().map(Some);
        let presets: Vec<Option<&str>> = if self.preset.is_some() {
            presets.collect()
        } else {
            vec![None]
        };
        let configs = presets
            .into_iter()
            .map(|preset| self.config(preset, console));
        let mut orders = Vec::new();
        for config in configs {
            orders.push(Order::New(Box::new(config?), self.student.iterations));
        }
        Ok(orders)
    }

    /// Whether the run's result is to be told as JSON.
    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    /// What more is asked of a run that goes on.
    fn more(&self) -> More {
        More {
            epochs: self.epochs,
            patience_epochs: self.patience,
            max_minutes: self.minutes,
        }
    }

    fn check_iterations(&self, presets: &[&str]) -> Result<(), Failure> {
        if presets.len() > 1 && self.student.iterations > 1 {
            let advice = "--iterations goes with one model: name a single --preset";
            return Err(Failure::new(Fault::Usage, anyhow::anyhow!(advice)));
        }
        Ok(())
    }

    /// The presets that were named; `all` is every network of the paper's tables.
    fn presets(&self) -> Vec<&str> {
        match self.preset.as_deref() {
            None => Vec::new(),
            Some("all") => registry().iter().map(|card| card.preset).collect(),
            Some(names) => names.split(',').map(str::trim).collect(),
        }
    }

    fn config(&self, preset: Option<&str>, console: &Console) -> Result<TrainConfig, Failure> {
        let mut config = match (&self.config, preset, &self.from) {
            (Some(path), ..) => TrainConfig::read(path).bad_input()?,
            (None, Some(preset), _) => TrainConfig::for_preset(preset),
            (None, None, Some(point)) => point.recipe(&console.workspace).bad_input()?,
            (None, None, None) => {
                let advice = "name a recipe (CONFIG.toml) or a model (--preset tiny)";
                return Err(Failure::new(Fault::Usage, anyhow::anyhow!(advice)));
            }
        };
        config.branch_from = self.from.clone().or(config.branch_from);
        if let Some(preset) = preset {
            config.model = ModelChoice::Preset(preset.to_owned());
        }
        if let Some(data) = &self.data {
            config.data = DataChoice::parse(data);
        }
        if let Some(chain) = &self.augment {
            config.augmentation =
                Augmentation::named(chain, &Chains::of(&console.workspace)).fault(Fault::Usage)?;
        }
        if let Some(name) = &self.name {
            config.name.clone_from(name);
        }
        config.epochs = self.epochs.unwrap_or(config.epochs);
        config.max_minutes = self.minutes.or(config.max_minutes);
        config.patience_epochs = self.patience.unwrap_or(config.patience_epochs);
        config.learning_rate = self.learning_rate.unwrap_or(config.learning_rate);
        config.schedule = self.schedule.unwrap_or(config.schedule);
        config.clip_gradient_norm = self.clip_gradient_norm.or(config.clip_gradient_norm);
        if let Some(other) = self.optimizer.as_deref().and_then(OptimizerConfig::of_name)
            && other.name() != config.optimizer.name()
        {
            config.optimizer = other;
        }
        if let Some(decay) = self.weight_decay {
            *config.optimizer.weight_decay_mut() = decay;
        }
        config.precision = self.precision.unwrap_or(config.precision);
        config.batch_size = self.batch.unwrap_or(config.batch_size);
        config.input_secs = self.input_secs.unwrap_or(config.input_secs);
        config.clip_rate_hz = match self.clip_rate {
            None => config.clip_rate_hz,
            Some(RateChoice::Hz(rate_hz)) => rate_hz,
            Some(RateChoice::Source) => cache::rate_of_files(&config.data, console)?,
        };
        config.seed = self.seed.unwrap_or(config.seed);
        self.validation.apply(&mut config);
        self.student.apply(&mut config, self.augment.is_some());
        config.check().fault(Fault::Usage)?;
        config.check_network().fault(Fault::Usage)?;
        Ok(config)
    }
}

pub(super) fn run(args: Args, console: &Console) -> Result<(), Failure> {
    let handle = match &args.resume {
        Some(run) => {
            let folder = console.run_folder(run)?;
            train::extend(&folder, args.more(), &console.workspace, || ()).bad_input()?
        }
        None => {
            let presets = args.presets();
            args.check_iterations(&presets)?;
            if presets.len() > 1 {
                return several(&args, &presets, console);
            }
            let config = args.config(presets.first().copied(), console)?;
            if args.estimate {
                return estimate(&config, console, args.json);
            }
            if args.student.iterations > 1 {
                return iterate(config, 1, args.student.iterations, args.json, console);
            }
            train::start(config, &console.workspace, || ()).failed()?
        }
    };
    let summary = follow(handle, console)?;
    if args.json {
        console.json(&summary)?;
    } else {
        console.line(&summary.to_string())?;
    }
    summary.unless_stopped(console)
}

/// Trains one student after the other, each with the one before as its teacher.
/// Begins with student `first` of `n`.
pub(super) fn iterate(
    mut config: TrainConfig,
    first: u32,
    n: u32,
    json: bool,
    console: &Console,
) -> Result<(), Failure> {
    let mut compared = Vec::new();
    let mut outcome = Ok(());
    for iteration in first..=n {
        console.say(&format!("student {iteration} of {n}"));
        let label = format!("student {iteration}");
        outcome = train_one(&label, config.clone(), console, &mut compared);
        if outcome.is_err() {
            break;
        }
        if let Some(done) = compared.last() {
            config.teach(&done.summary.folder);
        }
    }
    if json {
        console.json(&compared)?;
    } else {
        print_compared(&compared, console)?;
    }
    outcome
}

/// A line of the table of several runs.
#[derive(serde::Serialize)]
struct Compared {
    /// The preset, or which student it is.
    #[serde(rename = "preset")]
    label: String,
    seconds: f64,
    #[serde(flatten)]
    summary: Summary,
}

/// Trains one network after the other and compares them. Where one fails or is stopped, the others are told of before the error.
fn several(args: &Args, presets: &[&str], console: &Console) -> Result<(), Failure> {
    // All recipes are read before the first run begins.
    let configs = presets
        .iter()
        .map(|preset| Ok((*preset, args.config(Some(preset), console)?)))
        .collect::<Result<Vec<_>, Failure>>()?;
    if args.estimate {
        for (preset, config) in &configs {
            if !args.json {
                console.line(preset)?;
            }
            estimate(config, console, args.json)?;
        }
        return Ok(());
    }
    let mut compared = Vec::new();
    let outcome = train_each(configs, console, &mut compared);
    if args.json {
        console.json(&compared)?;
    } else {
        print_compared(&compared, console)?;
    }
    outcome
}

fn train_each(
    configs: Vec<(&str, TrainConfig)>,
    console: &Console,
    compared: &mut Vec<Compared>,
) -> Result<(), Failure> {
    let n_networks = configs.len();
    for (i, (preset, config)) in configs.into_iter().enumerate() {
        console.say(&format!("{preset} ({} of {n_networks})", i + 1));
        train_one(preset, config, console, compared)?;
    }
    Ok(())
}

fn train_one(
    label: &str,
    config: TrainConfig,
    console: &Console,
    compared: &mut Vec<Compared>,
) -> Result<(), Failure> {
    let begun = Instant::now();
    let handle = train::start(config, &console.workspace, || ()).failed()?;
    let summary = follow(handle, console)?;
    let stopped = summary.unless_stopped(console);
    compared.push(Compared {
        label: label.to_owned(),
        seconds: begun.elapsed().as_secs_f64(),
        summary,
    });
    stopped
}

fn print_compared(compared: &[Compared], console: &Console) -> Result<(), Failure> {
    console.line(
        "network              parameters  epoch  ROC-AUC   PR-AUC  test ROC  test PR     time  run",
    )?;
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let score = |value: Option<f64>| or_dash(value.map(|value| format!("{value:.4}")));
    for line in compared {
        let summary = &line.summary;
        let test = summary.test.as_ref();
        console.line(&format!(
            "{:<20} {:>10}  {:>5}  {:>7}  {:>7}  {:>8}  {:>7}  {:>5.0} s  {}",
            line.label,
            or_dash(summary.parameters.map(|n| n.to_string())),
            or_dash(summary.best_epoch.map(|epoch| (epoch + 1).to_string())),
            score(summary.roc_auc_macro),
            score(summary.average_precision_macro),
            score(test.and_then(|test| test.roc_auc_macro)),
            score(test.and_then(|test| test.average_precision_macro)),
            line.seconds,
            summary.id
        ))?;
    }
    Ok(())
}

fn estimate(config: &TrainConfig, console: &Console, as_json: bool) -> Result<(), Failure> {
    let job = console.job();
    let estimate = train::estimate(config, &console.workspace, &job).failed()?;
    drop(job);
    for warning in &estimate.warnings {
        console.say(&format!("warning: {warning}"));
    }
    if as_json {
        return console.json(&estimate);
    }
    console.line(&format!("parameters       {}", estimate.parameters))?;
    console.line(&format!(
        "memory           {:.2} GiB",
        estimate.memory_bytes as f64 / f64::from(1 << 30)
    ))?;
    console.line(&format!("steps per epoch  {}", estimate.steps_per_epoch))?;
    console.line(&format!(
        "time per step    {:.3} s",
        estimate.seconds_per_step
    ))?;
    console.line(&format!(
        "time per epoch   {:.1} s, validation not included",
        estimate.seconds_per_epoch
    ))
}
