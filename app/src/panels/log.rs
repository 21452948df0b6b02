//! The Log panel: what the workbench said and what the shown run logged, with times.

use crate::theme::{self, Palette};
use crate::widgets::empty_state;
use crate::workbench::{Ctx, Level};
use attune_core::run::{CheckpointKind, Event, event_words};
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
                Some(Line {
                    at_unix_ms: record.at_unix_ms,
                    source: "run",
                    text: event_words(record)?,
                    colour: event_colour(&record.event, palette),
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

fn event_colour(event: &Event, palette: &Palette) -> Color32 {
    match event {
        Event::Started { .. }
        | Event::Resumed { .. }
        | Event::Extended(_)
        | Event::Continued
        | Event::EarlyStopped { .. }
        | Event::Finished
        | Event::Checkpointed {
            kind: CheckpointKind::Best,
            ..
        } => palette.good,
        Event::Checkpointed {
            kind: CheckpointKind::Last,
            ..
        } => palette.weak,
        Event::LearningRateSet { .. }
        | Event::LearningRateLowered { .. }
        | Event::SnapshotTaken { .. } => palette.accent,
        Event::Paused | Event::Stopped | Event::Warned { .. } => palette.warning,
        Event::Evaluated { .. } => palette.strong,
        Event::Failed { .. } => palette.error,
        Event::EpochStarted
        | Event::LoaderTimed(_)
        | Event::PseudoLabelled { .. }
        | Event::TeacherScored { .. }
        | Event::Validated { .. }
        | Event::Unknown => palette.text,
    }
}
