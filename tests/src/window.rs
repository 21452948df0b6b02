//! Drives the whole window without a display: keys, clicks on what has a name, and waiting for workers.

use crate::soft_renderer::SoftRenderer;
use attune::playback::{Now, Player};
use attune::workbench::{App, Command, Kept, Looks, Services, State};
use attune_core::workspace::Workspace;
use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Workers may be slow on a busy machine; beyond this something is stuck.
const PATIENCE: Duration = Duration::from_secs(120);

/// The window, in a test.
pub struct Window {
    harness: Harness<'static, Option<App>>,
}

impl Window {
    /// The window on a workspace, as on the first day.
    pub fn open(workspace: &Path) -> Self {
        Self::with_looks(workspace, Looks::default())
    }

    /// The window on a workspace, as it was left.
    pub fn with_looks(workspace: &Path, looks: Looks) -> Self {
        Self::build(workspace, looks, std::sync::Arc::new(|| 0))
    }

    /// The window as on the first day, its player on a clock (in nanoseconds) that the test turns.
    pub fn with_time(workspace: &Path, now: Now) -> Self {
        Self::build(workspace, Looks::default(), now)
    }

    /// The window as on the first day, with a player of the test's own.
    pub fn with_player(workspace: &Path, player: Player) -> Self {
        Self::build_with(workspace, Looks::default(), player)
    }

    fn build(workspace: &Path, looks: Looks, now: Now) -> Self {
        Self::build_with(workspace, looks, Player::silent(now))
    }

    fn build_with(workspace: &Path, looks: Looks, player: Player) -> Self {
        let workspace = Workspace::at(workspace);
        let mut player = Some(player);
        let harness = Harness::builder()
            .with_size([1280.0, 1200.0])
            .with_pixels_per_point(1.0)
            .with_theme(egui::Theme::Dark)
            .with_max_steps(1)
            .renderer(SoftRenderer::new())
            .build_ui_state(
                move |ui, app: &mut Option<App>| match app {
                    // Styles and fonts hold from the next frame on.
                    None => {
                        let Some(player) = player.take() else { return };
                        let services = Services {
                            workspace: workspace.clone(),
                            player,
                            interrupt: attune_core::job::Cancel::new(),
                        };
                        *app = Some(App::new(ui.ctx(), services, &looks));
                    }
                    Some(app) => {
                        app.logic(ui.ctx());
                        app.ui(ui);
                    }
                },
                None,
            );
        let mut window = Self { harness };
        window.frames(3);
        window
    }

    /// Runs so many frames.
    pub fn frames(&mut self, n: usize) {
        self.harness.run_steps(n);
    }

    /// Makes the window so large, in points.
    pub fn resize(&mut self, width: f32, height: f32) {
        self.harness.set_size(egui::vec2(width, height));
        self.frames(3);
    }

    /// What there is to show.
    ///
    /// # Panics
    /// Never: the window exists after the first frame.
    pub fn state(&self) -> &State {
        self.app().state()
    }

    /// The window itself.
    ///
    /// # Panics
    /// Never: the window exists after the first frame.
    #[expect(clippy::expect_used, reason = "the first frame has made it")]
    pub fn app(&self) -> &App {
        self.harness
            .state()
            .as_ref()
            .expect("made in the first frame")
    }

    /// Asks for something as a panel would, and lets it happen.
    pub fn send(&mut self, command: impl Into<Command>) {
        self.app().sender().send(command);
        self.frames(2);
    }

    /// Presses a key, with Ctrl if `ctrl`.
    pub fn press(&mut self, modifiers: Modifiers, key: Key) {
        self.harness.key_press_modifiers(modifiers, key);
        self.frames(2);
    }

    /// Presses keys faster than frames are drawn: all of them come in one frame.
    pub fn press_at_once(&mut self, keys: &[Key]) {
        let events = &mut self.harness.input_mut().events;
        for &key in keys {
            for pressed in [true, false] {
                events.push(egui::Event::Key {
                    key,
                    physical_key: None,
                    pressed,
                    repeat: false,
                    modifiers: Modifiers::NONE,
                });
                if let (true, [_]) = (pressed, key.symbol_or_name().as_bytes()) {
                    let text = key.symbol_or_name().to_lowercase();
                    events.push(egui::Event::Text(text));
                }
            }
        }
        self.frames(2);
    }

    /// Types into what has the focus.
    pub fn type_text(&mut self, text: &str) {
        self.harness.event(egui::Event::Text(text.to_owned()));
        self.frames(2);
    }

    /// Clicks on what is called `label`: on the widget, where a plain text is called the same; once it has stopped moving, as a person
    /// would.
    ///
    /// # Panics
    /// If there is no such thing, or more than one that can be clicked.
    pub fn click(&mut self, label: &str) {
        for _ in 0..20 {
            let places = self.rects(label);
            self.frames(1);
            if self.rects(label) == places {
                break;
            }
        }
        let is_text = |node: &egui_kittest::Node<'_>| node.accesskit_node().role() == Role::Label;
        let named = self.harness.query_all_by_label(label);
        let mut found: Vec<_> = named.filter(has_place).collect();
        if found.iter().any(|node| !is_text(node)) {
            found.retain(|node| !is_text(node));
        }
        assert!(
            found.len() == 1,
            "{} things are called {label:?}",
            found.len()
        );
        found[0].click();
        self.frames(3);
    }

    /// Clicks on the last widget that is called `label`: one in an open menu comes after all others.
    ///
    /// # Panics
    /// If there is no such widget.
    pub fn click_last(&mut self, label: &str) {
        let is_text = |node: &egui_kittest::Node<'_>| node.accesskit_node().role() == Role::Label;
        let named = self.harness.query_all_by_label(label);
        let Some(last) = named.filter(has_place).rfind(|node| !is_text(node)) else {
            panic!("nothing is called {label:?}");
        };
        last.click();
        self.frames(3);
    }

    /// Clicks on the one thing whose name has `part` in it.
    pub fn click_part(&mut self, part: &str) {
        self.harness.get_by_label_contains(part).click();
        self.frames(3);
    }

    /// Pastes text, as Ctrl+V does.
    pub fn paste(&mut self, text: &str) {
        self.harness.event(egui::Event::Paste(text.to_owned()));
        self.frames(3);
    }

    /// Whether something called `label` is shown.
    pub fn shows(&self, label: &str) -> bool {
        self.harness
            .query_all_by_label(label)
            .any(|node| has_place(&node))
    }

    /// Whether something is shown whose name has `part` in it.
    pub fn shows_part(&self, part: &str) -> bool {
        self.harness
            .query_all_by_label_contains(part)
            .any(|node| has_place(&node))
    }

    /// How many things are shown whose name has `part` in it.
    pub fn count_part(&self, part: &str) -> usize {
        self.harness.query_all_by_label_contains(part).count()
    }

    /// Where what is called `label` lies.
    pub fn rect(&self, label: &str) -> egui::Rect {
        self.harness.get_by_label(label).rect()
    }

    /// Where all that is called `label` lies.
    pub fn rects(&self, label: &str) -> Vec<egui::Rect> {
        let found = self.harness.query_all_by_label(label);
        found.filter(has_place).map(|node| node.rect()).collect()
    }

    /// Where the one thing lies whose name has `part` in it.
    pub fn rect_part(&self, part: &str) -> egui::Rect {
        self.harness.get_by_label_contains(part).rect()
    }

    /// Moves the pointer to `pos`.
    pub fn hover(&mut self, pos: egui::Pos2) {
        self.harness.hover_at(pos);
        self.frames(2);
    }

    /// Turns the wheel where the pointer is, by so many points; below zero towards the end.
    pub fn scroll(&mut self, points: f32) {
        self.harness.event(egui::Event::MouseWheel {
            unit: egui::MouseWheelUnit::Point,
            delta: egui::vec2(0.0, points),
            phase: egui::TouchPhase::Move,
            source: egui::MouseWheelSource::Unknown,
            modifiers: Modifiers::NONE,
        });
        self.frames(2);
    }

    /// Presses the primary button at `from` and lets it go at `to`; a click if they are the same.
    pub fn drag(&mut self, from: egui::Pos2, to: egui::Pos2) {
        self.hover(from);
        for (pos, pressed) in [(from, true), (to, false)] {
            for share in [0.5, 1.0] {
                self.harness.hover_at(from + (pos - from) * share);
                self.frames(1);
            }
            self.harness.event(egui::Event::PointerButton {
                pos,
                button: egui::PointerButton::Primary,
                pressed,
                modifiers: Modifiers::NONE,
            });
            self.frames(2);
        }
    }

    /// Clicks at `at`, so fast that it is no long press.
    pub fn click_at(&mut self, at: egui::Pos2) {
        self.click_with(egui::PointerButton::Primary, at);
    }

    /// Clicks with the secondary button into the middle of what is called `label`: its menu opens.
    pub fn secondary_click(&mut self, label: &str) {
        self.click_with(egui::PointerButton::Secondary, self.rect(label).center());
    }

    fn click_with(&mut self, button: egui::PointerButton, at: egui::Pos2) {
        self.hover(at);
        for pressed in [true, false] {
            self.harness.event(egui::Event::PointerButton {
                pos: at,
                button,
                pressed,
                modifiers: Modifiers::NONE,
            });
            self.frames(1);
        }
        self.frames(2);
    }

    /// Lets go of files that were dragged over the window.
    pub fn drop_files(&mut self, paths: &[&Path]) {
        let files = paths.iter().map(|path| {
            let file = Dropped(path.to_path_buf());
            std::sync::Arc::new(file) as egui::DroppedFileHandle
        });
        self.harness.input_mut().dropped_files = files.collect();
        self.frames(2);
    }

    /// Asks the window to close, as its frame's button does.
    pub fn request_close(&mut self) {
        let input = self.harness.input_mut();
        let viewport = input.viewports.entry(input.viewport_id).or_default();
        viewport.events.push(egui::ViewportEvent::Close);
        self.frames(2);
    }

    /// Whether the frame just drawn has closed the window.
    pub fn has_closed(&self) -> bool {
        let viewports = self.harness.output().viewport_output.values();
        let mut commands = viewports.flat_map(|viewport| &viewport.commands);
        commands.any(|command| *command == egui::ViewportCommand::Close)
    }

    /// What is to go on after the window has been closed.
    pub fn take_kept(&mut self) -> Option<Kept> {
        self.harness.state_mut().as_mut()?.take_kept()
    }

    /// Runs frames until `condition` holds, and one more, in which what has just appeared gets its place.
    ///
    /// # Panics
    /// If it does not come to hold.
    pub fn wait(&mut self, what: &str, condition: impl Fn(&Self) -> bool) {
        let since = Instant::now();
        loop {
            self.frames(1);
            if condition(self) {
                self.frames(1);
                return;
            }
            assert!(
                since.elapsed() < PATIENCE,
                "waited in vain: {what}; the window has said {:?}",
                self.state().notices
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Writes a picture of the window to `$ATTUNE_PICTURES/NAME.png`, if that is set: to look at, not to compare.
    ///
    /// # Panics
    /// If it cannot be written.
    #[expect(clippy::unwrap_used, reason = "a picture that was asked for must come")]
    pub fn picture(&mut self, name: &str) {
        if let Some(folder) = std::env::var_os("ATTUNE_PICTURES") {
            self.frames(20);
            let picture = self.harness.render().unwrap();
            picture
                .save(Path::new(&folder).join(format!("{name}.png")))
                .unwrap();
        }
    }

    /// How many corners of triangles the present frame has: what a frame costs, without a clock.
    pub fn n_vertices(&self) -> usize {
        let output = self.harness.output();
        let meshes = self.harness.ctx.tessellate(output.shapes.clone(), 1.0);
        meshes
            .iter()
            .map(|mesh| match &mesh.primitive {
                egui::epaint::Primitive::Mesh(mesh) => mesh.vertices.len(),
                egui::epaint::Primitive::Callback(_) => 0,
            })
            .sum()
    }
}

/// Whether it has been laid out: a table that measures its columns has named its rows a frame before they lie anywhere.
fn has_place(node: &egui_kittest::Node<'_>) -> bool {
    node.rect().is_finite()
}

#[derive(Debug)]
struct Dropped(PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        Err("the window opens paths, it reads no bytes".to_owned())
    }
}
