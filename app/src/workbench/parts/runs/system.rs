//! Where a shown run's time goes and what its machine is doing, kept up to date by the thread that follows the run.

use attune_core::run::{Bottleneck, History, LoaderTime, Sample, StepTimes, Stretch, SystemLog};
use std::sync::Arc;

/// More points in time than this are not told apart on the screen.
const MOST_SAMPLES: usize = 1024;

/// What the System panel shows of a run. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct RunSystem {
    /// Stretches of steps with their time, over the whole run.
    pub stretches: Arc<[Stretch]>,
    /// What the machine was doing, by time.
    pub samples: Arc<[Sample]>,
    /// Where the time of the newest steps goes, in numbers and words; `None` before there are enough steps.
    pub bottleneck: Option<Bottleneck>,
    /// Why the samples cannot be read, if they cannot.
    pub problem: Option<String>,
}

impl RunSystem {
    /// What the loader's threads did for each of the newest steps; `None` if it was not measured.
    pub fn loader(&self) -> Option<LoaderTime> {
        self.bottleneck.as_ref()?.time.loader()
    }
}

/// Follows a run's times and samples.
#[derive(Debug, Default)]
pub(super) struct SystemFollower {
    times: StepTimes,
    log: SystemLog,
    samples: Arc<[Sample]>,
    problem: Option<String>,
}

impl SystemFollower {
    /// Reads what the machine was doing since the last call; whether there is anything new.
    pub(super) fn refresh(&mut self, history: &History) -> bool {
        let read = self.log.refresh(history.folder());
        let problem = read.as_ref().err().map(ToString::to_string);
        let has_changed = read.unwrap_or(false) || problem != self.problem;
        self.problem = problem;
        if has_changed {
            self.samples = self.log.at_most(MOST_SAMPLES).into();
        }
        has_changed
    }

    /// What is known now.
    pub(super) fn view(&mut self, history: &History) -> RunSystem {
        self.times.follow(history);
        RunSystem {
            stretches: self.times.stretches().into(),
            samples: Arc::clone(&self.samples),
            bottleneck: Bottleneck::of(history, &self.log),
            problem: self.problem.clone(),
        }
    }
}
