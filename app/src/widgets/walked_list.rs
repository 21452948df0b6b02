//! A list that is walked through with the keyboard once it was clicked on.

use crate::theme;
use egui::{Event, EventFilter, Id, Key, Response, Sense, Ui};

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

/// A step through a list.
#[expect(missing_docs, reason = "called as the keys are")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Walk {
    Down,
    Up,
    /// So many rows down.
    PageDown(usize),
    /// So many rows up.
    PageUp(usize),
    Home,
    End,
}

impl Walk {
    /// What a key means in a list of which so many rows are in sight.
    pub fn by(key: Key, n_visible: usize) -> Option<Self> {
        Some(match key {
            Key::ArrowDown => Self::Down,
            Key::ArrowUp => Self::Up,
            Key::PageDown => Self::PageDown(n_visible),
            Key::PageUp => Self::PageUp(n_visible),
            Key::Home => Self::Home,
            Key::End => Self::End,
            _ => return None,
        })
    }

    /// Where it leads from `place` in a list of so many rows; `None` if there are none.
    pub fn from(self, place: Option<usize>, n_rows: usize) -> Option<usize> {
        let last = n_rows.checked_sub(1)?;
        let at = place.unwrap_or(0);
        let to = match self {
            Self::Down => at + usize::from(place.is_some()),
            Self::Up => at.saturating_sub(1),
            Self::PageDown(n) => at + n,
            Self::PageUp(n) => at.saturating_sub(n),
            Self::Home => 0,
            Self::End => last,
        };
        Some(to.min(last))
    }
}

/// How many rows a page has in what is left of the panel.
pub fn rows_in_page(ui: &Ui) -> usize {
    ((ui.available_height() / theme::ROW_HEIGHT) as usize).saturating_sub(2)
}

/// Where the keys of this frame lead from `place` in a list of so many rows, if they lead anywhere; one after the other, for there may be
/// several in a slow frame.
pub fn walked(ui: &Ui, place: Option<usize>, n_rows: usize) -> Option<usize> {
    let page = rows_in_page(ui);
    ui.input(|input| {
        let keys = input.events.iter().filter_map(|event| match event {
            Event::Key {
                key, pressed: true, ..
            } => Walk::by(*key, page),
            _ => None,
        });
        keys.fold(None, |to, walk| walk.from(to.or(place), n_rows))
    })
}
