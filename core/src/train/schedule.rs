//! How the learning rate changes over a run. The paper keeps it constant (section 4.3); the other schedules are choices beyond it.
//!
//! A schedule is a share of the *base* learning rate, that of the recipe or the one set by hand since. It follows from the number of the step,
//! from how long the recipe in effect lasts, and for a plateau from the validations so far, whose judgement lies in the checkpoint: so a killed
//! run goes on with the same bits. Where PyTorch has a schedule of that kind, the numbers are its numbers.

use super::Error;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// A schedule of the learning rate and its settings; in a file `name` tells which.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Schedule {
    /// The base learning rate throughout, as in the paper.
    Constant {},
    /// Up along a line, then down along half a cosine until the end of the run.
    Cosine(Cosine),
    /// Down by a factor every so often.
    Step(Stairs),
    /// Down by a factor when the validation loss no longer falls.
    Plateau(Plateau),
}

/// Warm-up and cosine.
///
/// With `w` steps of warm-up, step `i` (from 0) has the share `(i + 1) / w` at first. Of the `n` steps after the warm-up, step `t` (from 0) has
/// the share `floor + (1 - floor) * (1 + cos(pi * t / n)) / 2`: `torch.optim.lr_scheduler.CosineAnnealingLR` with `T_max = n` and
/// `eta_min = floor * base`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cosine {
    /// How long the learning rate rises first.
    pub warmup: Span,
    /// What is left of the base learning rate in the end: a share, from 0 to below 1.
    pub floor: f64,
}

/// Stairs down: `factor ^ k` after `k` times `every`; `torch.optim.lr_scheduler.StepLR` with `gamma = factor`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Stairs {
    /// Length of a stair.
    pub every: Span,
    /// What is left of the learning rate after each: above 0 and below 1.
    pub factor: f64,
}

impl Default for Stairs {
    fn default() -> Self {
        Self {
            every: Span::Epochs(30.0),
            factor: 0.1,
        }
    }
}

/// Waiting for the validation loss: `torch.optim.lr_scheduler.ReduceLROnPlateau` with `mode = "min"`, `threshold_mode = "rel"`, no cooldown and
/// `min_lr = floor * base`, if the run validates once an epoch. Patience counts epochs, as that of early stopping does, so that validating more
/// often lowers nothing earlier.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Plateau {
    /// Epochs without an improvement that are put up with; the one after them lowers the learning rate.
    pub patience: u32,
    /// What is left of the learning rate then: above 0 and below 1.
    pub factor: f64,
    /// A validation loss is an improvement if it lies below the best by more than this share of it: from 0 to below 1.
    pub threshold: f64,
    /// The learning rate falls no lower than this share of the base learning rate: from 0 to below 1.
    pub floor: f64,
}

impl Default for Plateau {
    fn default() -> Self {
        Self {
            patience: 10,
            factor: 0.1,
            threshold: 1e-4,
            floor: 0.0,
        }
    }
}

/// A stretch of training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Span {
    /// So many steps.
    Steps(u64),
    /// So many epochs, or parts of one.
    Epochs(f64),
}

impl Default for Span {
    fn default() -> Self {
        Self::Epochs(0.0)
    }
}

impl Span {
    fn steps(self, steps_per_epoch: u64) -> u64 {
        match self {
            Self::Steps(steps) => steps,
            Self::Epochs(epochs) => (epochs * steps_per_epoch as f64).round() as u64,
        }
    }

    fn is_possible(self) -> bool {
        match self {
            Self::Steps(_) => true,
            Self::Epochs(epochs) => epochs.is_finite() && epochs >= 0.0,
        }
    }

    fn is_zero(self) -> bool {
        matches!(self, Self::Steps(0)) || self == Self::Epochs(0.0)
    }
}

/// How long a run lasts if nothing ends it before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Course {
    /// Steps of an epoch.
    pub steps_per_epoch: u64,
    /// Epochs of the recipe in effect.
    pub epochs: u32,
}

/// What a [`Plateau`] has made of the validations so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiting {
    /// The lowest validation loss that was an improvement.
    best_loss: Option<f64>,
    /// The epoch of the last improvement, or in which the learning rate was lowered since.
    since_epoch: u32,
    /// How often the learning rate was lowered.
    n_lowered: u32,
}

impl Waiting {
    /// Whether nothing has been waited for yet.
    pub(super) fn is_new(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for Schedule {
    fn default() -> Self {
        Self::Constant {}
    }
}

impl Schedule {
    /// One of each kind with its usual settings.
    pub fn usual() -> [Self; 4] {
        [
            Self::Constant {},
            Self::Cosine(Cosine::default()),
            Self::Step(Stairs::default()),
            Self::Plateau(Plateau::default()),
        ]
    }

    /// As it is called in a file.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Constant {} => "constant",
            Self::Cosine(_) => "cosine",
            Self::Step(_) => "step",
            Self::Plateau(_) => "plateau",
        }
    }

    /// As people call it.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Constant {} => "Constant",
            Self::Cosine(_) => "Warm-up + cosine",
            Self::Step(_) => "Step",
            Self::Plateau(_) => "Plateau",
        }
    }

    /// Whether the learning rate is the base learning rate throughout.
    pub fn is_constant(&self) -> bool {
        *self == Self::Constant {}
    }

    /// The share of the base learning rate for step `step` of the run, from 0; above 0 and at most 1, or 0 where a floor of 0 is reached.
    pub fn share(&self, step: u64, course: Course, waiting: &Waiting) -> f64 {
        match self {
            Self::Constant {} => 1.0,
            Self::Cosine(cosine) => cosine.share(step, course),
            Self::Step(stairs) => {
                let every = stairs.every.steps(course.steps_per_epoch).max(1);
                power(stairs.factor, step / every)
            }
            Self::Plateau(plateau) => plateau.share(waiting.n_lowered),
        }
    }

    /// Takes note of a validation; whether it lowers the learning rate. Only a plateau minds. A loss that is not a number is no improvement.
    pub(super) fn judge(&self, loss: f64, epoch: u32, waiting: &mut Waiting) -> bool {
        let Self::Plateau(plateau) = self else {
            return false;
        };
        let is_better = |best: f64| loss < best * (1.0 - plateau.threshold);
        if loss.is_finite() && waiting.best_loss.is_none_or(is_better) {
            waiting.best_loss = Some(loss);
            waiting.since_epoch = epoch;
            return false;
        }
        if epoch.saturating_sub(waiting.since_epoch) <= plateau.patience {
            return false;
        }
        waiting.since_epoch = epoch;
        let before = plateau.share(waiting.n_lowered);
        let is_lower = plateau.share(waiting.n_lowered + 1) < before;
        waiting.n_lowered += u32::from(is_lower);
        is_lower
    }

    /// Which setting is out of range in a run of so many epochs, and what it must be.
    pub(super) fn out_of_range(&self, epochs: u32) -> Option<(&'static str, &'static str)> {
        let is_floor = |floor: f64| (0.0..1.0).contains(&floor);
        let is_factor = |factor: f64| factor > 0.0 && factor < 1.0;
        let floor = (
            "floor",
            "must be a share of the learning rate, from 0 to below 1",
        );
        let factor = ("factor", "must lie above 0 and below 1");
        match *self {
            Self::Constant {} => None,
            Self::Cosine(Cosine { warmup, .. }) if !warmup.is_possible() => {
                Some(("warmup", "must be a number of steps or of epochs"))
            }
            Self::Cosine(Cosine {
                warmup: Span::Epochs(warmup),
                ..
            }) if warmup >= f64::from(epochs) => {
                Some(("warmup", "must be shorter than the run (see epochs)"))
            }
            Self::Cosine(cosine) => (!is_floor(cosine.floor)).then_some(floor),
            Self::Step(Stairs { every, .. }) if every.is_zero() || !every.is_possible() => Some((
                "every",
                "must be a positive number of epochs, or at least one step",
            )),
            Self::Step(stairs) => (!is_factor(stairs.factor)).then_some(factor),
            Self::Plateau(plateau) if !is_factor(plateau.factor) => Some(factor),
            Self::Plateau(plateau) if !(0.0..1.0).contains(&plateau.threshold) => Some((
                "threshold",
                "must be a share of the best loss, from 0 to below 1",
            )),
            Self::Plateau(plateau) => (!is_floor(plateau.floor)).then_some(floor),
        }
    }
}

impl Cosine {
    fn share(&self, step: u64, course: Course) -> f64 {
        let total = course.steps_per_epoch * u64::from(course.epochs);
        let warmup = self.warmup.steps(course.steps_per_epoch);
        if step < warmup {
            return (step + 1) as f64 / warmup as f64;
        }
        // A warm-up in steps may be as long as the run: then nothing is left to fall over.
        let n = total.saturating_sub(warmup).max(1);
        let done = ((step - warmup) as f64 / n as f64).min(1.0);
        self.floor + (1.0 - self.floor) * (1.0 + (std::f64::consts::PI * done).cos()) / 2.0
    }
}

impl Plateau {
    fn share(&self, n_lowered: u32) -> f64 {
        power(self.factor, n_lowered.into()).max(self.floor)
    }
}

/// `factor ^ n`. More than `i32::MAX` factors below 1 leave nothing either way.
fn power(factor: f64, n: u64) -> f64 {
    factor.powi(i32::try_from(n).unwrap_or(i32::MAX))
}

/// `cosine`, `cosine:warmup=2,floor=0.01`, `step:every=500steps,factor=0.5`, `plateau:patience=5`: the name, and after a colon the settings that are
/// not the usual ones. A span is a number of epochs, or with `steps` behind it of steps.
impl FromStr for Schedule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = |why: String| Error::OutOfRange {
            what: "schedule".to_owned(),
            why,
        };
        let (name, settings) = text.split_once(':').unwrap_or((text, ""));
        let mut table = toml::Table::from_iter([("name".to_owned(), name.trim().into())]);
        for setting in settings.split(',').filter(|part| !part.trim().is_empty()) {
            let read = setting.split_once('=').and_then(|(key, value)| {
                let (key, value) = (key.trim(), value.trim());
                let value = match key {
                    "warmup" | "every" => span(value)?,
                    _ => number(value)?,
                };
                Some((key.to_owned(), value))
            });
            let (key, value) = read.ok_or_else(|| {
                wrong(format!(
                    "has a setting that is not understood: `{}` (write cosine:warmup=2,floor=0.01 or step:every=500steps,factor=0.5)",
                    setting.trim()
                ))
            })?;
            table.insert(key, value);
        }
        let schedule = Self::deserialize(table);
        schedule.map_err(|error| wrong(format!("is not known: {}", error.message())))
    }
}

fn span(text: &str) -> Option<toml::Value> {
    let steps = text
        .strip_suffix("steps")
        .or_else(|| text.strip_suffix("step"));
    let (unit, value) = match steps {
        Some(steps) => ("steps", steps.trim().parse::<i64>().ok()?.into()),
        None => {
            let epochs = text
                .strip_suffix("epochs")
                .or_else(|| text.strip_suffix("epoch"));
            ("epochs", number(epochs.unwrap_or(text).trim())?)
        }
    };
    Some(toml::Table::from_iter([(unit.to_owned(), value)]).into())
}

fn number(text: &str) -> Option<toml::Value> {
    let whole = text.parse::<i64>().ok().map(toml::Value::from);
    whole.or_else(|| text.parse::<f64>().ok().map(toml::Value::from))
}

#[cfg(test)]
mod tests;
