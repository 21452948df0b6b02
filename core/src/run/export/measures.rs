//! The names under which other programs know what a run measured: `train/loss`, `valid/roc_auc`, `test_average_precision/piano`.

use crate::metrics::Scores;
use crate::run::{Event, History, Record, Scalar, StepScalars, TimelineScores};
use std::sync::Arc;

/// What a training step measured; nothing that was not.
pub(super) fn of_step(scalars: &StepScalars) -> impl Iterator<Item = (String, f32)> {
    Scalar::ALL.into_iter().filter_map(|scalar| {
        let value = scalars.get(scalar).filter(|value| value.is_finite())?;
        Some((format!("train/{}", scalar.name()), value))
    })
}

/// What an event tells of a split; nothing for most events. Scores that are not defined are left out; a loss that is not finite is kept.
pub(super) fn of_event(event: &Event, tags: &[String]) -> Vec<(String, f64)> {
    match event {
        Event::Validated {
            loss,
            scores,
            localisation,
            ..
        } => {
            let mut measures = of_split("valid", *loss, scores, tags);
            measures.extend(localisation.iter().flat_map(of_timelines));
            measures
        }
        Event::Evaluated {
            split,
            loss,
            scores,
        } => of_split(split, *loss, scores, tags),
        Event::TeacherScored { loss, scores } => of_split("teacher", *loss, scores, tags),
        _ => Vec::new(),
    }
}

/// The events with measures that count, in the order of the log.
pub(super) fn counting(history: &History) -> Vec<&Arc<Record>> {
    let mut counting: Vec<&Arc<Record>> = Vec::new();
    for record in history.events() {
        match &record.event {
            // As `History` forgets: a resumed run is tested anew.
            Event::Resumed { .. } => {
                let validated = record.validations_count_to().unwrap_or(record.step);
                counting.retain(|earlier| match earlier.event {
                    Event::Evaluated { .. } => false,
                    Event::Validated { .. } => earlier.step <= validated,
                    _ => earlier.step <= record.step,
                });
            }
            Event::Validated { .. } | Event::Evaluated { .. } | Event::TeacherScored { .. } => {
                counting.push(record);
            }
            _ => {}
        }
    }
    counting
}

/// Whether a validation of `step` was told that no longer counts.
pub(super) fn is_voided_at(history: &History, step: u64) -> bool {
    let of_step =
        |record: &Record| record.step == step && matches!(record.event, Event::Validated { .. });
    let told = history.events().iter().any(|record| of_step(record));
    told && !counting(history).into_iter().any(|record| of_step(record))
}

fn of_split(split: &str, loss: f64, scores: &Scores, tags: &[String]) -> Vec<(String, f64)> {
    let of_all = [
        ("loss", Some(loss)),
        ("roc_auc", scores.roc_auc_macro),
        ("average_precision", scores.average_precision_macro),
    ];
    let of_all = of_all
        .into_iter()
        .map(|(measure, score)| (format!("{split}/{measure}"), score));
    let by_tag = [
        ("roc_auc", &scores.roc_auc_per_tag),
        ("average_precision", &scores.average_precision_per_tag),
    ];
    let by_tag = by_tag.into_iter().flat_map(|(measure, scores)| {
        let of_tag = move |(tag, &score): (&String, &Option<f64>)| {
            (format!("{split}_{measure}/{tag}"), score)
        };
        tags.iter().zip(scores).map(of_tag)
    });
    let defined = |(name, score): (String, Option<f64>)| Some((name, score?));
    of_all.chain(by_tag).filter_map(defined).collect()
}

fn of_timelines(measured: &TimelineScores) -> impl Iterator<Item = (String, f64)> {
    let found = measured.found;
    [
        ("roc_auc", found.roc_auc),
        ("average_precision", found.average_precision),
        ("pointing_game", found.pointing),
    ]
    .into_iter()
    .filter_map(|(measure, score)| Some((format!("valid_localisation/{measure}"), score?)))
}
