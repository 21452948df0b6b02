//! The window as a value: `logic` before a frame, `ui` for a frame. Knows egui, not eframe, so that tests drive it whole.

use super::command::{Command, Level, Notice};
use super::ctx::{CommandSender, Ctx};
use super::dialogs::{AtWork, Closing, PathDialog, closing_ui, offer_ui};
use super::jobs::Jobs;
use super::layout::{self, Layout};
use super::opening::Opening;
use super::palette::{Outcome, Palette};
use super::parts::{
    audition, compare, doctor, experiments, labels, library, limits, model, pages, per_tag, plots,
    queue, runs, settings, song, student, timeline, training,
};
use super::plot_dialog::PlotDialog;
use super::recipes::Recipes;
use super::selection::Selection;
use super::settings_dialog::SettingsDialog;
use super::state::State;
use super::toasts::Toasts;
use super::ui_command::UiCommand;
use super::weights_dialog::WeightsDialog;
use super::{menu, run, status_bar};
use crate::panels::{Panels, help};
use crate::playback::Player;
use crate::theme;
use crate::widgets::dialog;
use attune_core::job::Cancel;
use attune_core::queue::{Begun, Worker};
use attune_core::workspace::Workspace;
use attune_core::{experiment, train};
use crossbeam::channel::Receiver;
use egui::{Context, Frame, Margin, Panel, Ui, ViewportCommand};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Workers wake the window at most this often: what they tell is for people.
const WAKE: Duration = Duration::from_millis(40);
/// How often the memory is looked at.
const MEMORY_EVERY: Duration = Duration::from_secs(2);

/// What the window needs from outside.
pub struct Services {
    /// Where Attune writes.
    pub workspace: Workspace,
    /// Plays sound.
    pub player: Player,
    /// Raised from outside (Ctrl-C in the terminal): the window is to be closed.
    pub interrupt: Cancel,
}

impl std::fmt::Debug for Services {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Services")
            .field("workspace", &self.workspace)
            .finish_non_exhaustive()
    }
}

/// What is remembered between sessions, besides what is in the workspace. Each field is stored under a key of its own, so
/// that one that an older version wrote differently does not take the others with it.
#[derive(Debug, Default)]
pub struct Looks {
    /// Where the panels stand.
    pub layout: Option<String>,
    /// What each panel remembers.
    pub panels: Option<String>,
    /// What the user had chosen.
    pub selection: Option<String>,
}

/// The window.
pub struct App {
    pub(super) state: State,
    pub(super) panels: Panels,
    pub(super) layout: Layout,
    pub(super) jobs: Jobs,
    pub(super) sender: CommandSender,
    pub(super) opening: Opening,
    pub(super) recipes: Recipes,
    commands: Receiver<Command>,
    palette: Option<Palette>,
    path_dialog: Option<PathDialog>,
    plot_dialog: Option<PlotDialog>,
    weights_dialog: WeightsDialog,
    settings_dialog: SettingsDialog,
    help: bool,
    closing: Option<Asked>,
    kept: Option<Kept>,
    toasts: Toasts,
    memory_at: Option<Instant>,
    interrupt: Cancel,
}

/// What is to go on after the window has been closed.
#[derive(Debug)]
pub enum Kept {
    /// A training, and the students after this one.
    Training(train::Handle, Option<training::Students>),
    /// The run of the queue in training, and the queue.
    Queue(Box<(Worker, Begun)>),
    /// The work on an experiment.
    Experiment(Box<experiment::Handle>),
}

/// The window is to be closed while something trains.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Asked {
    Open,
    /// Everything is told to stop; the last run that was.
    Stopping(Option<PathBuf>),
}

impl App {
    /// The window as it looked last time. Gives `ctx` its fonts and styles.
    pub fn new(ctx: &Context, services: Services, looks: &Looks) -> Self {
        theme::apply(ctx);
        let (sender, commands) = CommandSender::channel();
        let wake = ctx.clone();
        let mut state = State::new(services.workspace, services.player);
        state.selection = read::<Selection>(looks.selection.as_deref()).unwrap_or_default();
        Self {
            state,
            panels: read(looks.panels.as_deref()).unwrap_or_default(),
            layout: read(looks.layout.as_deref())
                .filter(layout::is_complete)
                .unwrap_or_else(layout::default_layout),
            jobs: Jobs::new(move || wake.request_repaint_after(WAKE)),
            sender,
            opening: Opening::new(),
            recipes: Recipes::new(),
            commands,
            palette: None,
            path_dialog: None,
            plot_dialog: None,
            weights_dialog: WeightsDialog::default(),
            settings_dialog: SettingsDialog::default(),
            help: false,
            closing: None,
            kept: None,
            toasts: Toasts::default(),
            memory_at: None,
            interrupt: services.interrupt,
        }
    }

    /// What to remember.
    pub fn looks(&self) -> Looks {
        Looks {
            layout: serde_json::to_string(&self.layout).ok(),
            panels: serde_json::to_string(&self.panels).ok(),
            selection: serde_json::to_string(&self.state.selection).ok(),
        }
    }

    /// Everything there is to show.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Whether a panel is in front.
    pub fn is_shown(&self, panel: crate::panels::Panel) -> bool {
        layout::is_shown(&self.layout, panel)
    }

    /// Where commands go: for dialogs, dropped files and tests.
    pub fn sender(&self) -> CommandSender {
        self.sender.clone()
    }

    /// What is to go on after the window has been closed.
    pub fn take_kept(&mut self) -> Option<Kept> {
        self.kept.take()
    }

    /// Before each frame, and while the window is hidden: takes in what workers did, runs commands.
    pub fn logic(&mut self, ctx: &Context) {
        if self.closing.is_none() {
            for command in UiCommand::pressed(ctx) {
                self.sender.send(command);
            }
        }
        for file in ctx.input(|input| input.raw.dropped_files.clone()) {
            self.sender.send(Command::Open(file.path().to_path_buf()));
        }
        self.opening.logic(&self.jobs, &self.sender);
        if let Some((wanted, recipe)) = self.recipes.poll(&self.jobs) {
            run::show_recipe(self, wanted, recipe);
        }
        let (state, jobs, sender) = (&mut self.state, &self.jobs, &self.sender);
        training::logic(state, jobs, sender);
        queue::logic(state, jobs, sender);
        runs::logic(state, jobs, sender);
        model::logic(state, jobs, sender);
        song::logic(state, jobs, sender);
        library::logic(state, jobs, sender);
        doctor::logic(state, jobs, sender);
        labels::logic(state, jobs, sender);
        limits::logic(state, jobs, sender);
        audition::logic(state, jobs, sender);
        timeline::logic(state, jobs, sender);
        compare::logic(state, jobs, sender);
        per_tag::logic(state, jobs, sender);
        settings::logic(state, jobs, sender);
        student::logic(state, jobs, sender);
        experiments::logic(state, jobs, sender);
        plots::logic(state, jobs, sender);
        pages::logic(state, jobs, sender);
        for message in state.player.messages() {
            sender.send(Notice::new(Level::Info, message));
        }
        self.run_commands(ctx);
        self.close_logic(ctx);
        if self.memory_at.is_none_or(|at| at.elapsed() > MEMORY_EVERY) {
            self.memory_at = Some(Instant::now());
            self.state.memory_bytes = resident_bytes();
        }
    }

    /// Gives whether there were any.
    fn run_commands(&mut self, ctx: &Context) -> bool {
        let mut any = false;
        while let Ok(command) = self.commands.try_recv() {
            run::run(self, command, ctx);
            any = true;
        }
        any
    }

    fn close_logic(&mut self, ctx: &Context) {
        let running = self.state.is_training();
        if ctx.input(|input| input.viewport().close_requested()) && running && self.kept.is_none() {
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
            self.closing.get_or_insert(Asked::Open);
        }
        if let Some(Asked::Stopping(told)) = &mut self.closing {
            if !running {
                ctx.send_viewport_cmd(ViewportCommand::Close);
            }
            // What began after the user had asked is told as well.
            self.state.experiments.stop();
            self.state.queue.pause();
            let run = self.state.training.run_folder().map(Path::to_path_buf);
            if run.is_some() && run != *told {
                let stop = training::Command::Steer(train::Command::Stop);
                self.sender.send(Command::Training(stop));
                *told = run;
            }
        }
        if !running && self.closing.take().is_some() {
            self.interrupt.withdraw();
        }
    }

    /// Draws a frame.
    pub fn ui(&mut self, ui: &mut Ui) {
        let palette = theme::palette(ui.visuals());
        let bar = |margin: Margin| Frame::new().fill(palette.backdrop).inner_margin(margin);
        let ctx = Ctx::new(&self.state, &self.sender);
        Panel::top("menu")
            .frame(bar(Margin::symmetric(6, 3)))
            .show_separator_line(false)
            .show(ui, |ui| menu::menu_bar_ui(&ctx, ui));
        Panel::bottom("status")
            .frame(bar(Margin::symmetric(10, 2)))
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
        if let Some(open) = &mut self.path_dialog
            && !open.ui(&ctx, ui)
        {
            self.path_dialog = None;
        }
        if let Some(open) = &mut self.plot_dialog
            && !open.ui(&ctx, ui)
        {
            self.plot_dialog = None;
        }
        self.weights_dialog.ui(&ctx, ui);
        self.settings_dialog.ui(&ctx, ui);
        if self.help {
            let modal = dialog(
                ui.ctx(),
                "help",
                |area| area,
                |ui| {
                    ui.heading("Keyboard shortcuts");
                    ui.add_space(theme::GAP);
                    help::shortcuts_ui(ui);
                    ui.button("Close").clicked()
                },
            );
            self.help = !modal.should_close() && !modal.inner;
        }
        drop_target_ui(ui);
        self.toasts.ui(ui);
        if self.closing.is_none() {
            offer_ui(&ctx, ui);
        }
        self.closing_ui(ui);
        // At once, and not before the next frame: a slider is heard one frame sooner.
        if self.run_commands(ui.ctx()) {
            ui.ctx().request_repaint();
        }
    }

    fn closing_ui(&mut self, ui: &mut Ui) {
        let Some(asked) = &self.closing else { return };
        let at_work = match self.state.experiments.working_on() {
            Some(name) => AtWork::Experiment(name.to_owned()),
            None if self.state.queue.is_working() => AtWork::Queue,
            None => AtWork::Training,
        };
        match closing_ui(*asked != Asked::Open, &at_work, ui) {
            None => {}
            Some(Closing::Stay) => {
                self.closing = None;
                self.interrupt.withdraw();
            }
            Some(Closing::Stop) => {
                self.closing = Some(Asked::Stopping(None));
            }
            Some(Closing::TrainOn) => {
                let training = &mut self.state.training;
                let work = self.state.queue.take_work(|| training.take_handle());
                if work.is_none() && self.state.queue.is_working() {
                    // Between two runs: the question stands until the next has begun.
                    return;
                }
                let queue = work.map(|work| Kept::Queue(Box::new(work)));
                let students = training.take_students();
                let training = training.take_handle();
                let training = training.map(|handle| Kept::Training(handle, students));
                let experiment = || {
                    let handle = self.state.experiments.take_handle();
                    handle.map(Box::new).map(Kept::Experiment)
                };
                self.kept = queue.or(training).or_else(experiment);
                self.closing = None;
                self.interrupt.withdraw();
                ui.ctx().send_viewport_cmd(ViewportCommand::Close);
            }
        }
    }

    /// Shows a notice for a moment and keeps it in the log.
    pub(super) fn tell(&mut self, notice: Notice) {
        self.toasts.add(notice.clone());
        let now_ms = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_millis() as u64);
        self.state.notices.push((now_ms, notice));
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

    pub(super) fn ask_for_path(&mut self, dialog: PathDialog) {
        self.path_dialog = Some(dialog);
    }

    /// Asks where this plot is to be saved.
    pub(super) fn ask_for_plot(&mut self, drawing: plots::Drawing) {
        let plots = &self.state.plots;
        let path = plots.usual_path(&drawing.name, &self.state.workspace.exports());
        self.plot_dialog = Some(PlotDialog::new(drawing, &path, plots.print()));
    }

    /// Gives the dialog about a plot the file that was chosen elsewhere.
    pub(super) fn choose_plot_file(&mut self, path: PathBuf) {
        if let Some(dialog) = &mut self.plot_dialog {
            dialog.set_path(path);
        }
    }
}

fn read<T: serde::de::DeserializeOwned>(text: Option<&str>) -> Option<T> {
    // What an older version wrote and this one cannot read is forgotten.
    serde_json::from_str(text?).ok()
}

/// Says what a drop will do, while something is dragged over the window.
fn drop_target_ui(ui: &mut Ui) {
    let n_files = ui.input(|input| input.raw.hovered_files.len());
    if n_files == 0 {
        return;
    }
    let palette = theme::palette(ui.visuals());
    let layer = egui::LayerId::new(egui::Order::Foreground, egui::Id::unique("drop"));
    let painter = ui.ctx().layer_painter(layer);
    let rect = ui.ctx().content_rect();
    painter.rect_filled(rect, 0.0, palette.backdrop.gamma_multiply(0.85));
    painter.text(
        rect.center(),
        egui::Align2::CENTER_CENTER,
        "Drop a song, a data set folder, weights, a run folder, a configuration or a plan",
        egui::TextStyle::Heading.resolve(ui.style()),
        palette.strong,
    );
}

/// Memory that this process occupies. Files mapped from the disk (the cache of decoded sound) do not count: the system takes
/// their pages back whenever it needs them.
fn resident_bytes() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let mut pages = statm.split_whitespace().skip(1);
    let mut next = || pages.next()?.parse::<u64>().ok();
    let (resident, of_files) = (next()?, next()?);
    Some(resident.saturating_sub(of_files) * 4096)
}
