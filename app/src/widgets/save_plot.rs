//! How a plot is saved, the same everywhere: an item in its menu and, where there is room, a small button. The panel sends the command.

use egui::{Button, Response, Role, Ui, WidgetInfo};

const LABEL: &str = "Save plot…";
const HINT: &str =
    "Write what is shown, as it is shown: PDF, SVG, PNG, pgfplots or CSV, at a size for print";

/// The item in a plot's menu. Whether it was chosen.
pub fn save_plot_item(ui: &mut Ui) -> bool {
    let is_chosen = ui.button(LABEL).on_hover_text(HINT).clicked();
    if is_chosen {
        ui.close();
    }
    is_chosen
}

/// A menu of the plot with that item alone. Whether it was chosen.
pub fn save_plot_menu(plot: &Response) -> bool {
    let mut is_chosen = false;
    plot.context_menu(|ui| is_chosen = save_plot_item(ui));
    is_chosen
}

/// A small button that saves a plot of this name. Whether it was clicked.
pub fn save_plot_button(ui: &mut Ui, name: &str) -> bool {
    let button = ui.add(Button::new(LABEL).small());
    button.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Save plot: {name}")));
    button.on_hover_text(HINT).clicked()
}
