//! Events of a run in a line of words each, for terminals and pages.

use super::{Event, Record};

/// The line, or `None` for what only programs care about.
pub fn event_words(record: &Record) -> Option<String> {
    let score =
        |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"));
    let at_step = |what: &str| Some(format!("{what} at step {}", record.step));
    match &record.event {
        Event::Validated {
            loss,
            scores,
            seconds,
            localisation,
        } => {
            let localisation = localisation.as_ref().map_or_else(String::new, |measured| {
                format!(
                    "  localisation {}  pointing game {}  ({:.1} s of it)",
                    score(measured.found.roc_auc),
                    score(measured.found.pointing),
                    measured.seconds
                )
            });
            Some(format!(
                "epoch {:>3}  step {:>6}  validation loss {loss:.4}  ROC-AUC {}  PR-AUC {}  ({seconds:.1} s){localisation}",
                record.epoch + 1,
                record.step,
                score(scores.roc_auc_macro),
                score(scores.average_precision_macro)
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
        Event::TeacherScored { loss, scores } => Some(format!(
            "the teacher            validation loss {loss:.4}  ROC-AUC {}  PR-AUC {}",
            score(scores.roc_auc_macro),
            score(scores.average_precision_macro)
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
        Event::Failed { message } => Some(format!("failed: {message}")),
        _ => None,
    }
}
