//! Follows a training run in the terminal: folds its log like the window does, and draws one progress line on stderr.

use super::slow_loader::SlowLoader;
use super::{Console, Failure, Fault, ResultExt};
use attune_core::run::news_words;
use attune_core::run::{Event, History, Pace, Scalar, Status, Validation};
use attune_core::train::{self, Command, Handle, Outcome};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::path::PathBuf;
use std::time::Duration;

/// How a run ended, for stdout.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    /// The run's id: the name of its folder.
    pub id: String,
    /// Its folder.
    pub folder: PathBuf,
    /// `finished`, `early-stopped`, `stopped`, `failed`; for who watched, also `interrupted`.
    pub outcome: &'static str,
    /// Trained numbers in the network.
    pub parameters: Option<u64>,
    /// Steps done.
    pub steps: u64,
    /// Epoch of the best validation, from 0.
    pub best_epoch: Option<u32>,
    /// Lowest validation loss.
    pub best_loss: Option<f64>,
    /// Macro ROC-AUC of that validation.
    pub roc_auc_macro: Option<f64>,
    /// Macro average precision (PR-AUC) of that validation.
    pub average_precision_macro: Option<f64>,
    /// How well that model finds when tags sound (ROC-AUC), if the recipe asks for it.
    pub localisation_roc_auc: Option<f64>,
    /// Its pointing game, likewise.
    pub pointing_game: Option<f64>,
    /// Scores of that model on the test split, if the data set has one and the run came to its end.
    pub test: Option<TestScores>,
}

/// Scores on the test split.
#[derive(Debug, Serialize)]
pub(super) struct TestScores {
    /// Macro ROC-AUC.
    pub roc_auc_macro: Option<f64>,
    /// Macro average precision (PR-AUC).
    pub average_precision_macro: Option<f64>,
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let score = |value: Option<f64>| {
            value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"))
        };
        writeln!(f, "run         {}", self.id)?;
        writeln!(f, "folder      {}", self.folder.display())?;
        writeln!(f, "outcome     {} after {} steps", self.outcome, self.steps)?;
        write!(
            f,
            "best epoch  {}: validation loss {}, ROC-AUC {}, PR-AUC {}",
            self.best_epoch
                .map_or_else(|| "-".to_owned(), |epoch| (epoch + 1).to_string()),
            score(self.best_loss),
            score(self.roc_auc_macro),
            score(self.average_precision_macro)
        )?;
        if let Some(found) = self.localisation_roc_auc {
            write!(f, ", localisation {found:.4}")?;
        }
        if let Some(test) = &self.test {
            write!(
                f,
                "\ntest split  ROC-AUC {}, PR-AUC {}",
                score(test.roc_auc_macro),
                score(test.average_precision_macro)
            )?;
        }
        Ok(())
    }
}

impl Summary {
    /// Fails as cancelled if the user stopped the run, and says how to go on.
    pub(super) fn unless_stopped(&self, console: &Console) -> Result<(), Failure> {
        if !console.cancel.is_cancelled() {
            return Ok(());
        }
        let advice = format!("stopped; go on with: attune train --resume {}", self.id);
        Err(Failure::new(Fault::Cancelled, anyhow::anyhow!(advice)))
    }
}

/// Shows the run until it ends. Ctrl-C stops it after a checkpoint. Fails as the run does.
pub(super) fn follow(handle: Handle, console: &Console) -> Result<Summary, Failure> {
    let folder = handle.run_folder.clone();
    let followed = follow_through(handle, console)?;
    followed.outcome.failed()?;
    followed.summary.ok_or_else(|| {
        let error = attune_core::run::Error::NoRun(folder);
        Failure::new(Fault::Cancelled, error)
    })
}

/// A run that was shown to its end.
pub(super) struct Followed {
    /// How it ended.
    pub outcome: Result<Outcome, train::Error>,
    /// What is to be said of it; `None` if it has not begun.
    pub summary: Option<Summary>,
}

/// As [`follow`], for who goes on whatever becomes of the run. Fails only if it cannot be shown.
pub(super) fn follow_through(handle: Handle, console: &Console) -> Result<Followed, Failure> {
    let folder = handle.run_folder.clone();
    let bar = ProgressBar::no_length();
    let mut history: Option<History> = None;
    let mut n_events_told = 0;
    let mut slow_loader = SlowLoader::default();
    let mut is_stopping = false;
    while !handle.is_finished() {
        std::thread::sleep(Duration::from_millis(200));
        if console.cancel.is_cancelled() && !is_stopping {
            is_stopping = handle.send(Command::Stop);
            bar.println("stopping after a checkpoint (press Ctrl-C again to end at once)");
        }
        match &mut history {
            Some(history) => drop(history.refresh().failed()?),
            // Until the run begins its log there is nothing to fold.
            None => history = History::open(&folder).ok(),
        }
        if let Some(history) = &history {
            n_events_told = tell_events(history, n_events_told, &bar, console);
            tell(slow_loader.words(history, false), &bar, console);
            show(history, &bar);
        }
        if let Some(progress) = handle.preparing() {
            bar.set_message(format!(
                "{} {}/{}",
                progress.what, progress.done, progress.total
            ));
        }
        bar.tick();
    }
    let outcome = handle.join();
    let history = History::open(&folder).ok();
    if let Some(history) = &history {
        tell_events(history, n_events_told, &bar, console);
        tell(slow_loader.words(history, true), &bar, console);
    }
    bar.finish_and_clear();
    let word = match &outcome {
        Ok(Outcome::Finished) => "finished",
        Ok(Outcome::EarlyStopped) => "early-stopped",
        Ok(Outcome::Stopped) => "stopped",
        Err(_) => "failed",
    };
    Ok(Followed {
        outcome,
        summary: history.map(|history| summary(&history, folder, word)),
    })
}

/// What is to be said of a run at its end.
pub(super) fn summary(history: &History, folder: PathBuf, outcome: &'static str) -> Summary {
    let best = history.best();
    Summary {
        id: folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        outcome,
        parameters: history.started().and_then(|record| match &record.event {
            Event::Started { n_parameters, .. } => Some(*n_parameters),
            _ => None,
        }),
        steps: history.last_step(),
        best_epoch: best.map(|best| best.epoch),
        best_loss: best.map(|best| best.loss),
        roc_auc_macro: best.and_then(|best| best.scores.roc_auc_macro),
        average_precision_macro: best.and_then(|best| best.scores.average_precision_macro),
        localisation_roc_auc: best.and_then(Validation::localisation_roc_auc),
        pointing_game: best.and_then(Validation::pointing_game),
        test: history.evaluated().map(|(_, scores)| TestScores {
            roc_auc_macro: scores.roc_auc_macro,
            average_precision_macro: scores.average_precision_macro,
        }),
        folder,
    }
}

/// Prints what is new since the last call; without a terminal this is all that is printed.
fn tell_events(history: &History, n_told: usize, bar: &ProgressBar, console: &Console) -> usize {
    let new = history.events().iter().skip(n_told);
    tell(new.filter_map(|record| news_words(record)), bar, console);
    history.events().len()
}

/// Prints lines above the bar, or on stderr where there is none.
fn tell(texts: impl IntoIterator<Item = String>, bar: &ProgressBar, console: &Console) {
    for text in texts {
        if bar.is_hidden() {
            console.say(&text);
        } else {
            bar.println(text);
        }
    }
}

/// `[=====>    ] ` and [`line`].
pub(super) fn show(history: &History, bar: &ProgressBar) {
    let Some(Event::Started {
        steps_per_epoch, ..
    }) = history.started().map(|record| &record.event)
    else {
        return;
    };
    let total = (*steps_per_epoch).max(1) * u64::from(history.ends().epochs);
    if bar.length() != Some(total)
        && let Ok(style) = ProgressStyle::with_template("[{bar:24}] {msg}")
    {
        bar.set_length(total);
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_position(history.last_step());
    bar.set_message(line(history));
}

/// `epoch 3/45  step 120/2385  loss 0.213  ROC-AUC 0.8123  PR-AUC 0.5012  learning rate 0.001  158 clips/s  4m left at most`: the
/// scores are those of the newest validation.
pub(super) fn line(history: &History) -> String {
    let n_steps = history.last_step();
    let mut message = match history.started().map(|record| &record.event) {
        Some(Event::Started {
            steps_per_epoch, ..
        }) => {
            let epochs = history.ends().epochs;
            let steps_per_epoch = (*steps_per_epoch).max(1);
            let total = steps_per_epoch * u64::from(epochs);
            let epoch = (n_steps / steps_per_epoch + 1).min(u64::from(epochs));
            format!("epoch {epoch}/{epochs}  step {n_steps}/{total}")
        }
        _ => format!("step {n_steps}"),
    };
    let last = |scalar: Scalar| history.series(scalar).last().map(|(_, value)| value);
    if let Some(loss) = last(Scalar::Loss) {
        message.push_str(&format!("  loss {loss:.4}"));
        if let (Some(labels), Some(teacher)) = (
            last(Scalar::SupervisedLoss).filter(|loss| loss.is_finite()),
            last(Scalar::SemiSupervisedLoss),
        ) {
            message.push_str(&format!(" ({labels:.4} + {teacher:.4})"));
        }
    }
    if let Some(validation) = history.validations().last() {
        for (measure, score) in [
            ("ROC-AUC", validation.scores.roc_auc_macro),
            ("PR-AUC", validation.scores.average_precision_macro),
        ] {
            if let Some(score) = score {
                message.push_str(&format!("  {measure} {score:.4}"));
            }
        }
    }
    if let Some(rate) = last(Scalar::LearningRate) {
        message.push_str(&format!("  learning rate {rate}"));
    }
    if history.status() == Status::Paused {
        message.push_str("  paused");
        return message;
    }
    let pace = Pace::of(history);
    if let Some(speed) = pace.clips_per_second {
        message.push_str(&format!("  {speed:.0} clips/s"));
    }
    if let Some(left) = pace.seconds_left {
        let left = Duration::from_secs(left.round() as u64);
        message.push_str(&format!(
            "  {} left at most",
            indicatif::HumanDuration(left)
        ));
    }
    message
}
