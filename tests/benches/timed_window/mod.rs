//! The window as benchmarks open it: without a screen, each frame timed.

use attune::playback::Player;
use attune::workbench::{App, Looks, Services};
use attune_core::workspace::Workspace;
use egui::{Event as Input, MouseWheelUnit, Pos2, RawInput, Rect, Shape, pos2, vec2};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const SIZE: egui::Vec2 = vec2(1600.0, 1000.0);

/// The window without a screen: its own work in each frame is timed, painting is left out.
pub(crate) struct Window {
    pub(crate) ctx: egui::Context,
    pub(crate) app: App,
    /// Where the mouse is.
    pub(crate) pointer: Pos2,
    at_secs: f64,
    pub(crate) texts: BTreeSet<String>,
}

impl Window {
    /// Opens it on a workspace.
    pub(crate) fn open(workspace: &Path) -> Self {
        let ctx = egui::Context::default();
        let services = Services {
            workspace: Workspace::at(workspace),
            player: Player::silent(Arc::new(|| 0)),
            interrupt: attune_core::job::Cancel::new(),
        };
        let app = App::new(&ctx, services, &Looks::default());
        Self {
            ctx,
            app,
            pointer: pos2(1200.0, 900.0),
            at_secs: 0.0,
            texts: BTreeSet::new(),
        }
    }

    /// One frame with these events, in milliseconds of own work.
    pub(crate) fn frame(&mut self, events: Vec<Input>) -> f64 {
        self.at_secs += 1.0 / 60.0;
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, SIZE)),
            time: Some(self.at_secs),
            events,
            ..RawInput::default()
        };
        let begun = Instant::now();
        let app = &mut self.app;
        let output = self.ctx.run_ui(input, |ui| {
            app.logic(ui.ctx());
            app.ui(ui);
        });
        let shapes = output.shapes.clone();
        let meshes = self.ctx.tessellate(shapes, output.pixels_per_point);
        let took = begun.elapsed().as_secs_f64() * 1e3;
        drop(meshes);
        self.texts.clear();
        for shape in &output.shapes {
            take_texts(&shape.shape, &mut self.texts);
        }
        took
    }

    /// Frames until this holds, for at most a minute. How long it took, in seconds.
    pub(crate) fn wait(&mut self, what: &str, holds: impl Fn(&Self) -> bool) -> f64 {
        let begun = Instant::now();
        while !holds(self) {
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "waited for {what}; shown are {:?}",
                self.texts
            );
            self.frame(Vec::new());
            std::thread::sleep(Duration::from_millis(2));
        }
        begun.elapsed().as_secs_f64()
    }

    /// Whether a text with this part was painted in the last frame.
    pub(crate) fn shows(&self, part: &str) -> bool {
        self.texts.iter().any(|text| text.contains(part))
    }

    /// A frame with a turn of the wheel, in milliseconds of own work.
    pub(crate) fn scroll(&mut self, by: f32) -> f64 {
        let wheel = Input::MouseWheel {
            unit: MouseWheelUnit::Point,
            delta: vec2(0.0, by),
            phase: egui::TouchPhase::Move,
            source: egui::MouseWheelSource::Unknown,
            modifiers: egui::Modifiers::NONE,
        };
        self.frame(vec![Input::PointerMoved(self.pointer), wheel])
    }
}

fn take_texts(shape: &Shape, texts: &mut BTreeSet<String>) {
    match shape {
        Shape::Text(text) => drop(texts.insert(text.galley.text().to_owned())),
        Shape::Vec(shapes) => shapes.iter().for_each(|shape| take_texts(shape, texts)),
        _ => {}
    }
}
