//! The glue to eframe: opens the native window and lets [`App`] draw into it.

use super::app::{App, Kept, Looks, Services};
use super::command::Command;
use super::frame_stats::FrameStats;
use anyhow::{Context as _, anyhow};
use attune_core::job::Cancel;
use eframe::{CreationContext, Frame, NativeOptions, Storage};
use egui::{Context, Ui, ViewportBuilder, ViewportCommand};
use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Size of the window when it opens for the first time, in points.
const SIZE: [f32; 2] = [1280.0, 800.0];
/// How soon Ctrl-C in the terminal closes the window.
const LISTEN_EVERY: Duration = Duration::from_millis(200);
const ICON: &[u8] = include_bytes!("../../../assets/icon.png");

/// What to open the window with.
#[derive(Debug)]
pub struct Opening {
    /// What the window needs from outside.
    pub services: Services,
    /// What to do first.
    pub commands: Vec<Command>,
    /// Where to write how long frames took.
    pub frame_stats: Option<PathBuf>,
    /// When the process began.
    pub since: Instant,
}

/// Opens the window and returns when it has been closed, with what is to go on without it.
///
/// Fails if there is no display or no OpenGL.
pub fn open(opening: Opening) -> anyhow::Result<Option<Kept>> {
    let options = NativeOptions {
        viewport: ViewportBuilder::default()
            .with_title("Attune")
            .with_app_id("attune")
            .with_inner_size(SIZE)
            .with_min_inner_size([1024.0, 640.0])
            .with_icon(eframe::icon_data::from_png_bytes(ICON).unwrap_or_default()),
        persistence_path: Some(opening.services.workspace.root().join("window.ron")),
        ..NativeOptions::default()
    };
    let kept = Rc::new(RefCell::new(None));
    let kept_by_window = Rc::clone(&kept);
    eframe::run_native(
        "attune",
        options,
        Box::new(move |creation| Ok(Box::new(Window::new(creation, opening, kept_by_window)?))),
    )
    // eframe's error may hold what cannot cross threads: its words suffice.
    .map_err(|error| anyhow!("the window could not be opened: {error}"))?;
    Ok(kept.take())
}

struct Window {
    app: App,
    stats: Option<(FrameStats, PathBuf)>,
    kept: Rc<RefCell<Option<Kept>>>,
}

impl Window {
    fn new(
        creation: &CreationContext<'_>,
        opening: Opening,
        kept: Rc<RefCell<Option<Kept>>>,
    ) -> anyhow::Result<Self> {
        let ctx = &creation.egui_ctx;
        let stored = |key| creation.storage.and_then(|storage| storage.get_string(key));
        let looks = Looks {
            layout: stored("layout"),
            panels: stored("panels"),
            selection: stored("selection"),
        };
        let interrupt = opening.services.interrupt.clone();
        let app = App::new(ctx, opening.services, &looks);
        for command in opening.commands {
            app.sender().send(command);
        }
        close_when_raised(ctx.clone(), interrupt)?;
        let stats = opening.frame_stats.map(|path| {
            let stats = FrameStats::new(opening.since);
            stats.watch(ctx);
            (stats, path)
        });
        Ok(Self { app, stats, kept })
    }
}

/// Ctrl-C in the terminal closes the window like its button does.
fn close_when_raised(ctx: Context, interrupt: Cancel) -> anyhow::Result<()> {
    std::thread::Builder::new()
        .name("listen for Ctrl-C".to_owned())
        .spawn(move || {
            let mut was_raised = false;
            loop {
                let is_raised = interrupt.is_cancelled();
                if is_raised && !was_raised {
                    ctx.send_viewport_cmd_to(egui::ViewportId::ROOT, ViewportCommand::Close);
                    ctx.request_repaint_of(egui::ViewportId::ROOT);
                }
                was_raised = is_raised;
                std::thread::sleep(LISTEN_EVERY);
            }
        })
        .context("cannot start a thread")?;
    Ok(())
}

impl eframe::App for Window {
    fn logic(&mut self, ctx: &Context, frame: &mut Frame) {
        let since = Instant::now();
        if let Some((stats, _)) = &self.stats {
            stats.begin(frame.info().cpu_usage, self.app.state().is_training());
        }
        self.app.logic(ctx);
        if let Some((stats, _)) = &self.stats {
            stats.logic(since);
        }
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut Frame) {
        let since = Instant::now();
        self.app.ui(ui);
        if let Some((stats, _)) = &self.stats {
            stats.ui(since);
        }
    }

    fn save(&mut self, storage: &mut dyn Storage) {
        let looks = self.app.looks();
        for (key, text) in [
            ("layout", looks.layout),
            ("panels", looks.panels),
            ("selection", looks.selection),
        ] {
            if let Some(text) = text {
                storage.set_string(key, text);
            }
        }
    }

    fn on_exit(&mut self, _gl: Option<&eframe::glow::Context>) {
        self.kept.replace(self.app.take_kept());
        if let Some((stats, path)) = &self.stats {
            let json = stats.to_json(self.app.state().memory_bytes);
            // The figures are for developers; a full disk is no reason to end badly.
            drop(std::fs::write(path, json));
        }
    }
}
