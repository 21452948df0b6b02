//! The Audition panel: hear and see what augmentation does to a clip, and what the model makes of it.
//!
//! Left the clip, the dice and the effects; right one of several views of what comes of them. Everything that is drawn was made
//! in background jobs; a frame uploads a finished picture at most.

mod abx;
mod beside;
mod chain;
mod controls;
mod draws;
mod effect_help;
mod figure;
mod level_meters;
mod listen;
mod look;
mod pictures;
mod replay;
mod robustness;
mod selection;
mod spectrum;
mod strength_axis;
mod sweep;
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
    view: View,
    test: abx::Test,
    #[serde(skip)]
    strip: pictures::Strip,
    #[serde(skip)]
    pictures: pictures::Pictures,
    #[serde(skip)]
    draws: draws::State,
    #[serde(skip)]
    look: look::State,
    #[serde(skip)]
    chain: chain::State,
    #[serde(skip)]
    controls: controls::State,
    #[serde(skip)]
    tags: tags::Tags,
    #[serde(skip)]
    sweep: sweep::Looks,
    #[serde(skip)]
    robustness: robustness::Looks,
}

/// What the right column shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
enum View {
    /// Both variants and the model's tags.
    #[default]
    Clip,
    /// What is to be seen of both, held against each other.
    Look,
    /// The chain, to be edited.
    Chain,
    /// Ten draws, kept draws, and clips of a run.
    Draws,
    /// Whether a difference can be heard.
    Test,
    /// One effect at many strengths.
    Sweep,
    /// All effects on a whole data set.
    Robustness,
}

impl View {
    const ALL: [Self; 7] = [
        Self::Clip,
        Self::Look,
        Self::Draws,
        Self::Chain,
        Self::Test,
        Self::Sweep,
        Self::Robustness,
    ];

    fn label(self) -> &'static str {
        match self {
            Self::Clip => "Clip",
            Self::Look => "Difference",
            Self::Draws => "Draws",
            Self::Chain => "Chain editor",
            Self::Test => "Blind test",
            Self::Sweep => "Sweep",
            Self::Robustness => "Robustness",
        }
    }

    fn hint(self) -> &'static str {
        match self {
            Self::Clip => "Original and augmented clip, and what the model hears in each",
            Self::Look => {
                "Both waveforms over each other, where the log-mels differ, spectrum and levels at the play head"
            }
            Self::Draws => {
                "Ten draws side by side, draws that you kept, and clips of a run made again"
            }
            Self::Chain => "Steps, probabilities and ranges of the chain from which is rolled",
            Self::Test => "ABX: find out whether you can tell two variants apart",
            Self::Sweep => "How strong an effect may get before the model loses a tag of this clip",
            Self::Robustness => "How the scores on a data set fall as each effect grows stronger",
        }
    }
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
            self.without_song_ui(ctx, ui);
            return;
        }
        let area = ui.available_rect_before_wrap();
        if area.width() < TWO_COLUMNS {
            ScrollArea::vertical()
                .id_salt("audition")
                .auto_shrink(false)
                .show(ui, |ui| {
                    self.controls.ui(ctx, ui);
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
                .show(ui, |ui| self.controls.ui(ctx, ui));
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
        self.views_ui(ui);
        let room = height - (ui.cursor().top() - top);
        match self.view {
            View::Clip => {
                self.pictures.ui(ctx, ui, room - TAGS_HEIGHT);
                ui.add_space(theme::GROUP_GAP);
                self.tags.ui(ctx, ui);
            }
            View::Look => self.look.ui(ctx, ui, room),
            View::Draws => self.draws.ui(ctx, ui),
            View::Chain => self.chain.ui(ctx, ui),
            View::Test => self.test.ui(ctx, ui),
            View::Sweep => self.sweep.ui(ctx, ui),
            View::Robustness => self.robustness.ui(ctx, ui),
        }
    }

    fn views_ui(&mut self, ui: &mut Ui) {
        ui.horizontal(|ui| {
            for view in View::ALL {
                ui.selectable_value(&mut self.view, view, view.label())
                    .on_hover_text(view.hint());
            }
        });
        ui.add_space(theme::GAP);
    }

    /// The one view that needs no song can be had without.
    fn without_song_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        self.views_ui(ui);
        if self.view == View::Robustness {
            ScrollArea::vertical()
                .id_salt("audition without song")
                .auto_shrink(false)
                .show(ui, |ui| self.robustness.ui(ctx, ui));
        } else {
            self.nothing_ui(ctx, ui);
        }
    }

    fn nothing_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
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
            ui.add_space(theme::GROUP_GAP);
            self.draws.replay_ui(ctx, ui);
        });
    }
}
