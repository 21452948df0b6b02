//! The Timeline panel: the explained song.

use crate::playback;
use crate::theme;
use crate::timeline::{LanesOf, Request, Shown, TagList, TimelineView, readout};
use crate::widgets::{empty_state, transport_bar};
use crate::workbench::parts::song::OpenSong;
use crate::workbench::parts::timeline::Command;
use crate::workbench::{Command as Any, Ctx, Play, Select, TimeRange, UiCommand};
use attune_core::interpret::{Method, SongExplanation};
use egui::{Label, Panel, ProgressBar, RichText, Ui};
use std::sync::Arc;

/// Tags shown until the user chooses.
const SHOWN_AT_FIRST: usize = 3;

/// Part of the header that the song's name may take.
const NAME_SHARE: f32 = 0.3;
/// The readout is not shown in less room than this, in points.
const READOUT_WIDTH: f32 = 80.0;

/// The Timeline panel's own looks.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct State {
    tag_list: TagList,
    method: Shape,
    #[serde(skip)]
    view: TimelineView,
}

/// What the contribution lanes show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
enum Shape {
    #[default]
    Contribution,
    OnlyToken,
}

impl Shape {
    fn method(self) -> Method {
        match self {
            Self::Contribution => Method::Contribution,
            Self::OnlyToken => Method::OnlyToken,
        }
    }
}

impl State {
    /// What is visible of the song.
    pub fn view(&self) -> &TimelineView {
        &self.view
    }

    /// Draws the panel.
    pub fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        let Some(song) = ctx.state.song.current() else {
            empty_ui(ctx, ui);
            return;
        };
        let model = ctx.state.model.current();
        if !ctx.state.timeline.is_settled(song, model.map(Arc::as_ref)) {
            ctx.send(Any::Timeline(Command::Refresh));
        }
        let explanation = model.and_then(|model| ctx.state.timeline.explanation(song, model));
        let tags = tags_to_show(ctx, explanation.map(Arc::as_ref));
        let player = &ctx.state.player;
        // Also while Audition plays a clip of the song in its place.
        let play_head_secs = ctx.state.audition.song_position_secs(player);
        let is_playing = player.state() == playback::State::Playing;

        self.header_ui(ctx, song, explanation.map(Arc::as_ref), ui);
        Panel::bottom("transport")
            .show_separator_line(false)
            .show(ui, |ui| transport_bar(ui, player));
        if let Some(explanation) = explanation {
            let over_time = &explanation.over_time;
            let clicked = Panel::right("tags")
                .default_size(190.0)
                .size_range(130.0..=360.0)
                .show(ui, |ui| {
                    let now = |tag| over_time.at_secs(play_head_secs, tag);
                    let whole = &over_time.whole_song;
                    self.tag_list.ui(ui, &explanation.tags, whole, now, &tags)
                })
                .inner;
            if let Some(tag) = clicked {
                let mut tags = tags.clone();
                match tags.iter().position(|shown| *shown == tag) {
                    Some(idx) => drop(tags.remove(idx)),
                    None => tags.push(tag),
                }
                ctx.send(Select::Tags(tags));
            }
        }
        let picture = ctx.state.timeline.picture(song, model.map(Arc::as_ref));
        let shown = Shown {
            lanes: LanesOf {
                song: &song.heard,
                picture: picture.map(|picture| &picture.picture),
                mel_centres_hz: picture.map_or(&[], |picture| &picture.mel_centres_hz),
                explanation,
                tags: &tags,
                method: self.method.method(),
            },
            play_head_secs,
            is_playing,
            selection_secs: ctx
                .state
                .selection
                .time
                .map(|time| time.start_secs..time.end_secs),
        };
        let requests = egui::CentralPanel::no_frame()
            .show(ui, |ui| self.view.ui(&shown, ui))
            .inner;
        for request in requests {
            match request {
                Request::Seek { to_secs } => ctx.send(Play::Seek { to_secs }),
                Request::Select(range) => {
                    ctx.send(Play::Loop {
                        region_secs: range.as_ref().map(|range| (range.start, range.end)),
                    });
                    ctx.send(Select::Time(
                        range.map(|range| TimeRange::between(range.start, range.end)),
                    ));
                }
            }
        }
    }

    /// Name of the song, buttons, progress, and in what room is left what was under the pointer in the last frame.
    fn header_ui(
        &mut self,
        ctx: &Ctx<'_>,
        song: &OpenSong,
        explanation: Option<&SongExplanation>,
        ui: &mut Ui,
    ) {
        let palette = theme::palette(ui.visuals());
        let text = explanation
            .zip(self.view.hover_secs())
            .and_then(|(explanation, secs)| readout(explanation, secs));
        Panel::top("song")
            .show_separator_line(false)
            .show(ui, |ui| {
                ui.horizontal(|ui| {
                    // A long name must not push the buttons out.
                    let room = (NAME_SHARE * ui.available_width()).max(60.0);
                    ui.scope(|ui| {
                        ui.set_max_width(room);
                        let name = RichText::new(&song.heard.name).color(palette.strong);
                        ui.add(Label::new(name).truncate())
                            .on_hover_text(&song.heard.name);
                    });
                    let about = ctx.state.player.position_secs();
                    if ui.button("−").on_hover_text("Zoom out (−)").clicked() {
                        self.view.zoom(1.0 / 1.5, about);
                    }
                    if ui.button("+").on_hover_text("Zoom in (+)").clicked() {
                        self.view.zoom(1.5, about);
                    }
                    if ui
                        .button("Fit")
                        .on_hover_text("Show the whole song (0)")
                        .clicked()
                    {
                        self.view.fit();
                    }
                    if let Some(time) = ctx.state.selection.time
                        && ui
                            .button("Zoom to selection")
                            .on_hover_text("Show the selected stretch")
                            .clicked()
                    {
                        self.view.show_range(&(time.start_secs..time.end_secs));
                    }
                    self.method_ui(explanation, ui);
                    self.progress_ui(ctx, ui);
                    if let Some(text) = text
                        && ui.available_width() > READOUT_WIDTH
                    {
                        let text = RichText::new(text).color(palette.strong);
                        ui.add(Label::new(text).truncate());
                    }
                });
            });
    }

    /// What the lanes below the probabilities show: a choice where there is one.
    fn method_ui(&mut self, explanation: Option<&SongExplanation>, ui: &mut Ui) {
        let wanted = self.method.method();
        let shown = explanation
            .and_then(|explanation| explanation.map_or_first(wanted))
            .map_or(wanted, |map| map.method);
        if shown != wanted {
            ui.label(shown.name()).on_hover_text(shown.meaning());
            return;
        }
        egui::ComboBox::from_id_salt("method")
            .selected_text(wanted.name())
            .show_ui(ui, |ui| {
                for shape in [Shape::Contribution, Shape::OnlyToken] {
                    let method = shape.method();
                    ui.selectable_value(&mut self.method, shape, method.name())
                        .on_hover_text(method.meaning());
                }
            })
            .response
            .on_hover_text("What the lanes below the probabilities show");
    }

    #[expect(
        clippy::unused_self,
        reason = "drawing functions of a panel are methods"
    )]
    fn progress_ui(&self, ctx: &Ctx<'_>, ui: &mut Ui) {
        let palette = theme::palette(ui.visuals());
        if ctx.state.model.current().is_none() {
            ui.label(RichText::new("No model in use.").color(palette.weak));
            if ui.button("Open model…").clicked() {
                ctx.send(UiCommand::OpenModel);
            }
        } else if let Some(activity) = ctx.state.timeline.explaining() {
            let bar = ProgressBar::new(activity.fraction().unwrap_or(0.0))
                .desired_width(120.0)
                .text("explaining");
            ui.add(bar);
            if ui
                .button("Stop")
                .on_hover_text("Stop explaining the song")
                .clicked()
            {
                ctx.send(Any::Timeline(Command::Stop));
            }
        } else if let Some(song) = ctx.state.song.current()
            && let Some(model) = ctx.state.model.current()
            && ctx.state.timeline.explanation(song, model).is_none()
        {
            if let Some(error) = ctx.state.timeline.error() {
                ui.label(RichText::new("not explained").color(palette.error))
                    .on_hover_text(error);
            }
            if ui.button("Explain").clicked() {
                ctx.send(Any::Timeline(Command::Explain));
            }
        }
    }
}

/// What the panel says without a song.
fn empty_ui(ctx: &Ctx<'_>, ui: &mut Ui) {
    if let Some(activity) = ctx.state.song.activity() {
        empty_state(ui, "Opening the song", &activity.progress.what, |ui| {
            if let Some(fraction) = activity.fraction() {
                ui.add(ProgressBar::new(fraction).desired_width(240.0));
            }
        });
        return;
    }
    let sentence = ctx.state.song.error().map_or_else(
        || {
            "Open a song, or drop one here, and see over time where the model looks, tag by tag."
                .to_owned()
        },
        |error| format!("The song cannot be opened: {error}"),
    );
    empty_state(ui, "Timeline", &sentence, |ui| {
        if ui.button(UiCommand::OpenSong.label()).clicked() {
            ctx.send(UiCommand::OpenSong);
        }
    });
}

/// The chosen tags that the model knows; the most probable ones until the user chooses.
fn tags_to_show(ctx: &Ctx<'_>, explanation: Option<&SongExplanation>) -> Vec<String> {
    let Some(explanation) = explanation else {
        return Vec::new();
    };
    let chosen: Vec<String> = ctx
        .state
        .selection
        .tags
        .iter()
        .filter(|tag| explanation.tag_idx(tag).is_some())
        .cloned()
        .collect();
    if !chosen.is_empty() {
        return chosen;
    }
    explanation
        .over_time
        .by_probability()
        .into_iter()
        .take(SHOWN_AT_FIRST)
        .map(|idx| explanation.tags[idx].clone())
        .collect()
}
