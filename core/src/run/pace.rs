//! How fast a run is, and how long it will still take.

use super::pauses::Pauses;
use super::{Ends, Event, History, Record, Scalar, Series, lines};
use std::io;
use std::path::Path;

/// The newest steps that count for the pace.
const STEPS: usize = 100;

/// A run's pace at its newest steps.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pace {
    /// Mean training speed, without validations.
    pub clips_per_second: Option<f64>,
    /// Until the last epoch or the recipe's time limit, validations included; less if the run stops early. `None` before the first step
    /// and where nothing is left.
    pub seconds_left: Option<f64>,
}

impl Pace {
    /// Reads it off a history.
    pub fn of(history: &History) -> Self {
        let clips_per_second = tail_mean(history.series(Scalar::ClipsPerSecond));
        Self {
            clips_per_second,
            seconds_left: Self::seconds_to(history, history.ends()),
        }
    }

    /// Seconds of work until `ends`, as in [`Pace::seconds_left`].
    pub fn seconds_to(history: &History, ends: Ends) -> Option<f64> {
        let Event::Started {
            steps_per_epoch, ..
        } = &history.started()?.event
        else {
            return None;
        };
        let (total, done) = (
            steps_per_epoch * u64::from(ends.epochs),
            history.last_step(),
        );
        if done == 0 || done >= total {
            return None;
        }
        let by_steps = Self::seconds_per_step(history)? * (total - done) as f64;
        let by_limit = ends.max_minutes.map(|minutes| {
            let steps = history.series(Scalar::StepSeconds);
            let trained: f64 = steps.iter().map(|(_, s)| f64::from(s)).sum();
            (minutes * 60.0 - seconds_validating(history) - trained).max(0.0)
        });
        Some(by_limit.map_or(by_steps, |by_limit| by_steps.min(by_limit)))
    }

    /// Seconds of a step by the newest ones, with its share of the validations. `None` before the first.
    pub fn seconds_per_step(history: &History) -> Option<f64> {
        let done = history.last_step();
        let per_step = tail_mean(history.series(Scalar::StepSeconds))?;
        (done > 0).then(|| per_step + seconds_validating(history) / done as f64)
    }
}

fn seconds_validating(history: &History) -> f64 {
    history.validations().iter().map(|v| v.seconds).sum()
}

/// How far a run in training is.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Advance {
    /// Epoch, from 1.
    pub epoch: u32,
    /// Epochs at most.
    pub epochs: u32,
    /// Steps done.
    pub step: u64,
    /// Steps at most.
    pub steps: u64,
    /// Until its last epoch or its time limit, in seconds.
    pub seconds_left: Option<f64>,
}

impl Advance {
    /// Reads it off a history; `None` before the run has told how long it will be.
    pub fn of(history: &History) -> Option<Self> {
        let Event::Started {
            steps_per_epoch, ..
        } = &history.started()?.event
        else {
            return None;
        };
        let (per_epoch, step) = ((*steps_per_epoch).max(1), history.last_step());
        let epochs = history.ends().epochs;
        Some(Self {
            epoch: ((step / per_epoch + 1) as u32).min(epochs),
            epochs,
            step,
            steps: per_epoch * u64::from(epochs),
            seconds_left: Pace::of(history).seconds_left,
        })
    }
}

/// How long a run was worked on, in seconds, from its first event to its last, without pauses and the time in which nobody wrote it.
///
/// Reads the events and no scalars. Fails if they cannot be read.
pub fn seconds_spent(run_folder: &Path) -> io::Result<f64> {
    let appended = lines::Reader::default().read::<Record>(&run_folder.join(lines::FILE))?;
    let records = appended.unwrap_or_default().values;
    let mut pauses = Pauses::default();
    for record in &records {
        pauses.take_in(record);
    }
    let spent_ms = records.windows(2).map(|pair| match pair[1].event {
        Event::Resumed { .. } => 0,
        _ => {
            let [from, to] = [pair[0].at_unix_ms, pair[1].at_unix_ms];
            let paused = pauses.until(to).saturating_sub(pauses.until(from));
            to.saturating_sub(from).saturating_sub(paused)
        }
    });
    Ok(spent_ms.sum::<u64>() as f64 / 1000.0)
}

fn tail_mean(series: &Series) -> Option<f64> {
    let first = series.len().saturating_sub(STEPS);
    let (n, sum) = series
        .iter_from(first)
        .fold((0, 0.0), |(n, sum), (_, value)| {
            (n + 1, sum + f64::from(value))
        });
    (n > 0).then(|| sum / f64::from(n))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{Extension, RunLog, StepScalars};

    /// A run of 10 epochs of 10 steps that did one epoch, half a second a step and 5 s of validation.
    fn write_epoch(folder: &Path, configuration: &str) -> RunLog {
        let run_file: toml::Table = configuration.parse().unwrap();
        let mut log = RunLog::create(folder, &run_file).unwrap();
        let started = Event::Started {
            name: String::new(),
            model: String::new(),
            data: String::new(),
            tags: Vec::new(),
            n_parameters: 0,
            steps_per_epoch: 10,
            epochs: 10,
            patience_epochs: None,
            version: String::new(),
            teaching: None,
        };
        log.event(0, 0, started).unwrap();
        for step in 1..=10 {
            let scalars = StepScalars::new(step, 0)
                .with(Scalar::StepSeconds, 0.5)
                .with(Scalar::ClipsPerSecond, 32.0);
            log.step(&scalars).unwrap();
        }
        let validated = Event::Validated {
            loss: 0.5,
            scores: crate::metrics::Scores::default(),
            seconds: 5.0,
            localisation: None,
        };
        log.event(10, 0, validated).unwrap();
        log
    }

    fn after_an_epoch(configuration: &str) -> Pace {
        let folder = tempfile::tempdir().unwrap();
        let _log = write_epoch(folder.path(), configuration);
        Pace::of(&History::open(folder.path()).unwrap())
    }

    #[test]
    fn validations_count_for_the_time_left() {
        let pace = after_an_epoch("");
        assert_eq!(pace.clips_per_second, Some(32.0));
        assert!((pace.seconds_left.unwrap() - 90.0).abs() < 1e-6, "{pace:?}");
    }

    #[test]
    fn the_time_in_which_nobody_wrote_a_run_does_not_count() {
        let folder = tempfile::tempdir().unwrap();
        let line = |at: u64, event: &str| {
            format!("{{\"at_unix_ms\":{at},\"step\":0,\"epoch\":0,\"event\":{event}}}\n")
        };
        let text = line(1000, "\"epoch-started\"")
            + &line(2000, "\"paused\"")
            + &line(40_000, "\"continued\"")
            + &line(41_000, "\"paused\"")
            + &line(90_000, "\"resumed\",\"scalar_rows\":0")
            + &line(91_500, "\"finished\"");
        std::fs::write(folder.path().join(lines::FILE), text).unwrap();
        assert_eq!(seconds_spent(folder.path()).unwrap(), 3.5);
    }

    #[test]
    fn an_extended_run_takes_longer_and_its_new_limit_counts() {
        let folder = tempfile::tempdir().unwrap();
        let log = write_epoch(folder.path(), "[config]\nmax_minutes = 1.0");
        drop(log);
        let mut log = RunLog::resume(folder.path(), 10, 1).unwrap();
        let ends = Ends {
            epochs: 20,
            patience_epochs: None,
            max_minutes: Some(60.0),
        };
        let extension = Extension {
            ends,
            waits_from: None,
        };
        log.event(10, 1, Event::Extended(extension)).unwrap();
        let history = History::open(folder.path()).unwrap();
        assert_eq!(history.ends(), ends);
        let left = Pace::of(&history).seconds_left.unwrap();
        assert!((left - 190.0).abs() < 1e-6, "{left}");
    }

    #[test]
    fn a_time_limit_that_comes_first_counts() {
        let pace = after_an_epoch("[config]\nmax_minutes = 1.0");
        assert!((pace.seconds_left.unwrap() - 50.0).abs() < 1e-6, "{pace:?}");
    }
}
