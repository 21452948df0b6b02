//! The choice of data sets whose tracks are taken without their labels, for the Training and the Experiments panel.

use super::library;
use crate::theme;
use crate::widgets::expanded;
use crate::workbench::Ctx;
use attune_core::train::DataChoice;
use egui::{RichText, TextEdit, Ui, WidgetInfo};

/// Data sets to take unlabelled tracks from: those of the library, or a folder that is typed.
pub(super) fn unlabelled_ui(
    ctx: &Ctx<'_>,
    ui: &mut Ui,
    chosen_sets: &mut Vec<DataChoice>,
    typed_folder: &mut String,
) {
    let palette = theme::palette(ui.visuals());
    let mut chosen = None;
    ui.horizontal_wrapped(|ui| {
        ui.label("More unlabelled tracks").on_hover_text(
            "Data sets whose tracks are used without labels (their train and unlabelled splits), beside the unlabelled split of the data set itself and the tracks whose labels are withheld",
        );
        library::choose_ui(ctx, ui, |folder| chosen = Some(DataChoice::Folder(folder)));
    });
    ui.horizontal(|ui| {
        let field = TextEdit::singleline(typed_folder)
            .hint_text("folder with a tracks.csv")
            .desired_width((ui.available_width() - 60.0).max(80.0));
        let field = ui.add(field);
        field.widget_info(|| {
            WidgetInfo::labeled(egui::Role::TextInput, true, "Folder of unlabelled tracks")
        });
        let is_given = !typed_folder.trim().is_empty();
        let add = ui.add_enabled(is_given, egui::Button::new("Add"));
        let entered = field.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
        if is_given
            && (entered
                || add
                    .on_hover_text("Take unlabelled tracks from this folder")
                    .clicked())
        {
            chosen = Some(DataChoice::Folder(expanded(typed_folder.trim())));
            typed_folder.clear();
        }
    });
    if let Some(choice) = chosen
        && !chosen_sets.contains(&choice)
    {
        chosen_sets.push(choice);
    }
    let mut removed = None;
    for (at, choice) in chosen_sets.iter().enumerate() {
        let name = match choice {
            DataChoice::Demo => "demo".to_owned(),
            DataChoice::Folder(folder) => folder.display().to_string(),
        };
        ui.horizontal(|ui| {
            let remove = ui
                .small_button("×")
                .on_hover_text("Leave this data set out");
            remove.widget_info(|| {
                WidgetInfo::labeled(egui::Role::Button, true, format!("Leave out {name}"))
            });
            if remove.clicked() {
                removed = Some(at);
            }
            let text = RichText::new(&name).small().color(palette.text);
            ui.add(egui::Label::new(text).truncate());
        });
    }
    if let Some(at) = removed {
        chosen_sets.remove(at);
    }
}
