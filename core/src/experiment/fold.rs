//! From the ledger and the runs' logs to the table. What is done is read once; what runs is followed as the window follows a run.

use super::difference::{self, Kept, Pair};
use super::ledger::Entered;
use super::table::{CellRun, Measure, Row, State, Table};
use super::{Cell, Error, Experiment, Metric, Task};
use crate::job::Job;
use crate::metrics::Statistic;
use crate::run::{self, Advance, History, RunSummary, Status};
use std::collections::BTreeMap;
use std::path::Path;

/// Follows an experiment: each table is what the files say at that moment.
#[derive(Debug)]
pub struct Follower {
    experiment: Experiment,
    /// By the run's id.
    done: BTreeMap<String, Done>,
    running: BTreeMap<String, History>,
}

/// What is known of a run that is done, and will not change any more.
#[derive(Clone, Debug)]
struct Done {
    roc_auc: Option<f64>,
    average_precision: Option<f64>,
    seconds: Option<f64>,
    hash: Option<String>,
}

/// What the folder of a run says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Standing {
    /// There is no run in it.
    Absent,
    /// It is not at its end.
    Unfinished(Status),
    /// It is trained and tested.
    Done(Box<RunSummary>),
}

impl Standing {
    pub(super) fn of(run_folder: &Path) -> Self {
        if !run_folder.join("run.toml").is_file() {
            return Self::Absent;
        }
        let Ok(summary) = RunSummary::read(run_folder) else {
            return Self::Absent;
        };
        // A run that was stopped while it was tested is at the end of its training, and not done.
        let is_tested =
            summary.test_roc_auc_macro.is_some() || summary.test_average_precision_macro.is_some();
        match summary.status {
            Status::Finished | Status::EarlyStopped if is_tested => Self::Done(Box::new(summary)),
            status => Self::Unfinished(status),
        }
    }
}

impl Experiment {
    /// Where it stands now. Who asks again and again asks a [`Follower`].
    pub fn table(&self) -> Result<Table, Error> {
        Follower::new(self.clone()).table()
    }

    /// The same with all differences computed that can be. While somebody works on it, they compute them.
    pub fn finished_table(&self, job: &Job) -> Result<Table, Error> {
        if !self.is_worked_on() {
            self.compute_differences(job)?;
        }
        self.table()
    }
}

impl Follower {
    /// Follows `experiment`.
    pub fn new(experiment: Experiment) -> Self {
        Self {
            experiment,
            done: BTreeMap::new(),
            running: BTreeMap::new(),
        }
    }

    /// The experiment.
    pub fn experiment(&self) -> &Experiment {
        &self.experiment
    }

    /// Where it stands now. Reads a few kilobytes for each run that is not done. Fails if the ledger cannot be read.
    pub fn table(&mut self) -> Result<Table, Error> {
        let experiment = self.experiment.clone();
        let plan = &experiment.plan;
        let is_worked_on = experiment.is_worked_on();
        let runs = self.runs(is_worked_on)?;
        let kept = Kept::read(&experiment.folder);
        let rows = plan.cells.iter().map(|cell| {
            let trained = plan.trained(cell);
            let of_cell: Vec<CellRun> = plan
                .seeds
                .iter()
                .flat_map(|&seed| (1..=trained.iterations).map(move |iteration| (seed, iteration)))
                .filter_map(|(seed, iteration)| {
                    let cell = trained.id.clone();
                    runs.get(&Task {
                        cell,
                        seed,
                        iteration,
                    })
                    .cloned()
                })
                .collect();
            let pair = self.pair(cell, &runs);
            let outcome = pair.as_ref().and_then(|pair| kept.get(&pair.key));
            Row {
                cell: cell.id.clone(),
                same_runs_as: cell.same_runs_as.clone(),
                label: cell.label.clone(),
                group: cell.group.clone(),
                note: cell.note.clone(),
                state: State::of_all(of_cell.iter().map(|run| &run.state)),
                measures: plan
                    .report
                    .metrics
                    .iter()
                    .map(|&metric| Measure {
                        metric,
                        measured: measured(&of_cell, metric),
                        paper: cell.paper.get(&metric).copied(),
                        difference: outcome.and_then(|outcome| outcome.of(metric)),
                    })
                    .collect(),
                versus: plan.versus(cell).map(|other| other.label.clone()),
                not_compared: match outcome {
                    Some(difference::Outcome::NotComparable { why }) => Some(why.clone()),
                    _ => None,
                },
                runs: of_cell,
            }
        });
        let rows: Vec<Row> = rows.collect();
        let all = || runs.values();
        Ok(Table {
            name: experiment.name.clone(),
            title: plan.title.clone(),
            about: plan.about.clone(),
            metrics: plan.report.metrics.clone(),
            seeds: plan.seeds.clone(),
            confidence: plan.report.confidence,
            resamples: plan.report.resamples,
            n_runs: all().count(),
            n_done: all().filter(|run| run.state == State::Done).count(),
            n_failed: all().filter(|run| run.state.is_stuck()).count(),
            seconds_left: seconds_left(&rows),
            is_worked_on,
            rows,
        })
    }

    /// The comparisons that can be made now.
    pub(super) fn pairs(&mut self) -> Result<Vec<Pair>, Error> {
        let experiment = self.experiment.clone();
        let runs = self.runs(experiment.is_worked_on())?;
        let cells = experiment.plan.cells.iter();
        Ok(cells.filter_map(|cell| self.pair(cell, &runs)).collect())
    }

    /// All runs of the plan, in an order in which teachers come before their students.
    fn runs(&mut self, is_worked_on: bool) -> Result<BTreeMap<Task, CellRun>, Error> {
        let entered = self.experiment.ledger()?.entered();
        let mut runs: BTreeMap<Task, CellRun> = BTreeMap::new();
        for task in self.experiment.plan.tasks() {
            let teacher = self.experiment.plan.teacher(&task);
            let stuck = teacher
                .and_then(|teacher| runs.get(&teacher).map(|run| (teacher, run)))
                .filter(|(_, run)| run.state.is_stuck());
            let mut found = self.look_at(&task, entered.get(&task), is_worked_on);
            if let Some((teacher, _)) = stuck
                && found.state != State::Done
            {
                found.state = State::Blocked {
                    teacher: teacher.to_string(),
                };
            }
            runs.insert(task, found);
        }
        Ok(runs)
    }

    fn look_at(&mut self, task: &Task, entered: Option<&Entered>, is_worked_on: bool) -> CellRun {
        let cell = self.experiment.plan.cell(&task.cell);
        let run = entered.and_then(|entered| entered.run.clone());
        let mut found = CellRun {
            seed: task.seed,
            iteration: task.iteration,
            counts: cell.is_some_and(|cell| cell.iterations == task.iteration),
            run: None,
            state: State::Waiting,
            roc_auc: None,
            average_precision: None,
            seconds: None,
        };
        if let Some(run) = &run {
            let folder = self.experiment.run_folder(run);
            found.state = match Standing::of(&folder) {
                Standing::Done(summary) => {
                    let done = self.done.entry(run.clone()).or_insert_with(|| Done {
                        roc_auc: summary.test_roc_auc_macro,
                        average_precision: summary.test_average_precision_macro,
                        seconds: run::seconds_spent(&folder).ok(),
                        hash: difference::hash(&folder),
                    });
                    found.roc_auc = done.roc_auc;
                    found.average_precision = done.average_precision;
                    found.seconds = done.seconds;
                    self.running.remove(run);
                    State::Done
                }
                Standing::Unfinished(Status::Running | Status::Paused) => self.follow(run, &folder),
                Standing::Unfinished(_) => State::Interrupted,
                Standing::Absent if is_worked_on && folder.is_dir() => State::Preparing,
                Standing::Absent => State::Waiting,
            };
            if folder.is_dir() {
                found.run = Some(run.clone());
            }
        }
        if let Some(message) = entered.and_then(|entered| entered.failure.clone())
            && found.state != State::Done
        {
            found.state = State::Failed { message };
        }
        found
    }

    /// How far a run is that somebody trains.
    fn follow(&mut self, run: &str, folder: &Path) -> State {
        if let Some(history) = self.running.get_mut(run) {
            // What cannot be read now can be read the next time.
            drop(history.refresh());
        } else if let Ok(history) = History::open(folder) {
            self.running.insert(run.to_owned(), history);
        }
        let Some(history) = self.running.get(run) else {
            return State::Preparing;
        };
        match Advance::of(history) {
            Some(Advance {
                epoch,
                epochs,
                step,
                steps,
                seconds_left,
            }) => State::Running {
                epoch,
                epochs,
                step,
                steps,
                seconds_left,
            },
            None => State::Preparing,
        }
    }

    /// The comparison of a cell with the one that it is compared with, on the seeds that both have done.
    fn pair(&self, cell: &Cell, runs: &BTreeMap<Task, CellRun>) -> Option<Pair> {
        let versus = self.experiment.plan.versus(cell)?;
        let run_of = |cell: &Cell, seed: u64| -> Option<(&str, &str)> {
            let cell = self.experiment.plan.trained(cell);
            let task = Task {
                cell: cell.id.clone(),
                seed,
                iteration: cell.iterations,
            };
            let (run, _) = self.done.get_key_value(runs.get(&task)?.run.as_ref()?)?;
            Some((run, self.done[run].hash.as_deref()?))
        };
        let (mut one, mut other) = (Vec::new(), Vec::new());
        for &seed in &self.experiment.plan.seeds {
            if let (Some(versus), Some(cell)) = (run_of(versus, seed), run_of(cell, seed)) {
                one.push(versus);
                other.push(cell);
            }
        }
        let hashes = |side: &[(&'_ str, &'_ str)]| -> Vec<String> {
            side.iter().map(|(_, hash)| (*hash).to_owned()).collect()
        };
        let folders = |side: &[(&str, &str)]| {
            let folders = side.iter().map(|(run, _)| self.experiment.run_folder(run));
            folders.collect()
        };
        (!one.is_empty()).then(|| Pair {
            key: difference::key(&self.experiment.plan.report, &hashes(&one), &hashes(&other)),
            versus: folders(&one),
            cell: folders(&other),
        })
    }
}

fn measured(runs: &[CellRun], metric: Metric) -> Option<Statistic> {
    let counting = runs.iter().filter(|run| run.counts);
    let values: Vec<f64> = counting
        .filter_map(|run| match metric {
            Metric::RocAuc => run.roc_auc,
            Metric::AveragePrecision => run.average_precision,
        })
        .collect();
    Statistic::of(&values)
}

/// What is left of the run at work, and for each that waits the mean of its cell's runs that are done, or else of all.
fn seconds_left(rows: &[Row]) -> Option<f64> {
    let mean = |runs: &mut dyn Iterator<Item = &CellRun>| -> Option<f64> {
        let seconds: Vec<f64> = runs.filter_map(|run| run.seconds).collect();
        Statistic::of(&seconds).map(|statistic| statistic.mean)
    };
    let of_all = mean(&mut rows.iter().flat_map(|row| &row.runs));
    let mut left = 0.0;
    for row in rows.iter().filter(|row| row.same_runs_as.is_none()) {
        let usual = mean(&mut row.runs.iter()).or(of_all);
        for run in &row.runs {
            left += match &run.state {
                State::Done | State::Failed { .. } | State::Blocked { .. } => 0.0,
                State::Running {
                    seconds_left: Some(seconds),
                    ..
                } => *seconds,
                _ => usual?,
            };
        }
    }
    Some(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(state: State, roc_auc: Option<f64>, seconds: Option<f64>) -> CellRun {
        CellRun {
            seed: 1,
            iteration: 1,
            counts: true,
            run: None,
            state,
            roc_auc,
            average_precision: None,
            seconds,
        }
    }

    fn row(runs: Vec<CellRun>) -> Row {
        Row {
            cell: "a".to_owned(),
            same_runs_as: None,
            label: "A".to_owned(),
            group: None,
            note: None,
            state: State::Waiting,
            runs,
            measures: Vec::new(),
            versus: None,
            not_compared: None,
        }
    }

    #[test]
    fn the_table_counts_the_last_students_only() {
        let teacher = CellRun {
            counts: false,
            ..run(State::Done, Some(0.1), None)
        };
        let runs = [
            teacher,
            run(State::Done, Some(0.8), None),
            run(State::Waiting, None, None),
            run(State::Done, Some(0.9), None),
        ];
        let found = measured(&runs, Metric::RocAuc).unwrap();
        assert!((found.mean - 0.85).abs() < 1e-12);
        // Deviations of 0.05: squares 0.005, over 1.
        assert!((found.sd.unwrap() - 0.005f64.sqrt()).abs() < 1e-12);
        assert_eq!(found.n, 2);
        assert_eq!(measured(&runs, Metric::AveragePrecision), None);
    }

    #[test]
    fn time_left_is_that_of_the_cell_or_else_of_all() {
        let done = |seconds| run(State::Done, Some(0.5), Some(seconds));
        let waiting = || run(State::Waiting, None, None);
        let running = run(
            State::Running {
                epoch: 1,
                epochs: 2,
                step: 3,
                steps: 8,
                seconds_left: Some(5.0),
            },
            None,
            None,
        );
        let failed = run(
            State::Failed {
                message: String::new(),
            },
            None,
            None,
        );
        let rows = [
            row(vec![done(10.0), waiting()]),
            row(vec![done(30.0), running]),
            row(vec![waiting(), failed]),
        ];
        assert_eq!(seconds_left(&rows), Some(10.0 + 5.0 + 20.0));
        assert_eq!(seconds_left(&[row(vec![waiting()])]), None);
        assert_eq!(seconds_left(&[row(vec![done(3.0)])]), Some(0.0));
    }
}
