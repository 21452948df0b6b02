//! The commands without payload: one list, from which menu, palette, shortcuts and help are made.

mod facts;

use crate::panels::Panel;
use attune_core::predict::Shipped;
use egui::{Key, KeyboardShortcut};

/// A command that can be given from a menu, the palette or the keyboard.
#[expect(missing_docs, reason = "label and tooltip of each are in `facts`")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UiCommand {
    OpenSong,
    OpenDataset,
    OpenModel,
    OpenRun,
    OpenPath,
    ExportModel,
    Quit,
    Palette,
    Help,
    ToggleTheme,
    ZoomIn,
    ZoomOut,
    ZoomReset,
    ResetLayout,
    Show(Panel),
    StartTraining,
    AddToQueue,
    StartQueue,
    PauseTraining,
    StopTraining,
    Snapshot,
    Validate,
    RefreshRuns,
    UseRunModel,
    UseShippedModel(Shipped),
    FollowModel,
    FollowCurves,
    FitCurves,
    TogglePlay,
    ToStart,
    Back,
    Forward,
    ToggleLoop,
    Slower,
    Faster,
    NormalSpeed,
    ToggleListening,
    ToggleAugmented,
    HearVariant(u8),
    VolumeUp,
    VolumeDown,
    ExplainSong,
    RollAugmentation,
    CancelJobs,
}

/// Where a command stands in the menu.
#[expect(missing_docs, reason = "`label` below names each")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Menu {
    File,
    View,
    Training,
    Song,
    Help,
}

impl Menu {
    /// The menus, from left to right.
    pub const ALL: [Self; 5] = [
        Self::File,
        Self::View,
        Self::Training,
        Self::Song,
        Self::Help,
    ];

    /// What the menu is called.
    pub fn label(self) -> &'static str {
        match self {
            Self::File => "File",
            Self::View => "View",
            Self::Training => "Training",
            Self::Song => "Song",
            Self::Help => "Help",
        }
    }
}

/// The digits as they stand on a keyboard, from 1 to 0.
pub const DIGITS: [Key; 10] = [
    Key::Num1,
    Key::Num2,
    Key::Num3,
    Key::Num4,
    Key::Num5,
    Key::Num6,
    Key::Num7,
    Key::Num8,
    Key::Num9,
    Key::Num0,
];

impl UiCommand {
    /// All commands, in the order of the menus.
    pub fn all() -> impl Iterator<Item = Self> {
        use UiCommand as C;
        [
            C::OpenSong,
            C::OpenDataset,
            C::OpenModel,
            C::OpenRun,
            C::OpenPath,
            C::ExportModel,
            C::Quit,
        ]
        .into_iter()
        .chain(Panel::ALL.into_iter().map(C::Show))
        .chain([
            C::FollowCurves,
            C::FitCurves,
            C::ToggleTheme,
            C::ZoomIn,
            C::ZoomOut,
            C::ZoomReset,
            C::ResetLayout,
            C::StartTraining,
            C::AddToQueue,
            C::StartQueue,
            C::PauseTraining,
            C::StopTraining,
            C::Snapshot,
            C::Validate,
            C::RefreshRuns,
            C::UseRunModel,
            C::UseShippedModel(Shipped::Tunes),
            C::UseShippedModel(Shipped::Demo),
            C::FollowModel,
            C::TogglePlay,
            C::ToStart,
            C::Back,
            C::Forward,
            C::ToggleLoop,
            C::Slower,
            C::Faster,
            C::NormalSpeed,
            C::ToggleListening,
            C::ToggleAugmented,
            C::HearVariant(0),
            C::HearVariant(1),
            C::HearVariant(2),
            C::HearVariant(3),
            C::RollAugmentation,
            C::VolumeUp,
            C::VolumeDown,
            C::ExplainSong,
            C::CancelJobs,
            C::Palette,
            C::Help,
        ])
    }

    /// What it is called in menus and the palette.
    pub fn label(self) -> &'static str {
        self.facts().0
    }

    /// What it does, in a sentence.
    pub fn tooltip(self) -> &'static str {
        self.facts().1
    }

    /// Which menu it stands in.
    pub fn menu(self) -> Menu {
        self.facts().2
    }

    /// The keys that give it. Those without a modifier count only while no text field has the focus.
    pub fn shortcut(self) -> Option<KeyboardShortcut> {
        self.facts().3
    }

    /// The shortcut in words ("Ctrl+K"), empty if there is none.
    pub fn shortcut_text(self, ctx: &egui::Context) -> String {
        self.shortcut()
            .map(|shortcut| ctx.format_shortcut(&shortcut))
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_commands_share_a_shortcut_or_a_label() {
        let commands: Vec<_> = UiCommand::all().collect();
        for (i, one) in commands.iter().enumerate() {
            for other in &commands[..i] {
                assert_ne!(one, other);
                assert_ne!(one.label(), other.label());
                assert!(
                    one.shortcut().is_none() || one.shortcut() != other.shortcut(),
                    "{one:?} and {other:?}"
                );
            }
            assert!(one.tooltip().ends_with('.'), "{one:?}");
        }
    }
}
