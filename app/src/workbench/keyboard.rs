//! Whom the keyboard belongs to: which shortcuts count while something is typed, walked through or labelled.

use super::ui_command::UiCommand;
use egui::{Key, KeyboardShortcut};

impl UiCommand {
    /// Takes the pressed shortcuts out of the input of this frame.
    pub fn pressed(ctx: &egui::Context) -> Vec<Self> {
        let typing = ctx.text_edit_focused();
        let focused = ctx.memory(|memory| memory.focused());
        let lists = [list_focus_id(), playlist_focus_id()];
        let walking = focused.is_some_and(|focused| lists.contains(&focused));
        let labelling = focused == Some(labels_focus_id());
        let mut commands: Vec<_> = Self::all()
            .filter_map(|command| Some((command, command.shortcut()?)))
            .filter(|(_, shortcut)| {
                !typing || shortcut.modifiers.any() || is_function_key(shortcut.logical_key)
            })
            .filter(|(_, shortcut)| {
                !walking || shortcut.modifiers.any() || !walks_lists(shortcut.logical_key)
            })
            .collect();
        if labelling {
            commands.retain(|(_, shortcut)| !labels(*shortcut));
        }
        // egui ignores extra Shift and Alt, so that the most specific must be tried first.
        commands.sort_by_key(|(_, shortcut)| !shortcut.modifiers.shift);
        ctx.input_mut(|input| {
            commands
                .into_iter()
                .filter(|(_, shortcut)| input.consume_shortcut(shortcut))
                .map(|(command, _)| command)
                .collect()
        })
    }
}

/// The id under which a list that is walked through with the arrow keys has the focus. Meanwhile these keys are no shortcuts.
pub fn list_focus_id() -> egui::Id {
    egui::Id::unique("walked list")
}

/// The same of the list of tracks behind a point of a curve: it may stand beside that of all tracks.
pub fn playlist_focus_id() -> egui::Id {
    egui::Id::unique("walked playlist")
}

/// The id under which the Labels panel has the keyboard. Meanwhile letters and digits are decisions, and no shortcuts.
pub fn labels_focus_id() -> egui::Id {
    egui::Id::unique("labelled list")
}

fn labels(shortcut: KeyboardShortcut) -> bool {
    let is_sign = shortcut.logical_key.name().len() == 1;
    !shortcut.modifiers.any() && (is_sign || walks_lists(shortcut.logical_key))
}

fn walks_lists(key: Key) -> bool {
    matches!(
        key,
        Key::ArrowUp | Key::ArrowDown | Key::PageUp | Key::PageDown | Key::Home | Key::End
    )
}

fn is_function_key(key: Key) -> bool {
    key.name().starts_with('F') && key.name().len() > 1
}
