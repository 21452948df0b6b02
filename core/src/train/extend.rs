//! Asking more of a run than its recipe did: further epochs, more patience, more time.
//!
//! `run.toml` stays as it was when the run began; what was asked since stands in the log ([`crate::run::Extension`]) and is laid over it whenever
//! the run goes on. An extended run is the run that had asked for as much from its beginning, bit for bit, as far as nothing depended on where it
//! was to end. What does: a cosine is one over all epochs from the extension on, so that it rises once more; and every run validates at its
//! end, which a recipe that validates every so many epochs or steps need not do there otherwise. That validation stays in the log and counts for
//! the best checkpoint, for patience and for a plateau; the weights do not depend on it unless the schedule is a plateau.

use super::checkpoint::{Position, RunFile};
use super::{Error, Outcome, TrainConfig};
use crate::run::{self, Ends, Extension};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What more is asked of a run; `None`: what is asked of it already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct More {
    /// Ends after so many epochs, those that it has done among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epochs: Option<u32>,
    /// Ends after so many epochs without a lower validation loss; 0: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patience_epochs: Option<u32>,
    /// Ends after so many minutes of training, those that it has trained among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_minutes: Option<f64>,
}

impl More {
    /// Whether nothing is asked.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a run whose recipe in effect is `config` is asked for exactly this already.
    pub fn is_asked_of(&self, config: &TrainConfig) -> bool {
        self.epochs.is_none_or(|epochs| epochs == config.epochs)
            && self
                .patience_epochs
                .is_none_or(|patience| patience == config.patience_epochs)
            && (self.max_minutes.is_none() || self.max_minutes == config.max_minutes)
    }

    /// Takes up what was asked of the run in `run_folder` since it began, and what is asked of it now: gives the recipe in effect and the
    /// extension that the log is to be told of, and lets a run that had ended go on.
    ///
    /// Fails if a number is out of range, or if the run would end at once.
    pub(super) fn take_up(
        self,
        run_folder: &Path,
        config: TrainConfig,
        position: &mut Position,
        steps_per_epoch: u32,
    ) -> Result<(TrainConfig, Option<Extension>), Error> {
        let mut extensions = extensions(run_folder)?;
        // A run that was killed just after it had been extended still stands where it had ended.
        position.extend(&config, &extensions);
        let new = self.of(&config, position, steps_per_epoch)?;
        extensions.extend(new);
        let config = extended(config, &extensions);
        position.extend(&config, &extensions);
        Ok((config, new))
    }

    /// The extension of a run with the recipe `config` that stands at `position`; `None` if nothing is asked.
    fn of(
        self,
        config: &TrainConfig,
        position: &Position,
        steps_per_epoch: u32,
    ) -> Result<Option<Extension>, Error> {
        if self == Self::default() {
            return Ok(None);
        }
        let epochs = self.epochs.unwrap_or(config.epochs);
        let patience_epochs = self.patience_epochs.unwrap_or(config.patience_epochs);
        let max_minutes = self.max_minutes.or(config.max_minutes);
        let too_few = |what: &str, why: String| {
            Err(Error::OutOfRange {
                what: what.to_owned(),
                why,
            })
        };
        let is_between = position.step_in_epoch >= steps_per_epoch;
        let n_done = position.epoch + u32::from(is_between);
        if epochs <= n_done {
            let why = format!("must be more than the {n_done} that the run has done");
            return too_few("epochs", why);
        }
        let minutes = position.seconds / 60.0;
        if max_minutes.is_some_and(|most| most <= minutes) {
            let why = format!("must be more than the {minutes:.1} that the run has trained");
            return too_few("max_minutes", why);
        }
        let early_stop = position.early_stop.extended(patience_epochs, None);
        let is_used_up =
            position.end == Some(Outcome::EarlyStopped) && early_stop.is_used_up(position.epoch);
        if is_used_up && self.epochs.is_none() {
            let waited = early_stop.waited(position.epoch);
            let why = format!(
                "must be more than the {waited} that the run has waited for a lower validation loss; or ask for more epochs, and patience counts anew"
            );
            return too_few("patience_epochs", why);
        }
        let extension = Extension {
            ends: Ends {
                epochs,
                patience_epochs: Some(patience_epochs).filter(|&epochs| epochs > 0),
                max_minutes,
            },
            waits_from: is_used_up.then_some(position.epoch),
        };
        extended(config.clone(), &[extension]).check()?;
        Ok(Some(extension))
    }
}

/// The recipe after these extensions.
fn extended(mut config: TrainConfig, extensions: &[Extension]) -> TrainConfig {
    if let Some(Extension { ends, .. }) = extensions.last() {
        config.epochs = ends.epochs;
        config.patience_epochs = ends.patience_epochs.unwrap_or(0);
        config.max_minutes = ends.max_minutes;
    }
    config
}

impl RunFile {
    /// As [`RunFile::read`], with the recipe in effect: what was asked of the run since it began is in it.
    pub fn in_effect(run_folder: &Path) -> Result<Self, Error> {
        let mut run_file = Self::read(run_folder)?;
        run_file.config = extended(run_file.config, &extensions(run_folder)?);
        Ok(run_file)
    }
}

/// How a run was extended so far.
fn extensions(run_folder: &Path) -> Result<Vec<Extension>, Error> {
    run::extensions(run_folder).map_err(|source| Error::Read {
        path: run_folder.to_owned(),
        source,
    })
}

impl Position {
    /// The same in a run that was extended so: a run that had ended goes on, unless what ended it still does.
    fn extend(&mut self, config: &TrainConfig, extensions: &[Extension]) {
        if extensions.is_empty() {
            return;
        }
        let waits_from = extensions.iter().rev().find_map(|it| it.waits_from);
        let early_stop = self.early_stop.extended(config.patience_epochs, waits_from);
        self.early_stop = early_stop;
        let is_over = match self.end {
            Some(Outcome::EarlyStopped) => early_stop.is_used_up(self.epoch),
            Some(Outcome::Finished) => {
                let limit = config.max_minutes.map(|minutes| minutes * 60.0);
                self.epoch >= config.epochs || limit.is_some_and(|limit| self.seconds >= limit)
            }
            Some(Outcome::Stopped) | None => false,
        };
        if !is_over {
            self.end = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{Event, RunLog};

    const STEPS_PER_EPOCH: u32 = 10;

    fn recipe() -> TrainConfig {
        TrainConfig {
            epochs: 6,
            patience_epochs: 2,
            max_minutes: Some(3.0),
            ..TrainConfig::default()
        }
    }

    /// A run that stopped early after its fourth epoch: the second was the best.
    fn stopped_early() -> Position {
        let mut position = Position::start(&recipe());
        for (epoch, loss) in [0.6, 0.5, 0.55, 0.56].into_iter().enumerate() {
            position.early_stop.judge(loss, epoch as u32, 10);
        }
        Position {
            epoch: 3,
            step_in_epoch: STEPS_PER_EPOCH,
            step: 40,
            seconds: 60.0,
            end: Some(Outcome::EarlyStopped),
            ..position
        }
    }

    /// A run that did all its epochs: the last was the best.
    fn finished() -> Position {
        let mut position = stopped_early();
        position.early_stop.judge(0.4, 5, 60);
        Position {
            epoch: 6,
            step_in_epoch: 0,
            end: Some(Outcome::Finished),
            ..position
        }
    }

    /// Whether a run at `position` goes on, and from which epoch it waits anew; or the key that asks for too little.
    fn ask(position: &Position, more: More) -> Result<Option<u32>, String> {
        let extension = match more.of(&recipe(), position, STEPS_PER_EPOCH) {
            Ok(extension) => extension.unwrap(),
            Err(Error::OutOfRange { what, .. }) => return Err(what),
            Err(error) => panic!("{error}"),
        };
        let config = extended(recipe(), &[extension]);
        let mut position = position.clone();
        position.extend(&config, &[extension]);
        assert_eq!(position.end, None);
        assert!(!position.early_stop.is_used_up(position.epoch));
        Ok(extension.waits_from)
    }

    fn epochs(n: u32) -> More {
        More {
            epochs: Some(n),
            ..More::default()
        }
    }

    fn patience(n: u32) -> More {
        More {
            patience_epochs: Some(n),
            ..More::default()
        }
    }

    #[test]
    fn a_run_goes_on_if_it_is_asked_for_more_than_it_has_done() {
        assert_eq!(ask(&finished(), epochs(7)), Ok(None));
        assert_eq!(ask(&finished(), epochs(6)), Err("epochs".to_owned()));
        assert_eq!(ask(&finished(), patience(9)), Err("epochs".to_owned()));
        assert_eq!(ask(&stopped_early(), epochs(4)), Err("epochs".to_owned()));
        let out_of_time = Position {
            epoch: 2,
            seconds: 181.0,
            ..finished()
        };
        let minutes = |minutes: f64| More {
            max_minutes: Some(minutes),
            ..More::default()
        };
        assert_eq!(ask(&out_of_time, minutes(4.0)), Ok(None));
        let too_short = Err("max_minutes".to_owned());
        assert_eq!(ask(&out_of_time, minutes(3.01)), too_short);
        assert_eq!(ask(&out_of_time, epochs(9)), too_short);
    }

    #[test]
    fn patience_counts_on_if_it_is_enough_and_anew_if_further_epochs_are_asked_for() {
        assert_eq!(ask(&stopped_early(), patience(3)), Ok(None));
        assert_eq!(ask(&stopped_early(), patience(0)), Ok(None), "never");
        assert_eq!(
            ask(&stopped_early(), patience(2)),
            Err("patience_epochs".to_owned())
        );
        assert_eq!(ask(&stopped_early(), epochs(9)), Ok(Some(3)));
        let both = More {
            patience_epochs: Some(5),
            ..epochs(9)
        };
        assert_eq!(ask(&stopped_early(), both), Ok(None));
    }

    #[test]
    fn a_run_that_was_killed_after_an_extension_is_asked_for_more_where_it_waits_anew() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = RunLog::create(folder.path(), &toml::Table::new()).unwrap();
        let first = epochs(9)
            .of(&recipe(), &stopped_early(), STEPS_PER_EPOCH)
            .unwrap()
            .unwrap();
        log.event(40, 3, Event::Extended(first)).unwrap();
        let in_effect = extended(recipe(), &[first]);
        let mut position = stopped_early();
        let (config, second) = patience(1)
            .take_up(folder.path(), in_effect, &mut position, STEPS_PER_EPOCH)
            .unwrap();
        assert_eq!((config.epochs, config.patience_epochs), (9, 1));
        assert_eq!(second.unwrap().waits_from, None, "as before");
        assert_eq!(position.end, None);
        assert!(!position.early_stop.is_used_up(3) && position.early_stop.is_used_up(4));
    }

    #[test]
    fn a_run_that_was_not_extended_stays_as_it_is() {
        let position = finished();
        let none = More::default().of(&recipe(), &position, STEPS_PER_EPOCH);
        assert_eq!(none.unwrap(), None);
        let mut same = position.clone();
        same.extend(&recipe(), &[]);
        assert_eq!(same, position);
    }

    #[test]
    fn an_extended_run_that_has_ended_again_stays_ended() {
        let extension = epochs(8)
            .of(&recipe(), &stopped_early(), STEPS_PER_EPOCH)
            .unwrap()
            .unwrap();
        let config = extended(recipe(), &[extension]);
        for (epoch, end) in [(8, Outcome::Finished), (5, Outcome::EarlyStopped)] {
            let mut position = Position {
                epoch,
                end: Some(end),
                ..stopped_early()
            };
            position.extend(&config, &[extension]);
            assert_eq!(position.end, Some(end));
        }
    }
}
