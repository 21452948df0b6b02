//! The open song: both models' probabilities over its time, for a few tags.

use super::chart::{Chart, Shown};
use super::choice::dot_ui;
use super::figure;
use crate::playback;
use crate::theme;
use crate::widgets::{clock_text, save_plot_button};
use crate::workbench::parts::compare::{Command, Side};
use crate::workbench::parts::plots::{self, Drawing};
use crate::workbench::parts::song::OpenSong;
use crate::workbench::{Command as Any, Ctx, Play, UiCommand};
use attune_core::predict::{Model, TagTimeline};
use egui::{Label, ProgressBar, RichText, Ui};
use std::sync::Arc;
use std::time::Duration;

/// While the play head moves the window is painted this often.
const FRAME: Duration = Duration::from_millis(16);
/// More tags than this are not shown at once.
const MOST_TAGS: usize = 4;
/// Tags shown until the user chooses.
const SHOWN_AT_FIRST: usize = 2;
/// Part of the height that the chart may take.
const CHART_SHARE: f32 = 0.36;

/// The chart's own looks.
#[derive(Debug, Default)]
pub(super) struct State {
    chart: Chart,
}

impl State {
    /// Draws it, or says what is missing. Without a bar for playing below there is a button for it.
    pub(super) fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui, has_bar: bool) {
        let palette = theme::palette(ui.visuals());
        let compare = &ctx.state.compare;
        let Some(song) = ctx.state.song.current() else {
            ui.horizontal_wrapped(|ui| {
                let (text, colour) = match (ctx.state.song.activity(), ctx.state.song.error()) {
                    (Some(_), _) => ("Opening the song …".to_owned(), palette.weak),
                    (None, Some(error)) => {
                        let text = format!("The song cannot be opened: {error}");
                        (text, palette.error)
                    }
                    (None, None) => {
                        let text = "Open a song to see what both models say of it over time.";
                        (text.to_owned(), palette.weak)
                    }
                };
                ui.label(RichText::new(text).color(colour));
                if ctx.state.song.activity().is_none()
                    && ui
                        .button(UiCommand::OpenSong.label())
                        .on_hover_text(UiCommand::OpenSong.tooltip())
                        .clicked()
                {
                    ctx.send(UiCommand::OpenSong);
                }
            });
            return;
        };
        let [Some(first), Some(second)] =
            Side::BOTH.map(|side| compare.model(side, &ctx.state.model))
        else {
            let text = "With two models chosen, their probabilities over the open song stand here.";
            ui.label(RichText::new(text).color(palette.weak));
            return;
        };
        let models = [first, second];
        if !compare.is_settled(song, models) {
            ctx.send(Any::Compare(Command::Refresh));
        }
        let answers = compare.over_time(song, models);
        let tags = tags_to_show(&ctx.state.selection.tags, models, answers);
        let is_saved = ui
            .horizontal(|ui| {
                if !has_bar {
                    play_ui(ctx, ui);
                }
                let is_saved = !tags.is_empty() && save_plot_button(ui, "both models over time");
                self.head_ui(ctx, ui, song, models, answers);
                is_saved
            })
            .inner;
        if tags.is_empty() {
            if models[0]
                .tags
                .iter()
                .any(|tag| models[1].tags.contains(tag))
            {
                return;
            }
            let text = "The two models have no tag in common: there is nothing to draw side by side. Choose models that were trained on the same tags.";
            ui.add(Label::new(RichText::new(text).color(palette.warning)).wrap());
            return;
        }
        let places: Vec<(&str, [usize; 2])> = tags
            .iter()
            .filter_map(|tag| Some((tag.as_str(), both_places(models, tag)?)))
            .collect();
        let shown = Shown {
            song: &song.heard,
            tags: &places,
            answers: answers.map(|answer| answer.map(Arc::as_ref)),
            play_head_secs: ctx.state.song_position_secs(),
        };
        let height = CHART_SHARE * ui.available_height();
        if let Some(to_secs) = self.chart.ui(ui, &shown, height) {
            ctx.send(Play::Seek { to_secs });
        }
        if (is_saved || self.chart.is_saved())
            && let Some(secs) = self.chart.visible_secs()
        {
            let tags = places
                .iter()
                .map(|(tag, places)| ((*tag).to_owned(), *places));
            let drawn = figure::Shown {
                song: song.heard.clone(),
                models: models.map(|model| model.name.clone()),
                tags: tags.collect(),
                answers: answers.map(|answer| answer.cloned()),
                secs,
            };
            let name = format!("{} both models", song.heard.name);
            let ask = plots::Command::Ask(Drawing::new(name, move || Ok(drawn.figure())));
            ctx.send(Any::Plots(ask));
        }
    }

    /// Name of the song, what the values stand for, and how far computing them is.
    fn head_ui(
        &self,
        ctx: &Ctx<'_>,
        ui: &mut Ui,
        song: &Arc<OpenSong>,
        models: [&Arc<Model>; 2],
        answers: [Option<&Arc<TagTimeline>>; 2],
    ) {
        let palette = theme::palette(ui.visuals());
        let compare = &ctx.state.compare;
        let room = (0.35 * ui.available_width()).max(60.0);
        ui.scope(|ui| {
            ui.set_max_width(room);
            let name = RichText::new(&song.heard.name).color(palette.strong);
            ui.add(Label::new(name).truncate())
                .on_hover_text(song.heard.path.display().to_string());
        });
        let at = match self.chart.hover_secs() {
            Some(secs) => format!("probability at {} (pointer)", clock_text(secs)),
            None => "probability at the play head".to_owned(),
        };
        ui.add(Label::new(RichText::new(at).small().color(palette.weak)).truncate())
            .on_hover_text("In the chart a click moves the play head, dragging moves what is visible, Ctrl and the wheel zoom, a double click shows the whole song. A line at the bottom of a lane: the tag is known to hold there.");
        if let Some(activity) = compare.tagging() {
            let bar = ProgressBar::new(activity.fraction().unwrap_or(0.0))
                .desired_width(110.0)
                .text(RichText::new("tagging the song").small());
            ui.add(bar);
            return;
        }
        for side in Side::BOTH {
            if answers[side.idx()].is_none()
                && let Some(error) = compare.over_time_error(side, song, models[side.idx()])
            {
                dot_ui(ui, side);
                ui.label(RichText::new("cannot tag the song").color(palette.error))
                    .on_hover_text(error);
            }
        }
        if answers.iter().any(Option::is_none)
            && ui
                .button("Tag the song")
                .on_hover_text("Compute what both models say of the song over time")
                .clicked()
        {
            ctx.send(Any::Compare(Command::GoOn));
        }
    }
}

/// A button to play or pause.
fn play_ui(ctx: &Ctx<'_>, ui: &mut Ui) {
    let is_playing = ctx.state.player.state() == playback::State::Playing;
    if is_playing {
        ui.ctx().request_repaint_after(FRAME);
    }
    let label = if is_playing { "Pause" } else { "Play" };
    let button = ui.button(label);
    if button
        .on_hover_text(UiCommand::TogglePlay.tooltip())
        .clicked()
    {
        ctx.send(Play::Toggle);
    }
}

/// Where a tag stands in the answers of both models, if both know it.
fn both_places(models: [&Arc<Model>; 2], tag: &str) -> Option<[usize; 2]> {
    let place = |model: &Model| model.tags.iter().position(|other| other == tag);
    Some([place(models[0])?, place(models[1])?])
}

/// The last chosen tags that both know; until the user chooses, those on which the models differ most on the whole song.
fn tags_to_show(
    chosen: &[String],
    models: [&Arc<Model>; 2],
    answers: [Option<&Arc<TagTimeline>>; 2],
) -> Vec<String> {
    let known: Vec<&String> = chosen
        .iter()
        .filter(|tag| both_places(models, tag).is_some())
        .collect();
    if !known.is_empty() {
        let first = known.len().saturating_sub(MOST_TAGS);
        return known[first..].iter().copied().cloned().collect();
    }
    let [Some(first), Some(second)] = answers else {
        return Vec::new();
    };
    let mut apart: Vec<(f32, &String)> = models[0]
        .tags
        .iter()
        .filter_map(|tag| {
            let [in_first, in_second] = both_places(models, tag)?;
            let (one, other) = (
                first.whole_song.get(in_first)?,
                second.whole_song.get(in_second)?,
            );
            Some(((one - other).abs(), tag))
        })
        .collect();
    apart.sort_by(|one, other| other.0.total_cmp(&one.0));
    let most = apart.into_iter().take(SHOWN_AT_FIRST);
    most.map(|(_, tag)| tag.clone()).collect()
}
