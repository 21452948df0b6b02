//! The doctor's view: examine the data set in use, and hear what was found.

use crate::panels::Panel;
use crate::panels::runs::text_ui;
use crate::theme;
use crate::widgets::{about_text, clock_text, count_text, empty_state};
use crate::workbench::parts::doctor;
use crate::workbench::{Command, Ctx};
use attune_core::dataset::doctor::{Entry, Report, Sound};
use attune_core::dataset::{Check, Finding, Severity};
use egui::{Align, ComboBox, Label, Layout, ProgressBar, RichText, Ui, WidgetInfo};
use egui_extras::{Column, TableBuilder};
use std::path::PathBuf;
use std::sync::Arc;

/// So many places of a finding get a button each.
const MAX_BUTTONS: usize = 4;
/// Below this width, in points, a finding takes two lines instead of five columns.
const TABLE_WIDTH: f32 = 520.0;

/// The view's own looks.
#[derive(Debug, Default)]
pub(super) struct Looks {
    check: Option<Check>,
    severity: Option<Severity>,
    /// Numbers of the entries that are shown, of which report and under which filter.
    rows: Vec<usize>,
    rows_of: Option<(Arc<Report>, Option<Check>, Option<Severity>)>,
}

impl Looks {
    /// Draws the view of the data set at `place`.
    pub(super) fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui, place: &PathBuf) {
        let doctor = &ctx.state.doctor;
        if doctor.is_examining(place) {
            progress_ui(ctx, ui);
        }
        let Some(report) = doctor.report(place).cloned() else {
            so_far_ui(ctx, ui, place);
            return;
        };
        self.head_ui(ctx, ui, place, &report);
        self.update(&report);
        if report.entries.is_empty() {
            let sentence = format!(
                "{} files were heard and the annotations read again: nothing is wrong.",
                count_text(report.files.n_there as u64)
            );
            empty_state(ui, "Nothing was found", &sentence, |_| ());
            return;
        }
        let shown = Shown {
            entries: &report.entries,
            rows: Some(&self.rows),
        };
        shown.ui(ctx, ui);
    }

    fn update(&mut self, report: &Arc<Report>) {
        let is_known = self.rows_of.as_ref().is_some_and(|(of, check, severity)| {
            Arc::ptr_eq(of, report) && (*check, *severity) == (self.check, self.severity)
        });
        if is_known {
            return;
        }
        let fits = |entry: &Entry| {
            self.check.is_none_or(|check| entry.finding.check == check)
                && self
                    .severity
                    .is_none_or(|severity| entry.finding.severity == severity)
        };
        let entries = report.entries.iter().enumerate();
        self.rows = entries
            .filter(|(_, entry)| fits(entry))
            .map(|(row, _)| row)
            .collect();
        self.rows_of = Some((Arc::clone(report), self.check, self.severity));
    }

    fn head_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui, place: &PathBuf, report: &Report) {
        let palette = theme::palette(ui.visuals());
        ui.horizontal_wrapped(|ui| {
            for severity in [Severity::Error, Severity::Warning, Severity::Note] {
                let n = report.count(severity);
                let text = format!(
                    "{} {}{}",
                    count_text(n as u64), severity.name(), if n == 1 { "" } else { "s" }
                );
                let text = if n > 0 { RichText::new(text).color(colour(severity, ui)) } else { RichText::new(text) };
                let is_chosen = self.severity == Some(severity);
                let button = ui.add_enabled(n > 0, egui::Button::selectable(is_chosen, text));
                if button.on_hover_text("Show these alone; click again for all").clicked() {
                    self.severity = (!is_chosen).then_some(severity);
                }
            }
            let shown = self.check.map_or("All checks", Check::name);
            ComboBox::from_id_salt("doctor check")
                .selected_text(shown)
                .width(130.0)
                .height(600.0)
                .show_ui(ui, |ui| {
                    ui.selectable_value(&mut self.check, None, "All checks");
                    for counted in report.by_check() {
                        let label = format!("{} ({})", counted.check, count_text(counted.n_entries as u64));
                        ui.selectable_value(&mut self.check, Some(counted.check), label);
                    }
                })
                .response
                .widget_info(|| WidgetInfo::labeled(egui::Role::ComboBox, true, "Filter by check"));
            if !ctx.state.doctor.is_examining(place)
                && ui
                    .button("Examine again")
                    .on_hover_text("Files that have not changed are not decoded again")
                    .clicked()
            {
                ctx.send(Command::Doctor(doctor::Command::Examine));
            }
            if !ctx.state.doctor.is_examining(place)
                && ui
                    .button("Compare checksums")
                    .on_hover_text("Examine again, and compare files with the checksums that were published with the data set, if there are any; reads all of them, once")
                    .clicked()
            {
                ctx.send(Command::Doctor(doctor::Command::CompareChecksums));
            }
            if ui
                .button("Export")
                .on_hover_text("Write all findings as JSON, and rules for `attune data split --clean` that leave out what is faulty")
                .clicked()
            {
                ctx.send(Command::Doctor(doctor::Command::Export));
            }
            let files = &report.files;
            let heard = format!(
                "{} files, {} there, {:.2} h heard",
                count_text(files.n_listed as u64), count_text(files.n_there as u64), files.hours
            );
            let heard = RichText::new(heard).small().color(palette.weak);
            let label = ui.add(Label::new(heard).extend());
            if let Some(secs) = files.compared_secs {
                label.on_hover_text(format!(
                    "Copies were looked for in the first {secs:.1} s of each file, because there are so many"
                ));
            }
        });
    }
}

/// Findings as they are shown.
struct Shown<'a> {
    entries: &'a [Entry],
    /// Numbers of those that are shown; `None`: all.
    rows: Option<&'a [usize]>,
}

impl Shown<'_> {
    fn n_rows(&self) -> usize {
        self.rows.map_or(self.entries.len(), <[usize]>::len)
    }

    fn entry(&self, row: usize) -> &Entry {
        &self.entries[self.rows.map_or(row, |rows| rows[row])]
    }

    fn ui(&self, ctx: &Ctx<'_>, ui: &mut Ui) {
        if ui.available_width() < TABLE_WIDTH {
            self.list_ui(ctx, ui);
        } else {
            self.table_ui(ctx, ui);
        }
    }

    fn table_ui(&self, ctx: &Ctx<'_>, ui: &mut Ui) {
        let palette = theme::palette(ui.visuals());
        let column = |width: f32| {
            Column::initial(width)
                .at_least(40.0)
                .clip(true)
                .resizable(true)
        };
        TableBuilder::new(ui)
            .id_salt("doctor findings")
            .cell_layout(Layout::left_to_right(Align::Center))
            .column(column(64.0))
            .column(column(116.0))
            .column(column(84.0))
            .column(column(190.0))
            .column(Column::remainder().at_least(80.0).clip(true))
            .header(theme::ROW_HEIGHT, |mut header| {
                for title in ["Grave", "Check", "Track", "Hear", "Finding"] {
                    header
                        .col(|ui| drop(ui.label(RichText::new(title).small().color(palette.weak))));
                }
            })
            .body(|body| {
                body.rows(theme::ROW_HEIGHT, self.n_rows(), |mut row| {
                    let entry = self.entry(row.index());
                    let finding = &entry.finding;
                    row.col(|ui| {
                        text_ui(ui, finding.severity.name(), colour(finding.severity, ui))
                    });
                    row.col(|ui| text_ui(ui, finding.check.name(), palette.strong));
                    row.col(|ui| text_ui(ui, &track_text(entry), palette.text));
                    row.col(|ui| sounds_ui(ctx, ui, entry));
                    row.col(|ui| message_ui(ui, finding, palette.text));
                });
            });
    }

    /// What was found where and the buttons in one line, what it is in the next.
    fn list_ui(&self, ctx: &Ctx<'_>, ui: &mut Ui) {
        let palette = theme::palette(ui.visuals());
        TableBuilder::new(ui)
            .id_salt("doctor findings, narrow")
            .column(Column::remainder().clip(true))
            .body(|body| {
                body.rows(2.0 * theme::ROW_HEIGHT, self.n_rows(), |mut row| {
                    let entry = self.entry(row.index());
                    let finding = &entry.finding;
                    row.col(|ui| {
                        ui.vertical(|ui| {
                            ui.allocate_ui_with_layout(
                                egui::vec2(ui.available_width(), theme::ROW_HEIGHT),
                                Layout::left_to_right(Align::Center),
                                |ui| {
                                    let check = finding.check.name();
                                    ui.label(
                                        RichText::new(check).color(colour(finding.severity, ui)),
                                    )
                                    .on_hover_text(finding.severity.name());
                                    sounds_ui(ctx, ui, entry);
                                    text_ui(ui, &track_text(entry), palette.text);
                                },
                            );
                            message_ui(ui, finding, palette.weak);
                        });
                    });
                });
            });
    }
}

/// The finding in a line; whole, with the mend and the file, under the pointer.
fn message_ui(ui: &mut Ui, finding: &Finding, colour: egui::Color32) {
    let palette = theme::palette(ui.visuals());
    text_ui(ui, &finding.message, colour);
    ui.response().on_hover_ui(|ui| {
        ui.set_max_width(460.0);
        ui.label(&finding.message);
        if !finding.mend.is_empty() {
            ui.label(RichText::new(format!("→ {}", finding.mend)).color(palette.weak));
        }
        if let Some(file) = &finding.file {
            let file = file.display().to_string();
            ui.label(RichText::new(file).small().color(palette.weak));
        }
    });
}

/// The one track, or how many.
fn track_text(entry: &Entry) -> String {
    match entry.finding.tracks.as_slice() {
        [] => String::new(),
        [track] => track.clone(),
        _ => format!("{} tracks", count_text(entry.finding.n_concerned as u64)),
    }
}

/// A button for each place that can be heard; a menu opens it in Timeline.
fn sounds_ui(ctx: &Ctx<'_>, ui: &mut Ui, entry: &Entry) {
    let hear = |sound: &Sound, play| {
        let sound = sound.clone();
        ctx.send(Command::Doctor(doctor::Command::Hear { sound, play }));
    };
    for (letter, sound) in ('A'..).zip(entry.sounds.iter().take(MAX_BUTTONS)) {
        let label = if entry.sounds.len() == 1 {
            format!("▶ {}", clock_text(sound.start_secs))
        } else {
            format!("▶ {letter}")
        };
        let name = format!("Hear {} of {}", sound.track, entry.finding.check);
        let button = ui.small_button(label).on_hover_text(format!(
            "Play {} from {} on; the menu of this button opens it in Timeline\n{}",
            sound.track,
            clock_text(sound.start_secs),
            sound.path.display()
        ));
        button.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, &name));
        if button.clicked() {
            hear(sound, true);
        }
        button.context_menu(|ui| {
            if ui.button("Show in Timeline").clicked() {
                hear(sound, false);
                ctx.send(Command::Show(Panel::Timeline));
                ui.close();
            }
            if ui.button("Copy path").clicked() {
                ui.ctx().copy_text(sound.path.display().to_string());
                ui.close();
            }
        });
    }
}

fn colour(severity: Severity, ui: &Ui) -> egui::Color32 {
    let palette = theme::palette(ui.visuals());
    match severity {
        Severity::Error => palette.error,
        Severity::Warning => palette.warning,
        Severity::Note => palette.weak,
    }
}

/// Without a report: what is found while files are heard, or what was until it was stopped, and the way to begin.
fn so_far_ui(ctx: &Ctx<'_>, ui: &mut Ui, place: &PathBuf) {
    let doctor = &ctx.state.doctor;
    let entries = doctor.so_far(place);
    let is_examining = doctor.is_examining(place);
    if entries.is_empty() {
        if !is_examining {
            begin_ui(ctx, ui, doctor.error(place));
        }
        return;
    }
    let palette = theme::palette(ui.visuals());
    ui.horizontal_wrapped(|ui| {
        let n = count_text(entries.len() as u64);
        let plural = if entries.len() == 1 { "" } else { "s" };
        let stopped = if is_examining { "" } else { "Stopped: " };
        ui.label(format!("{stopped}{n} finding{plural} so far"))
            .on_hover_text("Copies, leaks and what takes all files together are found at the end");
        if is_examining {
            return;
        }
        if let Some(error) = doctor.error(place) {
            ui.label(RichText::new(error).color(palette.error));
        }
        let button = ui.button("Go on");
        let hover = "Files that were heard before it was stopped are not decoded again";
        if button.on_hover_text(hover).clicked() {
            ctx.send(Command::Doctor(doctor::Command::Examine));
        }
    });
    let rows = None;
    Shown { entries, rows }.ui(ctx, ui);
}

fn begin_ui(ctx: &Ctx<'_>, ui: &mut Ui, error: Option<&str>) {
    let palette = theme::palette(ui.visuals());
    let sentence = "Every file is decoded once and looked through for faults and copies, every label and split for mistakes. \
                    It can be stopped at any time and goes on where it was.";
    empty_state(ui, "Examine this data set", sentence, |ui| {
        if let Some(error) = error {
            ui.label(RichText::new(error).color(palette.error));
            ui.add_space(theme::GROUP_GAP);
        }
        if ui.button("Examine").clicked() {
            ctx.send(Command::Doctor(doctor::Command::Examine));
        }
    });
}

fn progress_ui(ctx: &Ctx<'_>, ui: &mut Ui) {
    let Some(activity) = ctx.state.doctor.progress() else {
        return;
    };
    ui.horizontal(|ui| {
        let (done, total) = (activity.progress.done, activity.progress.total);
        let mut text = activity.progress.what.clone();
        if total > 0 {
            text = format!("{text}: {} of {}", count_text(done), count_text(total));
            if done > 0 {
                let left =
                    f64::from(activity.seconds) * (total - done.min(total)) as f64 / done as f64;
                text = format!("{text}, {} left", about_text(left));
            }
        }
        let bar = match activity.fraction() {
            Some(fraction) => ProgressBar::new(fraction),
            None => ProgressBar::new(0.0).animate(true),
        };
        ui.add(bar.desired_width(160.0));
        ui.label(text);
        if ui
            .button("Stop")
            .on_hover_text("What was heard is kept; the next examination goes on from there")
            .clicked()
        {
            ctx.send(Command::Doctor(doctor::Command::Cancel));
        }
    });
}
