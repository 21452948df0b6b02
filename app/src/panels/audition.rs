//! The Audition panel: hear and see what augmentation does to a clip, and what the model makes of it.
//!
//! Left the clip, the dice and the effects; right both variants and the tags. Everything that is drawn was made in background
//! jobs; a frame uploads a finished picture at most.

mod controls;
mod pictures;
mod tags;

use crate::theme;
use crate::widgets::empty_state;
use crate::workbench::{Ctx, UiCommand};
use egui::{Rect, ScrollArea, Spinner, Ui, UiBuilder, pos2};

/// Width of the column of controls, in points.
const CONTROLS_WIDTH: f32 = 300.0;
/// Below this width the columns stand one above the other.
const TWO_COLUMNS: f32 = 720.0;

/// The pictures leave so much for the tags: a heading and the first few.
const TAGS_HEIGHT: f32 = 170.0;

/// The Audition panel's own looks.
#[derive(Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct State {
    #[serde(skip)]
    strip: pictures::Strip,
    #[serde(skip)]
    pictures: pictures::Pictures,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("audition::State")
    }
}

impl State {
    /// Draws the panel.
    pub fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        if ctx.state.audition.clip().is_none() {
            Self::nothing_ui(ctx, ui);
            return;
        }
        let area = ui.available_rect_before_wrap();
        if area.width() < TWO_COLUMNS {
            ScrollArea::vertical()
                .id_salt("audition")
                .auto_shrink(false)
                .show(ui, |ui| {
                    controls::controls_ui(ctx, ui);
                    ui.add_space(theme::GROUP_GAP);
                    self.results_ui(ctx, ui, area.height());
                });
            return;
        }
        let divide = area.left() + CONTROLS_WIDTH;
        let left = Rect::from_min_max(area.min, pos2(divide - theme::GROUP_GAP, area.bottom()));
        let right = Rect::from_min_max(pos2(divide, area.top()), area.max);
        ui.scope_builder(UiBuilder::new().max_rect(left), |ui| {
            ScrollArea::vertical()
                .id_salt("audition controls")
                .auto_shrink(false)
                .show(ui, |ui| controls::controls_ui(ctx, ui));
        });
        ui.scope_builder(UiBuilder::new().max_rect(right), |ui| {
            ScrollArea::vertical()
                .id_salt("audition results")
                .auto_shrink(false)
                .show(ui, |ui| self.results_ui(ctx, ui, right.height()));
        });
    }

    /// `height` is what is seen without scrolling.
    fn results_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui, height: f32) {
        let top = ui.cursor().top();
        self.strip.ui(ctx, ui);
        ui.add_space(theme::GAP);
        let room = height - (ui.cursor().top() - top) - TAGS_HEIGHT;
        self.pictures.ui(ctx, ui, room);
        ui.add_space(theme::GROUP_GAP);
        tags::tags_ui(ctx, ui);
    }

    fn nothing_ui(ctx: &Ctx<'_>, ui: &mut Ui) {
        let sentence = match (ctx.state.song.wanted(), ctx.state.song.error()) {
            (_, Some(error)) => error.to_owned(),
            (Some(_), None) => "The song is being decoded.".to_owned(),
            (None, None) => {
                "Open a song, drop one here, or choose a track in the Library: hear it with each of the eight \
                 augmentations, see both spectrograms, and what the model makes of them."
                    .to_owned()
            }
        };
        empty_state(ui, "Audition", &sentence, |ui| {
            if ctx.state.song.activity().is_some() {
                ui.add(Spinner::new());
            } else if ui.button(UiCommand::OpenSong.label()).clicked() {
                ctx.send(UiCommand::OpenSong);
            }
        });
    }
}
