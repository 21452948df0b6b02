//! The Timeline panel: the explained song.

mod header;
mod heads;
mod rows;
mod sounds;
mod trust;

use crate::playback;
use crate::timeline::{LanesOf, Request, Shown, TagAction, TagList, TimelineView};
use crate::widgets::{empty_state, transport_bar};
use crate::workbench::parts::timeline::{Command, HearingKey, What};
use crate::workbench::{Command as Any, Ctx, Level, Notice, Play, Select, TimeRange, UiCommand};
use attune_core::interpret::{Method, SongExplanation};
use egui::{Panel, ProgressBar, Ui};
use rows::{Looks, Order};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The Timeline panel's own looks.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct State {
    tag_list: TagList,
    /// What the lanes below the probabilities show, by name; empty: the model's usual one.
    method: String,
    order: Order,
    /// Tags with a lane for each method, by name.
    unfolded: BTreeSet<String>,
    /// Whether the second model of Compare stands beside the one in use.
    #[serde(skip)]
    is_beside: bool,
    #[serde(skip)]
    similar: rows::Similar,
    shows_heads: bool,
    query: heads::Query,
    /// The tag (by name) whose map is tested; `None`: the card is closed.
    #[serde(skip)]
    tested: Option<trust::Tested>,
    /// So many moments are played in a row.
    n_moments: usize,
    #[serde(skip)]
    view: TimelineView,
}

impl Default for State {
    fn default() -> Self {
        Self {
            tag_list: TagList::default(),
            method: String::new(),
            order: Order::default(),
            unfolded: BTreeSet::new(),
            is_beside: false,
            similar: rows::Similar::default(),
            shows_heads: false,
            query: heads::Query::default(),
            tested: None,
            n_moments: 5,
            view: TimelineView::default(),
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
        let timeline = &ctx.state.timeline;
        let model = ctx.state.model.current();
        if !timeline.has_picture(song, model.map(Arc::as_ref)) {
            ctx.send(Any::Timeline(Command::Refresh));
        }
        let explanation = model.and_then(|model| timeline.explanation(song, model));
        let play_head_secs = ctx.state.song_position_secs();
        let method = self.method(ctx);
        let looks = Looks {
            method,
            order: self.order,
            unfolded: &self.unfolded,
            is_beside: self.is_beside,
        };
        let (mut rows, mut wishes) = (Vec::new(), Vec::new());
        // The song may just be on its way to the rate of another model.
        if let Some(model) = model.filter(|model| model.sample_rate_hz() == song.heard.rate_hz) {
            (rows, wishes) = rows::rows(ctx, &looks, &mut self.similar, song, model);
            if !timeline.is_settled(&wishes) {
                ctx.send(Any::Timeline(Command::Want {
                    wishes: wishes.clone(),
                    first_secs: self.first_secs(play_head_secs),
                }));
            }
        }
        self.header_ui(ctx, song, explanation.map(Arc::as_ref), &wishes, ui);
        self.choices_ui(ctx, method, &rows, &wishes, ui);
        Panel::bottom("transport")
            .show_separator_line(false)
            .show(ui, |ui| {
                sounds::sounds_ui(ctx, &mut self.n_moments, ui);
                transport_bar(ui, &ctx.state.player);
            });
        if self.shows_heads {
            Panel::bottom("heads")
                .resizable(true)
                .default_size(150.0)
                .size_range(80.0..=500.0)
                .show(ui, |ui| {
                    heads::heads_ui(ctx, &mut self.query, play_head_secs, ui)
                });
        }
        if let Some(explanation) = explanation {
            self.tags_ui(ctx, explanation, &rows, play_head_secs, ui);
            self.tested_ui(ctx, explanation, method, play_head_secs, ui);
        }
        let picture = timeline.picture(song, model.map(Arc::as_ref));
        let shown = Shown {
            lanes: LanesOf {
                song: &song.heard,
                picture: picture.map(|picture| &picture.picture),
                mel_centres_hz: picture.map_or(&[], |picture| &picture.mel_centres_hz),
                explanation,
                tags: &rows,
            },
            play_head_secs,
            is_playing: ctx.state.player.state() == playback::State::Playing,
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
            self.answer(ctx, explanation, method, request);
        }
    }

    /// Explaining begins with what is seen.
    fn first_secs(&self, play_head_secs: f64) -> f64 {
        let visible = self.view.map();
        visible.map_or(play_head_secs, |map| {
            if map.shows(play_head_secs) {
                play_head_secs
            } else {
                map.start_secs()
            }
        })
    }

    /// The list of tags on the right.
    fn tags_ui(
        &mut self,
        ctx: &Ctx<'_>,
        explanation: &SongExplanation,
        rows: &[crate::timeline::TagRow],
        play_head_secs: f64,
        ui: &mut Ui,
    ) {
        let over_time = &explanation.over_time;
        let shown = rows.iter().map(|row| explanation.tags[row.tag_idx].clone());
        let shown: Vec<String> = shown.collect();
        let clicked = Panel::right("tags")
            .default_size(190.0)
            .size_range(130.0..=360.0)
            .show(ui, |ui| {
                let now = |tag| over_time.at_secs(play_head_secs, tag);
                let whole = &over_time.whole_song;
                self.tag_list.ui(ui, &explanation.tags, whole, now, &shown)
            })
            .inner;
        if let Some(tag) = clicked {
            let chosen = rows::chosen_tags(ctx, Some(explanation)).into_iter();
            let mut tags: Vec<String> = chosen.map(|idx| explanation.tags[idx].clone()).collect();
            match tags.iter().position(|shown| *shown == tag) {
                Some(idx) => drop(tags.remove(idx)),
                None => tags.push(tag),
            }
            ctx.send(Select::Tags(tags));
        }
    }

    /// The card of trust, if it is open.
    fn tested_ui(
        &mut self,
        ctx: &Ctx<'_>,
        explanation: &SongExplanation,
        method: Method,
        play_head_secs: f64,
        ui: &mut Ui,
    ) {
        let Some(tested) = &mut self.tested else {
            return;
        };
        let is_closed = match explanation.tag_idx(tested.tag()) {
            None => true,
            Some(tag_idx) => {
                Panel::right("trust")
                    .default_size(260.0)
                    .size_range(200.0..=420.0)
                    .show(ui, |ui| {
                        let is_closed = ui
                            .button("Close")
                            .on_hover_text("Close this card")
                            .clicked();
                        trust::trust_ui(ctx, method, tag_idx, tested, play_head_secs, ui);
                        is_closed
                    })
                    .inner
            }
        };
        if is_closed {
            self.tested = None;
        }
    }

    /// Carries out what was asked of the timeline.
    fn answer(
        &mut self,
        ctx: &Ctx<'_>,
        explanation: Option<&Arc<SongExplanation>>,
        method: Method,
        request: Request,
    ) {
        let select = |range: Option<std::ops::Range<f64>>| {
            ctx.send(Play::Loop {
                region_secs: range.as_ref().map(|range| (range.start, range.end)),
            });
            ctx.send(Select::Time(
                range.map(|range| TimeRange::between(range.start, range.end)),
            ));
        };
        match request {
            Request::Seek { to_secs } => ctx.send(Play::Seek { to_secs }),
            Request::Select(range) => select(range),
            Request::Hear(range) => {
                let to_secs = range.start;
                select(Some(range));
                ctx.send(Play::Seek { to_secs });
                ctx.send(Play::Start);
            }
            Request::Tag { tag_idx, action } => {
                let Some(tag) = explanation.and_then(|found| found.tags.get(tag_idx)) else {
                    return;
                };
                let what = match action {
                    TagAction::Fold => {
                        if !self.unfolded.remove(tag) {
                            self.unfolded.insert(tag.clone());
                        }
                        return;
                    }
                    TagAction::Trust => {
                        self.tested = Some(trust::Tested::of(tag));
                        return;
                    }
                    TagAction::WriteSounds => None,
                    TagAction::HearMoments => Some(What::Moments),
                    TagAction::HearEvidence => Some(What::Evidence),
                    TagAction::HearWithout => Some(What::Without),
                };
                let Some(key) = self.hearing_key(ctx, method, tag_idx) else {
                    let text = "Not before the song is explained by this method.";
                    ctx.send(Notice::new(Level::Info, text));
                    return;
                };
                ctx.send(Any::Timeline(match what {
                    Some(what) => Command::Hear(Box::new(key), what),
                    None => Command::WriteSounds(Box::new(key)),
                }));
            }
        }
    }

    /// What is to be heard of a tag; nothing before all of its map is there.
    fn hearing_key(&self, ctx: &Ctx<'_>, method: Method, tag_idx: usize) -> Option<HearingKey> {
        let (song, model) = (ctx.state.song.current()?, ctx.state.model.current()?);
        let explained = ctx.state.timeline.whole_map(song, model, method, tag_idx)?;
        let key = HearingKey::new(song, model, explained, method, tag_idx, self.n_moments);
        Some(key)
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
