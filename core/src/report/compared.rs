//! Several runs on the same test tracks: what of their difference is more than chance.

use super::{Differences, Error, RunPart, Told};
use crate::job::Job;
use crate::message::full_message;
use crate::metrics::paired_bootstrap;
use crate::run::History;
use crate::train::{CONFIDENCE, Predictions};

const N_RESAMPLES: usize = 1000;
/// The draws are the same for every page, so that it repeats exactly.
const SEED: u64 = 1;

/// What each run's best model said of the test split, where it was tested. What is there and cannot be read is told among the run's facts.
pub(super) fn predictions(histories: &[History], runs: &mut [RunPart]) -> Vec<Option<Predictions>> {
    let read = |(history, run): (&History, &mut RunPart)| {
        if !Predictions::path(history.folder()).is_file() {
            return None;
        }
        let read = Predictions::read(history.folder());
        read.map_err(|error| {
            let why = format!("cannot be read: {}", full_message(&error));
            run.facts.push(("Answers to the test split", why));
        })
        .ok()
    };
    histories.iter().zip(runs).map(read).collect()
}

/// The other runs less the first one, where both have answers to the same tracks.
pub(super) fn differences(
    runs: &[RunPart],
    predictions: &[Option<Predictions>],
    job: &Job,
) -> Result<Told<Vec<Differences>>, Error> {
    if runs.len() < 2 {
        return Ok(Told::Missing("There is only one run.".to_owned()));
    }
    let Some(first) = predictions.first().and_then(Option::as_ref) else {
        return Ok(Told::Missing(format!(
            "There are no readable answers of {} to a test split, so that what of the differences is chance cannot be told.",
            runs[0].id
        )));
    };
    let mut found = Vec::new();
    for (at, second) in predictions.iter().enumerate().skip(1) {
        let Some(second) = second
            .as_ref()
            .filter(|other| first.are_of_the_same_tracks(other))
        else {
            continue;
        };
        job.report(at as u64, runs.len() as u64, "comparing the runs");
        let differences = paired_bootstrap(
            &first.probabilities,
            &second.probabilities,
            &first.labels,
            first.tags.len(),
            N_RESAMPLES,
            CONFIDENCE,
            SEED,
            job,
        )?;
        let by_tag = differences.roc_auc_per_tag.iter();
        let by_tag = by_tag.zip(&differences.average_precision_per_tag);
        let tags = first.tags.iter().zip(by_tag);
        found.push(Differences {
            runs: [0, at],
            n_tracks: first.tracks.len(),
            means: [
                differences.roc_auc_macro,
                differences.average_precision_macro,
            ],
            tags: tags
                .map(|(tag, (roc_auc, precision))| (tag.clone(), [*roc_auc, *precision]))
                .collect(),
        });
    }
    if found.is_empty() {
        return Ok(Told::Missing(
            "No other run was tested on the same tracks with the same tags as the first one."
                .to_owned(),
        ));
    }
    Ok(Told::Found(found))
}
