//! Runs that go on: one that is asked for more than its recipe, and the branch of one in the form.

use crate::theme;
use crate::widgets::{card, section_heading};
use crate::workbench::parts::{queue, training};
use crate::workbench::{Command, Ctx};
use attune_core::train::{BranchPoint, More, TrainConfig};
use egui::{DragValue, Grid, RichText, Ui};
use std::path::PathBuf;

use super::fields::row_ui;

/// A run that is to be asked for more.
#[derive(Debug)]
pub struct Extending {
    folder: PathBuf,
    /// What is asked of it so far.
    asked: Ends,
    /// What the user asks for.
    wanted: Ends,
    /// Whether it was asked for, and the answer is still to come.
    is_sent: bool,
    /// The number that the queue's answer will have, while it is to come.
    queued: Option<u64>,
    /// Why it could not be put into the queue.
    not_queued: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Ends {
    epochs: u32,
    patience_epochs: u32,
    /// 0: no limit.
    minutes: f64,
}

/// What is to become of the fields.
pub(super) enum Answer {
    /// Nothing yet.
    Open,
    /// They were carried out or put away.
    Done,
}

impl Extending {
    /// The run in `folder`, whose recipe in effect is `config`.
    pub fn new(folder: PathBuf, config: &TrainConfig) -> Self {
        let asked = Ends {
            epochs: config.epochs,
            patience_epochs: config.patience_epochs,
            minutes: config.max_minutes.unwrap_or(0.0),
        };
        Self {
            folder,
            asked,
            wanted: asked,
            is_sent: false,
            queued: None,
            not_queued: None,
        }
    }

    /// Whether it was asked to go on, and the answer is still to come.
    pub(super) fn is_sent(&self) -> bool {
        self.is_sent
    }

    /// What is asked for beyond what is asked already.
    fn more(&self) -> More {
        let (asked, wanted) = (self.asked, self.wanted);
        More {
            epochs: (wanted.epochs != asked.epochs).then_some(wanted.epochs),
            patience_epochs: (wanted.patience_epochs != asked.patience_epochs)
                .then_some(wanted.patience_epochs),
            max_minutes: (wanted.minutes > asked.minutes).then_some(wanted.minutes),
        }
    }

    pub(super) fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) -> Answer {
        let refused = ctx.state.training.refused(&self.folder);
        if std::mem::take(&mut self.is_sent) && refused.is_none() {
            // It went on, and has ended since.
            return Answer::Done;
        }
        let answer = ctx.state.queue.answer();
        let answers = answer.map_or(0, |answer| answer.number);
        if let Some(answer) = answer
            && answer.folder == self.folder
            && self.queued.is_some_and(|number| answer.number >= number)
        {
            self.queued = None;
            self.not_queued.clone_from(&answer.refusal);
            if answer.refusal.is_none() {
                return Answer::Done;
            }
        }
        let name = self.folder.file_name().unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        let inside = card(ui, |ui| {
            ui.set_width(ui.available_width());
            section_heading(ui, &format!("Extend {name}"));
            let Ends {
                epochs,
                patience_epochs,
                minutes,
            } = &mut self.wanted;
            Grid::new("extend").num_columns(2).spacing([12.0, 6.0]).show(ui, |ui| {
                let hint = "The run ends after so many epochs, those that it has done among them. One that stopped early counts its patience anew.";
                row_ui(ui, "Epochs in all", hint, |ui| {
                    ui.add(DragValue::new(epochs).range(1..=100_000).suffix(" at most"))
                });
                let hint = "The run stops early after so many epochs without a lower validation loss, those that it has waited among them. 0: never.";
                row_ui(ui, "Patience in all", hint, |ui| {
                    ui.add(DragValue::new(patience_epochs).range(0..=10_000).suffix(" epochs"))
                });
                if self.asked.minutes > 0.0 {
                    let hint = "The run ends after so many minutes of training, those that it has trained among them.";
                    row_ui(ui, "Time in all", hint, |ui| {
                        ui.add(DragValue::new(minutes).range(self.asked.minutes..=100_000.0).speed(0.1).max_decimals(1).suffix(" min"))
                    });
                }
            });
            let palette = theme::palette(ui.visuals());
            let refusals = [
                ("It did not go on", refused),
                ("It was not queued", self.not_queued.as_deref()),
            ];
            for (what, why) in refusals {
                if let Some(why) = why {
                    let text = format!("{what}: {why}");
                    ui.label(RichText::new(text).color(palette.error));
                }
            }
            let mut answer = Answer::Open;
            ui.horizontal(|ui| {
                let more = self.more();
                let is_ready = !more.is_nothing() && !ctx.state.is_training();
                let extend = ui.add_enabled(is_ready, egui::Button::new("Go on"));
                let extend = extend
                    .on_hover_text(
                        "Train on from its last checkpoint; the log tells what was asked for",
                    )
                    .on_disabled_hover_text(
                        "Change a number first; nothing else may be in training",
                    );
                if extend.clicked() {
                    let extend = training::Command::Extend(self.folder.clone(), more);
                    ctx.send(Command::Training(extend));
                    self.is_sent = true;
                }
                let can_queue = !more.is_nothing() && self.queued.is_none();
                let add = ui.add_enabled(can_queue, egui::Button::new("Queue it"));
                let hint = "Put it at the end of the queue";
                if add
                    .on_hover_text(hint)
                    .on_disabled_hover_text("Change a number first")
                    .clicked()
                {
                    let add = queue::Command::AddRun(self.folder.clone(), more);
                    ctx.send(Command::Queue(add));
                    self.queued = Some(answers + 1);
                    self.not_queued = None;
                }
                if self.queued.is_some() {
                    ui.spinner();
                }
                let hint = "Leave the run as it is";
                if ui.button("Cancel").on_hover_text(hint).clicked() {
                    answer = Answer::Done;
                }
            });
            answer
        });
        inside.inner
    }
}

/// What the form's recipe begins with, if it is a branch, and a way back.
pub(super) fn branch_ui(ui: &mut Ui, branch_from: &mut Option<BranchPoint>) {
    let Some(point) = branch_from else {
        return;
    };
    let palette = theme::palette(ui.visuals());
    let text = format!("Branch of {point}");
    let afresh = ui.horizontal_wrapped(|ui| {
        let hint = "The run begins with these weights, which must be of the same network and tags.";
        ui.label(RichText::new(text).color(palette.accent))
            .on_hover_text(hint);
        let hint = "Begin with weights drawn from the seed instead";
        ui.button("Begin afresh").on_hover_text(hint)
    });
    if afresh.inner.clicked() {
        *branch_from = None;
    }
}
