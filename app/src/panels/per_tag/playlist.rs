//! The tracks behind a point: what the run gets wrong, worst first, to hear.

use super::Opened;
use super::cell::counts_text;
use crate::panels::Panel;
use crate::panels::runs::{figure_ui, text_ui};
use crate::theme;
use crate::widgets::{count_text, play_symbol, walked, walked_list};
use crate::workbench::parts::library::{self, Shelf};
use crate::workbench::parts::per_tag::{self, RankedRun, RankedRuns};
use crate::workbench::{Command, Ctx, Play, Select, playlist_focus_id};
use attune_core::dataset::Track;
use attune_core::metrics::Outcome;
use egui::{Align, ComboBox, Key, Layout, RichText, Sense, Ui};
use egui_extras::{Column, TableBuilder};
use std::sync::Arc;

/// Draws the list. Whether it stays open.
pub(super) fn ui(
    ctx: &Ctx<'_>,
    ui: &mut Ui,
    ranked: &RankedRuns,
    opened: &mut Opened,
    threshold: &mut f64,
) -> bool {
    let palette = theme::palette(ui.visuals());
    let Some(run) = ranked.run(&opened.run) else {
        return false;
    };
    let mut stays = true;
    let mut chosen_run = opened.run.clone();
    ui.horizontal(|ui| {
        let tag = RichText::new(&opened.tag)
            .text_style(theme::section())
            .color(palette.strong);
        ui.add(egui::Label::new(tag).truncate());
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let close = ui.small_button("Close list");
            stays = !close.on_hover_text("Give the charts the room").clicked();
        });
    });
    if ranked.runs.len() > 1 {
        ComboBox::from_id_salt("run of the list")
            .selected_text(&run.id)
            .width(ui.available_width() - 8.0)
            .truncate()
            .show_ui(ui, |ui| {
                for other in ranked.runs.iter().flatten() {
                    ui.selectable_value(&mut chosen_run, other.folder.clone(), &other.id);
                }
            })
            .response
            .widget_info(|| {
                egui::WidgetInfo::labeled(egui::Role::ComboBox, true, "Run of the list")
            });
    }
    let Some(points) = run.points(&opened.tag) else {
        ui.label(format!("{} does not know this tag.", run.id));
        opened.run = chosen_run;
        return stays;
    };
    let counts = points.counts(*threshold);
    let text = RichText::new(format!("at {threshold:.3}: {}", counts_text(&counts)));
    ui.label(text.text_style(theme::figures()).color(palette.text));
    ui.horizontal_wrapped(|ui| {
        if let Some((best, counts)) = run.best_f1(&opened.tag) {
            let hint = format!(
                "Move the threshold to {best:.3}, where F1 of this tag is best ({:.3}). Chosen on the test split itself, it flatters the run.",
                counts.f1().unwrap_or(0.0)
            );
            if ui.button("Best F1 of the tag").on_hover_text(hint).clicked() {
                *threshold = best;
            }
        }
        let write = ui
            .button("Write playlist")
            .on_hover_text("As .m3u8 for any player, into the exports of the workspace");
        if write.clicked() {
            ctx.send(Command::PerTag(per_tag::Command::WriteList {
                run: Arc::clone(run),
                tag: opened.tag.clone(),
                outcome: opened.outcome,
                threshold: *threshold,
            }));
        }
        let is_open = ctx.state.song.wanted().is_some();
        let timeline = ui
            .add_enabled(is_open, egui::Button::new("Show in Timeline"))
            .on_hover_text("See where in the open track the model in use finds this tag")
            .on_disabled_hover_text("Click on a track first");
        if timeline.clicked() {
            ctx.send(Select::Tags(vec![opened.tag.clone()]));
            ctx.send(Command::Show(Panel::Timeline));
        }
    });
    ui.horizontal_wrapped(|ui| {
        for outcome in Outcome::ALL {
            let label = format!("{} ({})", outcome.label(), count_text(counts.of(outcome)));
            ui.selectable_value(&mut opened.outcome, outcome, label);
        }
    });
    if let Err(why) = &run.shelf {
        let words = format!("The run's data set is not there, so that nothing can be heard: {why}");
        ui.label(RichText::new(words).small().color(palette.warning));
    }
    let rows = points.clips(opened.outcome, *threshold);
    if rows.is_empty() {
        ui.label(RichText::new("None.").color(palette.weak));
    } else {
        tracks_ui(ctx, ui, run, &opened.tag, &rows);
    }
    opened.run = chosen_run;
    stays
}

fn tracks_ui(ctx: &Ctx<'_>, ui: &mut Ui, run: &RankedRun, tag: &str, rows: &[u32]) {
    let palette = theme::palette(ui.visuals());
    let predictions = &run.ranked.predictions;
    let Some(tag_idx) = predictions.tag_idx(tag) else {
        return;
    };
    let shelf = run.shelf.as_ref().ok();
    let known = |row: usize| -> Option<(&Arc<Shelf>, &Track)> {
        let shelf = shelf?;
        let idx = *shelf.by_id.get(&predictions.tracks[rows[row] as usize])?;
        Some((shelf, &shelf.dataset.tracks[idx]))
    };
    let song = ctx.state.song.wanted();
    let is_chosen =
        |row: usize| song.is_some() && known(row).map(|(_, track)| &*track.path) == song;
    let play = |row: usize, play: bool| {
        if let Some((shelf, track)) = known(row) {
            ctx.send(Select::Tags(vec![tag.to_owned()]));
            ctx.send(Command::Library(library::Command::OpenTrackOf {
                shelf: Arc::clone(shelf),
                id: track.id.clone(),
                play,
            }));
        }
    };
    ui.spacing_mut().item_spacing.x = 8.0;
    let focus = walked_list(ui, playlist_focus_id(), "Tracks behind the point");
    let mut scroll_to = None;
    if focus.has_focus() {
        let place = (0..rows.len()).find(|&row| is_chosen(row));
        if let Some(to) = walked(ui, place, rows.len()) {
            play(to, false);
            scroll_to = Some(to);
        }
        if let Some(place) = place
            && ui.input(|input| input.key_pressed(Key::Enter) && input.modifiers.is_none())
        {
            play(place, true);
        }
    }
    let width = ui.available_width();
    let mut table = TableBuilder::new(ui)
        .id_salt("tracks behind the point")
        .sense(Sense::click())
        .cell_layout(Layout::left_to_right(Align::Center))
        .column(Column::exact(20.0))
        .column(Column::exact((0.36 * width).max(70.0)).clip(true))
        .column(Column::exact(44.0))
        .column(Column::remainder().at_least(30.0).clip(true));
    if let Some(to) = scroll_to {
        table = table.scroll_to_row(to, None);
    }
    table.body(|body| {
        body.rows(theme::ROW_HEIGHT, rows.len(), |mut table_row| {
            let row = table_row.index();
            let id = &predictions.tracks[rows[row] as usize];
            let chosen = is_chosen(row);
            table_row.set_selected(chosen);
            table_row.col(|ui| {
                let is_playing =
                    chosen && ctx.state.player.state() == crate::playback::State::Playing;
                let play = known(row).map(|_| || play(row, true));
                play_ui(ctx, ui, id, is_playing, play);
            });
            let (_, first) = table_row.col(|ui| text_ui(ui, id, palette.strong));
            table_row.col(|ui| {
                let probability = predictions.probability(rows[row] as usize, tag_idx);
                figure_ui(ui, &format!("{probability:.3}"));
            });
            table_row.col(|ui| {
                let artist = known(row).map_or("–", |(_, track)| &track.artist);
                text_ui(ui, artist, palette.text);
            });
            first.widget_info(|| {
                egui::WidgetInfo::selected(
                    egui::Role::Button,
                    true,
                    chosen,
                    format!("Behind the point {id}"),
                )
            });
            let response = table_row.response();
            if response.clicked() {
                play(row, true);
                focus.request_focus();
            }
            let hint = match known(row) {
                Some((_, track)) => format!(
                    "{}\nClick: play it and choose the tag. Arrow keys walk, Enter plays.",
                    track.path.display()
                ),
                None => "The data set has no such track any more".to_owned(),
            };
            let response = response.on_hover_text(hint);
            response.context_menu(|ui| {
                let there = known(row).is_some();
                for (label, panel) in [
                    ("Show in Timeline", Panel::Timeline),
                    ("Show in Audition", Panel::Audition),
                ] {
                    let button = ui.add_enabled(there, egui::Button::new(label));
                    if button.clicked() {
                        play(row, false);
                        ctx.send(Command::Show(panel));
                        ui.close();
                    }
                }
            });
        });
    });
}

/// The symbol that plays a track, if it is there, or pauses it.
fn play_ui(ctx: &Ctx<'_>, ui: &mut Ui, id: &str, is_playing: bool, play: Option<impl FnOnce()>) {
    let is_there = play.is_some();
    let palette = theme::palette(ui.visuals());
    let size = egui::vec2(18.0, theme::ROW_HEIGHT - 2.0);
    let button = ui.add_enabled(is_there, egui::Button::new("").frame(false).min_size(size));
    let ink = if is_there { palette.text } else { palette.line };
    let symbol = play_symbol(button.rect.center(), ink, is_playing);
    ui.painter().add(symbol);
    button.widget_info(|| {
        let verb = if is_playing { "Pause" } else { "Play" };
        egui::WidgetInfo::labeled(egui::Role::Button, is_there, format!("{verb} {id}"))
    });
    if button.clicked() {
        if is_playing {
            ctx.send(Play::Pause);
        } else if let Some(play) = play {
            play();
        }
    }
}
