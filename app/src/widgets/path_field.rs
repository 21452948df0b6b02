//! A field for a path: typed, pasted, or chosen in a dialog of the system.

use egui::{Response, TextEdit, Ui};
use std::path::PathBuf;

/// A field for a path with a button that asks for a dialog. Returns the field's response, and whether the button was pressed.
pub fn path_field(ui: &mut Ui, label: &str, hint: &str, path: &mut String) -> (Response, bool) {
    ui.horizontal(|ui| {
        let button_width = 74.0;
        let width = (ui.available_width() - button_width).max(80.0);
        let field = ui
            .add(
                TextEdit::singleline(path)
                    .desired_width(width)
                    .hint_text(hint),
            )
            .on_hover_text(hint);
        field.widget_info(|| egui::WidgetInfo::labeled(egui::Role::TextInput, true, label));
        let browse = ui
            .button("Browse…")
            .on_hover_text("Choose in a dialog of the system")
            .clicked();
        (field, browse)
    })
    .inner
}

/// A typed path with `~` for the home folder.
pub fn expanded(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => PathBuf::from(path),
    }
}
