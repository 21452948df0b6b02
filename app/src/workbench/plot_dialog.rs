//! Asks where a plot is to be saved, as what, and how large.

use super::command::{Command, Pick};
use super::ctx::Ctx;
use super::parts::plots::{self, Drawing};
use crate::theme;
use crate::widgets::{dialog, expanded};
use attune_core::figure::{Format, Print, PrintSize};
use egui::{Button, ComboBox, DragValue, Key, RichText, Role, TextEdit, Ui, WidgetInfo};
use std::path::{Path, PathBuf};

/// The dialog.
#[derive(Debug)]
pub(super) struct PlotDialog {
    /// Until it is handed on.
    drawing: Option<Drawing>,
    typed: String,
    print: Print,
    is_new: bool,
}

impl PlotDialog {
    /// Of a plot, with what is proposed.
    pub(super) fn new(drawing: Drawing, path: &Path, print: Print) -> Self {
        Self {
            drawing: Some(drawing),
            typed: path.display().to_string(),
            print,
            is_new: true,
        }
    }

    /// Takes the file that the user chose in a dialog of the system. Without an ending it keeps the one that was chosen here.
    pub(super) fn set_path(&mut self, path: PathBuf) {
        let before = Format::of(Path::new(&self.typed));
        let path = match (Format::of(&path), before) {
            (Err(_), Ok(format)) => with_ending(&path, format),
            _ => path,
        };
        self.typed = path.display().to_string();
    }

    /// Draws it; whether it stays open.
    pub(super) fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) -> bool {
        let modal = dialog(
            ui.ctx(),
            "save plot",
            |area| area,
            |ui| {
                ui.set_width(520.0);
                ui.heading("Save plot");
                let palette = theme::palette(ui.visuals());
                let text = "What is shown, as it is shown, on white paper. The file's ending says what is written: .pdf, .svg, .png, .tex (pgfplots) or .csv (the numbers). An existing file is replaced.";
                ui.label(RichText::new(text).color(palette.weak));
                ui.add_space(theme::GAP);
                let enter = self.path_ui(ctx, ui);
                ui.add_space(theme::GAP);
                ui.horizontal(|ui| {
                    self.format_ui(ui);
                    self.size_ui(ui);
                });
                ui.add_space(theme::GAP);
                self.answer_ui(ctx, ui, enter)
            },
        );
        modal.inner && !modal.should_close()
    }

    /// Whether Enter was pressed in the path.
    fn path_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) -> bool {
        ui.horizontal(|ui| {
            let field = TextEdit::singleline(&mut self.typed)
                .hint_text("/path/to/plot.pdf")
                .desired_width(ui.available_width() - 90.0);
            let field = ui.add(field);
            field.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, "File of the plot"));
            let enter = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            if std::mem::take(&mut self.is_new) {
                field.request_focus();
            }
            let choose = ui.button("Choose…");
            if choose
                .on_hover_text("Choose folder and name in the system's dialog")
                .clicked()
            {
                ctx.send(Command::Pick(Pick::PlotFile));
            }
            enter
        })
        .inner
    }

    fn format_ui(&mut self, ui: &mut Ui) {
        let format = Format::of(Path::new(self.typed.trim())).ok();
        let combo = ComboBox::from_id_salt("plot format")
            .width(140.0)
            .selected_text(format.map_or("unknown", Format::label))
            .show_ui(ui, |ui| {
                for other in Format::ALL {
                    let label = ui.selectable_label(format == Some(other), other.label());
                    if label.clicked() {
                        let path = with_ending(Path::new(self.typed.trim()), other);
                        self.typed = path.display().to_string();
                    }
                }
            })
            .response;
        combo.widget_info(|| WidgetInfo::labeled(Role::ComboBox, true, "Format"));
        combo.on_hover_text("What is written; it changes the file's ending");
    }

    fn size_ui(&mut self, ui: &mut Ui) {
        let combo = ComboBox::from_id_salt("plot size")
            .width(170.0)
            .selected_text(self.print.size.label())
            .show_ui(ui, |ui| {
                for size in PrintSize::ALL {
                    ui.selectable_value(&mut self.print.size, size, size.label());
                }
            })
            .response;
        combo.widget_info(|| WidgetInfo::labeled(Role::ComboBox, true, "Size"));
        combo.on_hover_text("How wide it is on paper; plots keep their proportions");
        let usual = self.print.size.usual_font_pt();
        let mut font_pt = self.print.font_pt.unwrap_or(usual);
        let field = DragValue::new(&mut font_pt)
            .range(Print::FONTS_PT)
            .speed(0.1)
            .max_decimals(1)
            .suffix(" pt");
        let field = ui.add(field);
        field.widget_info(|| WidgetInfo::labeled(Role::SpinButton, true, "Letters"));
        if field.changed() {
            self.print.font_pt = (font_pt != usual).then_some(font_pt);
        }
        field.on_hover_text("Size of the letters along the axes");
    }

    /// Whether it stays open.
    fn answer_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui, enter: bool) -> bool {
        let path = expanded(self.typed.trim());
        let format = Format::of(&path);
        ui.horizontal(|ui| {
            let why = format.as_ref().err().map(ToString::to_string);
            let save = ui.add_enabled(why.is_none(), Button::new("Save"));
            let save = save.on_disabled_hover_text(why.clone().unwrap_or_default());
            let is_cancelled = ui.button("Cancel").clicked();
            if (save.clicked() || enter)
                && why.is_none()
                && let Some(drawing) = self.drawing.take()
            {
                let print = self.print;
                ctx.send(Command::Plots(plots::Command::Write {
                    drawing,
                    path: path.clone(),
                    print,
                }));
                return false;
            }
            !is_cancelled
        })
        .inner
    }
}

/// The path with another ending; only an ending that is one of a plot's is taken away, not a part of a name with a dot in it.
fn with_ending(path: &Path, format: Format) -> PathBuf {
    match Format::of(path) {
        Ok(_) => path.with_extension(format.ending()),
        Err(_) => PathBuf::from(format!("{}.{}", path.display(), format.ending())),
    }
}
