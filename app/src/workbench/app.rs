//! The window as a value: `logic` before a frame, `ui` for a frame. Knows egui, not eframe, so that tests drive it whole.

use super::command::{Command, Notice};
use super::ctx::{CommandSender, Ctx};
use super::jobs::Jobs;
use super::layout::{self, Layout};
use super::palette::{Outcome, Palette};
use super::parts::{audition, library, timeline, training};
use super::selection::Selection;
use super::state::State;
use super::ui_command::UiCommand;
use super::{menu, run, status_bar};
use crate::panels::{Panels, help};
use crate::theme;
use attune_core::workspace::Workspace;
use crossbeam::channel::Receiver;
use egui::{Context, Frame, Margin, Modal, Panel, Ui};
use egui_notify::Toasts;

/// What the window needs from outside.
#[derive(Debug)]
pub struct Services {
    /// Where Attune writes.
    pub workspace: Workspace,
}

/// What is remembered between sessions, besides what is in the workspace.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Looks {
    layout: Option<Layout>,
    panels: Panels,
    selection: Selection,
}

/// The window.
pub struct App {
    pub(super) state: State,
    pub(super) panels: Panels,
    pub(super) layout: Layout,
    pub(super) jobs: Jobs,
    pub(super) sender: CommandSender,
    commands: Receiver<Command>,
    palette: Option<Palette>,
    help: bool,
    toasts: Toasts,
}

impl App {
    /// The window as it looked last time. Gives `ctx` its fonts and styles.
    pub fn new(ctx: &Context, services: Services, looks: Looks) -> Self {
        theme::apply(ctx);
        let (sender, commands) = CommandSender::channel();
        let wake = ctx.clone();
        let mut state = State::new(services.workspace);
        state.selection = looks.selection;
        Self {
            state,
            panels: looks.panels,
            layout: looks
                .layout
                .filter(layout::is_complete)
                .unwrap_or_else(layout::default_layout),
            jobs: Jobs::new(move || wake.request_repaint()),
            sender,
            commands,
            palette: None,
            help: false,
            toasts: Toasts::default(),
        }
    }

    /// What to remember.
    pub fn looks(&mut self) -> Looks {
        Looks {
            layout: Some(self.layout.clone()),
            panels: std::mem::take(&mut self.panels),
            selection: self.state.selection.clone(),
        }
    }

    /// Everything there is to show.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Where commands go: for dialogs, dropped files and tests.
    pub fn sender(&self) -> CommandSender {
        self.sender.clone()
    }

    /// Before each frame, and while the window is hidden: takes in what workers did, runs commands.
    pub fn logic(&mut self, ctx: &Context) {
        for command in UiCommand::pressed(ctx) {
            self.sender.send(command);
        }
        while let Ok(command) = self.commands.try_recv() {
            run::run(self, command, ctx);
        }
        let (state, jobs, sender) = (&mut self.state, &self.jobs, &self.sender);
        training::logic(state, jobs, sender);
        audition::logic(state, jobs, sender);
        timeline::logic(state, jobs, sender);
        library::logic(state, jobs, sender);
    }

    /// Draws a frame.
    pub fn ui(&mut self, ui: &mut Ui) {
        let palette = theme::palette(ui.visuals());
        let bar = |margin: Margin| Frame::new().fill(palette.backdrop).inner_margin(margin);
        let ctx = Ctx::new(&self.state, &self.sender);
        Panel::top("menu")
            .frame(bar(Margin::symmetric(6, 2)))
            .show_separator_line(false)
            .show(ui, |ui| menu::menu_bar_ui(&ctx, ui));
        Panel::bottom("status")
            .frame(bar(Margin::symmetric(10, 3)))
            .show_separator_line(false)
            .exact_size(theme::STATUS_HEIGHT)
            .show(ui, |ui| status_bar::status_bar_ui(&ctx, ui));
        egui::CentralPanel::no_frame()
            .frame(bar(Margin::ZERO))
            .show(ui, |ui| {
                layout::layout_ui(&mut self.layout, &mut self.panels, &ctx, ui);
            });
        if let Some(open) = &mut self.palette
            && open.ui(&ctx, ui) == Outcome::Close
        {
            self.palette = None;
        }
        if self.help {
            let modal = Modal::new(egui::Id::unique("help")).show(ui.ctx(), |ui| {
                ui.heading("Keyboard shortcuts");
                ui.add_space(theme::GAP);
                help::shortcuts_ui(ui);
                ui.button("Close").clicked()
            });
            self.help = !modal.should_close() && !modal.inner;
        }
        self.toasts.show(ui.ctx());
    }

    pub(super) fn tell(&mut self, notice: Notice) {
        self.toasts.info(notice.text.clone());
        self.state.notices.push(notice);
    }

    pub(super) fn toggle_palette(&mut self) {
        self.palette = match self.palette {
            None => Some(Palette::default()),
            Some(_) => None,
        };
    }

    pub(super) fn toggle_help(&mut self) {
        self.help = !self.help;
    }
}
