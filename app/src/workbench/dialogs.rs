//! The window's own dialogs: a path to open or to write, and what to do with what trains when the window is closed.

use super::command::Command;
use super::ctx::Ctx;
use super::parts::{pages, queue};
use crate::theme;
use crate::widgets::{dialog, expanded};
use egui::{Button, Key, RichText, TextEdit, Ui};
use std::path::{Path, PathBuf};

/// Asks for a path.
#[derive(Debug)]
pub(super) struct PathDialog {
    heading: &'static str,
    sentence: &'static str,
    button: &'static str,
    hint: &'static str,
    typed: String,
    answer: Answer,
}

/// What becomes of the path.
#[derive(Debug)]
enum Answer {
    Of(fn(PathBuf) -> Command),
    PageOf(Vec<PathBuf>),
}

impl Answer {
    fn to(&self, path: PathBuf) -> Command {
        match self {
            Self::Of(command) => command(path),
            Self::PageOf(runs) => {
                let runs = runs.clone();
                Command::Pages(pages::Command::Write { runs, path })
            }
        }
    }
}

impl PathDialog {
    /// Of something to open.
    pub(super) fn to_open() -> Self {
        Self {
            heading: "Open",
            sentence: "An audio file, a data set folder (with a tracks.csv), weights (.safetensors, .pth, .pt, .ckpt), a run folder, a training configuration or a plan (.toml). You can also drop it onto the window.",
            button: "Open",
            hint: "/path/to/song.mp3",
            typed: String::new(),
            answer: Answer::Of(Command::Open),
        }
    }

    /// Of a file for the model in use.
    pub(super) fn to_export(path: &Path) -> Self {
        Self {
            heading: "Export model",
            sentence: "Where to write the model in use: as .onnx for onnxruntime and others, or as .safetensors, which also opens here and in PyTorch. Tags, front end and configuration go along. An existing file is replaced.",
            button: "Export",
            hint: "/path/to/model.onnx",
            typed: path.display().to_string(),
            answer: Answer::Of(Command::ExportModel),
        }
    }

    /// Of a web page of the runs in these folders.
    pub(super) fn to_page(path: &Path, runs: Vec<PathBuf>) -> Self {
        Self {
            heading: "Report as a web page",
            sentence: "One .html file with curves, tables and test tracks to listen to, which loads nothing and opens in any browser. An existing file is replaced.",
            button: "Write",
            hint: "/path/to/report.html",
            typed: path.display().to_string(),
            answer: Answer::PageOf(runs),
        }
    }

    /// Draws it; whether it stays open.
    pub(super) fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) -> bool {
        let modal = dialog(
            ui.ctx(),
            "open path",
            |area| area,
            |ui| {
                ui.set_width(520.0);
                ui.heading(self.heading);
                let palette = theme::palette(ui.visuals());
                ui.label(RichText::new(self.sentence).color(palette.weak));
                ui.add_space(theme::GAP);
                let field = TextEdit::singleline(&mut self.typed)
                    .hint_text(self.hint)
                    .desired_width(f32::INFINITY);
                let field = ui.add(field);
                field
                    .widget_info(|| egui::WidgetInfo::labeled(egui::Role::TextInput, true, "Path"));
                let enter = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
                if !enter {
                    field.request_focus();
                }
                ui.add_space(theme::GAP);
                let path = self.typed.trim();
                ui.horizontal(|ui| {
                    let open = ui.add_enabled(!path.is_empty(), Button::new(self.button));
                    let close = ui.button("Cancel").clicked();
                    if (open.clicked() || enter) && !path.is_empty() {
                        ctx.send(self.answer.to(expanded(path)));
                        return false;
                    }
                    !close
                })
                .inner
            },
        );
        modal.inner && !modal.should_close()
    }
}

/// What to do with what trains when the window is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closing {
    /// Train on without a window.
    TrainOn,
    /// Stop after a checkpoint, then close.
    Stop,
    /// Keep the window open.
    Stay,
}

/// What trains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum AtWork {
    /// A single run.
    Training,
    /// A run of the queue.
    Queue,
    /// The experiment of that name.
    Experiment(String),
}

/// Asks; `None` until there is an answer.
pub(super) fn closing_ui(stopping: bool, at_work: &AtWork, ui: &mut Ui) -> Option<Closing> {
    let stop = match at_work {
        AtWork::Queue => "Pause and close",
        AtWork::Training | AtWork::Experiment(_) => "Stop and close",
    };
    let modal = dialog(
        ui.ctx(),
        "closing",
        |area| area,
        |ui| {
            ui.set_width(460.0);
            ui.heading(match at_work {
                AtWork::Experiment(name) => format!("The experiment {name} is at work"),
                AtWork::Queue => "The queue is being worked off".to_owned(),
                AtWork::Training => "A training is running".to_owned(),
            });
            let palette = theme::palette(ui.visuals());
            ui.add_space(2.0);
            if stopping {
                ui.horizontal(|ui| {
                    ui.spinner();
                    ui.label("Writing the checkpoint, then the window closes…");
                });
                return None;
            }
            ui.label(RichText::new("It can go on without the window, in the terminal. If it is stopped, it goes on from its checkpoint at any later time.").color(palette.weak));
            ui.add_space(theme::GROUP_GAP);
            ui.horizontal(|ui| {
                let mut answer = None;
                for (label, hint, choice) in [
                    ("Keep training", "Close the window; it goes on in the terminal until it ends or you press Ctrl-C there", Closing::TrainOn),
                    (stop, "Write a checkpoint, end the training, close the window", Closing::Stop),
                    ("Cancel", "Keep the window open", Closing::Stay),
                ] {
                    if ui.button(label).on_hover_text(hint).clicked() {
                        answer = Some(choice);
                    }
                }
                answer
            })
            .inner
        },
    );
    if modal.should_close() && !stopping {
        return Some(Closing::Stay);
    }
    modal.inner
}

/// Asks whether a queue that an earlier window or a crash left unfinished is to go on.
pub(super) fn offer_ui(ctx: &Ctx<'_>, ui: &mut Ui) {
    if !ctx.state.queue.is_offered() {
        return;
    }
    let Some(table) = ctx.state.queue.table() else {
        return;
    };
    let answer = |command| ctx.send(Command::Queue(command));
    let modal = dialog(
        ui.ctx(),
        "offer the queue",
        |area| area,
        |ui| {
            ui.set_width(420.0);
            ui.heading("The queue is not done");
            let palette = theme::palette(ui.visuals());
            ui.add_space(2.0);
            ui.label(format!("{}.", table.summary()));
            let what = "A run that was interrupted goes on from its last checkpoint, with the same numbers as if it had never stopped.";
            ui.label(RichText::new(what).color(palette.weak));
            ui.add_space(theme::GROUP_GAP);
            ui.horizontal(|ui| {
                let text = RichText::new("Continue").color(palette.on_accent).strong();
                let go_on = ui.add(Button::new(text).fill(palette.accent));
                if go_on
                    .on_hover_text("Work the queue off in this window")
                    .clicked()
                {
                    answer(queue::Command::Start);
                }
                let hint = "Leave it; the Training panel can start it at any time";
                if ui.button("Not now").on_hover_text(hint).clicked() {
                    answer(queue::Command::NotNow);
                }
            });
        },
    );
    if modal.should_close() {
        answer(queue::Command::NotNow);
    }
}
