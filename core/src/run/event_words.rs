//! Events of a run in a line of words each, the same in terminals, pages and the window.

use super::{CheckpointKind, Event, Record};
use crate::metrics::Scores;

/// The line, or `None` for what only programs care about.
pub fn event_words(record: &Record) -> Option<String> {
    let at_step = |what: &str| Some(format!("{what} at step {}", record.step));
    match &record.event {
        Event::EpochStarted
        | Event::LoaderTimed(_)
        | Event::PseudoLabelled { .. }
        | Event::Unknown => None,
        Event::Validated {
            loss,
            scores,
            seconds,
            localisation,
        } => {
            let localisation = localisation.as_ref().map_or_else(String::new, |measured| {
                format!(
                    "  localisation {}  pointing game {}  (by {}, {} tracks, {:.1} s of it)",
                    score(measured.found.roc_auc),
                    score(measured.found.pointing),
                    measured.method,
                    measured.n_tracks,
                    measured.seconds
                )
            });
            Some(format!(
                "epoch {:>3}  step {:>6}  validation {}  ({seconds:.1} s){localisation}",
                record.epoch + 1,
                record.step,
                loss_and_scores(*loss, scores)
            ))
        }
        Event::Started {
            n_parameters,
            teaching: Some(teaching),
            ..
        } => Some(format!(
            "{} from {}: {} labelled tracks ({} steps), {} unlabelled ({} steps)",
            teaching.kind(*n_parameters),
            teaching.teacher,
            teaching.labelled_tracks,
            teaching.labelled_steps,
            teaching.unlabelled_tracks,
            teaching.unlabelled_steps
        )),
        Event::Started {
            model,
            data,
            n_parameters,
            ..
        } => Some(format!(
            "started: {model} on {data}, {n_parameters} parameters"
        )),
        Event::TeacherScored { loss, scores } => Some(format!(
            "the teacher            validation {}",
            loss_and_scores(*loss, scores)
        )),
        Event::Evaluated {
            split,
            loss,
            scores,
        } => Some(format!("{split} split  {}", loss_and_scores(*loss, scores))),
        Event::Checkpointed { kind, .. } => at_step(match kind {
            CheckpointKind::Best => "best checkpoint so far",
            CheckpointKind::Last => "checkpoint",
        }),
        Event::SnapshotTaken { path } => Some(format!(
            "kept its weights of step {} in {}",
            record.step,
            path.display()
        )),
        Event::Paused => at_step("paused"),
        Event::Continued => at_step("goes on after a pause"),
        Event::Resumed { .. } => at_step("resumed"),
        Event::LearningRateSet { learning_rate } => {
            at_step(&format!("learning rate set to {learning_rate}"))
        }
        Event::LearningRateLowered { learning_rate } => Some(format!(
            "the validation loss no longer falls: learning rate lowered to {learning_rate:.3e}"
        )),
        Event::Extended(extension) => Some(format!("extended to {}", extension.ends)),
        Event::Warned { message } => Some(format!("warning: {message}")),
        Event::Stopped => at_step("stopped"),
        Event::EarlyStopped { best_epoch } => Some(format!(
            "stopped early: the validation loss was lowest in epoch {}",
            best_epoch + 1
        )),
        Event::Finished => Some("finished: all epochs are done".to_owned()),
        Event::Failed { message } => Some(format!("failed: {message}")),
    }
}

/// The same for a terminal that shows how a run goes on: without what its line of progress and its summary at the end tell.
pub fn news_words(record: &Record) -> Option<String> {
    let is_told_elsewhere = matches!(
        record.event,
        Event::Started { teaching: None, .. }
            | Event::Evaluated { .. }
            | Event::Checkpointed { .. }
            | Event::SnapshotTaken { .. }
            | Event::Stopped
            | Event::EarlyStopped { .. }
            | Event::Finished
    );
    (!is_told_elsewhere).then(|| event_words(record)).flatten()
}

fn loss_and_scores(loss: f64, scores: &Scores) -> String {
    format!(
        "loss {loss:.4}  ROC-AUC {}  PR-AUC {}",
        score(scores.roc_auc_macro),
        score(scores.average_precision_macro)
    )
}

fn score(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"))
}
