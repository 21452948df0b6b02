//! The Timeline panel: the explained song.

use crate::playback;
use crate::theme;
use crate::timeline::{LanesOf, Request, Shown, TagList, TimelineView, readout};
use crate::widgets::{empty_state, transport_bar};
use crate::workbench::parts::song::OpenSong;
use crate::workbench::parts::timeline::Command;
use crate::workbench::{Command as Any, Ctx, Play, Select, TimeRange, UiCommand};
use attune_core::interpret::{Explainer as _, Method, SongExplanation};
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
    /// What the lanes below the probabilities show, by name; empty: the model's usual one.
    method: String,
    #[serde(skip)]
    view: TimelineView,
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
        let method = self.method(ctx);
        let maps = maps(ctx, explanation.map(Arc::as_ref), method, &tags);
        let player = &ctx.state.player;
        // Also while Audition plays a clip of the song in its place.
        let play_head_secs = ctx.state.audition.song_position_secs(player);
        let is_playing = player.state() == playback::State::Playing;

        self.header_ui(ctx, song, explanation.map(Arc::as_ref), method, ui);
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
                method,
                maps: &maps,
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
        method: Method,
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
                    self.method_ui(ctx, method, ui);
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

    /// The chosen method, or the usual one where the model has not the chosen one.
    fn method(&self, ctx: &Ctx<'_>) -> Method {
        let chosen = Method::of_name(&self.method);
        let Some(model) = ctx.state.model.current() else {
            return chosen.unwrap_or(Method::Contribution);
        };
        let usual = model.usual_methods();
        chosen
            .filter(|chosen| model.methods().contains(chosen))
            .unwrap_or(usual[0])
    }

    /// What the lanes below the probabilities show.
    fn method_ui(&mut self, ctx: &Ctx<'_>, shown: Method, ui: &mut Ui) {
        let model = ctx.state.model.current();
        let methods = model.map_or_else(Vec::new, |model| model.methods());
        let combo = egui::ComboBox::from_id_salt("method")
            .selected_text(shown.name())
            .height(400.0)
            .show_ui(ui, |ui| {
                for method in methods {
                    let label = ui.selectable_label(method == shown, method.name());
                    if label.on_hover_text(method.meaning()).clicked() {
                        method.name().clone_into(&mut self.method);
                    }
                }
            })
            .response;
        combo.widget_info(|| {
            egui::WidgetInfo::labeled(egui::Role::ComboBox, true, "Method of explanation")
        });
        combo.on_hover_text(format!(
            "What the lanes below the probabilities show.\n{}",
            shown.meaning()
        ));
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

/// What is explained by the method, tag by tag; asks for the first that is missing.
fn maps(
    ctx: &Ctx<'_>,
    explanation: Option<&SongExplanation>,
    method: Method,
    tags: &[String],
) -> Vec<Option<Arc<SongExplanation>>> {
    let (Some(explanation), Some(song), Some(model)) = (
        explanation,
        ctx.state.song.current(),
        ctx.state.model.current(),
    ) else {
        return Vec::new();
    };
    let timeline = &ctx.state.timeline;
    let mut has_asked = false;
    let idxs = tags.iter().filter_map(|tag| explanation.tag_idx(tag));
    idxs.map(|tag| {
        let found = timeline.map(song, model, method, tag);
        if found.is_none() && !has_asked && !timeline.is_map_settled(song, model, method, tag) {
            has_asked = true;
            ctx.send(Any::Timeline(Command::Map { method, tag }));
        }
        found.cloned()
    })
    .collect()
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
