//! Follows a training run in the terminal: folds its log like the window does, and draws one progress line on stderr.

use super::{Console, Failure, Fault, ResultExt};
use attune_core::run::{Event, History, Scalar};
use attune_core::train::{Command, Handle, Outcome};
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
    /// `finished`, `early-stopped` or `stopped`.
    pub outcome: &'static str,
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
        )
    }
}

/// Shows the run until it ends. Ctrl-C stops it after a checkpoint.
pub(super) fn follow(handle: Handle, console: &Console) -> Result<Summary, Failure> {
    let folder = handle.run_folder.clone();
    let bar = ProgressBar::no_length();
    let mut history: Option<History> = None;
    let mut n_events_told = 0;
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
    let outcome = handle.join().failed()?;
    let history = History::open(&folder).fault(Fault::Cancelled)?;
    tell_events(&history, n_events_told, &bar, console);
    bar.finish_and_clear();
    Ok(summary(&history, folder, outcome))
}

fn summary(history: &History, folder: PathBuf, outcome: Outcome) -> Summary {
    let best = history.best();
    Summary {
        id: folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        outcome: match outcome {
            Outcome::Finished => "finished",
            Outcome::EarlyStopped => "early-stopped",
            Outcome::Stopped => "stopped",
        },
        steps: history.last_step(),
        best_epoch: best.map(|best| best.epoch),
        best_loss: best.map(|best| best.loss),
        roc_auc_macro: best.and_then(|best| best.scores.roc_auc_macro),
        average_precision_macro: best.and_then(|best| best.scores.average_precision_macro),
        folder,
    }
}

/// Prints validations and warnings that are new since the last call; without a terminal this is all that is printed.
fn tell_events(history: &History, n_told: usize, bar: &ProgressBar, console: &Console) -> usize {
    let say = |text: &str| {
        if bar.is_hidden() {
            console.say(text)
        } else {
            bar.println(text)
        }
    };
    for record in history.events().iter().skip(n_told) {
        match &record.event {
            Event::Validated {
                loss,
                scores,
                seconds,
            } => {
                let score = |value: Option<f64>| {
                    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"))
                };
                say(&format!(
                    "epoch {:>3}  step {:>6}  validation loss {loss:.4}  ROC-AUC {}  PR-AUC {}  ({seconds:.1} s)",
                    record.epoch + 1,
                    record.step,
                    score(scores.roc_auc_macro),
                    score(scores.average_precision_macro)
                ));
            }
            Event::Warned { message } => say(&format!("warning: {message}")),
            Event::Failed { message } => say(&format!("failed: {message}")),
            _ => {}
        }
    }
    history.events().len()
}

/// `epoch 3/45 [=====>    ] step 120/2385  loss 0.213  158 clips/s  4 min left`
fn show(history: &History, bar: &ProgressBar) {
    let Some(Event::Started {
        steps_per_epoch,
        epochs,
        ..
    }) = history.started().map(|record| &record.event)
    else {
        return;
    };
    let total = steps_per_epoch * u64::from(*epochs);
    if bar.length() != Some(total)
        && let Ok(style) =
            ProgressStyle::with_template("[{bar:24}] step {pos}/{len}  {msg}  {eta} left")
    {
        bar.set_length(total);
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_position(history.last_step());
    let last = |scalar: Scalar| history.series(scalar).last().map(|(_, value)| value);
    let epoch = history.last_step() / (*steps_per_epoch).max(1) + 1;
    let mut message = format!("epoch {}/{epochs}", epoch.min(u64::from(*epochs)));
    if let Some(loss) = last(Scalar::Loss) {
        message.push_str(&format!("  loss {loss:.4}"));
    }
    if let Some(speed) = last(Scalar::ClipsPerSecond) {
        message.push_str(&format!("  {speed:.0} clips/s"));
    }
    bar.set_message(message);
}
