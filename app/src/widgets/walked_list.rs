//! A list that is walked through with the keyboard once it was clicked on.

use crate::theme;
use egui::{EventFilter, Id, Key, Response, Sense, Ui};

/// What holds the keyboard, under `id`, while the user walks through the list called `name` that is drawn next.
pub fn walked_list(ui: &Ui, id: Id, name: &'static str) -> Response {
    let response = ui.interact(
        ui.available_rect_before_wrap(),
        id,
        Sense::focusable_noninteractive(),
    );
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Table, true, name));
    if response.has_focus() {
        let arrows = EventFilter {
            vertical_arrows: true,
            ..EventFilter::default()
        };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, arrows));
    }
    response
}

/// Where the keys of this frame lead from `place` in a list of so many rows, if they lead anywhere.
pub fn walked(ui: &Ui, place: Option<usize>, n_rows: usize) -> Option<usize> {
    let last = n_rows.checked_sub(1)?;
    let at = place.unwrap_or(0);
    let page = ((ui.available_height() / theme::ROW_HEIGHT) as usize).saturating_sub(2);
    ui.input(|input| {
        [
            (Key::ArrowDown, at + usize::from(place.is_some())),
            (Key::ArrowUp, at.saturating_sub(1)),
            (Key::PageDown, at + page),
            (Key::PageUp, at.saturating_sub(page)),
            (Key::Home, 0),
            (Key::End, last),
        ]
        .into_iter()
        .find(|(key, _)| input.key_pressed(*key))
        .map(|(_, to)| to.min(last))
    })
}
