//! Carries out commands, between frames: the one place where the state changes on request.

use super::app::App;
use super::command::{Command, Level, Notice, Pick, Play};
use super::dialogs::PathDialog;
use super::parts::{
    audition, compare, doctor, experiments, labels, library, limits, pages, per_tag, plots, queue,
    runs, settings, student, timeline, training,
};
use super::recipes::Wanted;
use super::selection::Select;
use super::ui_command::UiCommand;
use super::{layout, opening};
use crate::panels::Panel;
use crate::panels::training::Extending;
use attune_core::train::{self, BranchPoint, BranchWeights, TrainConfig};
use egui::Context;
use std::path::PathBuf;

/// Carries out one command.
pub(super) fn run(app: &mut App, command: Command, ctx: &Context) {
    let (state, jobs, sender) = (&mut app.state, &app.jobs, &app.sender);
    match command {
        Command::Ui(command) => run_ui(app, command, ctx),
        Command::Select(change) => state.selection.apply(change),
        Command::Show(panel) => layout::show(&mut app.layout, panel),
        Command::Tell(notice) => app.tell(notice),
        Command::Open(path) => app.opening.open(path),
        Command::OpenSong(path) => {
            state.song.open(path, Vec::new());
            let shown = layout::is_shown(&app.layout, Panel::Audition);
            layout::show(
                &mut app.layout,
                if shown {
                    Panel::Audition
                } else {
                    Panel::Timeline
                },
            );
        }
        Command::OpenDataset(folder) => open_dataset(app, folder),
        Command::OpenModel(path) => state.model.open(path, jobs),
        Command::ExportModel(path) => state.model.export(path, jobs),
        Command::OpenRun(folder) => {
            state.selection.apply(Select::Run(Some(folder)));
            layout::show(&mut app.layout, Panel::Curves);
        }
        Command::OpenConfig(path) => {
            let wanted = Wanted::File(path);
            app.recipes.ask(wanted, &state.workspace, jobs);
        }
        Command::Branch(run) => {
            // By its id, as one would name it on the command line.
            let id = run.strip_prefix(state.workspace.runs());
            let point = BranchPoint {
                run: id.map_or(run.clone(), PathBuf::from),
                weights: BranchWeights::Best,
            };
            let wanted = Wanted::Branch(point);
            app.recipes.ask(wanted, &state.workspace, jobs);
        }
        Command::Extend(run) => {
            let wanted = Wanted::Extend(run);
            app.recipes.ask(wanted, &state.workspace, jobs);
        }
        Command::Pick(what) => {
            let start = state
                .song
                .wanted()
                .and_then(|song| song.parent())
                .map(PathBuf::from);
            opening::pick(what, start, sender.clone(), jobs.clone());
        }
        Command::Training(command) => training::run(command, state, jobs, sender),
        Command::Queue(command) => queue::run(command, state, jobs, sender),
        Command::Runs(command) => runs::run(command, state, jobs, sender),
        Command::Audition(command) => audition::run(command, state, jobs, sender),
        Command::Timeline(command) => timeline::run(command, state, jobs, sender),
        Command::Labels(command) => labels::run(command, state, jobs, sender),
        Command::Library(command) => library::run(command, state, jobs, sender),
        Command::Doctor(command) => doctor::run(command, state, jobs, sender),
        Command::Limits(command) => limits::run(command, state, jobs, sender),
        Command::Model(command) => state.model.run(command, jobs),
        Command::Compare(command) => compare::run(command, state, jobs, sender),
        Command::PerTag(command) => per_tag::run(command, state, jobs, sender),
        Command::Settings(command) => settings::run(command, state, jobs, sender),
        Command::Student(command) => student::run(command, state, jobs, sender),
        Command::Experiments(command) => experiments::run(command, state, jobs, sender),
        Command::Plots(plots::Command::Ask(drawing)) => app.ask_for_plot(drawing),
        Command::Plots(plots::Command::Chosen(path)) => app.choose_plot_file(path),
        Command::Plots(plots::Command::Write {
            drawing,
            path,
            print,
        }) => state.plots.write(drawing, path, print),
        Command::Pages(pages::Command::Ask(runs)) => {
            let name = runs.first().and_then(|run| run.file_name());
            let name = name.unwrap_or_default().to_string_lossy();
            let path = state.workspace.exports().join(format!("{name}.html"));
            app.ask_for_path(PathDialog::to_page(&path, runs));
        }
        Command::Pages(pages::Command::Write { runs, path }) => {
            state.pages.write(runs, path, jobs);
        }
        Command::ExperimentData(folder) => app.panels.experiments().set_data(&folder),
        Command::OpenPlan(path) => {
            experiments::run(
                experiments::Command::ReadPlan(path.clone()),
                state,
                jobs,
                sender,
            );
            state.selection.apply(Select::Experiment(None));
            app.panels.experiments().choose_file(path);
            layout::show(&mut app.layout, Panel::Experiments);
        }
        Command::Play(play) => run_play(state, &play),
    }
}

/// The same for a command without payload.
fn run_ui(app: &mut App, command: UiCommand, ctx: &Context) {
    let steer = |order| Command::Training(training::Command::Steer(order));
    let sender = app.sender.clone();
    match command {
        UiCommand::OpenSong => sender.send(Command::Pick(Pick::Song)),
        UiCommand::OpenDataset => sender.send(Command::Pick(Pick::Dataset)),
        UiCommand::OpenModel => sender.send(Command::Pick(Pick::Model)),
        UiCommand::OpenRun => sender.send(Command::Pick(Pick::Run)),
        UiCommand::OpenPath => app.ask_for_path(PathDialog::to_open()),
        UiCommand::ExportModel => match app.state.model.current() {
            Some(model) => {
                let folder = app.state.workspace.exports();
                let path = folder.join(format!("{}.onnx", model.name));
                app.ask_for_path(PathDialog::to_export(&path));
            }
            None => sender.send(Notice::new(Level::Warning, "No model is in use yet.")),
        },
        UiCommand::Quit => ctx.send_viewport_cmd(egui::ViewportCommand::Close),
        UiCommand::Palette => app.toggle_palette(),
        UiCommand::Help => app.toggle_help(),
        UiCommand::ToggleTheme => {
            let other = match ctx.theme() {
                egui::Theme::Dark => egui::Theme::Light,
                egui::Theme::Light => egui::Theme::Dark,
            };
            crate::theme::set_theme(ctx, other);
        }
        UiCommand::ZoomIn => egui::gui_zoom::zoom_in(ctx),
        UiCommand::ZoomOut => egui::gui_zoom::zoom_out(ctx),
        UiCommand::ZoomReset => ctx.set_zoom_factor(1.0),
        UiCommand::ResetLayout => app.layout = layout::default_layout(),
        UiCommand::Show(panel) => layout::show(&mut app.layout, panel),
        UiCommand::StartTraining => {
            let config = Box::new(app.panels.training().config().clone());
            match config.check() {
                Ok(()) => {
                    let n = app.panels.training().students();
                    sender.send(Command::Training(
                        if n > 1 && config.noisy_student.is_some() {
                            let students = training::Students { config, at: 1, n };
                            training::Command::StartStudents(students)
                        } else {
                            training::Command::Start(config)
                        },
                    ));
                    if app.state.is_training() {
                        // It is refused: nothing else comes to the front.
                        return;
                    }
                    layout::show(&mut app.layout, Panel::Curves);
                }
                Err(error) => sender.send(Notice::new(Level::Error, error.to_string())),
            }
            layout::show(&mut app.layout, Panel::Training);
        }
        UiCommand::AddToQueue => {
            let panel = app.panels.training();
            let (config, n) = (Box::new(panel.config().clone()), panel.students());
            sender.send(Command::Queue(queue::Command::Add(config, n)));
            layout::show(&mut app.layout, Panel::Training);
        }
        UiCommand::StartQueue => sender.send(Command::Queue(queue::Command::Start)),
        UiCommand::PauseTraining => sender.send(Command::Training(training::Command::TogglePause)),
        UiCommand::StopTraining => sender.send(steer(train::Command::Stop)),
        UiCommand::Snapshot => {
            if app.state.training.is_running() {
                app.state.model.take_next();
            }
            sender.send(steer(train::Command::Snapshot));
        }
        UiCommand::Validate => sender.send(steer(train::Command::Validate)),
        UiCommand::RefreshRuns => sender.send(Command::Runs(runs::Command::Refresh)),
        UiCommand::UseRunModel => match &app.state.selection.run {
            Some(folder) => {
                let best = train::Checkpoints::of(folder).best();
                sender.send(Command::OpenModel(best));
            }
            None => sender.send(Notice::new(
                Level::Warning,
                "Choose a run in the Runs panel first.",
            )),
        },
        UiCommand::UseShippedModel(shipped) => app.state.model.use_shipped(shipped, &app.jobs),
        UiCommand::FollowModel => {
            let follow = !app.state.model.follows_training();
            app.state.model.follow_training(follow);
            sender.send(Notice::new(
                Level::Info,
                if follow {
                    "Audition and Timeline use the weights of the training as they are published."
                } else {
                    "Audition and Timeline keep their model."
                },
            ));
        }
        UiCommand::FollowCurves => app.panels.curves().toggle_follow(&app.state),
        UiCommand::FitCurves => app.panels.curves().fit(),
        UiCommand::TogglePlay => sender.send(Play::Toggle),
        UiCommand::ToStart if app.state.audition.is_listening(&app.state.player) => {
            app.state.player.seek(0.0);
        }
        UiCommand::ToStart => {
            let to_secs = app.state.selection.time.map_or(0.0, |time| time.start_secs);
            sender.send(Play::Seek { to_secs });
        }
        UiCommand::Back => sender.send(Play::Skip { by_secs: -5.0 }),
        UiCommand::Forward => sender.send(Play::Skip { by_secs: 5.0 }),
        UiCommand::ToggleLoop => sender.send(Play::ToggleLoop),
        UiCommand::Slower => app.state.player.step_speed(false),
        UiCommand::Faster => app.state.player.step_speed(true),
        UiCommand::NormalSpeed => app.state.player.set_speed(1.0),
        UiCommand::ToggleListening => sender.send(Play::ToggleListening),
        UiCommand::VolumeUp => sender.send(Play::Louder { by: 0.1 }),
        UiCommand::VolumeDown => sender.send(Play::Louder { by: -0.1 }),
        UiCommand::ToggleAugmented => sender.send(Command::Audition(audition::Command::Toggle)),
        UiCommand::HearVariant(place) => {
            let audition = &app.state.audition;
            let in_test = audition.heard_in_test(&app.state.player).is_some();
            let is_meant = audition.is_listening(&app.state.player)
                || layout::is_shown(&app.layout, Panel::Audition);
            let sound = audition::abx::Sound::ALL.get(usize::from(place));
            match sound {
                Some(sound) if in_test => {
                    let hear = audition::abx::Command::Hear(*sound);
                    sender.send(Command::Audition(audition::Command::Test(hear)));
                }
                _ if is_meant && !in_test => {
                    let place = usize::from(place);
                    sender.send(Command::Audition(audition::Command::Listen { place }));
                }
                // Elsewhere these keys are free.
                _ => {}
            }
        }
        UiCommand::RollAugmentation => sender.send(Command::Audition(audition::Command::Roll)),
        UiCommand::ExplainSong => {
            sender.send(Command::Timeline(timeline::Command::Explain));
            layout::show(&mut app.layout, Panel::Timeline);
        }
        UiCommand::CancelJobs => {
            let state = &mut app.state;
            state.song.cancel_jobs();
            state.training.cancel_jobs();
            state.audition.cancel_jobs();
            state.student.cancel_jobs();
            state.timeline.cancel_jobs();
            state.labels.cancel_jobs();
            state.library.cancel_jobs();
            state.doctor.cancel_jobs();
            state.compare.cancel_jobs();
            state.per_tag.cancel_jobs();
            state.experiments.cancel_jobs();
            state.pages.cancel_jobs();
        }
    }
}

/// Shows a recipe that was asked for in the Training panel, or why there is none.
pub(super) fn show_recipe(app: &mut App, wanted: Wanted, recipe: Result<TrainConfig, String>) {
    match recipe {
        Ok(config) => {
            let panel = app.panels.training();
            match wanted {
                Wanted::File(_) | Wanted::Branch(_) => panel.set_config(config),
                Wanted::Extend(run) => panel.set_extending(Extending::new(run, &config)),
            }
            layout::show(&mut app.layout, Panel::Training);
        }
        Err(error) => app.tell(Notice::new(Level::Error, error)),
    }
}

/// Uses a folder as the data set: in the Training panel's form, and in the library.
fn open_dataset(app: &mut App, folder: PathBuf) {
    app.state.selection.dataset = Some(folder.clone());
    app.panels.training().set_folder(folder);
    layout::show(&mut app.layout, Panel::Library);
}

/// If the player has a clip or moments of the song: gives it the song again, at the same place.
fn back_to_song(state: &super::State) {
    audition::back_to_song(state);
    let hearing = state.timeline.hearing();
    let region_secs = state
        .selection
        .time
        .map(|time| (time.start_secs, time.end_secs));
    hearing.back_to_song(&state.player, state.song.current(), region_secs);
}

/// Plays, or stops playing. The player's calls never wait.
fn run_play(state: &super::State, play: &Play) {
    let player = &state.player;
    match play {
        Play::Toggle => player.toggle(),
        Play::Start => player.play(),
        Play::Pause => player.pause(),
        Play::Seek { to_secs } => {
            back_to_song(state);
            player.seek(*to_secs);
        }
        Play::Skip { by_secs } => {
            player.seek((player.position_secs() + by_secs).clamp(0.0, player.duration_secs()));
        }
        Play::ToggleLoop => {
            let whole = (0.0, player.duration_secs());
            // The selection is a stretch of the song, not of a clip.
            let chosen = state
                .selection
                .time
                .filter(|_| !state.audition.is_listening(player))
                .filter(|_| {
                    state
                        .timeline
                        .hearing()
                        .song_position_secs(player)
                        .is_none()
                })
                .map(|time| (time.start_secs, time.end_secs));
            player.set_loop(match player.loop_region() {
                Some(_) => None,
                None => Some(chosen.unwrap_or(whole)),
            });
        }
        Play::Loop { region_secs } => {
            back_to_song(state);
            player.set_loop(*region_secs);
        }
        Play::Volume(volume) => player.set_volume(*volume),
        Play::Louder { by } => player.set_volume((player.volume() + by).clamp(0.0, 1.0)),
        Play::ToggleListening => {
            let variants = player.track().map_or(Vec::new(), |track| track.places());
            let after = variants.iter().find(|place| **place > player.variant());
            if let Some(next) = after.or(variants.first()) {
                player.select_variant(*next);
            }
        }
        Play::Device(device) => player.choose_device(device.as_deref()),
    }
}
