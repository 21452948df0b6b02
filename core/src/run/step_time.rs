//! Where the time of the training steps goes, by phase.
//!
//! What is measured of a step ([`Scalar`]) is added up here: over its newest steps, for words ([`super::Bottleneck`]), and over
//! stretches of the whole run, for drawing. All phases of a step together are its time: what no phase accounts for is [`Phase::Other`].

use super::{History, Scalar, Series};
use serde::Serialize;
use std::iter::Peekable;

/// A part of a training step, in the order in which they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Waiting for the loader.
    Waiting,
    /// A noisy student's teacher answers, and follows its student.
    Teacher,
    /// Network and loss.
    Forward,
    /// Gradients.
    Backward,
    /// Their norm, clipping, new weights.
    Optimizer,
    /// The rest: running scores, agreement with the teacher. Of runs of an earlier version, all but waiting.
    Other,
}

impl Phase {
    /// All, in order.
    pub const ALL: [Self; 6] = [
        Self::Waiting,
        Self::Teacher,
        Self::Forward,
        Self::Backward,
        Self::Optimizer,
        Self::Other,
    ];

    /// Name for people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Waiting => "waiting for data",
            Self::Teacher => "teacher",
            Self::Forward => "forward",
            Self::Backward => "backward",
            Self::Optimizer => "optimizer",
            Self::Other => "other",
        }
    }
}

/// Time of some steps, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StepTime {
    /// How many steps.
    pub n_steps: u64,
    /// Of these, how many tell more than their waiting: those of runs of an earlier version do not.
    pub n_detailed: u64,
    /// Seconds by phase, in the order of [`Phase::ALL`].
    phases: [f64; Phase::ALL.len()],
    /// Seconds of the loader's threads on the clips of these steps: reading, augmenting, features.
    loader: [f64; 3],
}

/// What the loader's threads do for a step, in seconds of theirs. They work ahead and beside the step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LoaderTime {
    /// Reading clips and cutting them out.
    pub reading_seconds: f64,
    /// Augmenting them.
    pub augmenting_seconds: f64,
    /// Computing what the networks take in.
    pub features_seconds: f64,
}

impl StepTime {
    /// The newest `n_steps` that count.
    pub fn of_newest(history: &History, n_steps: usize) -> Self {
        let series = history.series(Scalar::StepSeconds);
        let before = series.len().saturating_sub(n_steps);
        let first = series.iter_from(before).next();
        let mut time = Self::default();
        for (_, step) in steps_from(history, first.map_or(0, |(step, _)| step)) {
            time.add(&step);
        }
        time
    }

    /// Mean time of a step, in seconds; 0 without steps.
    pub fn seconds(&self) -> f64 {
        self.phases.iter().sum::<f64>() / self.n_steps.max(1) as f64
    }

    /// Mean time of a phase, in seconds.
    pub fn of(&self, phase: Phase) -> f64 {
        self.phases[phase as usize] / self.n_steps.max(1) as f64
    }

    /// A phase's share of the time, 0 to 1. All shares together are 1, or 0 where no time has passed.
    pub fn share(&self, phase: Phase) -> f64 {
        let all: f64 = self.phases.iter().sum();
        if all > 0.0 {
            self.phases[phase as usize] / all
        } else {
            0.0
        }
    }

    /// What the loader's threads do for a step; `None` if that was not measured.
    pub fn loader(&self) -> Option<LoaderTime> {
        let n_steps = self.n_detailed as f64;
        let [reading_seconds, augmenting_seconds, features_seconds] =
            self.loader.map(|seconds| seconds / n_steps);
        (self.n_detailed > 0).then_some(LoaderTime {
            reading_seconds,
            augmenting_seconds,
            features_seconds,
        })
    }

    fn add(&mut self, other: &Self) {
        self.n_steps += other.n_steps;
        self.n_detailed += other.n_detailed;
        for (own, other) in self.phases.iter_mut().zip(other.phases) {
            *own += other;
        }
        for (own, other) in self.loader.iter_mut().zip(other.loader) {
            *own += other;
        }
    }
}

/// A measure's value at a step, for steps that are asked for in rising order.
struct Column<I: Iterator<Item = (u64, f32)>>(Peekable<I>);

impl<I: Iterator<Item = (u64, f32)>> Column<I> {
    fn at(&mut self, step: u64) -> Option<f64> {
        while self.0.next_if(|(at, _)| *at < step).is_some() {}
        let (_, value) = self.0.next_if(|(at, _)| *at == step)?;
        Some(f64::from(value).max(0.0))
    }
}

/// The steps that count, from step `first` on.
fn steps_from(history: &History, first: u64) -> impl Iterator<Item = (u64, StepTime)> {
    let column = |scalar| Column(history.series(scalar).iter_from_step(first).peekable());
    let mut phases = [
        Scalar::LoaderWait,
        Scalar::TeacherSeconds,
        Scalar::ForwardSeconds,
        Scalar::BackwardSeconds,
        Scalar::OptimizerSeconds,
    ]
    .map(column);
    let mut loader = [
        Scalar::LoaderReading,
        Scalar::LoaderAugmenting,
        Scalar::LoaderFeatures,
    ]
    .map(column);
    let steps = history.series(Scalar::StepSeconds).iter_from_step(first);
    steps.map(move |(step, seconds)| {
        let measured = phases.each_mut().map(|column| column.at(step));
        let mut time = StepTime {
            n_steps: 1,
            n_detailed: u64::from(measured[Phase::Forward as usize].is_some()),
            ..StepTime::default()
        };
        for (phase, measured) in time.phases.iter_mut().zip(measured) {
            *phase = measured.unwrap_or(0.0);
        }
        let told: f64 = time.phases.iter().sum();
        time.phases[Phase::Other as usize] = (f64::from(seconds) - told).max(0.0);
        time.loader = loader
            .each_mut()
            .map(|column| column.at(step).unwrap_or(0.0));
        (step, time)
    })
}

/// A stretch of steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stretch {
    /// Its first step.
    pub first_step: u64,
    /// Its last step.
    pub last_step: u64,
    /// Its time.
    pub time: StepTime,
}

/// The whole run in stretches of equally many steps, between half of [`StepTimes::MOST`] and that many of them once the run is long enough.
/// Follows a history that grows.
#[derive(Clone, Debug)]
pub struct StepTimes {
    stretches: Vec<Stretch>,
    /// Steps of a stretch.
    width: u64,
    n_followed: usize,
    n_cuts: u64,
}

impl Default for StepTimes {
    fn default() -> Self {
        Self {
            stretches: Vec::new(),
            width: 1,
            n_followed: 0,
            n_cuts: 0,
        }
    }
}

impl StepTimes {
    /// At most so many stretches.
    pub const MOST: usize = 512;

    /// Takes in what the history has grown by; starts over if it was cut.
    pub fn follow(&mut self, history: &History) {
        let series: &Series = history.series(Scalar::StepSeconds);
        if series.n_cuts() != self.n_cuts || series.len() < self.n_followed {
            *self = Self {
                n_cuts: series.n_cuts(),
                ..Self::default()
            };
        }
        let Some((first, _)) = series.iter_from(self.n_followed).next() else {
            return;
        };
        for (step, time) in steps_from(history, first) {
            match self.stretches.last_mut() {
                Some(last) if last.time.n_steps < self.width => {
                    last.last_step = step;
                    last.time.add(&time);
                }
                _ => self.stretches.push(Stretch {
                    first_step: step,
                    last_step: step,
                    time,
                }),
            }
            if self.stretches.len() > Self::MOST {
                self.halve();
            }
        }
        self.n_followed = series.len();
    }

    /// The stretches, by step.
    pub fn stretches(&self) -> &[Stretch] {
        &self.stretches
    }

    fn halve(&mut self) {
        let pairs = self.stretches.chunks(2).map(|pair| {
            let mut joined = pair[0];
            if let Some(second) = pair.get(1) {
                joined.last_step = second.last_step;
                joined.time.add(&second.time);
            }
            joined
        });
        self.stretches = pairs.collect();
        self.width *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{RunLog, StepScalars};

    /// A step of 100 ms and its number in microseconds; the first `n_old` steps are of an earlier version.
    fn row(step: u64, n_old: u64) -> StepScalars {
        let row = StepScalars::new(step, 0)
            .with(Scalar::LoaderWait, 0.01)
            .with(Scalar::StepSeconds, 0.1 + step as f64 * 1e-6);
        if step <= n_old {
            return row;
        }
        row.with(Scalar::ForwardSeconds, 0.02)
            .with(Scalar::BackwardSeconds, 0.05)
            .with(Scalar::OptimizerSeconds, 0.005)
            .with(Scalar::LoaderReading, 0.001)
            .with(Scalar::LoaderAugmenting, 0.03)
            .with(Scalar::LoaderFeatures, 0.004)
    }

    fn write(log: &mut RunLog, steps: std::ops::RangeInclusive<u64>, n_old: u64) {
        for step in steps {
            log.step(&row(step, n_old)).unwrap();
        }
        log.flush().unwrap();
    }

    fn close(found: f64, expected: f64) -> bool {
        (found - expected).abs() < 1e-6
    }

    #[test]
    fn phases_add_up_to_the_step_and_the_rest_is_other() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = RunLog::create(folder.path(), &toml::Table::new()).unwrap();
        write(&mut log, 1..=300, 250);
        let history = History::open(folder.path()).unwrap();
        let time = StepTime::of_newest(&history, 20);
        assert_eq!((time.n_steps, time.n_detailed), (20, 20));
        assert!(close(time.seconds(), 0.1 + 290.5e-6), "{time:?}");
        assert!(close(time.of(Phase::Backward), 0.05), "{time:?}");
        assert!(close(time.of(Phase::Other), 0.015 + 290.5e-6), "{time:?}");
        assert_eq!(time.of(Phase::Teacher), 0.0);
        let shares: f64 = Phase::ALL.map(|phase| time.share(phase)).iter().sum();
        assert!(close(shares, 1.0));
        assert!(close(time.loader().unwrap().augmenting_seconds, 0.03));
        // The older steps told no more than their waiting.
        let all = StepTime::of_newest(&history, usize::MAX);
        assert_eq!((all.n_steps, all.n_detailed), (300, 50));
        assert!(close(all.loader().unwrap().reading_seconds, 0.001));
        assert!(close(all.of(Phase::Waiting), 0.01), "{all:?}");
    }

    #[test]
    fn a_run_without_steps_has_no_time() {
        let time = StepTime::default();
        assert_eq!((time.seconds(), time.share(Phase::Other)), (0.0, 0.0));
        assert_eq!(time.loader(), None);
    }

    #[test]
    fn stretches_that_follow_a_run_equal_those_of_the_whole_also_after_it_was_resumed() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = RunLog::create(folder.path(), &toml::Table::new()).unwrap();
        let mut history = History::open(folder.path()).unwrap();
        let mut follower = StepTimes::default();
        for piece in 0..9 {
            write(&mut log, piece * 333 + 1..=(piece + 1) * 333, 500);
            history.refresh().unwrap();
            follower.follow(&history);
        }
        let whole = |history: &History| {
            let mut times = StepTimes::default();
            times.follow(history);
            times.stretches
        };
        assert_eq!(follower.stretches(), whole(&history));
        drop(log);
        let mut log = RunLog::resume(folder.path(), 1000, 0).unwrap();
        write(&mut log, 1001..=1700, 500);
        history.refresh().unwrap();
        follower.follow(&history);
        let stretches = follower.stretches();
        assert_eq!(stretches, whole(&history));
        assert!((StepTimes::MOST / 2..=StepTimes::MOST).contains(&stretches.len()));
        let n_steps: u64 = stretches.iter().map(|stretch| stretch.time.n_steps).sum();
        assert_eq!(n_steps, 1700);
        let meets = |pair: &[Stretch]| pair[0].last_step + 1 == pair[1].first_step;
        assert!(stretches.windows(2).all(meets), "every step once");
    }
}
