//! The Log panel: what the workbench said and what the shown run logged, with times.

use crate::theme::{self, Palette};
use crate::widgets::{empty_state, number_text, score_text};
use crate::workbench::{Ctx, Level};
use attune_core::run::{CheckpointKind, Event, Record};
use egui::{Align, Color32, Label, Layout, RichText, ScrollArea, Ui};

/// The Log panel's own looks.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct State {
    messages: bool,
    run_events: bool,
}

impl Default for State {
    fn default() -> Self {
        Self {
            messages: true,
            run_events: true,
        }
    }
}

struct Line {
    at_unix_ms: u64,
    source: &'static str,
    text: String,
    colour: Color32,
}

impl State {
    /// Draws the panel.
    pub fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        let palette = theme::palette(ui.visuals());
        let run = ctx
            .state
            .selection
            .run
            .as_ref()
            .and_then(|folder| ctx.state.runs.view(folder));
        ui.horizontal(|ui| {
            ui.checkbox(&mut self.messages, "Messages")
                .on_hover_text("What the workbench said");
            ui.checkbox(&mut self.run_events, "Events of the run")
                .on_hover_text("What the shown run logged");
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.label(RichText::new("times are UTC").small().color(palette.weak));
            });
        });
        let mut lines: Vec<Line> = Vec::new();
        if self.messages {
            lines.extend(ctx.state.notices.iter().map(|(at_unix_ms, notice)| Line {
                at_unix_ms: *at_unix_ms,
                source: "attune",
                text: notice.text.clone(),
                colour: level_colour(notice.level, palette),
            }));
        }
        if let (true, Some(run)) = (self.run_events, &run) {
            lines.extend(run.events.iter().filter_map(|record| {
                let (text, colour) = event_text(record, palette)?;
                Some(Line {
                    at_unix_ms: record.at_unix_ms,
                    source: "run",
                    text,
                    colour,
                })
            }));
        }
        if lines.is_empty() {
            empty_state(
                ui,
                "Nothing has happened yet",
                "Messages and the events of the shown run appear here.",
                |_| (),
            );
            return;
        }
        lines.sort_by_key(|line| line.at_unix_ms);
        ScrollArea::both()
            .auto_shrink(false)
            .stick_to_bottom(true)
            .show_rows(ui, 16.0, lines.len(), |ui, range| {
                for line in &lines[range] {
                    ui.horizontal(|ui| {
                        ui.label(
                            RichText::new(clock_text(line.at_unix_ms))
                                .monospace()
                                .color(palette.weak),
                        );
                        ui.add_sized(
                            [44.0, 14.0],
                            Label::new(RichText::new(line.source).small().color(palette.weak)),
                        );
                        ui.add(Label::new(RichText::new(&line.text).color(line.colour)).extend());
                    });
                }
            });
    }
}

/// The colour of a message.
fn level_colour(level: Level, palette: &Palette) -> Color32 {
    match level {
        Level::Info => palette.text,
        Level::Success => palette.good,
        Level::Warning => palette.warning,
        Level::Error => palette.error,
    }
}

/// Time of day in UTC, with the seconds.
fn clock_text(at_unix_ms: u64) -> String {
    let seconds = at_unix_ms / 1000 % 86_400;
    format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

fn event_text(record: &Record, palette: &Palette) -> Option<(String, Color32)> {
    let epoch = record.epoch + 1;
    Some(match &record.event {
        Event::Started {
            model,
            data,
            n_parameters,
            teaching,
            ..
        } => {
            let teacher = teaching.as_ref().map_or_else(String::new, |teaching| {
                format!(
                    ", {} from {} with {} labelled and {} unlabelled tracks",
                    teaching.kind(*n_parameters),
                    teaching.teacher,
                    teaching.labelled_tracks,
                    teaching.unlabelled_tracks
                )
            });
            (
                format!("started: {model} on {data}, {n_parameters} parameters{teacher}"),
                palette.good,
            )
        }
        Event::EpochStarted
        | Event::LoaderTimed(_)
        | Event::PseudoLabelled { .. }
        | Event::Unknown => return None,
        Event::TeacherScored { loss, scores } => (
            format!(
                "the teacher on the validation split: loss {}, ROC-AUC {}, PR-AUC {}",
                number_text(*loss),
                score_text(scores.roc_auc_macro),
                score_text(scores.average_precision_macro)
            ),
            palette.text,
        ),
        Event::Validated {
            loss,
            scores,
            seconds,
            localisation,
        } => {
            let localisation = localisation.as_ref().map_or_else(String::new, |measured| {
                format!(
                    "; {} finds what sounds in {} tracks: localisation {}, pointing game {} ({:.1} s of it)",
                    measured.method,
                    measured.n_tracks,
                    score_text(measured.found.roc_auc),
                    score_text(measured.found.pointing),
                    measured.seconds
                )
            });
            (
                format!(
                    "epoch {epoch}, step {}: validation loss {}, ROC-AUC {}, PR-AUC {} ({seconds:.1} s){localisation}",
                    record.step,
                    number_text(*loss),
                    score_text(scores.roc_auc_macro),
                    score_text(scores.average_precision_macro)
                ),
                palette.text,
            )
        }
        Event::Evaluated {
            split,
            loss,
            scores,
        } => (
            format!(
                "{split} split: loss {}, ROC-AUC {}, PR-AUC {}",
                number_text(*loss),
                score_text(scores.roc_auc_macro),
                score_text(scores.average_precision_macro)
            ),
            palette.strong,
        ),
        Event::Checkpointed {
            kind: CheckpointKind::Best,
            ..
        } => (
            format!("best checkpoint so far, step {}", record.step),
            palette.good,
        ),
        Event::Checkpointed {
            kind: CheckpointKind::Last,
            ..
        } => (format!("checkpoint, step {}", record.step), palette.weak),
        Event::Resumed { .. } => (format!("resumed from step {}", record.step), palette.good),
        Event::Extended(extension) => (format!("extended to {}", extension.ends), palette.good),
        Event::Paused => (format!("paused at step {}", record.step), palette.warning),
        Event::Continued => ("continued".to_owned(), palette.good),
        Event::LearningRateSet { learning_rate } => (
            format!("learning rate set to {}", number_text(*learning_rate)),
            palette.accent,
        ),
        Event::LearningRateLowered { learning_rate } => (
            format!(
                "the validation loss no longer falls: learning rate lowered to {}",
                number_text(*learning_rate)
            ),
            palette.accent,
        ),
        Event::SnapshotTaken { path } => (format!("snapshot: {}", path.display()), palette.accent),
        Event::Warned { message } => (message.clone(), palette.warning),
        Event::Stopped => (format!("stopped at step {}", record.step), palette.warning),
        Event::EarlyStopped { best_epoch } => (
            format!(
                "stopped early: the validation loss was lowest in epoch {}",
                best_epoch + 1
            ),
            palette.good,
        ),
        Event::Finished => ("finished".to_owned(), palette.good),
        Event::Failed { message } => (format!("failed: {message}"), palette.error),
    })
}
